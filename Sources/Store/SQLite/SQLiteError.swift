import CSQLite

/// What SQLite said, with its primary result code.
package struct SQLiteError: Error, Sendable, CustomStringConvertible {
  /// Extended result code, e.g. `SQLITE_IOERR_FSYNC`.
  package var code: Int32
  package var message: String

  package init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }

  package var primary: Int32 { code & 0xff }
  package var description: String { "\(message) (SQLite \(code))" }
  /// The file system has no room; SQLite can only be read until it has.
  package var isFull: Bool { primary == SQLITE_FULL }
  /// The bytes of the file are wrong: nothing that waiting mends.
  /// A record whose header is noise asks for more than SQLite can hold: no row of ours is ever too big.
  package var isCorrupt: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_TOOBIG }
  package var isTooBig: Bool { primary == SQLITE_TOOBIG }
  package var isInterrupt: Bool { primary == SQLITE_INTERRUPT }
}
