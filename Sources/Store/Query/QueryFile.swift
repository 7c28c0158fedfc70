import CSQLite

/// One data file open for a query: a connection of its own, what its tables offer, and statements that may be used again.
///
/// Only our own SELECTs run in it, on plain tables: views and triggers that lie in the file are never used.
final class QueryFile {
  /// A table with rows and the ways to find a correlation in it.
  struct Rows {
    var table: String
    var hasNameIndex: Bool
    /// Index on the expression `Views.correlation`.
    var hasCorrelationIndex: Bool
    /// Index on `substr(trace, 1, 6)`.
    var hasTraceIndex: Bool
    /// The table `trace_index`.
    var hasTraceTable = false
    /// The table `posting`.
    var hasPostings = false
    /// Index on `corr` of rows that have one.
    var hasTextIndex: Bool

    /// A correlation is found without looking at all rows.
    var isIndexed: Bool { hasCorrelationIndex || hasTraceIndex || hasTraceTable || hasTextIndex }
  }

  let file: DataFile
  let connection: Connection
  let tables: [Rows]
  /// Statements that are being stepped.
  private(set) var active = 0
  private var idle: [String: [Statement]] = [:]
  private var entries: [DictionaryQuestion: DictionaryAnswer] = [:]
  private var texts: [String: Bool] = [:]
  private var probes: [String: Int] = [:]
  /// Landing tables with a temporary index of correlations.
  private var indexed: Set<String> = []
  private var isReading = false
  var blocks = QueryBlocks()
  private let filters: TraceFilters

  init(
    _ file: DataFile, leavingOut tablesLeftOut: Set<String>, filters: TraceFilters, limits: QueryLimits
  ) throws(QueryFileFailure) {
    self.file = file
    self.filters = filters
    do throws(SQLiteError) {
      connection = file.isLanding ? try Connection(file.path, .readOnly) : try .settled(file.path)
    } catch {
      throw QueryFileFailure(error, file.path)
    }
    do throws(SQLiteError) {
      garnerNoCheckpointOnClose(connection)
      _ = garner_defensive(connection.handle)
      _ = garner_untrusted_schema(connection.handle)
      sqlite3_busy_timeout(connection.handle, 2_000)
      limits.watch(connection)
      try connection.execute("PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; BEGIN")
      isReading = true
      tables = try Self.tables(connection, file).filter { !tablesLeftOut.contains($0.table) }
    } catch {
      throw QueryFileFailure(error, file.path)
    }
    // A landing file is removed together with its log, without which it looks empty.
    if file.isLanding, !FileSystem.exists(file.path) || tables.isEmpty && !FileSystem.exists(file.path + "-wal") {
      throw .vanished(file.path)
    }
  }

  private static func tables(_ connection: Connection, _ file: DataFile) throws(SQLiteError) -> [Rows] {
    let version = try connection.integer("PRAGMA user_version") ?? 0
    if version > Tables.version {
      throw SQLiteError(code: SQLITE_NOTADB, message: "written by a newer version of Garner (format \(version))")
    }
    // Views and virtual tables have no root page.
    let schema = try connection.prepare(
      "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE rootpage > 0 ORDER BY rowid")
    var names: [String] = []
    var indexes: [String: [String]] = [:]
    while try schema.step() {
      if schema.text(0) == "table" {
        names.append(schema.text(1))
      } else {
        indexes[schema.text(2), default: []].append(schema.text(3))
      }
    }
    if names.isEmpty && file.isLanding { return [] }
    for name in Tables.dictionaryNames + ["arrival"] where !names.contains(name) {
      throw SQLiteError(code: SQLITE_CORRUPT, message: "the table \(name) is missing")
    }
    let prefix = Tables.landingTable("")
    let tables = file.isLanding ? names.filter { $0.hasPrefix(prefix) } : names.filter { $0 == "event" }
    if tables.isEmpty { throw SQLiteError(code: SQLITE_CORRUPT, message: "the table event is missing") }
    return tables.map { table in
      let indexes = indexes[table] ?? []
      return Rows(
        table: table, hasNameIndex: indexes.contains { $0.contains("(name)") },
        hasCorrelationIndex: indexes.contains { $0.contains("lower(hex(") },
        hasTraceIndex: indexes.contains { $0.contains("substr(trace") },
        hasTraceTable: table == "event" && names.contains("trace_index"),
        hasPostings: table == "event" && names.contains("posting"),
        hasTextIndex: indexes.contains { $0.contains("(corr)") })
    }
  }

  /// Begins to read if it did not yet in this query: all scans of one query see the same rows.
  func beginReading() throws(SQLiteError) {
    if isReading { return }
    try connection.execute("BEGIN")
    isReading = true
  }

  func endReading() {
    guard isReading, active == 0 else { return }
    isReading = false
    for table in indexed {
      forgetStatements()
      try? connection.execute("DROP TABLE \(Self.probeTable(table))")
    }
    indexed = []
    probes = [:]
    try? connection.execute("COMMIT")
  }

  // MARK: statements

  func take(_ sql: String) throws(SQLiteError) -> Statement {
    let statement: Statement
    if let ready = idle[sql]?.popLast() { statement = ready } else { statement = try connection.prepare(sql) }
    active += 1
    return statement
  }

  func giveBack(_ statement: Statement, _ sql: String) {
    statement.reset()
    active -= 1
    idle[sql, default: []].append(statement)
  }

  /// Filter over the traces of the file; nil: there is none.
  var traces: [UInt8]? { filters.filter(of: file) }

  func forgetStatements() { idle = [:] }

  // MARK: dictionaries

  private struct DictionaryQuestion: Hashable {
    var table: String
    var conditions: [ScanCondition]
  }

  enum DictionaryAnswer {
    case any
    case none
    case few([Int64])
    case many
  }

  /// More entries than this stay a subselect.
  private static let fewEntries = 64

  /// Which entries of a dictionary satisfy `conditions`; asked once a query.
  func entries(_ table: String, _ conditions: [ScanCondition]) throws(SQLiteError) -> DictionaryAnswer {
    if conditions.isEmpty { return .any }
    let question = DictionaryQuestion(table: table, conditions: conditions)
    if let answer = entries[question] { return answer }
    let sql =
      "SELECT id FROM \(table) WHERE " + conditions.map(\.sql).joined(separator: " AND ")
      + " LIMIT \(Self.fewEntries + 1)"
    let statement = try take(sql)
    defer { giveBack(statement, sql) }
    var parameter: Int32 = 0
    for value in conditions.flatMap(\.values) {
      parameter += 1
      value.bind(to: statement.handle, parameter)
    }
    var ids: [Int64] = []
    while try statement.step() { ids.append(statement.integer(0)) }
    let answer: DictionaryAnswer = ids.isEmpty ? .none : ids.count > Self.fewEntries ? .many : .few(ids)
    if entries.count > 10_000 { entries = [:] }
    entries[question] = answer
    return answer
  }

  // MARK: correlations without an index

  /// Whether rows have a correlation text and no trace. An index says it at once, a scan of a settled file once and for all.
  func hasTexts(_ rows: Rows) throws(SQLiteError) -> Bool {
    if let known = texts[rows.table] { return known }
    let sql = "SELECT 1 FROM main.\(Tables.quoted(rows.table)) e WHERE e.corr IS NOT NULL AND e.trace IS NULL LIMIT 1"
    let statement = try take(sql)
    defer { giveBack(statement, sql) }
    let found = try statement.step()
    texts[rows.table] = found
    return found
  }

  /// Probes of one table before an index pays: it costs about as much as three scans.
  static let manyProbes = 3

  static func probeTable(_ table: String) -> String { "temp." + Tables.quoted("probe_" + table) }

  /// Whether a temporary index of correlations over `rows` is there; made after a few probes, as a join asks once a row.
  func hasProbeIndex(_ rows: Rows) throws(SQLiteError) -> Bool {
    if rows.isIndexed { return false }
    if indexed.contains(rows.table) { return true }
    probes[rows.table, default: 0] += 1
    return probes[rows.table, default: 0] > Self.manyProbes ? try makeProbeIndex(rows) : false
  }

  func makeProbeIndex(_ rows: Rows) throws(SQLiteError) -> Bool {
    if rows.isIndexed { return false }
    try fillProbeTable(rows, "SELECT \(Views.correlation) AS c, e.id", "c IS NOT NULL")
    return true
  }

  /// A SELECT of the ids of rows without a trace whose correlation text is its parameter.
  func textSource(_ rows: Rows) throws(SQLiteError) -> String {
    if rows.hasTextIndex {
      return "SELECT id FROM main.\(Tables.quoted(rows.table)) WHERE corr = ? AND trace IS NULL"
    }
    // Looking for one text costs as much as an index of all.
    try fillProbeTable(rows, "SELECT e.corr, e.id", "e.corr IS NOT NULL AND e.trace IS NULL")
    return "SELECT id FROM \(Self.probeTable(rows.table)) WHERE corr = ?"
  }

  private func fillProbeTable(_ rows: Rows, _ select: String, _ condition: String) throws(SQLiteError) {
    if !indexed.insert(rows.table).inserted { return }
    let name = Self.probeTable(rows.table)
    try connection.execute(
      """
      CREATE TABLE \(name)(corr TEXT, id INTEGER, PRIMARY KEY(corr, id)) WITHOUT ROWID;
      INSERT INTO \(name) \(select) FROM main.\(Tables.quoted(rows.table)) e WHERE \(condition) ORDER BY 1, 2
      """)
  }
}

/// Why one data file cannot take part in a query.
enum QueryFileFailure: Error {
  /// It is not there any more: settled, compacted or pruned.
  case vanished(String)
  /// It cannot be read; the others can.
  case unreadable(String, String)
  /// The query is to stop, or nothing can be read at all.
  case stopped(SQLiteError)

  init(_ error: SQLiteError, _ path: String) {
    if error.isInterrupt || error.primary == SQLITE_NOMEM {
      self = .stopped(error)
    } else if error.primary == SQLITE_CANTOPEN && !FileSystem.exists(path) {
      self = .vanished(path)
    } else {
      self = .unreadable(path, error.message)
    }
  }
}
