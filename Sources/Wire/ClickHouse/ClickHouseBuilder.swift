import Telemetry

/// What rows of the exporter's tables are made of.
package struct ClickHouseOptions: Sendable {
  package var attributes = AttributeFilter()
  /// What the tables at the far end look like; a table that is missing here has all columns.
  package var layouts: [ClickHouseTable: ClickHouseLayout] = [:]

  package init() {}
}

/// Records as lines of `JSONEachRow`, a parcel for each table (its road is the table's raw value). They need the
/// settings of `ClickHouseSchema`.
package final class ClickHouseBuilder: ParcelBuilder {
  private let lines: [ClickHouseLines]
  private var origins = RecordOrigins<ClickHouseOrigin>()
  private let filter: AttributeFilter

  package init(_ options: ClickHouseOptions = ClickHouseOptions()) {
    filter = options.attributes
    lines = ClickHouseTable.allCases.map { table in
      ClickHouseLines(table, options.layouts[table] ?? ClickHouseLayout(table), options.attributes)
    }
  }

  package var pendingRecords: Int { lines.reduce(0) { $0 + $1.items.count } }
  package var pendingBytes: Int { lines.reduce(0) { $0 + $1.byteCount } }

  package func add(_ record: OTLPRecord) -> ParcelTake {
    guard let table = ClickHouseTable(record) else { return lines[ClickHouseTable.traces.rawValue].addEvent(record) }
    // The events of a span follow it at once, whatever comes next.
    lines[ClickHouseTable.traces.rawValue].closeSpan()
    do throws(JSONFault) {
      let index = try origins.index(of: record) { () throws(JSONFault) in try ClickHouseOrigin(record, filter) }
      try lines[table.rawValue].add(record, origins.values[index])
    } catch {
      return .refused("invalid")
    }
    return .taken
  }

  package func cut(laneCount: Int) -> [any Parcel] { lines.compactMap { $0.cut() } }
}

/// What rows have of their resource and scope.
final class ClickHouseOrigin {
  /// JSON texts.
  private let serviceName: [UInt8]
  private let resource: [UInt8]
  private let scope: [UInt8]
  private let scopeName: [UInt8]
  private let scopeVersion: [UInt8]
  private let scopeSchema: [UInt8]
  private let resourceSchema: [UInt8]
  private let scopeDropped: UInt32
  /// For each table the columns that are the same in all of its rows, with the brace before them.
  private var heads: [[UInt8]?] = Array(repeating: nil, count: ClickHouseTable.allCases.count)

  init(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    serviceName = try Self.text { (out) throws(JSONFault) in
      var scratch = Arena(capacity: 256)
      var attributes = StoredAttributes(record.resource.attributes)
      while let member = try attributes.next() {
        guard member.key.spells("service.name"), filter.allows(stored: member.key) else { continue }
        return try out.appendTextString(member.value, &scratch)
      }
      out.append("\"\"")
    }
    resource = try Self.map(record.resource.attributes, filter)
    scope = try Self.map(record.scope.attributes, filter)
    scopeName = try Self.text { $0.appendJSONString(record.scope.name) }
    scopeVersion = try Self.text { $0.appendJSONString(record.scope.version) }
    scopeSchema = try Self.text { $0.appendJSONString(record.scope.schemaURL) }
    resourceSchema = try Self.text { $0.appendJSONString(record.resource.schemaURL) }
    scopeDropped = record.scope.dropped
  }

  private static func text(_ write: (inout Arena) throws(JSONFault) -> Void) throws(JSONFault) -> [UInt8] {
    var out = Arena(capacity: 512)
    try write(&out)
    return [UInt8](out.bytes(0, out.count))
  }

  private static func map(_ json: UnsafeRawBufferPointer, _ filter: AttributeFilter) throws(JSONFault) -> [UInt8] {
    try text { (out) throws(JSONFault) in
      var scratch = Arena(capacity: 256)
      try out.appendTextMap(json, filter, &scratch)
    }
  }

  func head(_ table: ClickHouseTable, _ layout: ClickHouseLayout) -> [UInt8] {
    if let head = heads[table.rawValue] { return head }
    var out = Arena(capacity: 1_024)
    out.append("{")
    func add(_ column: ClickHouseColumn, _ text: [UInt8]) {
      guard layout.has(column) else { return }
      if out.count > 1 { out.append(",") }
      out.append(column.key)
      out.append(text[...])
    }
    add(.serviceName, serviceName)
    add(.resourceSchemaURL, resourceSchema)
    add(.resourceAttributes, resource)
    add(.scopeSchemaURL, scopeSchema)
    add(.scopeName, scopeName)
    add(.scopeVersion, scopeVersion)
    add(.scopeAttributes, scope)
    add(.scopeDroppedCount, Array(String(scopeDropped).utf8))
    let head = [UInt8](out.bytes(0, out.count))
    heads[table.rawValue] = head
    return head
  }
}

extension Arena {
  /// An object of attributes as a map of texts.
  mutating func appendTextMap(_ json: Bytes, _ filter: AttributeFilter, _ scratch: inout Arena) throws(JSONFault) {
    append("{")
    let first = count
    var attributes = StoredAttributes(json)
    while let member = try attributes.next() {
      guard filter.allows(stored: member.key) else { continue }
      if count > first { append(",") }
      append("\"")
      append(member.key)
      append("\":")
      try appendTextString(member.value, &scratch)
    }
    append("}")
  }
}
