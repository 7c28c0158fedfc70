import CSQLite

/// One SQL over everything: an in-memory database whose tables `telemetry_events`, `spans`, `logs` and `metrics` are
/// the rows of all data files (DESIGN §4), or one exported database read as it is.
///
/// Used by one thread at a time. Nothing can be changed through it: files are opened for reading, and an authorizer
/// refuses every statement but SELECT.
package final class QuerySession {
  package struct Options: Sendable {
    /// Also rows of classes that ordinary reads leave out.
    package var includeRestricted = false
    /// Names of those classes: a landing file has a table of each.
    package var restrictedClasses: [String] = []
    /// Longest text or blob that a query may build, in bytes.
    package var valueLimitBytes: Int32 = 256 << 20

    package init(includeRestricted: Bool = false, restrictedClasses: [String] = ["restricted"]) {
      self.includeRestricted = includeRestricted
      self.restrictedClasses = restrictedClasses
    }
  }

  package struct Outcome: Sendable, Equatable {
    package var rows: Int
    /// There was at least one row more than the limit let through.
    package var isLimited: Bool
  }

  let pool: QueryFilePool
  private let sentry = QueryGuard()
  private var isOverFiles = false
  private let connection: Connection

  /// Over the data files of a store.
  package convenience init(files: [DataFile], options: Options = Options()) throws(QueryError) {
    try self.init(open: ":memory:", files: files, options)
  }

  /// Over one database: an export or a `telemetry.db` with a real table `telemetry_events`, or one of our data files.
  package convenience init(database path: String, options: Options = Options()) throws(QueryError) {
    if let file = try Self.dataFile(path) {
      try self.init(open: ":memory:", files: [file], options)
    } else {
      try self.init(open: path, files: nil, options)
    }
  }

  private init(open path: String, files: [DataFile]?, _ options: Options) throws(QueryError) {
    pool = QueryFilePool(includeRestricted: options.includeRestricted, restrictedClasses: options.restrictedClasses)
    do throws(SQLiteError) {
      connection = try Connection(path, files == nil ? .readOnly : .create)
      garnerNoCheckpointOnClose(connection)
      _ = garner_untrusted_schema(connection.handle)
      _ = garner_defensive(connection.handle)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_LENGTH, options.valueLimitBytes)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_ATTACHED, 0)
      try QueryFunctions.register(pool.limits, in: connection)
      if let files {
        pool.use(files)
        for view in Views.names + [Views.eventsName] {
          try QueryModule(view, pool).register(in: connection)
          // The first use declares a virtual table, which the authorizer would refuse later on.
          _ = try connection.prepare("SELECT 1 FROM \(view)")
        }
        // Temporary views are our own words; others may not use virtual tables.
        for view in GameViews.all {
          try connection.execute("CREATE TEMP VIEW \(view.name) AS \(view.sql)")
          _ = try connection.prepare("SELECT 1 FROM \(view.name)")
        }
        try CountTable(pool).register(in: connection)
        _ = try connection.prepare("SELECT 1 FROM \"\(CountTable.name)\"")
        isOverFiles = true
      } else {
        try connection.execute("PRAGMA cell_size_check=ON; PRAGMA query_only=ON")
      }
      let functions = ["json_each('0')", "json_tree('0')", "pragma_table_info('x')", "pragma_table_xinfo('x')"]
      for function in functions { _ = try connection.prepare("SELECT 1 FROM \(function)") }
      pool.limits.watch(connection)
      sentry.watch(connection)
    } catch {
      throw .unreadable("\(path): \(error.message)")
    }
  }

  deinit {
    connection.close()
    pool.closeAll()
  }

  /// Takes a new list of files; what is open and still in the list stays open.
  package func use(files: [DataFile]) { pool.use(files) }

  /// Files that were passed over since the list was given, a sentence each.
  package var warnings: [String] { pool.warnings }

  /// Their paths.
  package var passedOver: [String] { pool.unreadable.sorted() }

  /// Runs one SELECT. `columns` is called once with the names before the first row; `row` once a row until it returns
  /// false.
  package func run(
    _ sql: String, parameters: [String: SQLValue] = [:], timeoutNanoseconds: Int64? = nil, rowLimit: Int? = nil,
    interrupt: QueryInterrupt? = nil, columns: ([String]) -> Void = { _ in }, row: (QueryRow) -> Bool
  ) throws(QueryError) -> Outcome {
    pool.beginQuery()
    sentry.clear()
    pool.limits.begin(timeoutNanoseconds: timeoutNanoseconds, interrupt: interrupt)
    // Files can only be let go when no cursor is left.
    defer { pool.endQuery() }
    var prepared = prepareCounts(sql, parameters)
    if prepared == nil { prepared = try prepare(sql) }
    guard let statement = prepared else { return Outcome(rows: 0, isLimited: false) }
    defer { sqlite3_finalize(statement) }
    try bind(parameters, to: statement)
    let result = QueryRow(statement)
    columns((0..<result.count).map { String(cString: sqlite3_column_name(statement, Int32($0))) })
    var delivered = 0
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return Outcome(rows: delivered, isLimited: false) }
      guard code == SQLITE_ROW else { throw error(code, delivered: delivered, timeoutNanoseconds) }
      if delivered == rowLimit { return Outcome(rows: delivered, isLimited: true) }
      delivered += 1
      if !row(result) { return Outcome(rows: delivered, isLimited: false) }
    }
  }

  /// A statement that only counts, over the table of counts. Nil: it does more, or is wrong, which it is to hear in its
  /// own words.
  private func prepareCounts(_ sql: String, _ parameters: [String: SQLValue]) -> OpaquePointer? {
    guard isOverFiles, let counting = CountStatement.rewritten(sql, parameters) else { return nil }
    var statement: OpaquePointer?
    if sqlite3_prepare_v2(connection.handle, counting, -1, &statement, nil) == SQLITE_OK { return statement }
    sentry.clear()
    return nil
  }

  /// Nil: nothing but blanks and comments.
  private func prepare(_ sql: String) throws(QueryError) -> OpaquePointer? {
    var statement: OpaquePointer?
    var text = sql
    // Bytes behind the first statement; -1: it cannot be prepared.
    let (code, rest) = text.withUTF8 { bytes -> (Int32, Int) in
      bytes.withMemoryRebound(to: CChar.self) { bytes -> (Int32, Int) in
        var tail: UnsafePointer<CChar>?
        let code = sqlite3_prepare_v2(
          connection.handle, bytes.baseAddress, Int32(clamping: bytes.count), &statement, &tail)
        guard let tail, let start = bytes.baseAddress else { return (code, 0) }
        return (code, bytes.count - (tail - start))
      }
    }
    guard code == SQLITE_OK else {
      if let refused = sentry.refused { throw .notAllowed(refused) }
      if pool.limits.isInterrupted { throw .interrupted }
      let offset = Int(sqlite3_error_offset(connection.handle))
      throw .syntax(message: connection.error(code).message, offset: offset < 0 ? nil : offset)
    }
    if !Self.isBlank(text.utf8.suffix(rest)) {
      sqlite3_finalize(statement)
      throw .severalStatements
    }
    // Every SELECT has columns.
    if let statement, sqlite3_column_count(statement) == 0 || sqlite3_stmt_readonly(statement) == 0 {
      sqlite3_finalize(statement)
      throw .notAllowed("this statement")
    }
    return statement
  }

  /// Whether nothing but blanks, semicolons and comments is left.
  private static func isBlank(_ text: some Collection<UInt8>) -> Bool {
    var bytes = Array(text)[...]
    while let first = bytes.first {
      switch first {
      case 0x20, 0x09, 0x0a, 0x0c, 0x0d, UInt8(ascii: ";"): bytes.removeFirst()
      case UInt8(ascii: "-") where bytes.dropFirst().first == first: bytes = bytes.drop { $0 != 0x0a }
      case UInt8(ascii: "/") where bytes.dropFirst().first == UInt8(ascii: "*"):
        bytes.removeFirst(2)
        while !bytes.isEmpty && !bytes.starts(with: [UInt8(ascii: "*"), UInt8(ascii: "/")]) { bytes.removeFirst() }
        bytes = bytes.dropFirst(2)
      default: return false
      }
    }
    return true
  }

  private func bind(_ parameters: [String: SQLValue], to statement: OpaquePointer) throws(QueryError) {
    var known: Set<String> = []
    for index in 0..<sqlite3_bind_parameter_count(statement) {
      guard let pointer = sqlite3_bind_parameter_name(statement, index + 1) else {
        throw .missingParameter("? (number \(index + 1)); give it a name like :game")
      }
      let name = String(cString: pointer)
      known.insert(String(name.dropFirst()))
      guard let value = parameters[String(name.dropFirst())] ?? parameters[name] else { throw .missingParameter(name) }
      QueryArgument(value).bind(to: statement, index + 1)
    }
    for name in parameters.keys.sorted() where !known.contains(name) && !known.contains(String(name.dropFirst())) {
      throw .unknownParameter(name)
    }
  }

  private func error(_ code: Int32, delivered: Int, _ timeoutNanoseconds: Int64?) -> QueryError {
    if let path = pool.vanished { return .filesChanged(path: path, afterRows: delivered > 0) }
    if pool.limits.isInterrupted { return .interrupted }
    if pool.limits.hasTimedOut { return .timedOut(seconds: Double(timeoutNanoseconds ?? 0) / 1e9) }
    if let refused = sentry.refused { return .notAllowed(refused) }
    return .failed(connection.error(code).message)
  }

  // MARK: one database

  /// `path` as a data file of ours; nil when it has a real table `telemetry_events`.
  private static func dataFile(_ path: String) throws(QueryError) -> DataFile? {
    guard FileSystem.exists(path) else { throw .unreadable("\(path): no such file") }
    do throws(SQLiteError) {
      let connection = try Connection(path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      let tables = try connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
      var names: Set<String> = []
      while try tables.step() { names.insert(tables.text(0)) }
      if names.contains("telemetry_events") { return nil }
      guard names.isSuperset(of: Tables.dictionaryNames) else {
        throw SQLiteError(code: SQLITE_NOTADB, message: "it has no table telemetry_events")
      }
      // Nothing is known about it, so nothing may be left out of it.
      return DataFile(
        number: 0, part: names.contains("event") ? 1 : 0, path: path, className: nil, day: nil, restricted: false,
        rows: max(1, FileSystem.length(path) / 150), bytes: FileSystem.length(path), firstID: .min, lastID: .max,
        minTime: .min, maxTime: .max,
        minReceived: .min, maxReceived: .max, traces: nil)
    } catch {
      throw .unreadable("\(path): \(error.message)")
    }
  }
}

/// The row a query stands on: valid only inside of the call it is handed to.
package struct QueryRow {
  package enum Kind: Sendable {
    case null, integer, real, text, blob
  }

  private let statement: OpaquePointer
  package let count: Int

  init(_ statement: OpaquePointer) {
    self.statement = statement
    count = Int(sqlite3_column_count(statement))
  }

  package func kind(_ column: Int) -> Kind {
    switch sqlite3_column_type(statement, Int32(column)) {
    case SQLITE_INTEGER: .integer
    case SQLITE_FLOAT: .real
    case SQLITE_TEXT: .text
    case SQLITE_BLOB: .blob
    default: .null
    }
  }

  package func integer(_ column: Int) -> Int64 { sqlite3_column_int64(statement, Int32(column)) }
  package func real(_ column: Int) -> Double { sqlite3_column_double(statement, Int32(column)) }

  /// The bytes of a text or blob where SQLite holds them, those of a number as text.
  package func bytes(_ column: Int) -> UnsafeRawBufferPointer {
    let pointer =
      kind(column) == .blob
      ? sqlite3_column_blob(statement, Int32(column))
      : UnsafeRawPointer(sqlite3_column_text(statement, Int32(column)))
    return UnsafeRawBufferPointer(start: pointer, count: Int(sqlite3_column_bytes(statement, Int32(column))))
  }

  package func text(_ column: Int) -> String { String(decoding: bytes(column), as: UTF8.self) }

  package func value(_ column: Int) -> SQLValue {
    switch kind(column) {
    case .null: .null
    case .integer: .integer(integer(column))
    case .real: .real(real(column))
    case .text: .text(text(column))
    case .blob: .blob([UInt8](bytes(column)))
    }
  }
}
