/// `<data>/forward/positions.db`: how far each destination is, a text of its own each. A write-ahead log without an fsync a
/// commit: a killed process loses nothing, a power cut at most the seconds since the last `checkpoint`, and what was sent
/// in them goes out once more. Apart from `state.db`, so that no destination's progress makes intake wait for the disk.
package final class PositionBook: @unchecked Sendable {
  private let path: String
  // Used by one thread at a time: the caller sees to it.
  private let connection: Connection

  /// Opens or makes it. A file that is no database is moved to `quarantine` and named in `damaged`; then the copy takes its
  /// place.
  package init(_ directory: DataDirectory) throws(SQLiteError) {
    path = directory.forwardPositions
    do throws(FileError) {
      try FileSystem.createFolders(directory.forward, mode: 0o700)
    } catch {
      throw SQLiteError(code: 14, message: error.description)
    }
    do throws(SQLiteError) {
      connection = try Self.open(path)
      damaged = nil
      isRestored = false
    } catch {
      guard error.primary == 11 || error.primary == 26 else { throw error }
      let aside = "\(directory.quarantine)/positions-\(FileSystem.now()).db"
      for suffix in ["", "-wal", "-shm"] { try? FileSystem.move(path + suffix, aside + suffix) }
      damaged = aside
      isRestored = Self.restore(directory.forwardPositionsCopy, path)
      connection = try Self.open(path)
    }
    copyPath = directory.forwardPositionsCopy
  }

  /// Where the file lies that could not be read.
  package let damaged: String?
  /// What it was some seconds before is known from the copy.
  package let isRestored: Bool
  private let copyPath: String

  private static func restore(_ copy: String, _ path: String) -> Bool {
    guard FileSystem.exists(copy) else { return false }
    do {
      let connection = try Connection(copy, .readOnly)
      defer { connection.close() }
      guard try connection.text("PRAGMA quick_check(1)") == "ok" else { return false }
      try connection.run("VACUUM INTO ?", .text(path))
      return true
    } catch {
      try? FileSystem.removeDatabase(path)
      return false
    }
  }

  private static func open(_ path: String) throws(SQLiteError) -> Connection {
    let connection = try Connection(path, .create)
    try connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0")
    try connection.execute(
      "CREATE TABLE IF NOT EXISTS position(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
    if try connection.text("PRAGMA quick_check(1)") != "ok" {
      throw SQLiteError(code: 11, message: "\(path): damaged")
    }
    return connection
  }

  /// Beside a daemon that writes it.
  package static func read(_ directory: DataDirectory) throws(SQLiteError) -> [String: [UInt8]] {
    try all(try Connection(directory.forwardPositions, .readOnly))
  }

  package func all() throws(SQLiteError) -> [String: [UInt8]] { try Self.all(connection) }

  private static func all(_ connection: Connection) throws(SQLiteError) -> [String: [UInt8]] {
    let statement = try connection.prepare("SELECT name, value FROM position")
    var states: [String: [UInt8]] = [:]
    while try statement.step() { states[statement.text(0)] = [UInt8](statement.bytes(1)) }
    return states
  }

  /// In one transaction; nil removes.
  package func save(_ states: [String: [UInt8]?]) throws(SQLiteError) {
    try connection.transaction { () throws(SQLiteError) in
      for (name, value) in states {
        if let value {
          try connection.run("INSERT OR REPLACE INTO position VALUES (?, ?)", .text(name), .blob(value))
        } else {
          try connection.run("DELETE FROM position WHERE name = ?", .text(name))
        }
      }
    }
  }

  /// Everything so far is on the disk itself, the log begins anew, and there is a copy.
  package func checkpoint() throws(SQLiteError) {
    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    let made = copyPath + ".tmp"
    try? FileSystem.removeDatabase(made)
    try connection.run("VACUUM INTO ?", .text(made))
    do throws(FileError) {
      try FileSystem.syncFile(made)
      try FileSystem.move(made, copyPath)
    } catch {
      throw SQLiteError(code: 10, message: error.description)
    }
  }

  package func close() { connection.close() }
}
