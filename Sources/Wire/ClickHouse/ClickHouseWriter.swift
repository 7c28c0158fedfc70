import Telemetry

/// Writes the rows. A structure, for each access to a variable of a class costs a look into the list of accesses.
struct ClickHouseWriter: ~Copyable {
  var out = Arena(capacity: 4_096)
  let layout: ClickHouseLayout
  let filter: AttributeFilter
  var scratch = Arena(capacity: 1_024)
  /// Value of a column, while it is asked for.
  var column = Arena(capacity: 256)
  private var clock = TimestampText()
  /// Of a span that is not closed yet: what its events add to three columns.
  private var eventTimes = Arena(capacity: 256)
  private var eventNames = Arena(capacity: 256)
  private var eventAttributes = Arena(capacity: 1_024)

  init(_ layout: ClickHouseLayout, _ filter: AttributeFilter) {
    self.layout = layout
    self.filter = filter
  }

  /// Without its closing brace.
  mutating func row(_ record: OTLPRecord, _ table: ClickHouseTable, _ origin: ClickHouseOrigin) throws(JSONFault) {
    scratch.truncate(to: 0)
    out.append(origin.head(table, layout)[...])
    switch table {
    case .logs: try log(record)
    case .traces: try span(record)
    default: try point(record)
    }
  }

  // MARK: span events

  /// What it throws left nothing behind.
  mutating func event(_ record: OTLPRecord) throws(JSONFault) {
    let before = eventAttributes.count
    scratch.truncate(to: 0)
    var attributes = StoredAttributes(of: record)
    do throws(JSONFault) {
      if before > 0 { eventAttributes.append(",") }
      try Self.map(record, &attributes, filter, &eventAttributes, &scratch, &column)
    } catch {
      eventAttributes.truncate(to: before)
      throw error
    }
    if before > 0 {
      eventTimes.append(",")
      eventNames.append(",")
    }
    clock.append(quoted: record.time, &eventTimes)
    if record.bits & Bits.spanEventUnnamed == 0 {
      eventNames.appendJSONString(record.event)
    } else {
      eventNames.append("\"\"")
    }
  }

  /// Writes what the events of the open span add to it.
  mutating func closeEvents() {
    guard eventAttributes.count > 0 else { return }
    list(.eventsTimestamp, eventTimes.bytes(0, eventTimes.count))
    list(.eventsName, eventNames.bytes(0, eventNames.count))
    list(.eventsAttributes, eventAttributes.bytes(0, eventAttributes.count))
    eventTimes.truncate(to: 0)
    eventNames.truncate(to: 0)
    eventAttributes.truncate(to: 0)
  }

  private mutating func list(_ column: ClickHouseColumn, _ elements: UnsafeRawBufferPointer) {
    guard begins(column) else { return }
    out.append("[")
    out.append(elements)
    out.append("]")
  }

  // MARK: columns

  /// Writes the column's key, if the table has it.
  @inline(__always) mutating func begins(_ column: ClickHouseColumn) -> Bool {
    guard layout.has(column) else { return false }
    if out.base[out.count - 1] != UInt8(ascii: "{") { out.append(",") }
    out.append(column.key)
    return true
  }

  mutating func text(_ column: ClickHouseColumn, _ text: UnsafeRawBufferPointer) {
    guard !text.isEmpty, begins(column) else { return }
    out.appendJSONString(text)
  }

  /// A stored JSON string; empty: the column is.
  mutating func string(_ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard !json.isEmpty, begins(column) else { return }
    try out.appendTextString(json, &scratch)
  }

  /// Zeros are no id.
  mutating func id(_ column: ClickHouseColumn, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.contains(where: { $0 != 0 }), begins(column) else { return }
    out.append("\"")
    out.appendHex(bytes)
    out.append("\"")
  }

  mutating func integer(_ column: ClickHouseColumn, _ number: Int64) {
    if begins(column) { out.appendInteger(number) }
  }

  mutating func time(_ column: ClickHouseColumn, _ nanoseconds: Int64) {
    if begins(column) { append(time: nanoseconds) }
  }

  /// Text with a zone: what a bare integer means has changed between versions, and what a text without a zone means is
  /// up to the server.
  mutating func append(time nanoseconds: Int64) { clock.append(quoted: nanoseconds, &out) }

  /// The record's own attributes.
  mutating func map(_ record: OTLPRecord, _ attributes: inout StoredAttributes) throws(JSONFault) {
    try Self.map(record, &attributes, filter, &out, &scratch, &column)
  }

  static func map(
    _ record: OTLPRecord, _ attributes: inout StoredAttributes, _ filter: AttributeFilter, _ out: inout Arena,
    _ scratch: inout Arena, _ column: inout Arena
  ) throws(JSONFault) {
    out.append("{")
    var isFirst = true
    while let member = try attributes.next(record, filter, &column) {
      out.append(isFirst ? "\"" : ",\"")
      isFirst = false
      out.append(member.key)
      out.append("\":")
      try out.appendTextString(member.value, &scratch)
    }
    out.append("}")
  }
}

extension TimestampText {
  fileprivate mutating func append(quoted nanoseconds: Int64, _ out: inout Arena) {
    out.append(UInt8(ascii: "\""))
    write(max(0, nanoseconds), &out, isExact: true)
    out.append(UInt8(ascii: "\""))
  }
}
