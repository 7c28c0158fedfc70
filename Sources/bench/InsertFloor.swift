import CSQLite
import Glibc
import Store

/// What SQLite alone can do with the very rows that the daemon just stored: prepared inserts into one table in WAL mode
/// with the same columns, one fsync a commit, no index, no dictionary, no network.
enum InsertFloor {
  struct Figures {
    var rate: Double
    /// Processor microseconds a row.
    var cpu: Double
  }

  static let rowsOfCommit = 4_096
  /// A file is given up at about the size of a landing file.
  private static let rowsOfFile = 200_000

  static func measure(_ stage: Stage) throws(BenchFailure) -> Figures {
    guard let source = shard(stage.place.data + "/shards") else {
      throw BenchFailure("no settled file to take rows from")
    }
    let rows = try Rows(source)
    defer { rows.release() }
    let start = Clock.now()
    let before = processor()
    var written = 0
    var number = 0
    while Clock.now() - start < stage.seconds {
      number += 1
      written += try fill("\(stage.place.folder)/floor-\(number).db", rows, until: start + stage.seconds)
    }
    return Figures(
      rate: Double(written) / (Clock.now() - start), cpu: (processor() - before) * 1e6 / Double(written))
  }

  private static func fill(_ path: String, _ rows: Rows, until: Double) throws(BenchFailure) -> Int {
    do throws(SQLiteError) {
      let connection = try Connection(path, .create)
      defer {
        connection.close()
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
      }
      garner_no_checkpoint_on_close(connection.handle)
      try connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0")
      try connection.execute(Tables.event("event"))
      let marks = Array(repeating: "?", count: Rows.columns).joined(separator: ",")
      let statement = try connection.prepare("INSERT INTO event VALUES (\(marks))")
      var id: Int64 = 0
      while id < Int64(rowsOfFile), Clock.now() < until {
        try connection.execute("BEGIN")
        for index in 0..<rowsOfCommit {
          id += 1
          rows.bind(index, id, statement.handle)
          try statement.run()
        }
        try connection.execute("COMMIT")
      }
      return Int(id)
    } catch {
      throw BenchFailure(error.message)
    }
  }

  private static func shard(_ folder: String) -> String? {
    for name in Workplace.names(folder) where name != "landing" {
      let path = folder + "/" + name
      if name.hasSuffix(".db") { return path }
      if let found = shard(path) { return found }
    }
    return nil
  }

  private static func processor() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}

/// Rows of a data file, held where SQLite can bind them without a copy.
private struct Rows {
  static let columns = 20
  /// Of `sqlite3_value_dup`, row by row; the id is bound anew each time.
  private var values: [OpaquePointer?] = []
  private var count = 0

  init(_ path: String) throws(BenchFailure) {
    do throws(SQLiteError) {
      let connection = try Connection(path, .readOnly)
      let statement = try connection.prepare("SELECT * FROM event LIMIT \(InsertFloor.rowsOfCommit)")
      while try statement.step() {
        for column in 0..<Int32(Self.columns) {
          values.append(sqlite3_value_dup(sqlite3_column_value(statement.handle, column)))
        }
        count += 1
      }
    } catch {
      throw BenchFailure(error.message)
    }
    if count == 0 { throw BenchFailure("\(path) holds no rows") }
  }

  func release() { for value in values { sqlite3_value_free(value) } }

  func bind(_ index: Int, _ id: Int64, _ statement: OpaquePointer?) {
    let first = index % count * Self.columns
    sqlite3_bind_int64(statement, 1, id)
    for column in 1..<Self.columns {
      let value = values[first + column]
      let parameter = Int32(column + 1)
      switch sqlite3_value_type(value) {
      case SQLITE_INTEGER: sqlite3_bind_int64(statement, parameter, sqlite3_value_int64(value))
      case SQLITE_FLOAT: sqlite3_bind_double(statement, parameter, sqlite3_value_double(value))
      case SQLITE_TEXT:
        _ = garner_bind_text(statement, parameter, sqlite3_value_text(value), Int64(sqlite3_value_bytes(value)))
      case SQLITE_BLOB:
        _ = garner_bind_blob(statement, parameter, sqlite3_value_blob(value), Int64(sqlite3_value_bytes(value)))
      default: sqlite3_bind_null(statement, parameter)
      }
    }
  }
}
