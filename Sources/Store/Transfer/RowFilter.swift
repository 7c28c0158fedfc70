package import Telemetry

/// Which rows a reader wants; everything left out lets all through. Span events follow their span, whatever they are.
package struct RowFilter: Sendable {
  package enum Clock: Sendable {
    /// Row time, as in the column `timestamp`.
    case time
    /// Arrival.
    case received
  }

  /// Nanoseconds since 1970: first moment, and the moment to stop before.
  package var from: Int64?
  package var to: Int64?
  package var clock = Clock.time
  /// Any of these; empty: all.
  package var categories: [String] = []
  /// Kinds of records; empty: all.
  package var kinds: [RowKind] = []
  /// Retention classes by name; empty: all.
  package var classes: [String] = []
  /// 16 bytes.
  package var trace: [UInt8]?
  package var gameID: String?
  /// JSON strings, quotes included, of which data, attributes or resource has one; empty: all rows.
  package var players: [String] = []
  package var includeRestricted = false
  /// Names of the restricted classes: a landing file has a table of each.
  package var restrictedClasses = ["restricted"]

  package init() {}

  /// Whether `file` can have any such row, by its ranges.
  func mayMatch(_ file: DataFile) -> Bool {
    if file.restricted && !includeRestricted { return false }
    if let name = file.className, !classes.isEmpty, !classes.contains(name) { return false }
    // Ranges of a landing file exclude nothing; those of no rows mean nothing.
    guard !file.isLanding else { return true }
    let (low, high) = clock == .time ? (file.minTime, file.maxTime) : (file.minReceived, file.maxReceived)
    if let from, high < from { return false }
    if let to, low >= to { return false }
    return true
  }

  /// Tables of a landing file that take part.
  func includes(table: String) -> Bool {
    let name = String(table.dropFirst(Tables.landingTable("").count))
    if !includeRestricted && restrictedClasses.contains(name) { return false }
    return classes.isEmpty || classes.contains(name)
  }

  /// Conditions on records over `e`, `n` and `c`, with their values. The arrival is checked by the reader.
  var conditions: (sql: [String], values: [SQLValue]) {
    var sql: [String] = []
    var values: [SQLValue] = []
    func add(_ text: String, _ value: SQLValue) {
      sql.append(text)
      values.append(value)
    }
    if clock == .time {
      if let from { add("e.time >= ?", .integer(from)) }
      if let to { add("e.time < ?", .integer(to)) }
    }
    if !categories.isEmpty {
      sql.append("n.category IN (" + categories.map { _ in "?" }.joined(separator: ", ") + ")")
      values += categories.map { .text($0) }
    }
    if let trace { add("e.trace = ?", .blob(trace)) }
    if let gameID { add("c.game_id = ?", .text(gameID)) }
    if !players.isEmpty {
      let places = [
        "instr(e.data, ?)", "EXISTS (SELECT 1 FROM series q WHERE q.id = e.series AND instr(q.attributes, ?))",
        """
        EXISTS (SELECT 1 FROM stream t JOIN resource o ON o.id = t.resource
          WHERE t.id = e.stream AND (instr(o.attributes, ?) OR instr(t.attributes, ?)))
        """,
      ]
      sql.append("(" + players.map { _ in places.joined(separator: " OR ") }.joined(separator: " OR ") + ")")
      for player in players { values += [SQLValue](repeating: .text(player), count: 4) }
    }
    return (sql, values)
  }
}
