import Telemetry

/// `garner clear`: takes rows out of settled files on the operator's word. Whole files are unlinked; a file that is only
/// touched is rewritten without them and swapped (DESIGN §4). Books say `cleared`.
package struct Clearing: Sendable {
  /// Rows whose time is before this, nanoseconds; nil: any time.
  package var before: Int64?
  /// Nil: every category.
  package var category: String?

  package init(before: Int64?, category: String?) {
    self.before = before
    self.category = category
  }

  package struct Outcome: Sendable, Equatable {
    /// Rows of `telemetry_events`, span events included.
    package var rows: Int64 = 0
    package var files: Int64 = 0
  }

  /// What would go; nothing is changed. Landing files count too: they are settled before a real clear.
  package func count(_ directory: DataDirectory) throws(SQLiteError) -> Outcome {
    var outcome = Outcome()
    for file in try FileList.read(directory) {
      guard let connection = try? Connection(file.path, .readOnly) else { continue }
      let tables = file.isLanding ? try connection.landingTables() : ["event"]
      var rows: Int64 = 0
      for table in tables {
        let quoted = Tables.quoted(table)
        rows += try connection.integer("SELECT count(*) FROM \(quoted) WHERE \(condition(on: quoted))") ?? 0
      }
      outcome.rows += rows
      if rows > 0 { outcome.files += 1 }
    }
    return outcome
  }

  /// Rows that go, as SQL over `table`. A span event goes with its span, which lies next before it in id order.
  private func condition(on table: String, schema: String = "main") -> String {
    var parts: [String] = []
    if let before { parts.append("\(SettleJob.dayTime) < \(before)") }
    if let category {
      let quoted = category.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
      parts.append(
        """
        CASE \(table).kind WHEN 4 THEN (SELECT s.name FROM \(schema).\(table) s WHERE s.id < \(table).id AND s.kind = 0
          ORDER BY s.id DESC LIMIT 1) ELSE \(table).name END
          IN (SELECT id FROM \(schema).name WHERE category = '\(quoted)')
        """)
    }
    return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
  }

  /// `setAside` is told of a file that turns out to be damaged; what it could save is cleared like the rest.
  func run(
    _ catalog: Catalog, _ options: StoreOptions, setAside: (DataFile, String) -> DataFile?
  ) throws(StoreFailure)
    -> Outcome
  {
    var outcome = Outcome()
    do throws(SQLiteError) {
      for file in try catalog.files() {
        do throws(SQLiteError) {
          try clear(file, catalog, options, &outcome)
        } catch {
          guard error.isCorrupt else { throw error }
          if let saved = setAside(file, error.description) { try clear(saved, catalog, options, &outcome) }
        }
      }
    } catch { throw StoreFailure(error) }
    return outcome
  }

  private func clear(
    _ file: DataFile, _ catalog: Catalog, _ options: StoreOptions, _ outcome: inout Outcome
  )
    throws(SQLiteError)
  {
    if let before, file.minTime >= before { return }
    let connection = try Connection(file.path, .readOnly)
    let going = try connection.integer("SELECT count(*) FROM event WHERE \(condition(on: "event"))") ?? 0
    connection.close()
    if going == 0 { return }
    if going == file.rows {
      try Pruner.unlink(file, .cleared, "clear", catalog, now: options.clock())
    } else {
      try rewrite(file, catalog, options)
    }
    outcome.rows += going
    outcome.files += 1
  }

  private func rewrite(_ file: DataFile, _ catalog: Catalog, _ options: StoreOptions) throws(SQLiteError) {
    let directory = catalog.directory
    let part = try catalog.intendToBuild(number: file.number)
    let builder = ShardBuilder(
      directory: directory, className: file.className ?? "", day: file.day, number: file.number, part: part,
      parts: part, restricted: file.restricted, rows: file.rows, keepUntil: file.keepUntil)
    let rewritten: SettledPart
    do throws(StoreFailure) {
      rewritten = try builder.build { target throws(SQLiteError) in
        try ShardMerge(target).add(file.path, where: "NOT (\(condition(on: "event", schema: "source")))")
      }
    } catch {
      throw SQLiteError(code: error.isCorrupt ? 11 : error.isFull ? 13 : 1, message: error.description)
    }
    var gone: [String: Int64] = [:]
    let before = try catalog.use { connection throws(SQLiteError) in
      try connection.rows(
        "SELECT source, sum(n) FROM present WHERE number = ? AND part = ? GROUP BY 1", .integer(file.number),
        .integer(file.part))
    }
    for row in before {
      if case .text(let source) = row[0], case .integer(let n) = row[1] { gone[source] = n }
    }
    for count in rewritten.present { gone[count.source, default: 0] -= count.count }
    let now = options.clock()
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        try Catalog.remove(number: file.number, part: file.part, connection)
        try Catalog.add(rewritten.file, present: rewritten.present, connection, directory)
        try Catalog.forgetIntent(number: file.number, part: part, connection)
        try connection.run(
          "INSERT OR REPLACE INTO state.intent VALUES (?,?,'merged:')", .integer(file.number), .integer(file.part))
        for (source, count) in gone where count > 0 {
          try Catalog.tally(
            LedgerLine(
              source: source, door: "", kind: .cleared, reason: "clear", count: count, firstSeen: now, lastSeen: now),
            connection)
        }
      }
    }
    try? FileSystem.removeDatabase(file.path)
    try catalog.use { connection throws(SQLiteError) in
      try connection.run(
        "DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
    }
  }
}

extension DataStore {
  /// Settles what landed, then clears; blocks. Other maintenance waits meanwhile.
  package func clear(_ clearing: Clearing) throws(StoreFailure) -> Clearing.Outcome {
    if let failure = settleAll() { throw failure }
    return try settlerPaused { () throws(StoreFailure) in
      try clearing.run(catalog, options) { file, reason in setAside(file, reason: reason) }
    }
  }
}
