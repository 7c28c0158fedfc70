import Synchronization
package import Telemetry

/// `catalog.db` (which settled files there are; rebuilt from them when lost) and `state.db` (what no data file can tell),
/// attached to one connection in rollback mode, so that a swap of files is one atomic transaction over both.
///
/// One lock around one connection: settler, pruner, writer (new landing file) and commands take turns, each a few milliseconds.
package final class Catalog: @unchecked Sendable {
  // covers: connection, places and restored. Taken last: nothing else is locked inside.
  private let lock = Mutex<Void>(())
  private var connection: Connection
  /// Which files were opened.
  private var places: [FileSystem.Place?]
  /// Paths of those that were written anew.
  private var restored: [String] = []
  package let directory: DataDirectory
  /// Whether the data directory is still the one that was opened. Where it is not, nothing may be done by a path.
  let isInPlace: @Sendable () -> Bool

  /// Opens or makes both. Throws when one of them is not a database: the caller decides about quarantine.
  package init(
    _ directory: DataDirectory, isInPlace: @escaping @Sendable () -> Bool = { true }
  ) throws(SQLiteError) {
    self.directory = directory
    self.isInPlace = isInPlace
    connection = try Self.connect(directory)
    places = [FileSystem.place(directory.catalog), FileSystem.place(directory.state)]
  }

  private static func connect(_ directory: DataDirectory) throws(SQLiteError) -> Connection {
    let connection = try Connection(directory.catalog, .create)
    try connection.execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY")
    try connection.run("ATTACH ? AS state", .text(directory.state))
    try connection.execute("PRAGMA state.journal_mode=DELETE; PRAGMA state.synchronous=FULL")
    try connection.execute(schema)
    _ = try connection.integer("SELECT count(*) FROM file")
    _ = try connection.integer("SELECT count(*) FROM state.counter")
    return connection
  }

  package static let schema = """
    CREATE TABLE IF NOT EXISTS main.file(number INTEGER NOT NULL, part INTEGER NOT NULL, class TEXT NOT NULL, day INTEGER,
      path TEXT NOT NULL, restricted INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
      first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL,
      min_received INTEGER NOT NULL, max_received INTEGER NOT NULL, traces BLOB, PRIMARY KEY(number, part)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS main.present(number INTEGER NOT NULL, part INTEGER NOT NULL, source TEXT NOT NULL,
      kind INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(number, part, source, kind)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS main.keep(number INTEGER NOT NULL, part INTEGER NOT NULL, until INTEGER NOT NULL,
      PRIMARY KEY(number, part)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.counter(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.receipt(key BLOB PRIMARY KEY, door TEXT NOT NULL, source TEXT NOT NULL,
      at INTEGER NOT NULL, first_id INTEGER NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL,
      rejected INTEGER NOT NULL, filtered INTEGER NOT NULL, deduplicated INTEGER NOT NULL, message TEXT NOT NULL)
      WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS state.receipt_at ON receipt(at);
    CREATE TABLE IF NOT EXISTS state.ledger(source TEXT NOT NULL, door TEXT NOT NULL, kind TEXT NOT NULL,
      reason TEXT NOT NULL, n INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
      PRIMARY KEY(source, door, kind, reason)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.uid(key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.imported(store TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      PRIMARY KEY(store, first)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.mark(key BLOB PRIMARY KEY, value BLOB, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.learned(source TEXT NOT NULL, session TEXT NOT NULL, game TEXT NOT NULL,
      at INTEGER NOT NULL, game_module TEXT, mod_fingerprint TEXT, number INTEGER NOT NULL,
      PRIMARY KEY(source, session, game, at)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state.settled(number INTEGER PRIMARY KEY, at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS state.intent(number INTEGER NOT NULL, part INTEGER NOT NULL, reason TEXT NOT NULL,
      PRIMARY KEY(number, part)) WITHOUT ROWID;
    """

  /// Runs `body` with the connection, alone.
  package func use<Result>(_ body: (Connection) throws(SQLiteError) -> Result) throws(SQLiteError) -> Result {
    // Mutex.withLock does not keep typed throws apart from other errors here, so the result travels as a value.
    let outcome: Swift.Result<Result, SQLiteError> = lock.withLock { _ in
      do throws(SQLiteError) { return .success(try body(connection)) } catch {
        guard error.code == Self.moved else { return .failure(error) }
      }
      do throws(SQLiteError) {
        try writeBack()
        return .success(try body(connection))
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  static func goneError(_ directory: DataDirectory) -> SQLiteError {
    SQLiteError(code: moved, message: "\(directory.path) was removed, moved away or exchanged")
  }

  /// SQLITE_READONLY_DBMOVED
  private static let moved: Int32 = 1032

  /// Writes those of the two files anew that were deleted or exchanged under us, and goes on with them; paths of those that
  /// were since this was asked last. SQLite refuses to write to a database whose name leads elsewhere, but the one that was
  /// opened is still whole.
  func putBack() throws(SQLiteError) -> [String] {
    let outcome: Swift.Result<[String], SQLiteError> = lock.withLock { _ in
      do throws(SQLiteError) {
        try writeBack()
        defer { restored = [] }
        return .success(restored)
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  /// Inside the lock.
  private func writeBack() throws(SQLiteError) {
    let files = [("main", directory.catalog), ("state", directory.state)]
    let now = files.map { FileSystem.place($0.1) }
    let moved = files.indices.filter { now[$0] == nil || now[$0] != places[$0] }.map { files[$0] }
    if moved.isEmpty { return }
    // The databases of whoever made the directory anew.
    if !isInPlace() { throw Self.goneError(directory) }
    do throws(FileError) {
      try FileSystem.createFolders(directory.temporary)
      for (name, _) in moved {
        let copy = "\(directory.temporary)/\(name).db"
        try FileSystem.removeDatabase(copy)
        do throws(SQLiteError) { try connection.run("VACUUM \(name) INTO ?", .text(copy)) } catch {
          throw FileError("copy \(name) (\(error.message)) to", copy, error.isFull ? 28 : 5)
        }
        try FileSystem.syncFile(copy)
      }
      for (name, path) in moved {
        // A stranger's file, and a journal that would be played into ours.
        for suffix in ["-journal", ""] where FileSystem.exists(path + suffix) {
          try FileSystem.createFolders(directory.quarantine)
          try FileSystem.move(path + suffix, "\(directory.quarantine)/exchanged-\(name).db\(suffix)")
        }
        try FileSystem.move("\(directory.temporary)/\(name).db", path)
      }
      try FileSystem.syncFolder(directory.path)
    } catch { throw SQLiteError(code: error.isFull ? 13 : 10, message: error.description) }
    connection = try Self.connect(directory)
    places = files.map { FileSystem.place($0.1) }
    restored += moved.map(\.1)
  }

  /// Reads every page: damage that showed only later would be taken for damage of the file that is being settled.
  func verify() throws(SQLiteError) {
    try use { connection throws(SQLiteError) in
      for name in ["main", "state"] {
        let answer = try connection.text("PRAGMA \(name).quick_check(1)") ?? ""
        if answer != "ok" { throw SQLiteError(code: 11, message: "\(name): \(answer)") }
      }
    }
  }

  package func close() { lock.withLock { _ in connection.close() } }

  // MARK: counters

  /// Name of the last row that was known to be acknowledged when `state.db` was written.
  static let acknowledged = "acknowledged"

  package func counter(_ name: String) throws(SQLiteError) -> Int64? {
    try use { connection throws(SQLiteError) in
      try connection.integer("SELECT value FROM state.counter WHERE name = ?", .text(name))
    }
  }

  package func setCounter(_ name: String, _ value: Int64) throws(SQLiteError) {
    try use { connection throws(SQLiteError) in
      try connection.run(
        "INSERT INTO state.counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", .text(name),
        .integer(value))
    }
  }

  package func setting(_ name: String) throws(SQLiteError) -> String? {
    try use { connection throws(SQLiteError) in
      try connection.text("SELECT value FROM state.counter WHERE name = ?", .text(name))
    }
  }

  package func setSetting(_ name: String, _ value: String) throws(SQLiteError) {
    try use { connection throws(SQLiteError) in
      try connection.run(
        "INSERT INTO state.counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", .text(name),
        .text(value))
    }
  }

  // MARK: files

  /// Without their filters over traces, which are most of the catalog's bytes and only choose files for queries.
  package func files() throws(SQLiteError) -> [DataFile] {
    try use { connection throws(SQLiteError) in try Self.files(connection, directory, withTraces: false) }
  }

  /// Settled files in order of their rows.
  static func files(
    _ connection: Connection, _ directory: DataDirectory, withTraces: Bool = true
  )
    throws(SQLiteError) -> [DataFile]
  {
    let statement = try connection.prepare(
      """
      SELECT number, part, class, day, path, restricted, rows, bytes, first_id, last_id, min_time, max_time,
        min_received, max_received, \(withTraces ? "traces" : "NULL") FROM file ORDER BY first_id, number, part
      """)
    var files: [DataFile] = []
    while try statement.step() {
      files.append(
        DataFile(
          number: statement.integer(0), part: statement.integer(1),
          path: directory.shards + "/" + statement.text(4), className: statement.text(2),
          day: statement.optionalInteger(3), restricted: statement.integer(5) != 0, rows: statement.integer(6),
          bytes: statement.integer(7), firstID: statement.integer(8), lastID: statement.integer(9),
          minTime: statement.integer(10), maxTime: statement.integer(11), minReceived: statement.integer(12),
          maxReceived: statement.integer(13), traces: statement.isNull(14) ? nil : [UInt8](statement.bytes(14))))
    }
    try addKeeps(to: &files, connection)
    return files
  }

  /// A catalog that an earlier version left, and nobody opened for writing since, has none.
  private static func addKeeps(to files: inout [DataFile], _ connection: Connection) throws(SQLiteError) {
    guard try connection.integer("SELECT 1 FROM main.sqlite_schema WHERE name = 'keep'") != nil else { return }
    let keeps = try connection.prepare("SELECT number, part, until FROM main.keep")
    while try keeps.step() {
      let place = files.firstIndex { $0.number == keeps.integer(0) && $0.part == keeps.integer(1) }
      if let place { files[place].keepUntil = keeps.integer(2) }
    }
  }

  /// Adds or replaces one file with its counts; inside a transaction of the caller.
  static func add(
    _ file: DataFile, present: [PresentCount], _ connection: Connection, _ directory: DataDirectory
  )
    throws(SQLiteError)
  {
    let relative = String(decoding: file.path.utf8.dropFirst(directory.shards.utf8.count + 1), as: UTF8.self)
    try connection.run(
      "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", .integer(file.number), .integer(file.part),
      .text(file.className ?? ""), .optional(file.day), .text(relative), .integer(file.restricted ? 1 : 0),
      .integer(file.rows), .integer(file.bytes), .integer(file.firstID), .integer(file.lastID),
      .integer(file.minTime), .integer(file.maxTime), .integer(file.minReceived), .integer(file.maxReceived),
      file.traces.map { .blob($0) } ?? .null)
    try connection.run(
      "DELETE FROM main.keep WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
    if let until = file.keepUntil {
      try connection.run(
        "INSERT INTO main.keep VALUES (?,?,?)", .integer(file.number), .integer(file.part), .integer(until))
    }
    try connection.run(
      "DELETE FROM present WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
    for count in present {
      try connection.run(
        "INSERT OR REPLACE INTO present VALUES (?,?,?,?,?)", .integer(file.number), .integer(file.part),
        .text(count.source), .integer(Int64(count.kind.rawValue)), .integer(count.count))
    }
  }

  static func remove(number: Int64, part: Int64, _ connection: Connection) throws(SQLiteError) {
    try connection.run("DELETE FROM file WHERE number = ? AND part = ?", .integer(number), .integer(part))
    try connection.run("DELETE FROM present WHERE number = ? AND part = ?", .integer(number), .integer(part))
    try connection.run("DELETE FROM main.keep WHERE number = ? AND part = ?", .integer(number), .integer(part))
  }

  // MARK: replacing files

  /// A part number that no file of this store ever had, for a file that replaces others. Until the transaction that swaps
  /// them takes the intent back, what a crash leaves of the new file is removed at the next start.
  func intendToBuild(number: Int64) throws(SQLiteError) -> Int64 {
    try use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        let highest = try connection.integer("SELECT max(part) FROM file") ?? 0
        let counted = try connection.integer("SELECT value FROM state.counter WHERE name = 'next_part'") ?? 0
        let part = max(highest + 1, counted, 1000)
        try connection.run(
          "INSERT INTO state.counter VALUES ('next_part', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
          .integer(part + 1))
        try connection.run(
          "INSERT OR REPLACE INTO state.intent VALUES (?,?,'building:')", .integer(number), .integer(part))
        return part
      }
    }
  }

  /// Inside a transaction of the caller.
  static func forgetIntent(number: Int64, part: Int64, _ connection: Connection) throws(SQLiteError) {
    try connection.run("DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(number), .integer(part))
  }

  // MARK: ledger

  /// Adds `n` to one line of the books; inside a transaction of the caller.
  static func tally(_ line: LedgerLine, _ connection: Connection) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO state.ledger VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n,
        first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)
      """, .text(line.source), .text(line.door), .text(line.kind.rawValue), .text(line.reason), .integer(line.count),
      .integer(line.firstSeen), .integer(line.lastSeen))
  }

  package func ledger() throws(SQLiteError) -> [LedgerLine] {
    try use { connection throws(SQLiteError) in
      try LedgerLine.read(connection, "state.ledger")
    }
  }

  /// Records in settled files, by source and kind.
  package func present() throws(SQLiteError) -> [PresentCount] {
    try use { connection throws(SQLiteError) in
      let statement = try connection.prepare("SELECT source, kind, sum(n) FROM present GROUP BY 1, 2")
      var counts: [PresentCount] = []
      while try statement.step() {
        counts.append(
          PresentCount(
            source: statement.text(0), kind: RowKind(rawValue: UInt8(clamping: statement.integer(1))) ?? .log,
            count: statement.integer(2)))
      }
      return counts
    }
  }
}

/// Rows of one kind from one source.
package struct PresentCount: Sendable, Equatable {
  package var source: String
  package var kind: RowKind
  package var count: Int64

  package init(source: String, kind: RowKind, count: Int64) {
    self.source = source
    self.kind = kind
    self.count = count
  }
}

/// One line of the books (DESIGN §5): `received = stored + rejected + filtered + deduplicated`, and
/// `stored = present + pruned + cleared + lost`. Counts records.
package struct LedgerLine: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case received, stored, rejected, filtered, sampled, deduplicated, pruned, cleared, erased, lost
    /// Not of records: what they took as decoded, in bytes.
    case bytes
  }

  package var source: String
  package var door: String
  package var kind: Kind
  package var reason: String
  package var count: Int64
  package var firstSeen: Int64
  package var lastSeen: Int64

  package init(
    source: String, door: String, kind: Kind, reason: String, count: Int64, firstSeen: Int64, lastSeen: Int64
  ) {
    self.source = source
    self.door = door
    self.kind = kind
    self.reason = reason
    self.count = count
    self.firstSeen = firstSeen
    self.lastSeen = lastSeen
  }

  static func read(_ connection: Connection, _ table: String) throws(SQLiteError) -> [LedgerLine] {
    let statement = try connection.prepare("SELECT source, door, kind, reason, n, first_seen, last_seen FROM \(table)")
    var lines: [LedgerLine] = []
    while try statement.step() {
      guard let kind = Kind(rawValue: statement.text(2)) else { continue }
      lines.append(
        LedgerLine(
          source: statement.text(0), door: statement.text(1), kind: kind, reason: statement.text(3),
          count: statement.integer(4), firstSeen: statement.integer(5), lastSeen: statement.integer(6)))
    }
    return lines
  }
}
