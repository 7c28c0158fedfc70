import Glibc
import Telemetry

/// One protected batch on its way past the tombstones: an older record of an erased player is left out, and counted as
/// filtered; wherever else the pseudonym stands in what is older, `[erased]` takes its place.
///
/// What several records share (resources, contexts, names …) is as old as the oldest of them.
struct Erasure {
  /// `p_` and twenty digits.
  private static let length = 22
  private static let erased = Array("[erased]".utf8)

  private let batch: Batch
  private let tombstones: Tombstones
  private let rules: KeyRules
  private var added: [UInt8] = []
  /// Records left out, and values replaced.
  private(set) var count = 0

  init(_ batch: Batch, _ tombstones: Tombstones, _ rules: KeyRules) {
    self.batch = batch
    self.tombstones = tombstones
    self.rules = rules
  }

  /// The batch itself when nobody of it was erased.
  mutating func run() -> Batch {
    guard isSuspect else { return batch }
    var rows: [Row] = []
    var filtered: [Int] = []
    var counts: [String: Int] = [:]
    var oldest = Int64.max
    var record = -1
    var isLeftOut = false
    var time = Int64.min
    for var row in batch.rows {
      if row.kind.isRecord {
        record += 1
        time = row.time
        isLeftOut = isErased(row)
        if isLeftOut {
          filtered.append(record)
          counts[batch.text(batch.contexts[Int(row.context)].source), default: 0] += 1
          count += 1
        }
      }
      if isLeftOut { continue }
      oldest = min(oldest, time)
      for field in [\Row.data, \Row.ext, \Row.correlation, \Row.uid] { replace(&row[keyPath: field], olderThan: time) }
      rows.append(row)
    }
    let names = changed(batch.names, [\.category, \.event], oldest)
    let resources = changed(batch.resources, [\.attributes, \.schemaURL, \.entityRefs], oldest)
    let streams = changed(batch.streams, [\.name, \.version, \.attributes, \.schemaURL], oldest)
    let contexts = changed(
      batch.contexts, [\.source, \.session, \.component, \.gameID, \.gameModule, \.modFingerprint], oldest)
    let metrics = changed(batch.metrics, [\.name, \.unit, \.description, \.metadata], oldest)
    let series = changed(batch.series, [\.attributes], oldest)
    let rejections = batch.rejections.map { rejection in
      var rejection = rejection
      rejection.record = replaced(rejection.record)
      return rejection
    }
    guard count > 0 else { return batch }
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, batch.arena.count + added.count), alignment: 16)
    memory.copyMemory(from: batch.arena)
    UnsafeMutableRawBufferPointer(rebasing: memory[batch.arena.count...]).copyBytes(from: added)
    return Batch(
      signal: batch.signal, rows: rows, names: names, resources: resources, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: batch.rejectionCounts,
      warnings: batch.warnings, recordCount: batch.recordCount - filtered.count,
      arena: UnsafeRawBufferPointer(rebasing: memory[..<(batch.arena.count + added.count)]),
      filtered: Batch.Filtered(records: filtered, counts: counts))
  }

  /// Most batches have nobody of these in them, and most of what they have is in the arena.
  private var isSuspect: Bool {
    if Self.occurrences(batch.arena).contains(where: { tombstones.time($0.bytes) != nil }) { return true }
    return batch.rejections.contains { rejection in
      Array(rejection.record.utf8).withUnsafeBytes { bytes in
        Self.occurrences(bytes).contains { tombstones.time($0.bytes) != nil }
      }
    }
  }

  // MARK: records

  /// Whether a player key of the record itself has an erased player.
  private func isErased(_ row: Row) -> Bool {
    var attributes = row.present.contains(.data) ? row.data : .empty
    if row.kind == .number || row.kind == .distribution {
      attributes = batch.series[Int(row.series)].attributes
    }
    guard attributes.count > Self.length, isHeld(attributes, olderThan: row.time) else { return false }
    var members = TopMembers(batch.bytes(attributes))
    while let (key, value) = members.next() {
      guard value.count == Self.length + 2, rules.rule(key).contains(.player) else { continue }
      let inside = UnsafeRawBufferPointer(rebasing: value.dropFirst().dropLast())
      if let at = tombstones.time(inside), row.time < at { return true }
    }
    return false
  }

  private func isHeld(_ slice: Slice, olderThan time: Int64) -> Bool {
    Self.occurrences(batch.bytes(slice)).contains { tombstones.time($0.bytes).map { time < $0 } ?? false }
  }

  // MARK: values

  private mutating func changed<Element>(
    _ elements: [Element], _ fields: [WritableKeyPath<Element, Slice>], _ time: Int64
  ) -> [Element] {
    var elements = elements
    for index in elements.indices {
      for field in fields { replace(&elements[index][keyPath: field], olderThan: time) }
    }
    return elements
  }

  private mutating func replace(_ slice: inout Slice, olderThan time: Int64) {
    guard slice.count >= Self.length, isHeld(slice, olderThan: time) else { return }
    let start = added.count
    added += replaced(batch.bytes(slice), olderThan: time)
    slice = Slice(start: batch.arena.count + start, count: added.count - start)
  }

  /// When a refused record was, nobody knows.
  private mutating func replaced(_ text: String) -> String {
    guard text.utf8.count >= Self.length else { return text }
    return Array(text.utf8).withUnsafeBytes { String(decoding: replaced($0, olderThan: .min), as: UTF8.self) }
  }

  private mutating func replaced(_ bytes: UnsafeRawBufferPointer, olderThan time: Int64) -> [UInt8] {
    var out: [UInt8] = []
    var copied = 0
    for found in Self.occurrences(bytes) {
      guard let at = tombstones.time(found.bytes), time < at else { continue }
      out += bytes[copied..<found.offset]
      out += Self.erased
      copied = found.offset + Self.length
      count += 1
    }
    return out + bytes[copied...]
  }

  /// What looks like a pseudonym, wherever it stands.
  private static func occurrences(_ bytes: UnsafeRawBufferPointer) -> [(offset: Int, bytes: UnsafeRawBufferPointer)] {
    var found: [(Int, UnsafeRawBufferPointer)] = []
    guard let base = bytes.baseAddress, bytes.count >= length else { return [] }
    var at = 1
    while at < bytes.count, let hit = memchr(base + at, 0x5f, bytes.count - at) {
      let underscore = UnsafeRawPointer(hit) - base
      at = underscore + 1
      let letter = bytes[underscore - 1]
      guard letter == UInt8(ascii: "p") || letter == UInt8(ascii: "d"), underscore - 1 + length <= bytes.count,
        bytes[at..<underscore - 1 + length].allSatisfy(TextClass.isHex)
      else { continue }
      found.append(
        (underscore - 1, UnsafeRawBufferPointer(rebasing: bytes[(underscore - 1)..<(underscore - 1 + length)])))
    }
    return found
  }
}

/// The members of a JSON object of ours, without a look into their values.
private struct TopMembers {
  private let text: UnsafeRawBufferPointer
  private var at = 1

  init(_ text: UnsafeRawBufferPointer) { self.text = text }

  /// The key decoded, the value as written.
  mutating func next() -> (key: [UInt8], value: UnsafeRawBufferPointer)? {
    while at < text.count, text[at] != UInt8(ascii: "\"") {
      if text[at] == UInt8(ascii: "}") { return nil }
      at += 1
    }
    guard at < text.count else { return nil }
    let start = at + 1
    skipString()
    let key = JSONText.decoded(
      UnsafeRawBufferPointer(rebasing: text[start..<max(start, at - 1)]).assumingMemoryBound(to: UInt8.self))
    while at < text.count, text[at] == UInt8(ascii: ":") || text[at] <= 0x20 { at += 1 }
    let value = at
    var depth = 0
    while at < text.count {
      switch text[at] {
      case UInt8(ascii: "\""):
        skipString()
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return (key, UnsafeRawBufferPointer(rebasing: text[value..<at])) }
        depth -= 1
      case UInt8(ascii: ","):
        if depth == 0 { return (key, UnsafeRawBufferPointer(rebasing: text[value..<at])) }
      default: break
      }
      at += 1
    }
    return nil
  }

  private mutating func skipString() {
    at += 1
    while at < text.count, text[at] != UInt8(ascii: "\"") { at += text[at] == UInt8(ascii: "\\") ? 2 : 1 }
    at += 1
  }
}
