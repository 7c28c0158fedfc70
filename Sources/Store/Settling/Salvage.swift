/// Reads what can be read of a damaged database, row by row over a connection of its own, and writes it to a sound one.
/// One statement over both would end at the first bad page, and SQLite cannot take it back.
struct Salvage {
  private let bad: Connection
  private let target: Connection

  init(_ path: String, into target: Connection) throws(SQLiteError) {
    bad = try Connection(path, .readWrite)
    garnerNoCheckpointOnClose(bad)
    // Without this SQLite reads nothing of a file that is shorter than its header says.
    try bad.execute("PRAGMA writable_schema=ON; PRAGMA query_only=ON")
    _ = try bad.integer("SELECT count(*) FROM sqlite_schema")
    self.target = target
  }

  func close() { bad.close() }

  /// Noise in the middle of a row leaves its shape; JSON that is none would make every query over the file fail.
  private static let conditions: [String: String] = [
    "resource": "json_valid(attributes)", "stream": "json_valid(attributes)", "metric": "json_valid(json)",
    "series": "json_valid(attributes) AND (moved IS NULL OR json_valid(moved))",
  ]
  private static let eventCondition = "(data IS NULL OR json_valid(data)) AND (ext IS NULL OR json_valid(ext))"

  private static func condition(_ table: String) -> String {
    table.hasPrefix("event") ? eventCondition : conditions[table] ?? "1"
  }

  /// A table with an integer key: after a bad page it goes on behind it. Rows copied.
  @discardableResult
  func copy(_ table: String, key: String = "id") -> Int64 {
    let name = Tables.quoted(table)
    guard
      let first = try? bad.prepare(
        "SELECT * FROM \(name) WHERE \(key) >= ? AND \(Self.condition(table)) ORDER BY \(key)"),
      let insert = Self.insert(table, first.columnCount, target)
    else { return 0 }
    var copied: Int64 = 0
    var start = Int64.min
    // How far the next try skips; doubled while nothing can be read, up to more ids than a file can have.
    var skip: Int64 = 1
    while skip < 1 << 40 {
      first.reset()
      first.bind(1, start)
      do throws(SQLiteError) {
        while try first.step() {
          let id = first.integer(0)
          // Noise may count backwards, and would be read for ever.
          if id >= start && id < .max {
            skip = 1
            start = id + 1
          }
          if Self.write(first, insert) { copied += 1 }
        }
        return copied
      } catch {
        let (next, isEnd) = start == .min ? (1, false) : start.addingReportingOverflow(skip)
        if isEnd { return copied }
        start = next
        skip *= 2
      }
    }
    return copied
  }

  /// A small table: up to the first bad page.
  func copyStart(_ table: String) {
    guard let rows = try? bad.prepare("SELECT * FROM \(Tables.quoted(table))"),
      let insert = Self.insert(table, rows.columnCount, target)
    else { return }
    while (try? rows.step()) == true { _ = Self.write(rows, insert) }
  }

  private static func insert(_ table: String, _ columns: Int, _ target: Connection) -> Statement? {
    let places = [String](repeating: "?", count: columns).joined(separator: ",")
    return try? target.prepare("INSERT OR IGNORE INTO main.\(Tables.quoted(table)) VALUES (\(places))")
  }

  /// False: the row is noise that the table does not take.
  private static func write(_ row: Statement, _ insert: Statement) -> Bool {
    for column in 0..<row.columnCount { insert.bind(Int32(column + 1), row.value(column)) }
    do throws(SQLiteError) {
      try insert.run()
      return true
    } catch { return false }
  }
}
