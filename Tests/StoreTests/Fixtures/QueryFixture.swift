import Glibc
import Telemetry

@testable import Store

/// One row as a sender meant it, for data files and for the plain table that answers are compared with.
struct QueryEvent {
  var id: Int64 = 0
  var time: Int64
  var kind: RowKind = .log
  var severity: Severity = .info
  var event: String
  var category: String
  var session = "relay-1"
  var component = "relay"
  var module: String? = "ra1"
  var fingerprint: String?
  var data = "{}"
  /// Nanoseconds.
  var duration: Int64?
  var tick: Int64?
  /// 32 hexadecimal digits.
  var trace: String?
  var text: String?
  var span: [UInt8]?
  var parent: [UInt8]?
  var bits: Int64 = 0
  var ext: String?

  init(_ event: String, at time: Int64, category: String? = nil) {
    self.event = event
    self.time = time
    self.category = category ?? String(event.split(separator: ".", maxSplits: 1).first ?? "log")
  }
}

/// Data files written by hand, beside one plain `telemetry_events` of the source schema with the very same rows.
final class QueryFixture {
  let folder: String
  private(set) var files: [DataFile] = []
  var oracle: String { folder + "/oracle.db" }
  private let plain: Connection
  private var nextNumber: Int64 = 1

  static let classes = RetentionClasses.standard

  init() throws {
    var template = Array("/tmp/garner-query-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("create folder", "/tmp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    plain = try Connection(folder + "/oracle.db", .create)
    try plain.execute(
      """
      PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;
      CREATE TABLE telemetry_events (id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session_id TEXT NOT NULL,
        component TEXT NOT NULL, game_module TEXT, mod_fingerprint TEXT, category TEXT NOT NULL, event TEXT NOT NULL,
        severity TEXT NOT NULL DEFAULT 'info', data TEXT, duration_us INTEGER, tick INTEGER, correlation TEXT);
      CREATE INDEX idx_telemetry_cat_event ON telemetry_events(category, event);
      CREATE INDEX idx_telemetry_correlation ON telemetry_events(correlation) WHERE correlation IS NOT NULL;
      """)
  }

  deinit {
    plain.close()
    Self.remove(folder)
  }

  private static func remove(_ path: String) {
    if FileSystem.isFolder(path) {
      for name in FileSystem.list(path) { remove(path + "/" + name) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  /// Settles `events` by class and day, as the store does; rows keep their order and get their ids from it.
  /// `rowsPerBlock` nil: without a summary, as files were made before there was one.
  @discardableResult
  func settle(_ events: [QueryEvent], rowsPerBlock: Int64? = nil) throws -> [DataFile] {
    let number = takeNumber()
    var shards: [String: [QueryEvent]] = [:]
    for event in events { shards["\(className(event)) \(Timestamp.day(event.time))", default: []].append(event) }
    var made: [DataFile] = []
    for (index, key) in shards.keys.sorted().enumerated() {
      let rows = shards[key] ?? []
      let name = String(key.split(separator: " ")[0])
      let path = "\(folder)/\(number)-\(index + 1).db"
      let connection = try Connection(path, .create)
      try connection.execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY")
      try connection.execute(Tables.settledSchema())
      try connection.transaction { () throws(SQLiteError) in
        try write(rows, connection) { _ in "event" }
      }
      if let rowsPerBlock { try Self.summarize(connection, rowsPerBlock) }
      // Files of both formats: with indexes, and with lists of rows.
      let isListed = name == "standard" || name == "detail"
      if isListed { try Self.list(connection) } else { try connection.execute(Self.indexes(name)) }
      try connection.execute(Views.all(table: "event"))
      try connection.execute("PRAGMA analysis_limit=400; ANALYZE event")
      connection.close()
      made.append(describe(rows, number: number, part: Int64(index + 1), path: path, className: name))
    }
    files += made
    return made
  }

  private static func summarize(_ connection: Connection, _ rowsPerBlock: Int64) throws(SQLiteError) {
    var summary = BlockSummary(rowsPerBlock: rowsPerBlock)
    let rows = try connection.prepare("SELECT id, time, name FROM event ORDER BY id")
    while try rows.step() { summary.add(id: rows.integer(0), time: rows.integer(1), name: rows.integer(2)) }
    try summary.write(to: connection)
  }

  private static func list(_ connection: Connection) throws(SQLiteError) {
    var postings = Postings(rows: try connection.integer("SELECT count(*) FROM event") ?? 0, fewRows: 0)
    let rows = try connection.prepare("SELECT id, name, ctx FROM event ORDER BY id")
    while try rows.step() { postings.add(id: rows.integer(0), name: rows.integer(1), context: rows.integer(2)) }
    try postings.write(to: connection)
  }

  /// Leaves `events` in a landing file; the connection stays open, as the writer's does.
  func land(_ events: [QueryEvent]) throws -> Connection {
    let number = takeNumber()
    let path = "\(folder)/\(number).db"
    let connection = try Connection(path, .create)
    garnerNoCheckpointOnClose(connection)
    try connection.execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0")
    try connection.execute(Tables.landingSchema(classes: Self.classes.classes.map(\.name)))
    try append(events, to: connection)
    files.append(
      DataFile(
        number: number, part: 0, path: path, className: nil, day: nil, restricted: false, rows: 0,
        bytes: FileSystem.length(path + "-wal"), firstID: .min, lastID: .max, minTime: .min, maxTime: .max,
        minReceived: .min, maxReceived: .max, traces: nil))
    return connection
  }

  func append(_ events: [QueryEvent], to landing: Connection) throws {
    try landing.transaction { () throws(SQLiteError) in
      try write(events, landing) { Tables.quoted(Tables.landingTable(self.className($0))) }
    }
  }

  private func takeNumber() -> Int64 {
    defer { nextNumber += 1 }
    return nextNumber
  }

  private func className(_ event: QueryEvent) -> String {
    let signal = event.kind.signal
    let index = Array(event.category.utf8).withUnsafeBytes { category in
      Array(event.event.utf8).withUnsafeBytes { name in
        Self.classes.index(signal: signal, category: category, event: name, severity: event.severity)
      }
    }
    return Self.classes.classes[Int(index)].name
  }

  static func indexes(_ className: String) -> String {
    let name = "CREATE INDEX event_name ON event(name);"
    if className == "firehose" || className == "detail" {
      return name + "CREATE INDEX event_trace ON event(substr(trace, 1, 6)) WHERE trace IS NOT NULL;"
    }
    return name + "CREATE INDEX event_ctx ON event(ctx);"
      + "CREATE INDEX event_correlation ON event(CASE WHEN trace IS NOT NULL THEN lower(hex(trace)) ELSE corr END);"
  }

  private func describe(
    _ rows: [QueryEvent], number: Int64, part: Int64, path: String, className: String
  ) -> DataFile {
    var traces = TraceFilter.empty(expected: rows.count)
    for row in rows {
      if let id = Array((row.trace ?? row.text ?? "").utf8).withUnsafeBytes({ TraceFilter.parse($0) }) {
        TraceFilter.insert(id.0, id.1, into: &traces)
      }
    }
    return DataFile(
      number: number, part: part, path: path, className: className, day: Timestamp.day(rows[0].time),
      restricted: className == "restricted", rows: Int64(rows.count), bytes: FileSystem.length(path),
      firstID: rows.map(\.id).min() ?? 0, lastID: rows.map(\.id).max() ?? 0, minTime: rows.map(\.time).min() ?? 0,
      maxTime: rows.map(\.time).max() ?? 0, minReceived: 0, maxReceived: 0, traces: traces)
  }

  // MARK: rows

  private func write(
    _ events: [QueryEvent], _ connection: Connection, table: (QueryEvent) -> String
  ) throws(SQLiteError) {
    try plain.execute("BEGIN")
    for event in events {
      let name = try entry(
        connection, "name", "category, event", [.text(event.category), .text(event.event)])
      let context = try entry(
        connection, "ctx", "source, session, game_id, valid_from, component, game_module, mod_fingerprint",
        [
          .text("source of " + event.session), .text(event.session), .null, .integer(0), .text(event.component),
          .optional(event.module), .optional(event.fingerprint),
        ])
      let resource = try entry(
        connection, "resource", "attributes, dropped",
        [.text("{\"service.name\":\"\(event.component)\"}"), .integer(0)])
      let stream = try entry(
        connection, "stream", "resource, name, version, attributes, dropped",
        [.integer(resource), .text("scope"), .text("1"), .text("{}"), .integer(0)])
      try connection.run(
        "INSERT INTO \(table(event)) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", .integer(event.id),
        .integer(event.time), .integer(Int64(event.kind.rawValue)), .integer(Int64(event.severity.rawValue)),
        .integer(name), .integer(context), .integer(stream), .integer(event.bits), blob(Self.bytes(event.trace)),
        blob(event.span), blob(event.parent), .optional(event.duration), .null, .optional(event.tick), .null, .null,
        .text(event.data), .optional(event.ext), .optional(event.text), .null)
      try plain.run(
        "INSERT INTO telemetry_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", .integer(event.id),
        // Earlier than 1970 is shown as its beginning.
        .text(Timestamp.text(max(0, event.time))), .text(event.session), .text(event.component),
        .optional(event.module),
        .optional(event.fingerprint), .text(event.category), .text(event.event), .text(event.severity.name),
        .text(event.data), .optional(event.duration.map { $0 / 1000 }), .optional(event.tick),
        .optional(event.trace ?? event.text))
    }
    try plain.execute("COMMIT")
    if let first = events.first {
      try connection.run(
        "INSERT OR IGNORE INTO arrival VALUES (?, ?, 'otlp_http')", .integer(first.id), .integer(first.time))
    }
  }

  private func blob(_ bytes: [UInt8]?) -> SQLValue { bytes.map { .blob($0) } ?? .null }

  private static func bytes(_ hex: String?) -> [UInt8]? {
    hex.flatMap { ScanArguments.bytes(hex: Array($0.utf8), count: 16) }
  }

  /// Entries found before, by file, table and values.
  private var entries: [String: Int64] = [:]

  /// Id of the entry with these values, made when it is not there.
  private func entry(
    _ connection: Connection, _ table: String, _ columns: String, _ values: [SQLValue]
  ) throws(SQLiteError) -> Int64 {
    let key = "\(connection.path) \(table) \(values)"
    if let known = entries[key] { return known }
    let id = try findEntry(connection, table, columns, values)
    entries[key] = id
    return id
  }

  private func findEntry(
    _ connection: Connection, _ table: String, _ columns: String, _ values: [SQLValue]
  ) throws(SQLiteError) -> Int64 {
    let names = columns.split(separator: ",").map { $0.split(separator: " ")[0] }
    let find = try connection.prepare(
      "SELECT id FROM \(table) WHERE " + names.map { "\($0) IS ?" }.joined(separator: " AND "))
    try find.bind(values)
    if try find.step() { return find.integer(0) }
    let marks = names.map { _ in "?" }.joined(separator: ",")
    let insert = try connection.prepare("INSERT INTO \(table)(\(columns)) VALUES (\(marks))")
    try insert.bind(values)
    try insert.step()
    return try connection.integer("SELECT max(id) FROM \(table)") ?? 0
  }

  // MARK: questions

  static func rows(
    _ session: QuerySession, _ sql: String, _ parameters: [String: SQLValue] = [:]
  ) throws -> [[SQLValue]] {
    var rows: [[SQLValue]] = []
    _ = try session.run(sql, parameters: parameters) { row in
      rows.append((0..<row.count).map { row.value($0) })
      return true
    }
    return rows
  }

  /// Blocks are small, so that few rows have many of them.
  func session(includeRestricted: Bool = true) throws -> QuerySession {
    let session = try QuerySession(files: files, options: .init(includeRestricted: includeRestricted))
    session.pool.rowsPerBlock = 16
    return session
  }

  func plainSession() throws -> QuerySession { try QuerySession(database: oracle) }
}
