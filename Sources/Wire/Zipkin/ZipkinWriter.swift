import Telemetry

/// Writes the objects. A structure, for each access to a variable of a class costs a look into the list of accesses.
struct ZipkinWriter: ~Copyable {
  var out = Arena(capacity: 1 << 16)
  private let filter: AttributeFilter
  private var origins = RecordOrigins<ZipkinOrigin>()
  private var scratch = Arena(capacity: 1_024)
  /// Value of a column, while it is asked for.
  private var column = Arena(capacity: 256)

  init(_ filter: AttributeFilter) { self.filter = filter }

  /// The object of a span, left open for its annotations.
  mutating func span(_ record: OTLPRecord) throws(JSONFault) {
    scratch.truncate(to: 0)
    let filter = filter
    let index = try origins.index(of: record) { () throws(JSONFault) in try ZipkinOrigin(record, filter) }
    let origin = origins.values[index]
    let ext = try StoredExt(record.ext)
    out.append("{\"traceId\":\"")
    out.appendHex(record.trace)
    out.append("\",\"id\":\"")
    out.appendHex(record.span)
    if record.parent.contains(where: { $0 != 0 }) {
      out.append("\",\"parentId\":\"")
      out.appendHex(record.parent)
    }
    out.append("\"")
    if record.bits & Bits.spanUnnamed == 0 && !record.event.isEmpty {
      out.append(",\"name\":")
      out.appendJSONString(record.event)
    }
    let kind = ext.spanKind(record.bits)
    switch kind {
    case 2: out.append(",\"kind\":\"SERVER\"")
    case 3: out.append(",\"kind\":\"CLIENT\"")
    case 4: out.append(",\"kind\":\"PRODUCER\"")
    case 5: out.append(",\"kind\":\"CONSUMER\"")
    default: break
    }
    times(ext.time ?? UInt64(bitPattern: record.time), record.duration)
    out.append(origin.localEndpoint[...])
    var remote = ZipkinRemote(isWanted: kind == 3 || kind == 4)
    try tags(record, ext, origin, &remote)
    try remote.write(&out, &scratch)
  }

  /// Whole microseconds (CONFORMANCE ZIP-05): what took less than one took one; what nobody knows is left out.
  private mutating func times(_ start: UInt64, _ duration: Int64?) {
    guard start > 0 else { return }
    out.append(",\"timestamp\":")
    out.appendInteger(start / 1_000)
    guard let duration, duration >= 0 else { return }
    out.append(",\"duration\":")
    out.appendInteger(max(1, duration / 1_000))
  }

  // MARK: tags

  private mutating func tags(
    _ record: OTLPRecord, _ ext: StoredExt, _ origin: ZipkinOrigin, _ remote: inout ZipkinRemote
  ) throws(JSONFault) {
    let start = out.count
    out.append(",\"tags\":{")
    let first = out.count
    let status = ext.spanStatus(record.bits)
    var clashes: [Int] = []
    var attributes = StoredAttributes(of: record)
    while let member = try attributes.next(record, filter, &column) {
      if remote.takes(member) || isOurs(member, ext, status) { continue }
      if let clash = origin.index(of: member.key) { clashes.append(clash) }
      comma(first)
      out.append("\"")
      out.append(member.key)
      out.append("\":")
      try out.appendTextString(member.value, &scratch)
    }
    switch status {
    case 1: tag("\"otel.status_code\":\"OK\"", first)
    case 2:
      tag("\"otel.status_code\":\"ERROR\",\"error\":", first)
      try out.appendTextString(ext.statusMessage, &scratch)
    default: break
    }
    try count("\"otel.dropped_attributes_count\":\"", ext.droppedAttributes, first)
    try count("\"otel.dropped_events_count\":\"", ext.droppedEvents, first)
    try count("\"otel.dropped_links_count\":\"", ext.droppedLinks, first)
    if !ext.traceState.isEmpty {
      tag("\"w3c.tracestate\":", first)
      try out.appendTextString(ext.traceState, &scratch)
    }
    if !ext.links.isEmpty {
      tag("\"otel.links\":", first)
      try links(ext.links)
    }
    origin.write(&out, but: clashes, first)
    if out.count == first { out.truncate(to: start) } else { out.append("}") }
  }

  private mutating func comma(_ first: Int) {
    if out.count > first { out.append(",") }
  }

  private mutating func tag(_ text: StaticString, _ first: Int) {
    comma(first)
    out.append(text)
  }

  private mutating func count(
    _ name: StaticString, _ number: UnsafeRawBufferPointer, _ first: Int
  ) throws(JSONFault) {
    guard var cursor = JSONCursor(number) else { return }
    tag(name, first)
    out.append(try cursor.storedDigits())
    out.append("\"")
  }

  /// Whether an attribute has the name of a tag that is made of something else, or says that there was no error
  /// (CONFORMANCE ZIP-07: the mere presence of `error` means failure to Zipkin).
  private func isOurs(_ member: StoredAttributes.Member, _ ext: StoredExt, _ status: Int64) -> Bool {
    let key = member.key
    switch key.count {
    case 5:
      guard key.spells("error") else { return false }
      return status == 2 || member.value.spells("false") || member.value.spells("\"false\"")
    case 10: return !ext.links.isEmpty && key.spells("otel.links")
    case 14: return !ext.traceState.isEmpty && key.spells("w3c.tracestate")
    case 16: return status != 0 && key.spells("otel.status_code")
    case 24: return !ext.droppedLinks.isEmpty && key.spells("otel.dropped_links_count")
    case 25: return !ext.droppedEvents.isEmpty && key.spells("otel.dropped_events_count")
    case 29: return !ext.droppedAttributes.isEmpty && key.spells("otel.dropped_attributes_count")
    default: return false
    }
  }

  /// As they are stored, without our escapes.
  private mutating func links(_ json: UnsafeRawBufferPointer) throws(JSONFault) {
    scratch.truncate(to: 0)
    try scratch.appendPlainLinks(json, filter)
    out.appendJSONString(scratch.bytes(0, scratch.count))
  }

  // MARK: annotations

  /// Value: the name, or `"name": {attributes}` (CONFORMANCE ZIP-08).
  mutating func annotation(_ record: OTLPRecord, isFirst: Bool) throws(JSONFault) {
    let ext = try StoredExt(record.ext)
    out.append(isFirst ? ",\"annotations\":[" : ",")
    out.append("{\"timestamp\":")
    out.appendInteger((ext.time ?? UInt64(bitPattern: record.time)) / 1_000)
    out.append(",\"value\":")
    let isNamed = record.bits & Bits.spanEventUnnamed == 0
    let name = isNamed ? record.event : UnsafeRawBufferPointer(start: nil, count: 0)
    scratch.truncate(to: 0)
    scratch.appendJSONString(name)
    scratch.append(": {")
    let first = scratch.count
    var attributes = StoredAttributes(of: record)
    while let member = try attributes.next(record, filter, &column) {
      if scratch.count > first { scratch.append(",") }
      scratch.append("\"")
      scratch.append(member.key)
      scratch.append("\":")
      try scratch.appendPlainJSON(member.value)
    }
    if !ext.droppedAttributes.isEmpty {
      if scratch.count > first { scratch.append(",") }
      scratch.append("\"otel.dropped_attributes_count\":")
      scratch.append(ext.droppedAttributes)
    }
    if scratch.count == first {
      out.appendJSONString(name)
    } else {
      scratch.append("}")
      out.appendJSONString(scratch.bytes(0, scratch.count))
    }
    out.append("}")
    scratch.truncate(to: 0)
  }
}

extension Arena {
  /// The links of a span as JSON without our escapes and without attributes that do not leave.
  mutating func appendPlainLinks(_ json: Bytes, _ filter: AttributeFilter) throws(JSONFault) {
    guard !filter.letsAllThrough, let cursor = JSONCursor(json) else { return try appendPlainJSON(json) }
    var list = StoredArray(cursor)
    append("[")
    var separator: StaticString = "{"
    while try list.next() {
      append(separator)
      separator = ",{"
      var link = StoredObject(list.cursor)
      var comma: StaticString = "\""
      while let name = try link.next() {
        append(comma)
        comma = ",\""
        append(name)
        append("\":")
        let value = try link.cursor.storedValue()
        guard name.spells("attributes") else {
          try appendPlainJSON(value)
          continue
        }
        append("{")
        var attributes = StoredAttributes(value)
        var inner: StaticString = "\""
        while let member = try attributes.next() {
          guard filter.allows(stored: member.key) else { continue }
          append(inner)
          inner = ",\""
          append(member.key)
          append("\":")
          try appendPlainJSON(member.value)
        }
        append("}")
      }
      list.cursor = link.cursor
      append("}")
    }
    append("]")
  }
}
