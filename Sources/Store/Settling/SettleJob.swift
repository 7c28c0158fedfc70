import Telemetry

/// Settles one landing file; see `Settler`. The rows of a class that lie in one day are copied as they are (SQLite moves the
/// records without taking them apart); else by day for today and yesterday, and the rest into the class's `late` file.
struct SettleJob {
  private let directory: DataDirectory
  private let options: StoreOptions
  private let catalog: Catalog
  private let number: Int64
  private let landing: String

  init(_ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog, _ number: Int64) {
    self.directory = directory
    self.options = options
    self.catalog = catalog
    self.number = number
    landing = directory.landingFile(number)
  }

  static func bytes(_ directory: DataDirectory, _ number: Int64) -> Int64 {
    let path = directory.landingFile(number)
    return FileSystem.length(path) + FileSystem.length(path + "-wal")
  }

  /// A span event belongs to its span: it goes where the span's start is.
  static let dayTime = "(CASE kind WHEN 4 THEN time - coalesce(aux, 0) ELSE time END)"

  struct Piece {
    var table: String
    var className: String
    /// Nil: late.
    var day: Int64?
    /// Nil: the whole table.
    var condition: String?
    /// At most as many.
    var rows: Int64
    var keepUntil: Int64?
  }

  /// Rows settled. `lastID`: see `Settler.add`; files of an earlier process were looked through at the start.
  func run(lastID: Int64?) throws(StoreFailure) -> Int64 {
    guard FileSystem.exists(landing) else { return 0 }
    do throws(SQLiteError) {
      if try catalog.use({ connection throws(SQLiteError) in
        try connection.integer("SELECT 1 FROM state.settled WHERE number = ?", .integer(number))
      }) != nil {
        try? FileSystem.removeDatabase(landing)
        return 0
      }
    } catch { throw StoreFailure(error) }
    removeOldParts()
    var rows: Int64 = 0
    var parts: [SettledPart] = []
    do throws(SQLiteError) {
      let source = try Connection(landing, .readWrite)
      garnerNoCheckpointOnClose(source)
      try source.execute("PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY")
      let hasTables = try source.integer("PRAGMA application_id") == Tables.applicationID
      if !hasTables && FileSystem.length(landing + "-wal") > 0 {
        throw SQLiteError(code: 11, message: "not a landing file, or its write-ahead log cannot be read")
      }
      // Without tables and log: a crash while it was made, before anything was committed.
      if let lastID, try rowsEnd(source, hasTables) < lastID, let damage = WriteAheadLog(landing + "-wal")?.damage() {
        // SQLite would end at the noise and call the rest a transaction that was never finished.
        throw SQLiteError(code: 11, message: damage.reason)
      }
      let pieces = hasTables ? try plan(source) : []
      for (index, piece) in pieces.enumerated() {
        do throws(StoreFailure) {
          parts.append(try build(piece, Int64(index + 1), Int64(pieces.count)))
        } catch {
          for part in parts { try? FileSystem.remove(part.file.path) }
          throw SQLiteError(code: error.isCorrupt ? 11 : error.isFull ? 13 : 1, message: error.description)
        }
        rows += parts[index].file.rows
      }
      try publish(parts, hasTables ? source : nil)
    } catch { throw StoreFailure(error) }
    do throws(FileError) {
      try FileSystem.removeDatabase(landing)
      try FileSystem.syncFolder(directory.landing)
    } catch { throw StoreFailure(error) }
    return rows
  }

  /// The largest row id; 0 for none.
  private func rowsEnd(_ source: Connection, _ hasTables: Bool) throws(SQLiteError) -> Int64 {
    var last: Int64 = 0
    for table in hasTables ? try source.landingTables() : [] {
      last = max(last, try source.integer("SELECT coalesce(max(id), 0) FROM \(Tables.quoted(table))") ?? 0)
    }
    return last
  }

  /// Parts of an attempt that a crash cut short.
  private func removeOldParts() {
    for name in FileSystem.list(directory.temporary) where name.hasPrefix("\(number)-") {
      try? FileSystem.removeDatabase(directory.temporary + "/" + name)
    }
    for entry in FileSystem.list(directory.shards) where entry != "landing" {
      for folder in FileSystem.list(directory.shards + "/" + entry) {
        let path = "\(directory.shards)/\(entry)/\(folder)"
        for name in FileSystem.list(path) where name.hasPrefix("\(number)-") {
          try? FileSystem.removeDatabase(path + "/" + name)
        }
      }
    }
  }

  private func plan(_ source: Connection) throws(SQLiteError) -> [Piece] {
    let today = Timestamp.day(options.clock())
    let dayLength = Timestamp.nanosecondsPerDay
    var pieces: [Piece] = []
    for table in try source.landingTables() {
      let range = try source.prepare(
        "SELECT min(\(Self.dayTime)), max(\(Self.dayTime)), count(*) FROM \(Tables.quoted(table))")
      guard try range.step(), !range.isNull(0) else { continue }
      let first = Timestamp.day(range.integer(0))
      let last = Timestamp.day(range.integer(1))
      let rows = range.integer(2)
      let name = String(table.dropFirst("event_".count))
      if first == last {
        pieces.append(Piece(table: table, className: name, day: first, condition: nil, rows: rows))
        continue
      }
      for day in [today - 1, today] where day >= first && day <= last {
        pieces.append(
          Piece(
            table: table, className: name, day: day,
            condition: "\(Self.dayTime) >= \(day * dayLength) AND \(Self.dayTime) < \((day + 1) * dayLength)",
            rows: rows))
      }
      if first < today - 1 || last > today {
        pieces.append(
          Piece(
            table: table, className: name, day: nil,
            condition: "\(Self.dayTime) < \((today - 1) * dayLength) OR \(Self.dayTime) >= \((today + 1) * dayLength)",
            rows: rows))
      }
    }
    var filled: [Piece] = []
    for piece in pieces {
      guard let condition = piece.condition else {
        filled.append(piece)
        continue
      }
      if try source.integer("SELECT 1 FROM \(Tables.quoted(piece.table)) WHERE \(condition) LIMIT 1") != nil {
        filled.append(piece)
      }
    }
    return try keep(filled, source)
  }

  /// What an import wants kept lies in files of its own, so that nothing else stays because of it.
  private func keep(_ pieces: [Piece], _ source: Connection) throws(SQLiteError) -> [Piece] {
    guard try source.integer("SELECT 1 FROM sqlite_schema WHERE name = 'keep'") != nil,
      let until = try source.integer("SELECT max(until) FROM keep")
    else { return pieces }
    let kept = "EXISTS (SELECT 1 FROM keep k WHERE id >= k.first AND id <= k.last)"
    var parted: [Piece] = []
    for piece in pieces {
      for (condition, until) in [(kept, until), ("NOT \(kept)", nil)] as [(String, Int64?)] {
        var part = piece
        part.condition = piece.condition.map { "(\($0)) AND \(condition)" } ?? condition
        part.keepUntil = until
        let table = Tables.quoted(piece.table)
        if try source.integer("SELECT 1 FROM \(table) WHERE \(part.condition ?? "") LIMIT 1") == nil { continue }
        parted.append(part)
      }
    }
    return parted
  }

  private func build(_ piece: Piece, _ part: Int64, _ parts: Int64) throws(StoreFailure) -> SettledPart {
    let restricted = options.classes.classes.first { $0.name == piece.className }?.restricted ?? false
    let builder = ShardBuilder(
      directory: directory, className: piece.className, day: piece.day, number: number, part: part, parts: parts,
      restricted: restricted, rows: piece.rows, keepUntil: piece.keepUntil)
    return try builder.build { target throws(SQLiteError) in
      try target.run("ATTACH ? AS source", .text(landing))
      for name in Tables.dictionaryNames {
        try target.execute("INSERT INTO main.\(name) SELECT * FROM source.\(name)")
      }
      try ShardMerge(target).inherit(shift: 0)
      let table = Tables.quoted(piece.table)
      if let condition = piece.condition {
        try target.execute("INSERT INTO main.event SELECT * FROM source.\(table) WHERE \(condition) ORDER BY id")
      } else {
        try target.execute("INSERT INTO main.event SELECT * FROM source.\(table)")
      }
      try target.execute(
        """
        INSERT INTO main.arrival SELECT first, at, door FROM source.arrival
        WHERE first >= coalesce((SELECT max(first) FROM source.arrival WHERE first <= (SELECT min(id) FROM main.event)), 0)
          AND first <= (SELECT max(id) FROM main.event)
        """)
      try target.execute(
        "INSERT INTO main.meta SELECT * FROM source.meta WHERE key = 'store'")
      try target.execute("DETACH source")
    }
  }

  /// The one transaction that makes the parts count and the landing file not.
  private func publish(_ parts: [SettledPart], _ source: Connection?) throws(SQLiteError) {
    let tallies = try source.map { source throws(SQLiteError) in try LedgerLine.read(source, "tally") } ?? []
    var receipts = ReceiptCopy(window: options.receiptWindow, now: options.clock())
    if let source { try receipts.read(source) }
    let uids = try source?.rows("SELECT key, at FROM uid") ?? []
    let hasMarks = try source?.integer("SELECT 1 FROM sqlite_schema WHERE name = 'mark'") != nil
    let marks = hasMarks ? try source?.rows("SELECT key, value FROM mark") ?? [] : []
    let hasLearned = try source?.integer("SELECT 1 FROM sqlite_schema WHERE name = 'learned'") != nil
    let learned = LearnedContexts()
    if hasLearned, let source { try learned.load(source, "learned") }
    let imports = try source?.rows("SELECT store, first, last FROM imported ORDER BY store, first") ?? []
    let cutoff = options.clock() - options.receiptWindow
    let lastID = try source.map { source throws(SQLiteError) in try rowsEnd(source, true) } ?? 0
    do throws(SQLiteError) {
      try catalog.use { connection throws(SQLiteError) in
        try connection.transaction { () throws(SQLiteError) in
          for part in parts { try Catalog.add(part.file, present: part.present, connection, directory) }
          for line in tallies { try Catalog.tally(line, connection) }
          try receipts.write(connection)
          try connection.run("DELETE FROM state.receipt WHERE at <= ?", .integer(cutoff))
          for row in uids { try connection.run("INSERT OR IGNORE INTO state.uid VALUES (?,?)", row[0], row[1]) }
          for row in marks {
            // Files may be settled out of their order, when one of them had trouble.
            try connection.run(
              """
              INSERT INTO state.mark VALUES (?,?,?) ON CONFLICT DO UPDATE
              SET value = excluded.value, number = excluded.number WHERE excluded.number >= number
              """, row[0], row[1], .integer(number))
          }
          try learned.settle(number, connection)
          for row in imports {
            if case .text(let store) = row[0], case .integer(let first) = row[1], case .integer(let last) = row[2],
              ImportedRanges.isForgotten(store, first, last)
            {
              try connection.run("DELETE FROM state.imported WHERE store = ?", row[0])
              continue
            }
            try connection.run("INSERT OR REPLACE INTO state.imported VALUES (?,?,?)", row[0], row[1], row[2])
          }
          for (name, value) in [("next_file", number + 1), ("next_id", lastID + 1)] {
            try connection.run(
              "INSERT INTO state.counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
              .text(name), .integer(value))
          }
          try connection.run(
            "INSERT OR REPLACE INTO state.settled VALUES (?,?)", .integer(number), .integer(options.clock()))
        }
      }
    } catch {
      // Trouble of the catalog says nothing against the landing file: it stays and is tried again.
      throw SQLiteError(code: error.isFull ? 13 : 1, message: "catalog: \(error.description)")
    }
  }
}

extension Connection {
  /// A small result as values.
  package func rows(_ sql: String, _ values: SQLValue...) throws(SQLiteError) -> [[SQLValue]] {
    let statement = try prepare(sql)
    try statement.bind(values)
    var rows: [[SQLValue]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map(statement.value)) }
    return rows
  }
}

/// Receipts on their way from a landing file to `state.db`.
private struct ReceiptCopy {
  private var rows: [[SQLValue]] = []
  private let cutoff: Int64

  init(window: Int64, now: Int64) { cutoff = now - window }

  mutating func read(_ source: Connection) throws(SQLiteError) {
    rows = try source.rows(
      """
      SELECT key, door, source, at, first_id, received, stored, rejected, filtered, deduplicated, message FROM receipt
      WHERE at > ?
      """, .integer(cutoff))
  }

  func write(_ connection: Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT OR REPLACE INTO state.receipt VALUES (?,?,?,?,?,?,?,?,?,?,?)")
    for row in rows {
      try insert.bind(row)
      try insert.run()
    }
  }
}
