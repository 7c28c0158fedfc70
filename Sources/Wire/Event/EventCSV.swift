/// A CSV whose header names columns of `telemetry_events`, in any order; `timestamp` and `event` must be there.
package struct EventCSV: Sendable {
  private enum Column: String, CaseIterable {
    case id, timestamp
    case sessionID = "session_id"
    case component
    case gameModule = "game_module"
    case modFingerprint = "mod_fingerprint"
    case category, event, severity, data
    case durationMicroseconds = "duration_us"
    case tick, correlation
  }

  private let columns: [Column]

  /// All columns, in the order of our own exports, whose `data` is written as `docs/schema.md` says.
  package var isExport: Bool { columns == Column.allCases }

  /// Throws when a column is unknown, named twice or missing.
  package init(header: [CSVText.Field]) throws(DecodeError) {
    var columns: [Column] = []
    for (index, field) in header.enumerated() {
      var name = field.text
      if index == 0 && name.hasPrefix("\u{FEFF}") { name.removeFirst() }
      guard let column = Column(rawValue: name) else {
        throw DecodeError(.malformed, "CSV: the column \(name.prefix(40)) is unknown", at: 0)
      }
      if columns.contains(column) { throw DecodeError(.malformed, "CSV: the column \(name) comes twice", at: 0) }
      columns.append(column)
    }
    for required in [Column.timestamp, .event] where !columns.contains(required) {
      throw DecodeError(.malformed, "CSV: the column \(required.rawValue) is missing", at: 0)
    }
    self.columns = columns
  }

  /// Whether a first line looks like such a header.
  package static func isHeader(_ fields: [CSVText.Field]) -> Bool {
    fields.contains { $0.text == "event" } && fields.contains { $0.text.hasSuffix("timestamp") }
  }

  /// Throws when the record has another number of fields, no event, or no time or number where one belongs.
  package func row(_ fields: [CSVText.Field]) throws(DecodeError) -> EventRow {
    guard fields.count == columns.count else {
      throw DecodeError(.malformed, "CSV: \(fields.count) fields instead of \(columns.count)", at: 0)
    }
    var row = EventRow()
    for (column, field) in zip(columns, fields) where !field.isNull { try Self.set(column, field, &row) }
    if row.event.isEmpty { throw DecodeError(.malformed, "CSV: event is empty", at: 0) }
    if row.time == nil { throw DecodeError(.malformed, "CSV: timestamp is empty", at: 0) }
    return row
  }

  private static func set(_ column: Column, _ field: CSVText.Field, _ row: inout EventRow) throws(DecodeError) {
    switch column {
    case .id: break
    case .timestamp:
      guard let time = EventTime.nanoseconds(field.text) else {
        throw DecodeError(.malformed, "CSV: timestamp is no ISO 8601 time", at: 0)
      }
      row.time = time
    case .sessionID: row.sessionID = field.text
    case .component: row.component = field.text
    case .gameModule: row.gameModule = field.text
    case .modFingerprint: row.modFingerprint = field.text
    case .category: row.category = field.text
    case .event: row.event = field.text
    case .severity: row.severity = field.text
    case .data: row.data = field.bytes
    case .durationMicroseconds: row.durationMicroseconds = try integer(field, column)
    case .tick: row.tick = try integer(field, column)
    case .correlation: row.correlation = field.text
    }
  }

  private static func integer(_ field: CSVText.Field, _ column: Column) throws(DecodeError) -> Int64 {
    guard let number = Int64(field.text) else {
      throw DecodeError(.malformed, "CSV: \(column.rawValue) is no integer", at: 0)
    }
    return number
  }
}
