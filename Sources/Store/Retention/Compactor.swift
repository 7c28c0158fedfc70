import Synchronization
import Telemetry

/// Puts small shards of one class and day together (DESIGN §4): a trickle of requests must not leave a thousand files.
///
/// Rows keep their ids; the new file takes number and part of the first one it replaces, plus a higher part.
struct Compactor {
  let directory: DataDirectory
  let options: StoreOptions
  let catalog: Catalog
  let vitals: StoreVitals
  let report: @Sendable (StoreEvent) -> Void

  /// At least so many small neighbours before a rewrite pays.
  private static let leastFiles = 8

  func run() {
    guard let files = try? catalog.files() else { return }
    var groups: [String: [DataFile]] = [:]
    let now = options.clock()
    for var file in files where file.bytes < options.compactBelow {
      if let until = file.keepUntil, until <= now { file.keepUntil = nil }
      let day = file.day.map(String.init) ?? "late"
      // What an import wants kept keeps nothing else.
      groups["\(file.className ?? "")/\(day)/\(file.keepUntil ?? 0)", default: []].append(file)
    }
    let today = Timestamp.day(now)
    // Until the new file is in its place, both are on disk.
    let limit = min(options.landingBytes, options.maxBytes.map { $0 / 8 } ?? .max)
    if let cap = options.maxBytes {
      let used =
        vitals.settledBytes.load(ordering: .relaxed) + vitals.backlogBytes.load(ordering: .relaxed)
        + 2 * vitals.landingBytes.load(ordering: .relaxed)
      if used + 2 * limit > cap { return }
    }
    for group in groups.values {
      // Nothing much comes to a day that is over: then two files are worth one.
      let least = group.first?.day.map { $0 < today } ?? false ? 2 : Self.leastFiles
      if group.count < least { continue }
      var chosen: [DataFile] = []
      var bytes: Int64 = 0
      for file in group.sorted(by: { $0.firstID < $1.firstID }) where bytes < limit {
        chosen.append(file)
        bytes += file.bytes
      }
      if chosen.count < least { continue }
      // The writer leaves room for it.
      vitals.settledBytes.wrappingAdd(bytes, ordering: .relaxed)
      try? merge(chosen)
      vitals.settledBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }
  }

  private func merge(_ files: [DataFile]) throws(StoreFailure) {
    guard let first = files.first, let className = first.className else { return }
    let part: Int64
    do throws(SQLiteError) { part = try catalog.intendToBuild(number: first.number) } catch {
      throw StoreFailure(error)
    }
    let builder = ShardBuilder(
      directory: directory, className: className, day: first.day, number: first.number, part: part, parts: part,
      restricted: first.restricted, rows: files.reduce(0) { $0 + $1.rows }, keepUntil: first.keepUntil)
    var atHand = first
    let merged: SettledPart
    do throws(StoreFailure) {
      merged = try builder.build { target throws(SQLiteError) in
        for file in files {
          atHand = file
          try ShardMerge(target).add(file.path)
        }
      }
    } catch {
      // Left where it is, it would spoil every later attempt too.
      if error.isCorrupt { setAside(atHand, error) }
      throw error
    }
    do throws(SQLiteError) {
      try catalog.use { connection throws(SQLiteError) in
        try connection.transaction { () throws(SQLiteError) in
          for file in files {
            try Catalog.remove(number: file.number, part: file.part, connection)
            try connection.run(
              "INSERT OR REPLACE INTO state.intent VALUES (?,?,'merged:')", .integer(file.number), .integer(file.part))
          }
          try Catalog.add(merged.file, present: merged.present, connection, directory)
          try Catalog.forgetIntent(number: first.number, part: part, connection)
        }
      }
      for file in files { try? FileSystem.removeDatabase(file.path) }
      try catalog.use { connection throws(SQLiteError) in
        for file in files {
          try connection.run(
            "DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
        }
      }
    } catch { throw StoreFailure(error) }
  }
}

extension Compactor {
  private func setAside(_ file: DataFile, _ error: StoreFailure) {
    vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
    let outcome = Quarantine.setAside(file.path, directory, options, catalog, reason: error.description)
    report(
      .quarantined(path: file.path, reason: error.description, salvaged: outcome.salvaged, lost: outcome.lost))
  }
}

/// Adds the rows of one shard to another, with dictionary ids moved behind those that are there.
struct ShardMerge {
  private let target: Connection

  init(_ target: Connection) { self.target = target }

  /// Takes over what contexts of the attached `source` inherit. Files from before that was kept lack what is NULL.
  func inherit(shift: Int64) throws(SQLiteError) {
    let isKept = try target.integer("SELECT 1 FROM source.sqlite_schema WHERE name = 'inherits'") != nil
    try target.execute(
      isKept
        ? "INSERT INTO main.inherits SELECT ctx + \(shift), module, fingerprint FROM source.inherits"
        : """
        INSERT INTO main.inherits SELECT id + \(shift), game_module IS NULL, mod_fingerprint IS NULL FROM source.ctx
        WHERE game_module IS NULL OR mod_fingerprint IS NULL
        """)
  }

  /// Equal entries are not looked for: they cost bytes, never meaning. `condition` picks rows of `event`.
  func add(_ path: String, where condition: String? = nil) throws(SQLiteError) {
    try target.run("ATTACH ? AS source", .text(path))
    var shift: [String: Int64] = [:]
    for name in Tables.dictionaryNames {
      shift[name] = try target.integer("SELECT coalesce(max(id), 0) FROM main.\(name)") ?? 0
    }
    func by(_ name: String) -> String { String(shift[name] ?? 0) }
    try inherit(shift: shift["ctx"] ?? 0)
    try target.execute(
      """
      INSERT INTO main.name SELECT id + \(by("name")), category, event FROM source.name;
      INSERT INTO main.ctx SELECT id + \(by("ctx")), source, session, game_id, valid_from, component, game_module,
        mod_fingerprint FROM source.ctx;
      INSERT INTO main.resource SELECT id + \(by("resource")), attributes, dropped, schema_url, entity_refs
        FROM source.resource;
      INSERT INTO main.stream SELECT id + \(by("stream")), resource + \(by("resource")), name, version, attributes,
        dropped, schema_url FROM source.stream;
      INSERT INTO main.metric SELECT id + \(by("metric")), name, type, unit, description, metadata, temporality,
        monotonic, json FROM source.metric;
      INSERT INTO main.series SELECT id + \(by("series")), metric + \(by("metric")), attributes, moved
        FROM source.series;
      INSERT INTO main.event SELECT id, time, kind, severity, name + \(by("name")), ctx + \(by("ctx")),
        stream + \(by("stream")), bits, trace, span, parent, duration, aux, tick, series + \(by("series")), value,
        data, ext, corr, uid FROM source.event \(condition.map { "WHERE \($0)" } ?? "") ORDER BY id;
      INSERT OR IGNORE INTO main.arrival SELECT * FROM source.arrival;
      INSERT OR IGNORE INTO main.meta SELECT * FROM source.meta WHERE key = 'store';
      DETACH source;
      """)
  }
}
