import Telemetry

/// A settled file and what the catalog keeps of it.
struct SettledPart {
  var file: DataFile
  var present: [PresentCount]
}

/// Builds one settled file under `tmp/` and renames it to its place: fill, indexes, views, meta, fsync, rename, fsync.
struct ShardBuilder {
  var directory: DataDirectory
  var className: String
  var day: Int64?
  var number: Int64
  var part: Int64
  var parts: Int64
  var restricted: Bool
  /// About how many rows it will have; nil: many.
  var rows: Int64?
  /// See `DataFile`.
  var keepUntil: Int64?

  func build(_ fill: (Connection) throws(SQLiteError) -> Void) throws(StoreFailure) -> SettledPart {
    let temporary = "\(directory.temporary)/\(number)-\(part).db"
    let folder = directory.shardFolder(class: className, day: day)
    let path = directory.shardFile(class: className, day: day, number: number, part: part)
    do throws(FileError) {
      try FileSystem.createFolders(directory.temporary)
      try FileSystem.removeDatabase(temporary)
      try FileSystem.createFolders(folder)
    } catch { throw StoreFailure(error) }
    do throws(SQLiteError) {
      var settled: SettledPart
      do {
        let target = try Connection(temporary, .create)
        try target.execute(
          """
          PRAGMA page_size=\(pageSize); PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA main.locking_mode=EXCLUSIVE;
          PRAGMA temp_store=MEMORY; PRAGMA cache_size=-49152
          """)
        garnerNoCheckpointOnClose(target)
        // All of the schema before the rows: a file that loses its end still tells what its pages are.
        try target.execute(Tables.settledSchema() + Self.present + BlockSummary.table)
        if !isIndexed { try target.execute(TraceIndex.schema) }
        try target.execute(Views.all(table: "event"))
        try fill(target)
        settled = try describe(target, path)
        try target.execute(indexes)
        try target.execute("PRAGMA analysis_limit=400; ANALYZE event")
        try writeMeta(target, settled)
        try target.execute(
          "PRAGMA application_id=\(Tables.applicationID); PRAGMA user_version=\(Tables.version)")
        target.close()
      }
      FileSystem.setMode(temporary, restricted ? 0o600 : 0o640)
      do throws(FileError) {
        try FileSystem.syncFile(temporary)
        settled.file.bytes = FileSystem.allocated(temporary)
        try FileSystem.move(temporary, path)
        try FileSystem.syncFolder(folder)
        try FileSystem.syncFolder(directory.shards + "/" + className)
      } catch { throw SQLiteError(code: error.isFull ? 13 : 10, message: error.description) }
      return settled
    } catch {
      try? FileSystem.removeDatabase(temporary)
      throw StoreFailure(error)
    }
  }

  private static let present = """
    CREATE TABLE present(source TEXT NOT NULL, kind INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(source, kind))
      WITHOUT ROWID;

    """

  /// Large pages waste little at their ends, but a file has some twenty of them that are nearly empty.
  private var pageSize: Int {
    guard let rows else { return 16_384 }
    return rows < 8_192 ? 4_096 : rows < 131_072 ? 8_192 : 16_384
  }

  /// What is kept for a year and asked for by hand has indexes that any SQLite tool can use; the others have tables that
  /// `garner query` knows: `trace_index`, `posting`.
  private var isIndexed: Bool { className == "evidence" || className == "restricted" }

  private var indexes: String {
    if !isIndexed { return "CREATE INDEX event_corr ON event(corr) WHERE trace IS NULL AND corr IS NOT NULL;" }
    return """
      CREATE INDEX event_name ON event(name);
      CREATE INDEX event_ctx ON event(ctx);
      CREATE INDEX event_correlation ON event(CASE WHEN trace IS NOT NULL THEN lower(hex(trace)) ELSE corr END);
      """
  }

  /// One pass over the rows for everything that lets a reader pass the file over or find its way in it.
  private func describe(_ target: Connection, _ path: String) throws(SQLiteError) -> SettledPart {
    let count = try target.integer("SELECT count(*) FROM event") ?? 0
    var traces = TraceFilter.empty(expected: Int(count))
    var index = TraceIndex(expected: isIndexed ? 0 : Int(count))
    let isListed = !isIndexed
    var postings = Postings(rows: isIndexed ? 0 : count)
    var blocks = BlockSummary()
    var lastTrace: (UInt64, UInt64) = (0, 0)
    var hasTraces = false
    var file = DataFile(
      number: number, part: part, path: path, className: className, day: day, restricted: restricted, rows: count,
      bytes: 0, firstID: 0, lastID: 0, minTime: .max, maxTime: .min, minReceived: 0, maxReceived: 0, traces: nil)
    file.keepUntil = keepUntil
    var counts: [Int64: Int64] = [:]
    var lastKey: Int64 = -1
    var run: Int64 = 0
    let statement = try target.prepare("SELECT id, time, kind, ctx, trace, corr, name FROM event")
    while try statement.step() {
      let id = statement.integer(0)
      let time = statement.integer(1)
      let kind = statement.integer(2)
      if file.firstID == 0 { file.firstID = id }
      file.lastID = id
      file.minTime = min(file.minTime, time)
      file.maxTime = max(file.maxTime, time)
      let name = statement.integer(6)
      blocks.add(id: id, time: time, name: name)
      let context = statement.integer(3)
      if isListed { postings.add(id: id, name: name, context: context) }
      if kind != Int64(RowKind.spanEvent.rawValue) {
        let key = context << 3 | kind
        if key == lastKey {
          run += 1
        } else {
          if run > 0 { counts[lastKey, default: 0] += run }
          lastKey = key
          run = 1
        }
      }
      let trace = statement.bytes(4)
      let halves =
        trace.count == 16
        ? (
          trace.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
          trace.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        ) : TraceFilter.parse(statement.bytes(5))
      if let halves {
        if isListed { index.add(halves.0, halves.1, id: id) }
        if halves != lastTrace || !hasTraces {
          TraceFilter.insert(halves.0, halves.1, into: &traces)
          lastTrace = halves
          hasTraces = true
        }
      }
    }
    if run > 0 { counts[lastKey, default: 0] += run }
    try index.write(to: target)
    try postings.write(to: target)
    try blocks.write(to: target)
    file.traces = hasTraces ? traces : [UInt8](repeating: 0, count: 8)
    file.minReceived = try target.integer("SELECT min(at) FROM arrival") ?? 0
    file.maxReceived = try target.integer("SELECT max(at) FROM arrival") ?? 0
    return SettledPart(file: file, present: try present(target, counts))
  }

  private func present(_ target: Connection, _ counts: [Int64: Int64]) throws(SQLiteError) -> [PresentCount] {
    var sources: [Int64: String] = [:]
    let statement = try target.prepare("SELECT id, source FROM ctx")
    while try statement.step() { sources[statement.integer(0)] = statement.text(1) }
    var sums: [String: Int64] = [:]
    for (key, count) in counts { sums["\(key & 7)\(sources[key >> 3] ?? "")", default: 0] += count }
    return sums.compactMap { key, count in
      guard let digit = key.utf8.first, let kind = RowKind(rawValue: digit &- 0x30) else { return nil }
      return PresentCount(source: String(key.dropFirst()), kind: kind, count: count)
    }
  }

  /// What the catalog is rebuilt from when it is lost.
  private func writeMeta(_ target: Connection, _ settled: SettledPart) throws(SQLiteError) {
    let file = settled.file
    let values: [(String, SQLValue)] = [
      ("number", .integer(number)), ("part", .integer(part)), ("parts", .integer(parts)), ("class", .text(className)),
      ("day", .optional(day)), ("restricted", .integer(restricted ? 1 : 0)), ("rows", .integer(file.rows)),
      ("first_id", .integer(file.firstID)), ("last_id", .integer(file.lastID)), ("min_time", .integer(file.minTime)),
      ("max_time", .integer(file.maxTime)), ("min_received", .integer(file.minReceived)),
      ("max_received", .integer(file.maxReceived)), ("traces", file.traces.map { .blob($0) } ?? .null),
      ("keep_until", .optional(file.keepUntil)),
    ]
    for (key, value) in values { try target.run("INSERT OR REPLACE INTO meta VALUES (?,?)", .text(key), value) }
    for count in settled.present {
      try target.run(
        "INSERT INTO present VALUES (?,?,?)", .text(count.source), .integer(Int64(count.kind.rawValue)),
        .integer(count.count))
    }
  }
}
