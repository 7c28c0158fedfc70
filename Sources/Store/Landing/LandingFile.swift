import Glibc
import Telemetry

/// One landing file open for writing: everything of a batch goes into it in one transaction, whatever its class or day.
///
/// WAL, `synchronous=FULL`, never checkpointed: its bytes are its write-ahead log, read back by SQLite's own recovery.
final class LandingFile {
  let number: Int64
  let path: String
  /// Day number of its first batch: it retires when that day is well over.
  let openedDay: Int64
  let connection: Connection
  let dictionaries: Dictionaries
  let inserters: [RowInserter]
  private let insertArrival, insertReceipt, addTally, insertUID, insertImported, putMark: Statement
  private let begin, commit, rollback: Statement
  /// What the log is written through, once commits leave it to `LogSyncer`.
  private(set) var log: LandingLog?

  /// Opens `number`, making it when it is not there.
  init(
    _ directory: DataDirectory, number: Int64, classes: RetentionClasses, learned: LearnedContexts, now: Int64,
    store: String
  ) throws(SQLiteError) {
    self.number = number
    path = directory.landingFile(number)
    let fresh = !FileSystem.exists(path)
    if fresh {
      let made = try Self.prepare(directory, number: number, classes: classes, now: now, store: store)
      do throws(FileError) { try Self.putInPlace(made, path) } catch {
        throw SQLiteError(code: error.isFull ? 13 : 10, message: error.description)
      }
    }
    let connection = try Connection(path, .create)
    self.connection = connection
    garnerNoCheckpointOnClose(connection)
    try connection.execute(Self.settings)
    if fresh {
      openedDay = Timestamp.day(now)
    } else {
      let opened = try connection.integer("SELECT value FROM meta WHERE key = 'opened'")
      openedDay = Timestamp.day(opened ?? now)
      // A class that came into the configuration since: its table and the view over all of them.
      try Self.addMissingClasses(connection, classes)
      try connection.execute(Tables.mark + Tables.keep)
      try connection.execute(LearnedContexts.schema)
    }
    dictionaries = try Dictionaries(connection, learned: learned)
    var inserters: [RowInserter] = []
    for entry in classes.classes {
      inserters.append(try RowInserter(connection, table: Tables.landingTable(entry.name)))
    }
    self.inserters = inserters
    insertArrival = try connection.prepare("INSERT INTO arrival VALUES (?,?,?)", persistent: true)
    insertReceipt = try connection.prepare(
      "INSERT OR REPLACE INTO receipt VALUES (?,?,?,?,?,?,?,?,?,?,?)", persistent: true)
    addTally = try connection.prepare(
      """
      INSERT INTO tally VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n,
        first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)
      """, persistent: true)
    insertUID = try connection.prepare("INSERT OR IGNORE INTO uid VALUES (?,?)", persistent: true)
    insertImported = try connection.prepare("INSERT OR REPLACE INTO imported VALUES (?,?,?)", persistent: true)
    putMark = try connection.prepare("INSERT OR REPLACE INTO mark VALUES (?,?)", persistent: true)
    begin = try connection.prepare("BEGIN IMMEDIATE", persistent: true)
    commit = try connection.prepare("COMMIT", persistent: true)
    rollback = try connection.prepare("ROLLBACK", persistent: true)
  }

  private static let settings = """
    PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;
    PRAGMA cache_size=-8192
    """

  /// Makes the file with all its tables and views under `tmp/`: whoever lists landing files must find no half of one.
  static func prepare(
    _ directory: DataDirectory, number: Int64, classes: RetentionClasses, now: Int64, store: String
  ) throws(SQLiteError) -> String {
    let path = "\(directory.temporary)/landing-\(number).db"
    do throws(FileError) {
      try FileSystem.createFolders(directory.temporary)
      try FileSystem.removeDatabase(path)
    } catch { throw SQLiteError(code: error.isFull ? 13 : 10, message: error.description) }
    // SQLite would make it by the umask; telemetry is nobody else's business.
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 { close(descriptor) }
    do throws(SQLiteError) {
      let connection = try Connection(path, .create)
      garnerNoCheckpointOnClose(connection)
      // Larger pages are fewer writes to the log under load (16 KiB: −10 % CPU), smaller ones less log for a single record.
      try connection.execute("PRAGMA page_size=8192;" + settings)
      try connection.transaction { () throws(SQLiteError) in
        try connection.execute(Tables.landingSchema(classes: classes.classes.map(\.name)))
        try connection.execute(
          "PRAGMA application_id=\(Tables.applicationID); PRAGMA user_version=\(Tables.version)")
        for (key, value) in [
          ("store", SQLValue.text(store)), ("number", .integer(number)), ("opened", .integer(now)),
        ] {
          try connection.run("INSERT INTO meta VALUES (?,?)", .text(key), value)
        }
      }
      connection.close()
    } catch {
      try? FileSystem.removeDatabase(path)
      throw error
    }
    return path
  }

  /// The log goes first: without it the file looks empty. One whose file a crash kept back is removed at the next start.
  static func putInPlace(_ made: String, _ path: String) throws(FileError) {
    try FileSystem.remove(made + "-shm")
    try FileSystem.move(made + "-wal", path + "-wal")
    try FileSystem.move(made, path)
  }

  private static func addMissingClasses(_ connection: Connection, _ classes: RetentionClasses) throws(SQLiteError) {
    var tables = try connection.landingTables()
    let missing = classes.classes.map { Tables.landingTable($0.name) }.filter { !tables.contains($0) }
    if missing.isEmpty { return }
    tables += missing
    try connection.transaction { () throws(SQLiteError) in
      for table in missing { try connection.execute(Tables.event(table)) }
      try connection.execute("DROP VIEW event")
      try connection.execute(
        "CREATE VIEW event AS "
          + tables.map { "SELECT * FROM \(Tables.quoted($0))" }.joined(separator: " UNION ALL "))
    }
  }

  func beginTransaction() throws(SQLiteError) { try begin.run() }
  func commitTransaction() throws(SQLiteError) { try commit.run() }

  /// From now on a commit is written but not synced: that is for who answers for it, through `log`.
  func leaveSyncToLog() throws(SQLiteError) {
    if log != nil { return }
    let log = try LandingLog(connection)
    try connection.execute("PRAGMA synchronous=NORMAL")
    self.log = log
  }

  /// After any failure; what the caches learned in the transaction is forgotten.
  func rollbackTransaction() {
    if connection.isInTransaction { try? rollback.run() }
    dictionaries.forget()
  }

  /// Bytes on disk, the write-ahead log included.
  var bytes: Int64 { FileSystem.length(path) + FileSystem.length(path + "-wal") }

  func recordArrival(first: Int64, at: Int64, door: String) throws(SQLiteError) {
    insertArrival.bind(1, first)
    insertArrival.bind(2, at)
    insertArrival.bind(3, .text(door))
    try insertArrival.run()
  }

  func record(_ receipt: Receipt, key: ReceiptKey, door: String, source: String, at: Int64) throws(SQLiteError) {
    insertReceipt.bind(1, .blob(key.bytes))
    insertReceipt.bind(2, .text(door))
    insertReceipt.bind(3, .text(source))
    insertReceipt.bind(4, at)
    insertReceipt.bind(5, receipt.firstID)
    insertReceipt.bind(6, Int64(receipt.received))
    insertReceipt.bind(7, Int64(receipt.stored))
    insertReceipt.bind(8, Int64(receipt.rejected))
    insertReceipt.bind(9, Int64(receipt.filtered))
    insertReceipt.bind(10, Int64(receipt.deduplicated))
    insertReceipt.bind(11, .text(receipt.message))
    try insertReceipt.run()
  }

  func tally(_ line: LedgerLine) throws(SQLiteError) {
    addTally.bind(1, .text(line.source))
    addTally.bind(2, .text(line.door))
    addTally.bind(3, .text(line.kind.rawValue))
    addTally.bind(4, .text(line.reason))
    addTally.bind(5, line.count)
    addTally.bind(6, line.firstSeen)
    addTally.bind(7, line.lastSeen)
    try addTally.run()
  }

  func recordUID(_ key: ReceiptKey, at: Int64) throws(SQLiteError) {
    insertUID.bind(1, .blob(key.bytes))
    insertUID.bind(2, at)
    try insertUID.run()
  }

  func recordImported(store: String, first: Int64, last: Int64) throws(SQLiteError) {
    insertImported.bind(1, .text(store))
    insertImported.bind(2, first)
    insertImported.bind(3, last)
    try insertImported.run()
  }

  /// Nothing of this run is known any more, here and, once the file is settled, in `state.db`.
  func forgetRun(_ store: String) throws(SQLiteError) {
    try connection.run("DELETE FROM imported WHERE store = ?", .text(store))
    let none = ImportedRanges.forgottenRange
    try recordImported(store: store, first: none.first, last: none.last)
  }

  /// Rows of an import that wants them kept.
  func keep(_ ids: ClosedRange<Int64>, until: Int64) throws(SQLiteError) {
    try connection.run(
      "UPDATE keep SET last = ? WHERE last = ? AND until = ?", .integer(ids.upperBound), .integer(ids.lowerBound - 1),
      .integer(until))
    if try connection.integer("SELECT changes()") == 0 {
      try connection.run(
        "INSERT INTO keep VALUES (?,?,?)", .integer(ids.lowerBound), .integer(ids.upperBound), .integer(until))
    }
  }

  func record(_ mark: Mark) throws(SQLiteError) {
    putMark.bind(1, .blob(mark.key))
    putMark.bind(2, mark.value.map { .blob($0) } ?? .null)
    try putMark.run()
  }

  /// Largest row id over all classes; 0 for none.
  func lastID() throws(SQLiteError) -> Int64 {
    var last: Int64 = 0
    for table in try connection.landingTables() {
      last = max(last, try connection.integer("SELECT coalesce(max(id), 0) FROM \(Tables.quoted(table))") ?? 0)
    }
    return last
  }
}

extension Connection {
  /// Names of the class tables of a landing file.
  package func landingTables() throws(SQLiteError) -> [String] {
    let statement = try prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'event\\_%' ESCAPE '\\' ORDER BY rowid")
    var names: [String] = []
    while try statement.step() { names.append(statement.text(0)) }
    return names
  }
}
