/// Whose record it is, as the store said that it comes from: what no attribute needs to repeat, because a credential, an
/// address or an earlier record told it.
package struct Origin: Sendable, Hashable {
  package var source: String
  package var session: String
  package var component: String
  package var gameModule: String?
  package var modFingerprint: String?

  package init(
    source: String, session: String, component: String, gameModule: String? = nil, modFingerprint: String? = nil
  ) {
    self.source = source
    self.session = session
    self.component = component
    self.gameModule = gameModule
    self.modFingerprint = modFingerprint
  }
}

extension Batch {
  /// The same records with these origins instead of those that a decoder found. `indices`: for each record of the batch
  /// its place in `origins`; negative: it stays as it is. Span events go with their span, but for what attributes of
  /// their own say. The batch itself when nothing differs.
  package func with(_ origins: [Origin], at indices: [Int32]) -> Batch {
    var change = OriginChange(self, origins)
    var rows: [Row] = []
    var record = -1
    var recordContext: Int32 = 0
    var context: Int32 = 0
    for (place, row) in self.rows.enumerated() {
      if row.kind.isRecord {
        record += 1
        recordContext = row.context
      }
      let origin = record >= 0 && record < indices.count ? indices[record] : -1
      context =
        origin >= 0 && Int(origin) < origins.count
        ? change.context(row.context, of: recordContext, origin) : row.context
      if rows.isEmpty && context == row.context { continue }
      if rows.isEmpty { rows = self.rows }
      rows[place].context = context
    }
    if rows.isEmpty { return self }
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, arena.count + change.text.count), alignment: 16)
    bytes.copyMemory(from: arena)
    change.text.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[arena.count...]).copyMemory(from: $0) }
    return Batch(
      signal: signal, rows: rows, names: names, resources: resources, streams: streams, contexts: change.contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: rejectionCounts, warnings: warnings,
      recordCount: recordCount, arena: UnsafeRawBufferPointer(rebasing: bytes[..<(arena.count + change.text.count)]),
      filtered: filtered)
  }
}

/// Contexts of a batch and those that origins add to them.
private struct OriginChange {
  let batch: Batch
  let origins: [Origin]
  var contexts: [Batch.Context]
  /// What is to be written behind the arena.
  var text: [UInt8] = []
  private var known: [Change: Int32] = [:]
  private var last: (key: Change, context: Int32)?

  private struct Change: Hashable {
    var old: Int32
    var whole: Int32
    var origin: Int32
  }

  init(_ batch: Batch, _ origins: [Origin]) {
    self.batch = batch
    self.origins = origins
    contexts = batch.contexts
  }

  /// Index of the context that `old` becomes, in a record with the context `whole`.
  mutating func context(_ old: Int32, of whole: Int32, _ origin: Int32) -> Int32 {
    let key = Change(old: old, whole: whole, origin: origin)
    if let last, last.key == key { return last.context }
    let found = known[key] ?? make(old, of: batch.contexts[Int(whole)], origins[Int(origin)])
    known[key] = found
    last = (key, found)
    return found
  }

  private mutating func make(_ old: Int32, of whole: Batch.Context, _ origin: Origin) -> Int32 {
    let before = batch.contexts[Int(old)]
    var context = before
    context.source = changed(before.source, whole.source, origin.source)
    context.session = changed(before.session, whole.session, origin.session)
    context.component = changed(before.component, whole.component, origin.component)
    context.gameModule = changed(before.gameModule, whole.gameModule, origin.gameModule ?? "")
    context.modFingerprint = changed(before.modFingerprint, whole.modFingerprint, origin.modFingerprint ?? "")
    let isSame =
      context.source == before.source && context.session == before.session && context.component == before.component
      && context.gameModule == before.gameModule && context.modFingerprint == before.modFingerprint
    if isSame { return old }
    contexts.append(context)
    return Int32(contexts.count - 1)
  }

  /// `own` where it differs from the record's or says the same, else the origin's.
  private mutating func changed(_ own: Slice, _ record: Slice, _ origin: String) -> Slice {
    let isOwn = own != record && !batch.bytes(own).elementsEqual(batch.bytes(record))
    return isOwn || spells(own, origin) ? own : slice(origin)
  }

  private func spells(_ slice: Slice, _ text: String) -> Bool { batch.bytes(slice).elementsEqual(text.utf8) }

  private mutating func slice(_ value: String) -> Slice {
    let start = batch.arena.count + text.count
    text.append(contentsOf: value.utf8)
    return Slice(start: start, count: value.utf8.count)
  }
}

/// Distinct origins, for `Batch.with`.
package struct OriginList: Sendable {
  package private(set) var origins: [Origin] = []
  private var indices: [Origin: Int32] = [:]

  package init() {}

  /// Its place in `origins`.
  package mutating func index(of origin: Origin) -> Int32 {
    if let last = origins.last, last == origin { return Int32(origins.count - 1) }
    if let known = indices[origin] { return known }
    let index = Int32(origins.count)
    origins.append(origin)
    indices[origin] = index
    return index
  }
}
