import Telemetry

/// Writes the entries. A structure, for each access to a variable of a class costs a look into the list of accesses.
struct LokiWriter: ~Copyable {
  var out = Arena(capacity: 1 << 16)
  private let filter: AttributeFilter
  private var metadata = LokiMetadata()
  private var line = Arena(capacity: 1_024)
  /// Value of a column, while it is asked for.
  private var column = Arena(capacity: 256)

  init(_ filter: AttributeFilter) { self.filter = filter }

  /// Takes the line and the record's own metadata in; true when the line had to be cut.
  mutating func read(_ record: OTLPRecord) throws(JSONFault) -> Bool {
    metadata.removeAll()
    let ext = try StoredExt(record.ext)
    try addFixed(record, ext)
    var attributes = StoredAttributes(of: record)
    while let member = try attributes.next(record, filter, &column) { try metadata.add(.record, member) }
    line.truncate(to: 0)
    if attributes.body.isEmpty || attributes.body.spells("null") {
      let isNamed = record.bits & Bits.logHasEventName != 0 || !record.event.spells("log")
      if isNamed { line.append(record.event) }
    } else {
      try line.appendText(attributes.body)
    }
    guard line.count > LokiLimit.line else { return false }
    line.truncate(to: line.bytes(0, line.count).cut(to: LokiLimit.line).count)
    return true
  }

  /// What is no attribute, under the names that Loki itself gives it (CONFORMANCE LOKI-06).
  private mutating func addFixed(_ record: OTLPRecord, _ ext: StoredExt) throws(JSONFault) {
    let hasTime = record.bits & Bits.logTimeWasZero == 0
    if hasTime && record.bits & Bits.logObservedWasZero == 0 {
      let observed = (ext.time ?? UInt64(bitPattern: record.time)) &+ UInt64(bitPattern: record.auxiliary ?? 0)
      try metadata.add("observed_timestamp") { $0.appendInteger(observed) }
    }
    let number = record.bits & 31
    if number == Bits.logSeverityInExt {
      try metadata.add("severity_number") { (out) throws(JSONFault) in try out.appendText(ext.severityNumber) }
    } else if number != 0 {
      try metadata.add("severity_number") { $0.appendInteger(number) }
    }
    if !ext.severityText.isEmpty {
      try metadata.add("severity_text") { (out) throws(JSONFault) in try out.appendText(ext.severityText) }
    }
    if !ext.droppedAttributes.isEmpty {
      try metadata.add("dropped_attributes_count") { $0.append(ext.droppedAttributes) }
    }
    let flags = UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift)
    if flags != 0 { try metadata.add("flags") { $0.appendInteger(UInt64(flags)) } }
    if !record.trace.isEmpty { try metadata.add("trace_id") { $0.appendHex(record.trace) } }
    if !record.span.isEmpty { try metadata.add("span_id") { $0.appendHex(record.span) } }
    if record.bits & Bits.logHasEventName != 0 { try metadata.add("event_name") { $0.append(record.event) } }
  }

  /// The entry of the record that was read last, behind what is there: timestamp, line, metadata.
  mutating func encode(_ record: OTLPRecord, _ block: LokiBlock, isCut: Bool) {
    let seconds = record.time >= 0 ? record.time / 1_000_000_000 : (record.time + 1) / 1_000_000_000 - 1
    let nanos = record.time - seconds * 1_000_000_000
    let length =
      (seconds == 0 ? 0 : 1 + LokiLength.varint(Int(seconds)))
      + (nanos == 0 ? 0 : 1 + LokiLength.varint(Int(nanos)))
    out.append(0x0a)
    out.appendVarint(UInt64(length))
    if seconds != 0 {
      out.append(0x08)
      out.appendVarint(UInt64(bitPattern: seconds))
    }
    if nanos != 0 {
      out.append(0x10)
      out.appendVarint(UInt64(nanos))
    }
    if line.count > 0 {
      out.append(0x12)
      out.appendVarint(UInt64(line.count))
      out.append(line.bytes(0, line.count))
    }
    let fits =
      !isCut && metadata.entries.count + block.entryCount <= LokiLimit.metadata
      && metadata.byteCount + block.byteCount <= LokiLimit.metadataBytes
    if fits && !metadata.entries.contains(where: { block.hasName($0.hash) }) {
      metadata.encode(&out)
      out.append(block.encoded[...])
    } else {
      rename(block, isCut: isCut)
      metadata.encode(&out)
    }
  }

  /// Gives all names anew: those of Loki, of the record, the scope, the resource.
  private mutating func rename(_ block: LokiBlock, isCut: Bool) {
    var all = LokiMetadata()
    for index in metadata.entries.indices where metadata.entries[index].kind == .fixed { all.add(metadata, index) }
    block.addFixed(to: &all)
    for index in metadata.entries.indices where metadata.entries[index].kind != .fixed { all.add(metadata, index) }
    block.addRest(to: &all)
    all.limit(isCut: isCut)
    swap(&metadata, &all)
  }
}
