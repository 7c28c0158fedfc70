import CSQLite

/// One SQLite connection. Used by one thread at a time (the handle is opened without its own mutex): whoever owns it says so.
///
/// `@unchecked Sendable`: the handle moves between threads only together with its owner.
package final class Connection: @unchecked Sendable {
  package enum Mode: Sendable {
    case readOnly
    /// Read-only, and nobody writes: no lock is taken, and what lies beside the file is not looked at.
    case immutable
    case readWrite
    case create
  }

  /// Once, before SQLite is first used; later it would be refused, which costs speed and nothing else.
  private static let configured = garner_configure()

  package let path: String
  package private(set) var handle: OpaquePointer?
  /// Memory that SQLite was given for a callback; freed with the connection.
  var owned: UnsafeMutableRawPointer?

  package init(_ path: String, _ mode: Mode) throws(SQLiteError) {
    _ = Self.configured
    self.path = path
    let access =
      switch mode {
      case .readOnly: SQLITE_OPEN_READONLY
      case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      case .readWrite: SQLITE_OPEN_READWRITE
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      }
    let name = mode == .immutable ? "file:\(Self.escaped(path))?immutable=1" : path
    let code = sqlite3_open_v2(name, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    if code != SQLITE_OK {
      let error = SQLiteError(
        code: code, message: "\(path): \(handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory")")
      sqlite3_close_v2(handle)
      handle = nil
      throw error
    }
    sqlite3_busy_timeout(handle, 10_000)
  }

  /// A settled file for reading. Nothing writes to one, so that a journal beside it is a stranger's: SQLite would play it into
  /// the file, or not read it at all.
  package static func settled(_ path: String) throws(SQLiteError) -> Connection {
    try Connection(path, FileSystem.exists(path + "-journal") ? .immutable : .readOnly)
  }

  /// For a URI.
  private static func escaped(_ path: String) -> String {
    var text: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case 0x2f, 0x2d...0x2e, 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: text.append(byte)
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += Array((byte < 16 ? "%0" : "%").utf8) + Array(digits.utf8)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  deinit { close() }

  package func close() {
    sqlite3_close_v2(handle)
    handle = nil
    owned?.deallocate()
    owned = nil
  }

  package func check(_ code: Int32) throws(SQLiteError) {
    if code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE { throw error(code) }
  }

  package func error(_ code: Int32) -> SQLiteError {
    SQLiteError(code: code, message: handle.map { String(cString: sqlite3_errmsg($0)) } ?? "closed")
  }

  /// One or more statements without results.
  package func execute(_ sql: String) throws(SQLiteError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  package func prepare(_ sql: String, persistent: Bool = false) throws(SQLiteError) -> Statement {
    try Statement(self, sql, persistent: persistent)
  }

  /// Runs one statement to its end, for writes and pragmas.
  package func run(_ sql: String, _ values: SQLValue...) throws(SQLiteError) {
    let statement = try prepare(sql)
    try statement.bind(values)
    while try statement.step() {}
  }

  /// First column of the first row as integer; nil for no row or NULL.
  package func integer(_ sql: String, _ values: SQLValue...) throws(SQLiteError) -> Int64? {
    let statement = try prepare(sql)
    try statement.bind(values)
    guard try statement.step() else { return nil }
    return statement.isNull(0) ? nil : statement.integer(0)
  }

  package func text(_ sql: String, _ values: SQLValue...) throws(SQLiteError) -> String? {
    let statement = try prepare(sql)
    try statement.bind(values)
    guard try statement.step() else { return nil }
    return statement.isNull(0) ? nil : statement.text(0)
  }

  package var changes: Int { Int(sqlite3_changes64(handle)) }
  package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// `body` in one transaction; rolled back when it throws.
  package func transaction<Result>(_ body: () throws(SQLiteError) -> Result) throws(SQLiteError) -> Result {
    try execute("BEGIN IMMEDIATE")
    do throws(SQLiteError) {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      if isInTransaction { try? execute("ROLLBACK") }
      throw error
    }
  }
}

/// A value of SQLite's five storage classes.
package enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  package static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
  package static func optional(_ integer: Int64?) -> SQLValue { integer.map { .integer($0) } ?? .null }
}
