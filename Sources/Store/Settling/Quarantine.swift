import Telemetry

/// Sets a damaged data file aside and saves what can still be read of it (promise 8).
enum Quarantine {
  struct Outcome {
    var salvaged: Int64 = 0
    var lost: Int64 = 0
    /// A sound file lies in the place of the damaged one.
    var isRebuilt = false
    /// Why nothing lies there, when building it failed.
    var trouble = ""
  }

  /// Moves the file with its companions to `quarantine/`, then builds a file of the readable rows in its place. Landing files
  /// become a fresh landing file of the same number, to be settled like any other.
  static func setAside(
    _ path: String, _ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog, reason: String
  ) -> Outcome {
    let name = path.split(separator: "/").last.map(String.init) ?? "unknown.db"
    let folder = path.split(separator: "/").dropLast().suffix(2).joined(separator: "-")
    let kept = "\(directory.quarantine)/\(folder)-\(name).\(options.clock() / 1_000_000_000)"
    do throws(FileError) {
      try FileSystem.createFolders(directory.quarantine)
      for suffix in ["-wal", "-shm"] where FileSystem.exists(path + suffix) {
        try FileSystem.move(path + suffix, kept + suffix)
      }
      try FileSystem.move(path, kept)
      try FileSystem.syncFolder(directory.quarantine)
      try FileSystem.writeDurably(kept + ".why.txt", Array((reason + "\n").utf8))
    } catch { return Outcome() }
    return path.hasPrefix(directory.landing + "/")
      ? salvageLanding(kept, path, options) : salvageShard(kept, path, directory, options, catalog)
  }

  // MARK: landing

  private static func salvageLanding(_ kept: String, _ path: String, _ options: StoreOptions) -> Outcome {
    var outcome = Outcome()
    let temporary = path + ".tmp"
    try? FileSystem.removeDatabase(temporary)
    do throws(SQLiteError) {
      let target = try Connection(temporary, .create)
      try target.execute(
        "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
          + Tables.landingSchema(classes: options.classes.classes.map(\.name)))
      guard let salvage = try? Salvage(kept, into: target) else {
        target.close()
        try? FileSystem.removeDatabase(temporary)
        return outcome
      }
      try target.execute("BEGIN")
      for table in Tables.dictionaryNames { salvage.copy(table) }
      salvage.copy("arrival", key: "first")
      for table in ["meta", "receipt", "tally", "uid", "imported"] { salvage.copyStart(table) }
      for entry in options.classes.classes { outcome.salvaged += salvage.copy(Tables.landingTable(entry.name)) }
      salvage.close()
      try target.execute("COMMIT")
      let stored = (try? target.integer("SELECT sum(n) FROM tally WHERE kind = 'stored'")) ?? 0
      let events = (try? target.integer("SELECT count(*) FROM event WHERE kind = 4")) ?? 0
      outcome.lost = max(0, stored - (outcome.salvaged - events))
      try bookLosses(target, options.clock())
      try target.execute("PRAGMA application_id=\(Tables.applicationID); PRAGMA user_version=\(Tables.version)")
      target.close()
      do throws(FileError) {
        try FileSystem.move(temporary, path)
        outcome.isRebuilt = true
      } catch { try? FileSystem.removeDatabase(temporary) }
    } catch {
      outcome.trouble = error.description
      try? FileSystem.removeDatabase(temporary)
    }
    return outcome
  }

  /// For each source: what the books say was stored here and is not there is `lost`; what is there without a line gets one.
  private static func bookLosses(_ target: Connection, _ now: Int64) throws(SQLiteError) {
    try target.run(
      """
      INSERT INTO tally SELECT source, 'quarantine', 'lost', 'corrupt', gone, ?, ? FROM (
        SELECT b.source, b.n - coalesce((SELECT count(*) FROM event e JOIN ctx c ON c.id = e.ctx
          WHERE c.source = b.source AND e.kind != 4), 0) AS gone
        FROM (SELECT source, sum(n) n FROM tally WHERE kind = 'stored' GROUP BY 1) b) WHERE gone > 0
      """, .integer(now), .integer(now))
    try target.run(
      """
      INSERT INTO tally SELECT source, 'quarantine', k.kind, '', found, ?, ? FROM (
        SELECT c.source, count(*) - coalesce((SELECT sum(n) FROM tally t WHERE t.source = c.source AND t.kind = 'stored'), 0)
          AS found FROM event e JOIN ctx c ON c.id = e.ctx WHERE e.kind != 4 GROUP BY 1),
        (SELECT 'received' AS kind UNION ALL SELECT 'stored') k WHERE found > 0
      """, .integer(now), .integer(now))
  }

  // MARK: shards

  private static func salvageShard(
    _ kept: String, _ path: String, _ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog
  ) -> Outcome {
    var outcome = Outcome()
    let known = (try? catalog.files())?.first { $0.path == path }
    let before = known.map { presentCounts(catalog, $0) } ?? [:]
    var rebuilt: SettledPart?
    if let known, let className = known.className {
      let builder = ShardBuilder(
        directory: directory, className: className, day: known.day, number: known.number, part: known.part,
        parts: known.part, restricted: known.restricted)
      rebuilt = try? builder.build { target throws(SQLiteError) in
        if let salvage = try? Salvage(kept, into: target) {
          try target.execute("BEGIN")
          for table in Tables.dictionaryNames { salvage.copy(table) }
          salvage.copy("arrival", key: "first")
          outcome.salvaged = salvage.copy("event")
          salvage.close()
          try target.execute("COMMIT")
        }
        if outcome.salvaged == 0 { throw SQLiteError(code: 11, message: "nothing could be read") }
      }
    }
    guard let known else { return outcome }
    outcome.isRebuilt = rebuilt != nil
    var after: [String: Int64] = [:]
    for count in rebuilt?.present ?? [] { after[count.source, default: 0] += count.count }
    outcome.lost = before.reduce(0) { $0 + max(0, $1.value - (after[$1.key] ?? 0)) }
    let now = options.clock()
    try? catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        try Catalog.remove(number: known.number, part: known.part, connection)
        if let rebuilt { try Catalog.add(rebuilt.file, present: rebuilt.present, connection, directory) }
        for (source, count) in before where count > after[source] ?? 0 {
          try Catalog.tally(
            LedgerLine(
              source: source, door: "quarantine", kind: .lost, reason: "corrupt", count: count - (after[source] ?? 0),
              firstSeen: now, lastSeen: now), connection)
        }
      }
    }
    return outcome
  }

  private static func presentCounts(_ catalog: Catalog, _ file: DataFile) -> [String: Int64] {
    var counts: [String: Int64] = [:]
    let rows = try? catalog.use { connection throws(SQLiteError) in
      try connection.rows(
        "SELECT source, n FROM present WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
    }
    for row in rows ?? [] {
      if case .text(let source) = row[0], case .integer(let n) = row[1] { counts[source, default: 0] += n }
    }
    return counts
  }
}
