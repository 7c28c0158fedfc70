package import Telemetry

/// What is said about a file beside it, or on a command line: whose records it holds and what they leave open.
package struct FileSidecar: Sendable, Equatable {
  package var source: String?
  package var component: String?
  package var sessionID: String?
  package var gameModule: String?
  package var modFingerprint: String?
  package var signal: Signal?
  /// Objects as they are stored, without braces: `"key":value,…`; empty: none.
  var resource: [UInt8] = []
  var attributes: [UInt8] = []
  /// Of the attribute `game_id`.
  var gameID: [UInt8] = []

  package init() {}

  /// Throws when it is no JSON object, or a value is not what it should be. Unknown members are passed over.
  package init(json: UnsafeRawBufferPointer) throws(DecodeError) {
    guard var object = StoredObject(json) else { throw DecodeError(.truncated, "JSON: there is nothing", at: 0) }
    do throws(JSONFault) {
      while let key = try object.next() {
        if try object.cursor.passesNull() { continue }
        if key.spells("source") {
          source = try Self.text(&object.cursor)
        } else if key.spells("component") {
          component = try Self.text(&object.cursor)
        } else if key.spells("session_id") {
          sessionID = try Self.text(&object.cursor)
        } else if key.spells("game_module") {
          gameModule = try Self.text(&object.cursor)
        } else if key.spells("mod_fingerprint") {
          modFingerprint = try Self.text(&object.cursor)
        } else if key.spells("signal") {
          let before = object.cursor
          let name = try Self.text(&object.cursor) ?? ""
          signal = Signal.allCases.first { $0.name == name || $0.name.dropLast() == name }
          if signal == nil { throw before.fault(.outOfRange) }
        } else if key.spells("resource") {
          resource = try Self.object(&object.cursor).members
        } else if key.spells("attributes") {
          (attributes, gameID) = try Self.object(&object.cursor)
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      object.cursor.skipSpace()
      guard object.cursor.left == 0 else { throw object.cursor.fault(.trailing) }
    } catch {
      let offset = Int(error.address &- UInt(bitPattern: json.baseAddress))
      throw DecodeError(.malformed, "JSON: \(error.message)", at: offset)
    }
  }

  /// One more attribute, a text.
  package mutating func add(attribute key: String, _ value: String) {
    var builder = BatchBuilder(signal: .logs, options: DecodeOptions(now: 0), expectedBytes: 256)
    let start = builder.arena.count
    var mark = builder.beginObject()
    Array(key.utf8).withUnsafeBytes { builder.key($0, in: &mark) }
    Array(value.utf8).withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
    let slice = builder.endObject(mark).slice
    let member = [UInt8](builder.arena.bytes(start, Int(slice.count)).dropFirst().dropLast())
    if !attributes.isEmpty { attributes.append(UInt8(ascii: ",")) }
    attributes += member
    if key == "game_id" { gameID = Array(value.utf8) }
  }

  /// What this one leaves open, as `other` says it.
  package func over(_ other: FileSidecar) -> FileSidecar {
    var both = self
    both.source = source ?? other.source
    both.component = component ?? other.component
    both.sessionID = sessionID ?? other.sessionID
    both.gameModule = gameModule ?? other.gameModule
    both.modFingerprint = modFingerprint ?? other.modFingerprint
    both.signal = signal ?? other.signal
    both.resource = Self.merged(resource, other.resource)
    both.attributes = Self.merged(attributes, other.attributes)
    both.gameID = gameID.isEmpty ? other.gameID : gameID
    return both
  }

  private static func merged(_ members: [UInt8], _ more: [UInt8]) -> [UInt8] {
    let own = [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")]
    let others = [UInt8(ascii: "{")] + more + [UInt8(ascii: "}")]
    var known: Set<ArraySlice<UInt8>> = []
    var first = JSONMembers(own)
    while let member = first.next() { known.insert(own[member.key]) }
    var all = members
    var second = JSONMembers(others)
    while let member = second.next() {
      if known.contains(others[member.key]) { continue }
      if !all.isEmpty { all.append(UInt8(ascii: ",")) }
      all += others[member.all]
    }
    return all
  }

  private static func text(_ c: inout JSONCursor) throws(JSONFault) -> String? {
    let text = String(decoding: try c.plainText(), as: UTF8.self)
    return text.isEmpty ? nil : text
  }

  private static func object(_ c: inout JSONCursor) throws(JSONFault) -> (members: [UInt8], gameID: [UInt8]) {
    guard try c.peek() == UInt8(ascii: "{") else { throw c.fault(.notObject) }
    var builder = BatchBuilder(signal: .logs, options: DecodeOptions(now: 0), expectedBytes: 1_024)
    let start = builder.arena.count
    var gameID: [UInt8] = []
    var members = StoredObject(c)
    while let key = try members.next() {
      if key.spells("game_id") {
        var value = members.cursor
        gameID = try value.plainText()
      }
      _ = try members.cursor.storedValue()
    }
    try builder.copyValue(&c, depth: 0)
    let text = builder.arena.bytes(start, builder.arena.count - start)
    return ([UInt8](text.dropFirst().dropLast()), gameID)
  }

  /// Whether there is anything that a decoder's defaults cannot say.
  package var addsToRecords: Bool {
    !resource.isEmpty || !attributes.isEmpty || gameModule != nil || modFingerprint != nil
  }
}

extension Batch {
  /// The same records with what the sidecar says where they say nothing themselves: attributes of records and resources,
  /// module, fingerprint and game. The batch itself when there is nothing to add.
  package func with(_ sidecar: FileSidecar) -> Batch {
    guard sidecar.addsToRecords, !rows.isEmpty else { return self }
    var added = AddedText(arena: arena)
    var resources = self.resources
    for index in resources.indices { added.merge(&resources[index].attributes, sidecar.resource) }
    var contexts = self.contexts
    for index in contexts.indices {
      added.fill(&contexts[index].gameModule, Array((sidecar.gameModule ?? "").utf8))
      added.fill(&contexts[index].modFingerprint, Array((sidecar.modFingerprint ?? "").utf8))
      added.fill(&contexts[index].gameID, sidecar.gameID)
    }
    var series = self.series
    var rows = self.rows
    if !sidecar.attributes.isEmpty {
      for index in series.indices { added.merge(&series[index].attributes, sidecar.attributes) }
      for index in rows.indices where rows[index].kind == .span || rows[index].kind == .log {
        rows[index].present.insert(.data)
        added.merge(&rows[index].data, sidecar.attributes)
      }
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, arena.count + added.text.count), alignment: 16)
    bytes.copyMemory(from: arena)
    added.text.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[arena.count...]).copyMemory(from: $0) }
    return Batch(
      signal: signal, rows: rows, names: names, resources: resources, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: rejectionCounts, warnings: warnings,
      recordCount: recordCount, arena: UnsafeRawBufferPointer(rebasing: bytes[..<(arena.count + added.text.count)]),
      filtered: filtered)
  }
}

/// What comes behind the bytes of an arena.
private struct AddedText {
  let arena: UnsafeRawBufferPointer
  var text: [UInt8] = []

  mutating func fill(_ slice: inout Slice, _ value: [UInt8]) {
    guard slice.isEmpty, !value.isEmpty else { return }
    slice = Slice(start: arena.count + text.count, count: value.count)
    text += value
  }

  /// Members of `more` whose keys the object does not have.
  mutating func merge(_ object: inout Slice, _ more: [UInt8]) {
    guard !more.isEmpty else { return }
    let old =
      object.isEmpty
      ? Array("{}".utf8) : [UInt8](arena[Int(object.start)..<Int(object.start) + Int(object.count)])
    var known: Set<ArraySlice<UInt8>> = []
    var members = JSONMembers(old)
    while let member = members.next() { known.insert(old[member.key]) }
    let defaults = [UInt8(ascii: "{")] + more + [UInt8(ascii: "}")]
    var others = JSONMembers(defaults)
    let start = text.count
    var isFirst = old.count <= 2
    text += old.dropLast()
    var count = 0
    while let member = others.next() {
      let key = defaults[member.key]
      // Members of ours inside `data`.
      if known.contains(key) || key.elementsEqual("body".utf8) || key.elementsEqual("attributes".utf8) { continue }
      if !isFirst { text.append(UInt8(ascii: ",")) }
      isFirst = false
      text += defaults[member.all]
      count += 1
    }
    if count == 0 {
      text.removeLast(text.count - start)
      return
    }
    text.append(UInt8(ascii: "}"))
    object = Slice(start: arena.count + start, count: text.count - start)
  }
}
