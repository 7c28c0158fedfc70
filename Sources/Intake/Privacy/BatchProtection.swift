import Telemetry

/// One batch on its way through the rules: which of its texts became others.
struct BatchProtection {
  private let batch: Batch
  private let texts: TextRules
  /// What goes behind the bytes of the old arena.
  private var added: [UInt8] = []
  private var isChanged = false

  init(_ batch: Batch, _ texts: TextRules) {
    self.batch = batch
    self.texts = texts
  }

  /// The batch itself when nothing was found.
  mutating func run() -> Batch {
    let names = changed(batch.names) { (work, name) in
      work.plain(&name.category, .category)
      work.plain(&name.event, .event)
    }
    let resources = changed(batch.resources) { (work, resource) in
      work.attributes(&resource.attributes, "resource")
      work.plain(&resource.schemaURL, .schemaURL)
      work.ownKeys(&resource.entityRefs, "resource.entity_refs")
    }
    let streams = changed(batch.streams) { (work, stream) in
      work.plain(&stream.name, .scopeName)
      work.plain(&stream.version, .scopeVersion)
      work.attributes(&stream.attributes, "scope")
      work.plain(&stream.schemaURL, .schemaURL)
    }
    let contexts = changed(batch.contexts) { (work, context) in
      work.plain(&context.source, .source)
      work.plain(&context.session, .session)
      work.plain(&context.component, .component)
      work.plain(&context.gameID, .gameID)
      work.plain(&context.gameModule, .gameModule)
      work.plain(&context.modFingerprint, .modFingerprint)
    }
    let metrics = changed(batch.metrics) { (work, metric) in
      work.plain(&metric.name, .metricName)
      work.plain(&metric.unit, .metricUnit)
      work.plain(&metric.description, .metricDescription)
      work.attributes(&metric.metadata, "metric.metadata")
    }
    let series = changed(batch.series) { (work, series) in work.attributes(&series.attributes, "series") }
    let rows = rows()
    let rejections = rejections()
    let counts = rejectionCounts()
    let warnings = changed(batch.warnings) { (work, warning) in work.string(&warning, "warning") }
    guard isChanged else { return batch }
    return Batch(
      signal: batch.signal, rows: rows, names: names, resources: resources, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: counts, warnings: warnings,
      recordCount: batch.recordCount, arena: arena(), filtered: batch.filtered)
  }

  private func arena() -> UnsafeRawBufferPointer {
    let old = batch.arena
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(old.count + added.count, 1), alignment: 16)
    memory.copyMemory(from: old)
    UnsafeMutableRawBufferPointer(rebasing: memory[old.count...]).copyBytes(from: added)
    return UnsafeRawBufferPointer(rebasing: memory[..<(old.count + added.count)])
  }

  /// The array itself as long as no element changes.
  private mutating func changed<Element>(
    _ elements: [Element], _ protect: (inout Self, inout Element) -> Void
  ) -> [Element] {
    var result = elements
    let before = isChanged
    var any = false
    for index in elements.indices {
      isChanged = false
      var element = elements[index]
      protect(&self, &element)
      if isChanged {
        any = true
        result[index] = element
      }
    }
    isChanged = before || any
    return result
  }

  // MARK: rows

  private mutating func rows() -> [Row] {
    var result = batch.rows
    batch.rows.withUnsafeBufferPointer { rows in
      for index in rows.indices {
        let row = rows.baseAddress.unsafelyUnwrapped + index
        let present = row.pointee.present.rawValue
        if present & Row.Present.data.rawValue != 0, row.pointee.kind != .distribution,
          let slice = attributes(row.pointee.data, "data")
        {
          result[index].data = slice
        }
        // Most rows have none of these.
        if present & Self.rareFields != 0 {
          var rare = row.pointee
          if rareFields(&rare) {
            result[index].ext = rare.ext
            result[index].correlation = rare.correlation
            result[index].uid = rare.uid
          }
        }
      }
    }
    return result
  }

  private static let rareFields =
    Row.Present.ext.rawValue | Row.Present.correlation.rawValue | Row.Present.uid.rawValue

  /// True when one of them has changed.
  private mutating func rareFields(_ row: inout Row) -> Bool {
    let before = (row.ext, row.correlation, row.uid)
    if row.present.contains(.ext) { ownKeys(&row.ext, "ext") }
    if row.present.contains(.correlation) { plain(&row.correlation, .correlation) }
    if row.present.contains(.uid) { plain(&row.uid, .uid) }
    return before != (row.ext, row.correlation, row.uid)
  }

  // MARK: texts

  /// A text that is no JSON.
  private mutating func plain(_ slice: inout Slice, _ column: TextColumn) {
    guard slice.count > 0 else { return }
    let bytes = bytes(slice)
    let rule = texts.rules.columns[column.rawValue]
    if rule.isDisjoint(with: [.drop, .player, .device]) {
      guard TextClass.isSuspect(bytes) else { return }
      texts.begin(column.name)
      if let found = texts.scrubbed(bytes, rule) { slice = append(found) }
      return
    }
    texts.begin(column.name)
    if rule.contains(.drop) {
      texts.count(.drop)
      slice = append(Array("[dropped]".utf8))
    } else if case .text(let text) = texts.pseudonym(Array(bytes), rule) {
      slice = append(text)
    }
  }

  private mutating func attributes(_ slice: inout Slice, _ level: String) {
    if let changed = attributes(slice, level) { slice = changed }
  }

  @inline(__always) private mutating func attributes(_ slice: Slice, _ level: @autoclosure () -> String) -> Slice? {
    // `{}` is two bytes.
    guard slice.count > 2, var walk = JSONWalk(bytes(slice), texts, hasEscapes: true) else { return nil }
    if texts.observes { texts.begin(level()) }
    return walk.attributes().map { append($0) }
  }

  private mutating func ownKeys(_ slice: inout Slice, _ level: String) {
    guard slice.count > 2, var walk = JSONWalk(bytes(slice), texts, hasEscapes: true) else { return }
    texts.begin(level)
    if let found = walk.ownKeys() { slice = append(found) }
  }

  private func bytes(_ slice: Slice) -> UnsafeBufferPointer<UInt8> {
    batch.bytes(slice).assumingMemoryBound(to: UInt8.self)
  }

  private mutating func append(_ bytes: [UInt8]) -> Slice {
    isChanged = true
    let start = batch.arena.count + added.count
    added.append(contentsOf: bytes)
    return Slice(start: start, count: bytes.count)
  }

  // MARK: what was refused

  /// Their texts are Swift strings, for they go to a log.
  private mutating func rejections() -> [Rejection] {
    changed(batch.rejections) { (work, rejection) in
      work.string(&rejection.source, "rejection.source")
      work.string(&rejection.path, "rejection.path")
      work.record(&rejection.record)
    }
  }

  private mutating func rejectionCounts() -> [Rejection.Tally: Int] {
    var result: [Rejection.Tally: Int] = [:]
    for (tally, count) in batch.rejectionCounts {
      var tally = tally
      string(&tally.source, "rejection.source")
      result[tally, default: 0] += count
    }
    return result
  }

  private mutating func string(_ text: inout String, _ level: String) {
    texts.begin(level)
    if let found = texts.scrubbed(Array(text.utf8), []) {
      text = String(decoding: found, as: UTF8.self)
      isChanged = true
    }
  }

  /// `{"name":…,"attributes":{…}}`
  private mutating func record(_ text: inout String) {
    guard text.utf8.count > 2 else { return }
    texts.begin("rejection")
    let found = Array(text.utf8).withUnsafeBufferPointer { bytes in
      var walk = JSONWalk(bytes, texts, hasEscapes: true)
      return walk?.ownKeys()
    }
    if let found {
      text = String(decoding: found, as: UTF8.self)
      isChanged = true
    }
  }
}
