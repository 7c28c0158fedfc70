import Telemetry

/// Sets a damaged data file aside and saves what can still be read of it (promise 8).
enum Quarantine {
  struct Outcome {
    var salvaged: Int64 = 0
    var lost: Int64 = 0
    /// A sound file took the place of the damaged one.
    var isRebuilt = false
    /// That file, when it is a settled one: it has another part number.
    var file: DataFile?
    /// Why there is none.
    var trouble = ""
  }

  /// Keeps the file and its log under `quarantine/`, then puts a file of the readable rows in its place; the books get what
  /// cannot be read. A landing file becomes a fresh one of the same number, to be settled like any other.
  ///
  /// The damaged file stays where it is until the new one is whole and booked: a crash at any moment leaves one of the two,
  /// never both, never neither.
  static func setAside(
    _ path: String, _ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog, reason: String
  ) -> Outcome {
    do throws(FileError) {
      try FileSystem.createFolders(directory.quarantine)
      let kept = freeName(path, directory, options)
      for suffix in ["-wal", ""] { try FileSystem.keep(path + suffix, as: kept + suffix) }
      try FileSystem.writeDurably(kept + ".why.txt", Array((reason + "\n").utf8))
      try FileSystem.syncFolder(directory.quarantine)
    } catch { return Outcome(trouble: error.description) }
    return path.hasPrefix(directory.landing + "/")
      ? salvageLanding(path, directory, options) : salvageShard(path, directory, options, catalog)
  }

  /// `standard-2026-07-01-7-1.db.1782907200`
  private static func freeName(_ path: String, _ directory: DataDirectory, _ options: StoreOptions) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? "unknown.db"
    let folder = path.split(separator: "/").dropLast().suffix(2).joined(separator: "-")
    let wanted = "\(directory.quarantine)/\(folder)-\(name).\(options.clock() / 1_000_000_000)"
    var free = wanted
    var number = 1
    while FileSystem.exists(free) {
      number += 1
      free = "\(wanted)-\(number)"
    }
    return free
  }

  // MARK: landing

  /// What a finished salvage is called until it has taken the place of the damaged file.
  static let salvagedSuffix = ".salvaged"

  private static func salvageLanding(_ path: String, _ directory: DataDirectory, _ options: StoreOptions) -> Outcome {
    var outcome = Outcome()
    let name = path.split(separator: "/").last.map(String.init) ?? "unknown.db"
    let whole = "\(directory.temporary)/salvage-\(name)"
    let temporary = path + ".tmp"
    defer {
      try? FileSystem.removeDatabase(whole)
      try? FileSystem.removeDatabase(temporary)
    }
    do throws(FileError) {
      try FileSystem.createFolders(directory.temporary)
      try FileSystem.removeDatabase(whole)
      try FileSystem.removeDatabase(temporary)
      let reference = makeReference(directory, options)
      defer { if let reference { try? FileSystem.remove(reference) } }
      try LogRepair.write(path, to: whole, reference: reference)
    } catch {
      outcome.trouble = error.description
      return outcome
    }
    do throws(SQLiteError) {
      if try !fill(temporary, from: whole, options, &outcome) {
        outcome.trouble = "nothing in it can be read, not even how much it was"
        try? FileSystem.removeDatabase(path)
        return outcome
      }
    } catch {
      outcome.trouble = error.description
      return outcome
    }
    do throws(FileError) {
      try FileSystem.syncFile(temporary)
      try FileSystem.move(temporary, path + salvagedSuffix)
      try FileSystem.syncFolder(directory.landing)
      try putInPlace(path, directory)
      outcome.isRebuilt = true
    } catch { outcome.trouble = error.description }
    return outcome
  }

  /// A landing file without rows as one plain file, laid out like those of this version. Nil: it could not be made.
  private static func makeReference(_ directory: DataDirectory, _ options: StoreOptions) -> String? {
    let place = DataDirectory(directory.temporary + "/reference")
    let path = place.landingFile(1)
    let plain = directory.temporary + "/reference.db"
    defer {
      try? FileSystem.removeDatabase(path)
      for folder in [place.landing, place.shards, place.temporary, place.path] {
        FileSystem.removeFolderIfEmpty(folder)
      }
    }
    do {
      try FileSystem.createFolders(place.landing)
      try FileSystem.removeDatabase(path)
      try LandingFile(
        place, number: 1, classes: options.classes, learned: LearnedContexts(), now: options.clock(), store: ""
      ).connection.close()
      try LogRepair.write(path, to: plain)
      return plain
    } catch { return nil }
  }

  /// The last step of a salvage; a start does it again when a crash came between. The old log must be gone before the new
  /// file lies there, or it would be played into it.
  static func putInPlace(_ path: String, _ directory: DataDirectory) throws(FileError) {
    try FileSystem.removeDatabase(path)
    try FileSystem.syncFolder(directory.landing)
    try FileSystem.move(path + salvagedSuffix, path)
    try FileSystem.syncFolder(directory.landing)
  }

  /// False: the tables cannot even be listed.
  private static func fill(
    _ path: String, from whole: String, _ options: StoreOptions, _ outcome: inout Outcome
  ) throws(SQLiteError) -> Bool {
    let target = try Connection(path, .create)
    defer { target.close() }
    try target.execute(
      "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
        + Tables.landingSchema(classes: options.classes.classes.map(\.name)))
    guard let salvage = try? Salvage(whole, into: target) else { return false }
    defer { salvage.close() }
    try target.execute("BEGIN")
    for table in Tables.dictionaryNames { salvage.copy(table) }
    salvage.copy("arrival", key: "first")
    for table in ["meta", "receipt", "tally", "uid", "imported", "mark", "keep", "learned", "inherits"] {
      salvage.copyStart(table)
    }
    for entry in options.classes.classes { outcome.salvaged += salvage.copy(Tables.landingTable(entry.name)) }
    try target.execute("COMMIT")
    try LostBooks(target, now: options.clock()).complete()
    let stored = (try? target.integer("SELECT sum(n) FROM tally WHERE kind = 'stored'")) ?? 0
    let events = (try? target.integer("SELECT count(*) FROM event WHERE kind = 4")) ?? 0
    outcome.lost = max(0, stored - (outcome.salvaged - events))
    try LostBooks(target, now: options.clock()).write()
    try target.execute("PRAGMA application_id=\(Tables.applicationID); PRAGMA user_version=\(Tables.version)")
    return true
  }

  // MARK: shards

  private static func salvageShard(
    _ path: String, _ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog
  ) -> Outcome {
    guard let known = (try? catalog.files())?.first(where: { $0.path == path }), let className = known.className else {
      // In no list and in no book: out of the way is all it can be.
      try? FileSystem.removeDatabase(path)
      return Outcome()
    }
    var outcome = Outcome()
    do throws(SQLiteError) {
      let part = try catalog.intendToBuild(number: known.number)
      let builder = ShardBuilder(
        directory: directory, className: className, day: known.day, number: known.number, part: part, parts: part,
        restricted: known.restricted, rows: known.rows, keepUntil: known.keepUntil)
      let rebuilt = rebuild(path, builder, &outcome)
      do throws(SQLiteError) {
        try swap(known, part, rebuilt, options, catalog, &outcome)
      } catch {
        // The damaged file stays in the catalog, until there is room for the truth.
        if let rebuilt { try? FileSystem.removeDatabase(rebuilt.file.path) }
        throw error
      }
    } catch {
      outcome.trouble = error.description
      return outcome
    }
    return outcome
  }

  /// Nil: nothing could be read.
  private static func rebuild(_ path: String, _ builder: ShardBuilder, _ outcome: inout Outcome) -> SettledPart? {
    var rows: Int64 = 0
    let rebuilt = try? builder.build { target throws(SQLiteError) in
      if let salvage = try? Salvage(path, into: target) {
        defer { salvage.close() }
        try target.execute("BEGIN")
        for table in Tables.dictionaryNames { salvage.copy(table) }
        salvage.copy("arrival", key: "first")
        rows = salvage.copy("event")
        try target.execute("COMMIT")
      }
      if rows == 0 { throw SQLiteError(code: 11, message: "nothing could be read") }
    }
    if rebuilt != nil { outcome.salvaged = rows }
    return rebuilt
  }

  /// One transaction in which the new file takes the place of the old one in catalog and books; then the old one goes.
  private static func swap(
    _ known: DataFile, _ part: Int64, _ rebuilt: SettledPart?, _ options: StoreOptions, _ catalog: Catalog,
    _ outcome: inout Outcome
  ) throws(SQLiteError) {
    let before = presentCounts(catalog, known)
    var after: [String: Int64] = [:]
    for count in rebuilt?.present ?? [] { after[count.source, default: 0] += count.count }
    let now = options.clock()
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        try Catalog.remove(number: known.number, part: known.part, connection)
        if let rebuilt { try Catalog.add(rebuilt.file, present: rebuilt.present, connection, catalog.directory) }
        try Catalog.forgetIntent(number: known.number, part: part, connection)
        try connection.run(
          "INSERT OR REPLACE INTO state.intent VALUES (?,?,'merged:')", .integer(known.number), .integer(known.part))
        for (source, count) in before where count > after[source] ?? 0 {
          try Catalog.tally(
            LedgerLine(
              source: source, door: "quarantine", kind: .lost, reason: "corrupt", count: count - (after[source] ?? 0),
              firstSeen: now, lastSeen: now), connection)
        }
      }
    }
    outcome.file = rebuilt?.file
    outcome.isRebuilt = rebuilt != nil
    outcome.lost = before.reduce(0) { $0 + max(0, $1.value - (after[$1.key] ?? 0)) }
    try? FileSystem.removeDatabase(known.path)
    // Kept on a failure: the next start removes what is left of the file.
    try? catalog.use { connection throws(SQLiteError) in
      try Catalog.forgetIntent(number: known.number, part: known.part, connection)
    }
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
