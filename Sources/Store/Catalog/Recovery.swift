import Synchronization
import Telemetry

/// What happens between opening a directory and taking the first batch: databases of the catalog, files on disk against the
/// catalog, landing files against `settled`. Every trouble is named and set aside; none stops the start (promise 8).
struct Recovery {
  let directory: DataDirectory
  let options: StoreOptions
  let vitals: StoreVitals
  let report: @Sendable (StoreEvent) -> Void
  /// See `Catalog`.
  var isInPlace: @Sendable () -> Bool = { true }

  func makeFolders() throws(FileError) {
    for folder in [
      directory.path, directory.shards, directory.landing, directory.quarantine, directory.rejected, directory.exports,
      directory.keys, directory.temporary, directory.drop + "/in", directory.drop + "/done",
      directory.drop + "/rejected",
    ] { try FileSystem.createFolders(folder) }
    for name in FileSystem.list(directory.temporary) { try? FileSystem.remove(directory.temporary + "/" + name) }
    for name in FileSystem.list(directory.landing) {
      let path = directory.landing + "/" + name
      // What is beside a file that is gone; its log may hold rows that are nowhere else (`landing`).
      let isOrphan = name.hasSuffix("-shm") && !FileSystem.exists(String(path.dropLast(4)))
      if name.hasSuffix(".tmp") || isOrphan { try? FileSystem.remove(path) }
      if name.hasSuffix(Quarantine.salvagedSuffix) {
        try Quarantine.putInPlace(String(path.dropLast(Quarantine.salvagedSuffix.utf8.count)), directory)
      }
    }
    if !FileSystem.exists(directory.ballast) { try? FileSystem.allocate(directory.ballast, bytes: 1 << 20) }
  }

  struct Found {
    var catalog: Catalog
    var storeID: String
    var recovered: Recovered
    /// Numbers of landing files.
    var toSettle: [Int64]
  }

  /// Everything above, in order. Damage deep in one of the two databases shows only when it is read: then once more.
  func run() throws(StoreFailure) -> Found {
    var stateIsNew = false
    for attempt in 0..<3 {
      let catalog = try openCatalog(&stateIsNew)
      do throws(SQLiteError) {
        try catalog.verify()
        if try catalog.setting("store_id") == nil { stateIsNew = true }
        let files = try reconcile(catalog)
        let storeID = try StoreIdentity.find(catalog)
        let (recovered, toSettle) = try landing(catalog, storeID: storeID)
        if stateIsNew && files > 0 {
          try RebuiltBooks(catalog, now: options.clock()).write()
          // It may have known of files that are to be kept for longer than their class says.
          try catalog.setSetting(Checkup.restored, Timestamp.text(options.clock()))
        }
        if let since = try catalog.setting(Checkup.restored), !since.isEmpty { report(.agePaused(since: since)) }
        report(
          .recovered(
            landingFiles: toSettle.count + (recovered.current == nil ? 0 : 1), settledFiles: files,
            rows: recovered.nextID - 1))
        return Found(catalog: catalog, storeID: storeID, recovered: recovered, toSettle: toSettle)
      } catch {
        catalog.close()
        guard error.isCorrupt, attempt < 2 else { throw StoreFailure(error) }
        setAsideDatabases(&stateIsNew)
      }
    }
    throw StoreFailure("cannot read \(directory.catalog) and \(directory.state)")
  }

  /// A catalog that is no database is rebuilt from the files; a state that is none comes back from its copy.
  private func openCatalog(_ stateIsNew: inout Bool) throws(StoreFailure) -> Catalog {
    if !FileSystem.exists(directory.state), FileSystem.exists(directory.stateCopy) { restoreState(&stateIsNew) }
    for attempt in 0..<3 {
      do throws(SQLiteError) {
        return try Catalog(directory, isInPlace: isInPlace)
      } catch {
        guard error.isCorrupt || error.primary == 1, attempt < 2 else { throw StoreFailure(error) }
        setAsideDatabases(&stateIsNew)
      }
    }
    throw StoreFailure("cannot open \(directory.catalog)")
  }

  private func setAsideDatabases(_ stateIsNew: inout Bool) {
    let stamp = options.clock() / 1_000_000_000
    if !isHealthy(directory.catalog) {
      keep(directory.catalog, "catalog.db.\(stamp)")
      report(.quarantined(path: directory.catalog, reason: "not a readable database", salvaged: 0, lost: 0))
    }
    if !isHealthy(directory.state) {
      restoreState(&stateIsNew)
    }
  }

  /// The last daily copy, where there is a good one. Either way the books have to be made to agree with the files.
  private func restoreState(_ stateIsNew: inout Bool) {
    stateIsNew = true
    // A journal without its database would be played into the copy.
    keep(directory.state, "state.db.\(options.clock() / 1_000_000_000)")
    if isHealthy(directory.stateCopy), let bytes = try? FileSystem.read(directory.stateCopy, limit: 1 << 30),
      !bytes.isEmpty, (try? FileSystem.writeDurably(directory.state, bytes)) != nil
    {
      report(.stateRestored(from: directory.stateCopy))
    } else {
      report(.quarantined(path: directory.state, reason: "not a readable database", salvaged: 0, lost: 0))
    }
  }

  private static func journalName(_ file: DataFile) -> String {
    "\(file.className ?? "")-\(file.number)-\(file.part).db"
  }

  private func keep(_ path: String, _ name: String, suffixes: [String] = ["-journal", ""]) {
    for suffix in suffixes where FileSystem.exists(path + suffix) {
      try? FileSystem.move(path + suffix, directory.quarantine + "/" + name + suffix)
    }
  }

  private func isHealthy(_ path: String) -> Bool {
    guard FileSystem.exists(path) else { return true }
    guard let connection = try? Connection(path, .readWrite) else { return false }
    return (try? connection.text("PRAGMA quick_check(1)")) == "ok"
  }

  // MARK: settled files

  /// Catalog and folders are made to agree. Returns how many files there are.
  func reconcile(_ catalog: Catalog) throws(SQLiteError) -> Int {
    try mendPaths(catalog)
    try finishIntents(catalog)
    let known = try catalog.files()
    let settled = try settledNumbers(catalog)
    var byPath: [String: DataFile] = [:]
    for file in known { byPath[file.path] = file }
    let pending = Set(landingNumbers()).subtracting(settled)
    var added: [SettledPart] = []
    for path in shardPaths() {
      if let file = byPath.removeValue(forKey: path) {
        // Nothing writes to a settled file: SQLite would play a stranger's journal into it.
        if FileSystem.exists(path + "-journal") { keep(path, Self.journalName(file), suffixes: ["-journal"]) }
        checkShape(file, catalog)
        continue
      }
      // Parts of a landing file that is still there are an interrupted settling: it makes them anew.
      guard let number = Self.number(path), !pending.contains(number) else { continue }
      if isNewer(path) {
        report(.newer(path: path))
        continue
      }
      if let part = describe(path) {
        added.append(part)
      } else {
        vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
        let outcome = Quarantine.setAside(path, directory, options, catalog, reason: "not a data file of this program")
        report(.quarantined(path: path, reason: "not a data file", salvaged: outcome.salvaged, lost: outcome.lost))
      }
    }
    if !added.isEmpty {
      try catalog.use { connection throws(SQLiteError) in
        try connection.transaction { () throws(SQLiteError) in
          for part in added { try Catalog.add(part.file, present: part.present, connection, directory) }
        }
      }
      report(.catalogRebuilt(files: added.count))
    }
    for file in byPath.values {
      try Pruner.finish(
        number: file.number, part: file.part, .lost, "file_missing", catalog, now: options.clock())
      report(.fileLost(path: file.path, rows: file.rows))
    }
    return known.count - byPath.count + added.count
  }

  /// An earlier version wrote down names of files that are not there when the data directory had letters of more than one
  /// byte in its path. Files lie where their class, day and number say.
  private func mendPaths(_ catalog: Catalog) throws(SQLiteError) {
    for file in try catalog.files() where !FileSystem.exists(file.path) {
      let path = directory.shardFile(class: file.className ?? "", day: file.day, number: file.number, part: file.part)
      guard path != file.path, FileSystem.exists(path) else { continue }
      try catalog.use { connection throws(SQLiteError) in
        try connection.run(
          "UPDATE file SET path = ? WHERE number = ? AND part = ?",
          .text(String(decoding: path.utf8.dropFirst(directory.shards.utf8.count + 1), as: UTF8.self)),
          .integer(file.number), .integer(file.part))
      }
    }
  }

  func settledNumbers(_ catalog: Catalog) throws(SQLiteError) -> Set<Int64> {
    try catalog.use { connection throws(SQLiteError) in
      var numbers: Set<Int64> = []
      let statement = try connection.prepare("SELECT number FROM state.settled")
      while try statement.step() { numbers.insert(statement.integer(0)) }
      return numbers
    }
  }

  /// Length against SQLite's own page count in the header: a cut or overwritten file is seen without reading it all.
  private func checkShape(_ file: DataFile, _ catalog: Catalog) {
    guard let header = try? FileSystem.read(file.path, limit: 100), header.count == 100 else {
      return quarantine(file, catalog, "shorter than a database header")
    }
    guard header.starts(with: Array("SQLite format 3\0".utf8)) else {
      return quarantine(file, catalog, "not a database any more")
    }
    let pageSize = Int64(header[16]) << 8 | Int64(header[17])
    let pages = (28..<32).reduce(Int64(0)) { $0 << 8 | Int64(header[$1]) }
    let version = (60..<64).reduce(Int64(0)) { $0 << 8 | Int64(header[$1]) }
    if version > Tables.version { report(.newer(path: file.path)) }
    let wanted = (pageSize == 1 ? 65_536 : pageSize) * pages
    if FileSystem.length(file.path) < wanted { quarantine(file, catalog, "cut short") }
  }

  private func quarantine(_ file: DataFile, _ catalog: Catalog, _ reason: String) {
    vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
    let outcome = Quarantine.setAside(file.path, directory, options, catalog, reason: reason)
    report(.quarantined(path: file.path, reason: reason, salvaged: outcome.salvaged, lost: outcome.lost))
  }

  private func finishIntents(_ catalog: Catalog) throws(SQLiteError) {
    let intents = try catalog.use { connection throws(SQLiteError) in
      try connection.rows("SELECT number, part, reason FROM state.intent")
    }
    let known = try catalog.files()
    for row in intents {
      guard case .integer(let number) = row[0], case .integer(let part) = row[1], case .text(let text) = row[2] else {
        continue
      }
      let words = text.split(separator: ":").map(String.init)
      if words.first == "merged" || words.first == "building" {
        // Rows of a merged file live on in the one that replaced it; a file that was being built replaced nothing yet.
        for path in shardPaths() where path.hasSuffix("/\(number)-\(part).db") { try? FileSystem.removeDatabase(path) }
        try catalog.use { connection throws(SQLiteError) in
          try connection.run(
            "DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(number), .integer(part))
        }
        continue
      }
      let kind = words.first.flatMap(LedgerLine.Kind.init) ?? .pruned
      if let file = known.first(where: { $0.number == number && $0.part == part }) {
        try? FileSystem.removeDatabase(file.path)
      }
      try Pruner.finish(
        number: number, part: part, kind, words.count > 1 ? words[1] : "", catalog, now: options.clock())
    }
  }

  private func shardPaths() -> [String] {
    var paths: [String] = []
    for entry in FileSystem.list(directory.shards) where entry != "landing" {
      for folder in FileSystem.list(directory.shards + "/" + entry) {
        let path = "\(directory.shards)/\(entry)/\(folder)"
        for name in FileSystem.list(path) where name.hasSuffix(".db") { paths.append(path + "/" + name) }
      }
    }
    return paths
  }

  /// Written by a later version: left where it is, for that version to read, and out of the catalog.
  func isNewer(_ path: String) -> Bool {
    guard let connection = try? Connection(path, .readOnly),
      (try? connection.integer("PRAGMA application_id")) == Tables.applicationID,
      let version = try? connection.integer("PRAGMA user_version")
    else { return false }
    return version > Tables.version
  }

  static func number(_ path: String) -> Int64? {
    path.split(separator: "/").last?.split(separator: "-").first.flatMap { Int64($0) }
  }

  /// A settled file as its own `meta` and `present` tell it; nil when they cannot be read.
  private func describe(_ path: String) -> SettledPart? {
    guard let connection = try? Connection(path, .readOnly),
      (try? connection.integer("PRAGMA application_id")) == Tables.applicationID,
      let rows = try? connection.rows("SELECT key, value FROM meta")
    else { return nil }
    var meta: [String: SQLValue] = [:]
    for row in rows { if case .text(let key) = row[0] { meta[key] = row[1] } }
    func number(_ key: String) -> Int64 {
      if case .integer(let n)? = meta[key] { return n }
      return 0
    }
    guard case .text(let className)? = meta["class"] else { return nil }
    var day: Int64?
    if case .integer(let n)? = meta["day"] { day = n }
    var traces: [UInt8]?
    if case .blob(let bytes)? = meta["traces"] { traces = bytes }
    let present = (try? connection.rows("SELECT source, kind, n FROM present")) ?? []
    var file = DataFile(
      number: number("number"), part: number("part"), path: path, className: className, day: day,
      restricted: number("restricted") != 0, rows: number("rows"), bytes: FileSystem.allocated(path),
      firstID: number("first_id"), lastID: number("last_id"), minTime: number("min_time"),
      maxTime: number("max_time"), minReceived: number("min_received"), maxReceived: number("max_received"),
      traces: traces)
    if case .integer(let until)? = meta["keep_until"] { file.keepUntil = until }
    return SettledPart(
      file: file,
      present: present.compactMap { row in
        guard case .text(let source) = row[0], case .integer(let kind) = row[1], case .integer(let n) = row[2] else {
          return nil
        }
        return PresentCount(source: source, kind: RowKind(rawValue: UInt8(clamping: kind)) ?? .log, count: n)
      })
  }
}
