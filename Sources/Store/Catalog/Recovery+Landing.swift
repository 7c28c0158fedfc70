import Synchronization
import Telemetry

extension Recovery {
  /// Of landing files, and of logs whose file is gone.
  func landingNumbers() -> [Int64] {
    let numbers = FileSystem.list(directory.landing).compactMap { name in
      name.hasSuffix(".db") ? Int64(name.dropLast(3)) : name.hasSuffix(".db-wal") ? Int64(name.dropLast(7)) : nil
    }
    return Set(numbers).sorted()
  }

  /// What the writer goes on with, and the landing files that wait for the settler.
  func landing(_ catalog: Catalog, storeID: String) throws(SQLiteError) -> (Recovered, toSettle: [Int64]) {
    let now = options.clock()
    var recovered = Recovered(
      receipts: ReceiptBook(window: options.receiptWindow, limit: options.receiptLimit), uidHash: try uidKey(catalog))
    let settled = try settledNumbers(catalog)
    try catalog.use { connection throws(SQLiteError) in
      try recovered.receipts.load(connection, "state.receipt", now: now)
      try recovered.imported.load(connection, "state.imported")
      try recovered.learned.load(connection, "state.learned", order: "number")
      for row in try connection.rows("SELECT key FROM state.uid") { recovered.add(uid: row[0]) }
      for row in try connection.rows("SELECT DISTINCT source FROM state.ledger") {
        if case .text(let source) = row[0] { recovered.sources.insert(source) }
      }
      recovered.nextID = try connection.integer("SELECT max(last_id) + 1 FROM file") ?? 1
      recovered.nextID = max(
        recovered.nextID, try connection.integer("SELECT value FROM state.counter WHERE name = 'next_id'") ?? 1)
      recovered.nextFile = max(
        try connection.integer("SELECT max(number) + 1 FROM file") ?? 1,
        try connection.integer("SELECT value FROM state.counter WHERE name = 'next_file'") ?? 1)
    }
    var toSettle: [Int64] = []
    var salvaged: Set<Int64> = []
    for number in landingNumbers() {
      recovered.nextFile = max(recovered.nextFile, number + 1)
      if settled.contains(number) {
        try? FileSystem.removeDatabase(directory.landingFile(number))
        continue
      }
      let path = directory.landingFile(number)
      if isNewer(path) {
        report(.newer(path: path))
        continue
      }
      if !FileSystem.exists(path) {
        guard WriteAheadLog(path + "-wal") != nil, holdsRecords(path) else {
          // Made and never used, or cut short before that.
          try? FileSystem.removeDatabase(path)
          continue
        }
        recovered.nextID += mostIDs(path)
        guard setAside(path, catalog, "the file is gone, its write-ahead log is there") else { continue }
        salvaged.insert(number)
      } else if let damage = WriteAheadLog(path + "-wal")?.damage() {
        recovered.nextID += mostIDs(path)
        guard setAside(path, catalog, damage.reason) else { continue }
        salvaged.insert(number)
      }
      toSettle.append(number)
      // A killed process may have left commits that only the system's memory holds: from here on their retries are answered.
      try? FileSystem.syncFile(path + "-wal")
      read(number, into: &recovered, now: now)
    }
    try noteMissing(&recovered, catalog)
    if let newest = toSettle.last, !salvaged.contains(newest), isUsable(newest, now) {
      // Opened by the writer's side of the store; everything older is settled.
      if let file = try? LandingFile(
        directory, number: newest, classes: options.classes, learned: recovered.learned, now: now, store: storeID)
      {
        recovered.current = file
        toSettle.removeLast()
      }
    }
    return (recovered, toSettle)
  }

  /// A log that was deleted, or lost its end, looks like one that never held more. Ids that were given are not given again.
  private func noteMissing(_ recovered: inout Recovered, _ catalog: Catalog) throws(SQLiteError) {
    guard let last = try catalog.counter(Catalog.acknowledged), last >= recovered.nextID else { return }
    report(.rowsMissing(first: recovered.nextID, last: last))
    recovered.nextID = last + 1
    try catalog.use { connection throws(SQLiteError) in
      try connection.run(
        "INSERT INTO state.counter VALUES ('next_id', ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        .integer(last + 1))
    }
  }

  /// Whether the log of a landing file that is gone has anything of a batch; when that cannot be told, it has.
  private func holdsRecords(_ path: String) -> Bool {
    let whole = directory.temporary + "/orphan.db"
    defer { try? FileSystem.removeDatabase(whole) }
    guard (try? FileSystem.removeDatabase(whole)) != nil, (try? LogRepair.write(path, to: whole)) != nil,
      let connection = try? Connection(whole, .readWrite),
      let count = try? connection.integer("SELECT (SELECT count(*) FROM arrival) + (SELECT count(*) FROM tally)")
    else { return true }
    return count > 0
  }

  private func isUsable(_ number: Int64, _ now: Int64) -> Bool {
    guard let connection = try? Connection(directory.landingFile(number), .readOnly),
      let version = try? connection.integer("PRAGMA user_version"), version == Tables.version,
      let opened = try? connection.integer("SELECT value FROM meta WHERE key = 'opened'")
    else { return false }
    return Timestamp.day(opened) == Timestamp.day(now)
  }

  /// SQLite would pass over everything behind the first bad byte of a log and write over it: before it may, what is there is
  /// saved and what is not is counted. False: there is no file any more.
  private func setAside(_ path: String, _ catalog: Catalog, _ reason: String) -> Bool {
    vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
    let outcome = Quarantine.setAside(path, directory, options, catalog, reason: reason)
    let words = outcome.trouble.isEmpty ? reason : "\(reason); salvage: \(outcome.trouble)"
    report(.quarantined(path: path, reason: words, salvaged: outcome.salvaged, lost: outcome.lost))
    return FileSystem.exists(path)
  }

  /// No row takes less than 32 bytes: ids that a damaged file may have given are passed over.
  private func mostIDs(_ path: String) -> Int64 {
    (FileSystem.length(path) + FileSystem.length(path + "-wal")) / 32
  }

  /// Ids, receipts and identities of one landing file. An unreadable one is left to the settler.
  private func read(_ number: Int64, into recovered: inout Recovered, now: Int64) {
    let path = directory.landingFile(number)
    let mostIDs = mostIDs(path)
    guard let connection = try? Connection(path, .readWrite) else {
      recovered.nextID += mostIDs
      return
    }
    garnerNoCheckpointOnClose(connection)
    try? connection.execute("PRAGMA wal_autocheckpoint=0")
    guard let tables = try? connection.landingTables(), !tables.isEmpty else {
      recovered.nextID += mostIDs
      return
    }
    do throws(SQLiteError) {
      for table in tables {
        if let last = try connection.integer("SELECT max(id) FROM \(Tables.quoted(table))") {
          recovered.nextID = max(recovered.nextID, last + 1)
        }
      }
    } catch { recovered.nextID += mostIDs }
    try? recovered.receipts.load(connection, "receipt", now: now)
    try? recovered.imported.load(connection, "imported")
    try? recovered.marks.load(connection, number: number)
    for row in (try? connection.rows("SELECT key FROM uid")) ?? [] { recovered.add(uid: row[0]) }
    try? recovered.learned.load(connection, "learned")
  }

  /// Made once; without it uids of an earlier run would not be known again.
  private func uidKey(_ catalog: Catalog) throws(SQLiteError) -> KeyedHash {
    var halves: [UInt64] = []
    for name in ["uid_key_0", "uid_key_1"] {
      if let known = try catalog.counter(name) {
        halves.append(UInt64(bitPattern: known))
      } else {
        let fresh = UInt64.random(in: 0 ... .max)
        try catalog.setCounter(name, Int64(bitPattern: fresh))
        halves.append(fresh)
      }
    }
    return KeyedHash(k0: halves[0], k1: halves[1])
  }
}

extension Recovered {
  mutating func add(uid value: SQLValue) {
    if case .blob(let bytes) = value, let key = bytes.withUnsafeBytes({ ReceiptKey(bytes: $0) }) { uids.insert(key) }
  }
}
