import Telemetry

/// Gives rows of a landing file that are there already what their game or session was told since (DESIGN §5).
struct Inheritance {
  /// Rows before the newest that a split in time still reaches: what comes more out of order stays as it is.
  static let windowRows: Int64 = 65_536

  let file: LandingFile
  let learned: LearnedContexts

  private struct Heir {
    var id: Int64
    var session: String
    var game: String
    var facts: LearnedContexts.Facts
    var module: Bool
    var fingerprint: Bool

    /// What it would have: own columns stay.
    func with(_ new: LearnedContexts.Facts) -> LearnedContexts.Facts {
      LearnedContexts.Facts(
        gameModule: module ? new.gameModule : facts.gameModule,
        modFingerprint: fingerprint ? new.modFingerprint : facts.modFingerprint)
    }
  }

  /// These were told something new. `nextID`: of the next row. The work is bounded whatever a sender says: many at once
  /// share the window.
  func spread(_ keys: Set<LearnedContexts.Key>, nextID: Int64) throws(SQLiteError) {
    if keys.isEmpty { return }
    let first = nextID - Self.windowRows / Int64(keys.count)
    for key in keys { try spread(key, first) }
    // Contexts that are in the cache may be of another time now.
    file.dictionaries.forgetContexts()
  }

  private func spread(_ key: LearnedContexts.Key, _ first: Int64) throws(SQLiteError) {
    for heir in try heirs(key) {
      let boundaries = learned.boundaries(source: key.source, session: heir.session, game: heir.game)
      if boundaries.isEmpty {
        try update(heir, heir.with(learned.find(source: key.source, session: heir.session, game: heir.game)))
      } else {
        try split(heir, key.source, boundaries, first)
      }
    }
  }

  private func heirs(_ key: LearnedContexts.Key) throws(SQLiteError) -> [Heir] {
    let scope = key.game.isEmpty ? "session = ?" : "game_id = ?"
    let rows = try file.connection.rows(
      """
      SELECT c.id, c.session, coalesce(c.game_id, ''), c.game_module, c.mod_fingerprint, i.module, i.fingerprint
      FROM ctx c JOIN inherits i ON i.ctx = c.id WHERE c.source = ? AND c.\(scope)
      """, .text(key.source), .text(key.game.isEmpty ? key.session : key.game))
    return rows.compactMap { row in
      guard case .integer(let id) = row[0], case .text(let session) = row[1], case .text(let game) = row[2] else {
        return nil
      }
      return Heir(
        id: id, session: session, game: game,
        facts: LearnedContexts.Facts(gameModule: row[3].string, modFingerprint: row[4].string),
        module: row[5] == .integer(1), fingerprint: row[6] == .integer(1))
    }
  }

  private func update(_ heir: Heir, _ facts: LearnedContexts.Facts) throws(SQLiteError) {
    if facts == heir.facts { return }
    try file.connection.run(
      "UPDATE ctx SET game_module = ?, mod_fingerprint = ? WHERE id = ?", .optional(facts.gameModule),
      .optional(facts.modFingerprint), .integer(heir.id))
  }

  /// Rows strictly inside a stretch of time go to a context of that stretch; those on a border were told in their order.
  private func split(
    _ heir: Heir, _ source: String, _ boundaries: [Int64], _ first: Int64
  ) throws(SQLiteError) {
    let starts = [Int64.min] + boundaries
    var copies: [Int: Int64] = [:]
    for table in try file.connection.landingTables() {
      let name = Tables.quoted(table)
      let rows = "id >= \(first) AND ctx = \(heir.id)"
      let range = try file.connection.prepare("SELECT min(time), max(time) FROM \(name) WHERE \(rows)")
      guard try range.step(), !range.isNull(0) else { continue }
      let times = range.integer(0)...range.integer(1)
      for (index, start) in starts.enumerated() {
        let end = index + 1 < starts.count ? starts[index + 1] : Int64.max
        if end <= times.lowerBound || start >= times.upperBound { continue }
        let facts = heir.with(learned.find(source: source, session: heir.session, game: heir.game, at: start))
        if facts == heir.facts { continue }
        let target: Int64
        if let known = copies[index] {
          target = known
        } else {
          target = try file.dictionaries.context(like: heir.id, facts)
        }
        copies[index] = target
        try file.connection.execute(
          "UPDATE \(name) SET ctx = \(target) WHERE \(rows) AND time > \(start) AND time < \(end)")
      }
    }
  }
}

extension SQLValue {
  /// Nil: no text.
  var string: String? {
    if case .text(let text) = self { return text }
    return nil
  }
}
