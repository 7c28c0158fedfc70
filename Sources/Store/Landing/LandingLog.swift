import CSQLite

/// The write-ahead log of an open landing file, for making durable what was committed without a sync. SQLite's own file, so
/// that it goes the way of all its writes; while one thread syncs another may go on writing.
///
/// `@unchecked Sendable`: the methods of an open file may be called by any thread. It must not outlive the connection: the
/// writer waits for the syncer before it closes one.
final class LandingLog: @unchecked Sendable {
  private let file: UnsafeMutablePointer<sqlite3_file>
  private let path: String

  init(_ connection: Connection) throws(SQLiteError) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    try connection.check(
      sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file))
    guard let file, file.pointee.pMethods != nil else {
      throw SQLiteError(code: SQLITE_CANTOPEN, message: "\(connection.path): no write-ahead log")
    }
    self.file = file
    path = connection.path + "-wal"
  }

  func sync() throws(SQLiteError) {
    let code = file.pointee.pMethods?.pointee.xSync?(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) ?? SQLITE_MISUSE
    if code != SQLITE_OK { throw SQLiteError(code: code, message: "\(path): cannot be synced") }
  }
}
