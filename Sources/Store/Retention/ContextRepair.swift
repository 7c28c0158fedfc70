import Telemetry

/// `garner repair context`: settled rows without module or fingerprint of their own get what was learned of their game or
/// session, also after they were settled. Files are rewritten and swapped; own values stay.
package struct ContextRepair {
  package struct Outcome: Sendable, Equatable {
    package var rows: Int64 = 0
    package var files: Int64 = 0
  }

  private let learned: LearnedContexts
  private let catalog: Catalog
  private let options: StoreOptions

  init(_ learned: LearnedContexts, _ catalog: Catalog, _ options: StoreOptions) {
    self.learned = learned
    self.catalog = catalog
    self.options = options
  }

  /// What a context lacks and may get: one stretch of time each; times in nanoseconds.
  private struct Gift {
    var context: Int64
    /// From and to, the end excluded.
    var from: Int64
    var to: Int64
    var facts: LearnedContexts.Facts
    /// Which of them are inherited.
    var module: Bool
    var fingerprint: Bool
    /// Rows had others before. Those of the very moment of a switch were told in their order, and stay.
    var replaces: Bool
  }

  func run() throws(SQLiteError) -> Outcome {
    var outcome = Outcome()
    for file in try catalog.files() {
      let connection = try Connection(file.path, .readOnly)
      let gifts = try gifts(connection)
      var rows: Int64 = 0
      for gift in gifts {
        rows += try connection.integer("SELECT count(*) FROM event WHERE \(Self.condition(gift))") ?? 0
      }
      connection.close()
      if rows == 0 { continue }
      try rewrite(file, gifts)
      outcome.rows += rows
      outcome.files += 1
    }
    return outcome
  }

  private static func condition(_ gift: Gift) -> String {
    "ctx = \(gift.context) AND time \(gift.replaces && gift.from > .min ? ">" : ">=") \(gift.from) AND time < \(gift.to)"
  }

  private func gifts(_ connection: Connection) throws(SQLiteError) -> [Gift] {
    // Files from before it was kept tell by NULL what is not their own.
    let isKept = try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'inherits'") != nil
    let contexts = try connection.rows(
      """
      SELECT c.id, c.source, c.session, coalesce(c.game_id, ''), c.game_module, c.mod_fingerprint, \(
        isKept
          ? "i.module, i.fingerprint FROM ctx c JOIN inherits i ON i.ctx = c.id"
          : "c.game_module IS NULL, c.mod_fingerprint IS NULL FROM ctx c")
      """)
    var gifts: [Gift] = []
    for row in contexts {
      guard case .integer(let id) = row[0], let source = row[1].string, let session = row[2].string,
        let game = row[3].string
      else { continue }
      let starts = [Int64.min] + learned.boundaries(source: source, session: session, game: game)
      for (index, from) in starts.enumerated() {
        let known = learned.find(source: source, session: session, game: game, at: from)
        let (module, fingerprint) = (row[6] == .integer(1), row[7] == .integer(1))
        let facts = LearnedContexts.Facts(
          gameModule: module ? known.gameModule ?? row[4].string : row[4].string,
          modFingerprint: fingerprint ? known.modFingerprint ?? row[5].string : row[5].string)
        if facts.gameModule == row[4].string && facts.modFingerprint == row[5].string { continue }
        gifts.append(
          Gift(
            context: id, from: from, to: index + 1 < starts.count ? starts[index + 1] : .max, facts: facts,
            module: module, fingerprint: fingerprint,
            replaces: module && row[4].string != nil || fingerprint && row[5].string != nil))
      }
    }
    return gifts
  }

  private func rewrite(_ file: DataFile, _ gifts: [Gift]) throws(SQLiteError) {
    let directory = catalog.directory
    let part = try catalog.intendToBuild(number: file.number)
    let builder = ShardBuilder(
      directory: directory, className: file.className ?? "", day: file.day, number: file.number, part: part,
      parts: part, restricted: file.restricted, rows: file.rows, keepUntil: file.keepUntil)
    let rewritten: SettledPart
    do throws(StoreFailure) {
      rewritten = try builder.build { target throws(SQLiteError) in
        try ShardMerge(target).add(file.path)
        try give(gifts, target)
      }
    } catch {
      throw SQLiteError(code: error.isCorrupt ? 11 : error.isFull ? 13 : 1, message: error.description)
    }
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        try Catalog.remove(number: file.number, part: file.part, connection)
        try Catalog.add(rewritten.file, present: rewritten.present, connection, directory)
        try Catalog.forgetIntent(number: file.number, part: part, connection)
        try connection.run(
          "INSERT OR REPLACE INTO state.intent VALUES (?,?,'merged:')", .integer(file.number), .integer(file.part))
      }
    }
    try? FileSystem.removeDatabase(file.path)
    try catalog.use { connection throws(SQLiteError) in
      try connection.run(
        "DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(file.number), .integer(file.part))
    }
  }

  private func give(_ gifts: [Gift], _ target: Connection) throws(SQLiteError) {
    for gift in gifts {
      try target.run(
        """
        INSERT INTO ctx SELECT (SELECT max(id) + 1 FROM ctx), source, session, game_id, valid_from, component, ?, ?
        FROM ctx WHERE id = ?
        """, .optional(gift.facts.gameModule), .optional(gift.facts.modFingerprint), .integer(gift.context))
      try target.execute(
        "INSERT INTO inherits SELECT max(id), \(gift.module ? 1 : 0), \(gift.fingerprint ? 1 : 0) FROM ctx")
      try target.execute("UPDATE event SET ctx = (SELECT max(id) FROM ctx) WHERE \(Self.condition(gift))")
    }
  }
}

extension LearnedContexts {
  /// What the rows of a settled file tell, where `state.db` does not know it any more.
  func learn(from file: Connection) throws(SQLiteError) {
    let starts = try file.prepare(
      """
      SELECT c.source, c.session, coalesce(c.game_id, ''), min(e.time), c.game_module, c.mod_fingerprint
      FROM event e JOIN name n ON n.id = e.name JOIN ctx c ON c.id = e.ctx
      WHERE n.event IN ('relay.game.start','match.start','session.start','session.mod_manifest')
        AND (c.game_module IS NOT NULL OR c.mod_fingerprint IS NOT NULL) GROUP BY e.ctx
      """)
    while try starts.step() {
      let key = Key(source: starts.text(0), session: starts.text(1), game: starts.text(2))
      if !moments(of: key).isEmpty { continue }
      learn(
        source: key.source, session: key.session, game: key.game,
        Facts(gameModule: starts.optionalText(4), modFingerprint: starts.optionalText(5)), at: starts.integer(3))
    }
  }
}

extension DataStore {
  /// Settles what landed, then looks at every settled file; blocks. Other maintenance waits meanwhile.
  package func repairContext() throws(StoreFailure) -> ContextRepair.Outcome {
    settleAll()
    return try settlerPaused { () throws(StoreFailure) in
      do throws(SQLiteError) {
        let learned = LearnedContexts()
        try catalog.use { connection throws(SQLiteError) in
          try learned.load(connection, "state.learned", order: "number")
        }
        for file in try catalog.files() { try learned.learn(from: try Connection(file.path, .readOnly)) }
        return try ContextRepair(learned, catalog, options).run()
      } catch { throw StoreFailure(error) }
    }
  }
}
