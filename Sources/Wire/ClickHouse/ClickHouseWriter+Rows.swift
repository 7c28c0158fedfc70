import Telemetry

extension ClickHouseWriter {
  mutating func log(_ record: OTLPRecord) throws(JSONFault) {
    let ext = try StoredExt(record.ext)
    time(.timestamp, record.time)
    id(.traceID, record.trace)
    id(.spanID, record.span)
    integer(.traceFlags, record.bits >> Bits.flagsShift & 0xff)
    try string(.severityText, ext.severityText)
    integer(.severityNumber, min(max(ext.severityNumber(record.bits), 0), 255))
    var attributes = StoredAttributes(of: record)
    if begins(.logAttributes) {
      try map(record, &attributes)
    } else {
      while try attributes.next() != nil {}
    }
    try string(.body, attributes.body)
    if record.bits & Bits.logHasEventName != 0 { text(.eventName, record.event) }
  }

  /// Left open for its events.
  mutating func span(_ record: OTLPRecord) throws(JSONFault) {
    let ext = try StoredExt(record.ext)
    time(.timestamp, record.time)
    id(.traceID, record.trace)
    id(.spanID, record.span)
    id(.parentSpanID, record.parent)
    try string(.traceState, ext.traceState)
    if record.bits & Bits.spanUnnamed == 0 { text(.spanName, record.event) }
    if begins(.spanKind) {
      switch ext.spanKind(record.bits) {
      case 1: out.append("\"Internal\"")
      case 2: out.append("\"Server\"")
      case 3: out.append("\"Client\"")
      case 4: out.append("\"Producer\"")
      case 5: out.append("\"Consumer\"")
      default: out.append("\"Unspecified\"")
      }
    }
    if begins(.spanAttributes) {
      var attributes = StoredAttributes(of: record)
      try map(record, &attributes)
    }
    // Unsigned: a span that ended before it began took no time.
    integer(.duration, max(0, record.duration ?? 0))
    if begins(.statusCode) {
      switch ext.spanStatus(record.bits) {
      case 1: out.append("\"Ok\"")
      case 2: out.append("\"Error\"")
      default: out.append("\"Unset\"")
      }
    }
    try string(.statusMessage, ext.statusMessage)
    guard !ext.links.isEmpty else { return }
    for column in [ClickHouseColumn.linksTraceID, .linksSpanID, .linksTraceState, .linksAttributes] {
      let name: StaticString =
        switch column {
        case .linksTraceID: "trace_id"
        case .linksSpanID: "span_id"
        case .linksTraceState: "trace_state"
        default: "attributes"
        }
      try list(column, ext.links, name)
    }
  }

  /// One member of each element of an array of objects, as a column of its own; an element that lacks it gives nothing.
  mutating func list(
    _ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer, _ name: StaticString
  ) throws(JSONFault) {
    guard let cursor = JSONCursor(json), begins(column) else { return }
    out.append("[")
    var list = StoredArray(cursor)
    var isFirst = true
    while try list.next() {
      if !isFirst { out.append(",") }
      isFirst = false
      var object = StoredObject(list.cursor)
      var value = UnsafeRawBufferPointer(start: nil, count: 0)
      while let key = try object.next() {
        let member = try object.cursor.storedValue()
        if key.spells(name) { value = member }
      }
      list.cursor = object.cursor
      switch column {
      case .linksAttributes, .exemplarsAttributes: try out.appendTextMap(value, filter, &scratch)
      case .exemplarsTime: try appendTime(value)
      case .exemplarsValue, .quantiles, .quantileValues: try out.appendFloat(value)
      default: try out.appendTextString(value, &scratch)
      }
    }
    out.append("]")
  }

  private mutating func appendTime(_ json: UnsafeRawBufferPointer) throws(JSONFault) {
    var nanoseconds: UInt64 = 0
    if var cursor = JSONCursor(json) { nanoseconds = try cursor.storedUnsigned() }
    append(time: Int64(min(nanoseconds, UInt64(Int64.max))))
  }
}

extension Arena {
  /// A stored number for a column of floats: those that JSON does not know have names of ClickHouse's own,
  /// which it reads in quotes only.
  mutating func appendFloat(_ json: Bytes) throws(JSONFault) {
    guard json.first == UInt8(ascii: "{") else { return json.isEmpty ? append("0") : append(json) }
    guard let name = try Self.special(json) else { return append("0") }
    appendFloat(name.spells("\"NaN\"") ? .nan : name.spells("\"Infinity\"") ? .infinity : -.infinity)
  }

  mutating func appendFloat(_ number: Double) {
    if number.isFinite {
      appendDouble(number)
    } else {
      append(number.isNaN ? "\"nan\"" : number < 0 ? "\"-inf\"" : "\"inf\"")
    }
  }
}
