import Telemetry

/// What start events said about games and sessions (R81–R84): key (source, game), else (source, session); nothing crosses
/// sources. What is said anew, by a switch of profiles or another start, splits the key's time.
///
/// `@unchecked Sendable`: the writer thread alone looks at it; others only hand it on to the file that the writer will fill.
final class LearnedContexts: @unchecked Sendable {
  struct Facts: Equatable {
    var gameModule: String?
    var modFingerprint: String?
  }

  /// `game` not empty: `session` is, for a game may be seen from several sessions.
  struct Key: Hashable {
    var source: String
    var session: String
    var game: String

    init(source: String, session: String, game: String) {
      self.source = source
      self.session = game.isEmpty ? session : ""
      self.game = game
    }
  }

  /// Facts that hold from a time on, nanoseconds since 1970; the first ones of a key also hold before.
  struct Moment: Equatable {
    var at: Int64
    var facts: Facts
  }

  /// Bounded: a sender with endless games must not eat the memory. Of the source with the most keys the oldest half goes, so
  /// that nobody pushes out what others have said.
  static let limit = 20_000
  /// Of one key; then the oldest moments go.
  private static let momentLimit = 16
  private var timelines: [Key: [Moment]] = [:]
  /// Keys by their source, the oldest first.
  private var order: [String: [Key]] = [:]
  /// What keys were before the transaction at hand changed them.
  private var undo: [Key: [Moment]?] = [:]

  // MARK: asking

  var isEmpty: Bool { timelines.isEmpty }

  func moments(of key: Key) -> [Moment] { timelines[key] ?? [] }

  /// The facts of a row without a time: those that held first.
  func find(source: String, session: String, game: String) -> Facts {
    find(source: source, session: session, game: game, at: .min)
  }

  func find(source: String, session: String, game: String, at time: Int64) -> Facts {
    if timelines.isEmpty { return Facts() }
    let ofGame = game.isEmpty ? nil : facts(Key(source: source, session: "", game: game), at: time)
    let ofSession = facts(Key(source: source, session: session, game: ""), at: time)
    return Facts(
      gameModule: ofGame?.gameModule ?? ofSession?.gameModule,
      modFingerprint: ofGame?.modFingerprint ?? ofSession?.modFingerprint)
  }

  private func facts(_ key: Key, at time: Int64) -> Facts? {
    guard let moments = timelines[key] else { return nil }
    return (moments.last { $0.at <= time } ?? moments.first)?.facts
  }

  /// Times at which the facts of such rows change, in order.
  func boundaries(source: String, session: String, game: String) -> [Int64] {
    if timelines.isEmpty { return [] }
    let ofSession = moments(of: Key(source: source, session: session, game: "")).dropFirst()
    let ofGame = game.isEmpty ? [] : moments(of: Key(source: source, session: "", game: game)).dropFirst()
    if ofSession.isEmpty && ofGame.isEmpty { return [] }
    return Set((ofSession + ofGame).map(\.at)).sorted()
  }

  // MARK: learning

  /// Whether anything is new. `game` empty: for the session. What is nil keeps its value.
  @discardableResult
  func learn(source: String, session: String, game: String, _ new: Facts, at time: Int64 = .min) -> Bool {
    let key = Key(source: source, session: session, game: game)
    let old = timelines[key]
    guard let changed = Self.merged(old ?? [], new, at: time) else { return false }
    if undo[key] == nil { undo.updateValue(old, forKey: key) }
    if old == nil { order[key.source, default: []].append(key) }
    timelines[key] = changed
    bound()
    return true
  }

  /// Nil: nothing is new.
  private static func merged(_ moments: [Moment], _ new: Facts, at time: Int64) -> [Moment]? {
    if new == Facts() { return nil }
    guard let place = moments.lastIndex(where: { $0.at <= time }) ?? moments.indices.first else {
      return [Moment(at: time, facts: new)]
    }
    let current = moments[place].facts
    let merged = Facts(
      gameModule: new.gameModule ?? current.gameModule, modFingerprint: new.modFingerprint ?? current.modFingerprint)
    if merged == current { return nil }
    let agrees =
      (current.gameModule ?? merged.gameModule) == merged.gameModule
      && (current.modFingerprint ?? merged.modFingerprint) == merged.modFingerprint
    var moments = moments
    if agrees || place > 0 && moments[place].at == time {
      moments[place].facts = merged
    } else {
      // A switch in the moment of the start: the first facts still hold before.
      if moments[place].at == time && time > .min { moments[place].at = time - 1 }
      moments.insert(Moment(at: time, facts: merged), at: moments[place].at <= time ? place + 1 : place)
      if moments.count > momentLimit { moments.removeFirst() }
    }
    return moments
  }

  private func bound() {
    guard timelines.count > Self.limit,
      let (source, keys) = order.max(by: { $0.value.count < $1.value.count })
    else { return }
    let count = (keys.count + 1) / 2
    for old in keys.prefix(count) {
      timelines[old] = nil
      undo[old] = nil
    }
    order[source] = count == keys.count ? nil : Array(keys.dropFirst(count))
  }

  /// Takes what was kept of a key; of several, the last one holds.
  func restore(_ key: Key, _ moments: [Moment]) {
    if timelines.updateValue(moments, forKey: key) == nil { order[key.source, default: []].append(key) }
    bound()
  }

  // MARK: transactions

  func committed() { if !undo.isEmpty { undo = [:] } }

  func rollBack() {
    for (key, moments) in undo {
      timelines[key] = moments
      if moments == nil { order[key.source]?.removeAll { $0 == key } }
    }
    undo = [:]
  }
}

// MARK: tables

extension LearnedContexts {
  /// Of landing files, and of `state.db` with a column `number` behind these: the landing file that said it last. A key's
  /// rows are all of what is known of it.
  static let schema = learnedTable + inheritsTable

  private static let learnedTable = """
    CREATE TABLE IF NOT EXISTS learned(source TEXT NOT NULL, session TEXT NOT NULL, game TEXT NOT NULL,
      at INTEGER NOT NULL, game_module TEXT, mod_fingerprint TEXT, PRIMARY KEY(source, session, game, at))
      WITHOUT ROWID;

    """

  /// Of all data files: which columns of a context are not its own. One that is not in it inherits nothing.
  static let inheritsTable = """
    CREATE TABLE IF NOT EXISTS inherits(ctx INTEGER PRIMARY KEY, module INTEGER NOT NULL, fingerprint INTEGER NOT NULL);

    """

  func write(_ key: Key, to connection: Connection) throws(SQLiteError) {
    try connection.run(
      "DELETE FROM learned WHERE source = ? AND session = ? AND game = ?", .text(key.source), .text(key.session),
      .text(key.game))
    for moment in moments(of: key) {
      try connection.run(
        "INSERT OR REPLACE INTO learned VALUES (?,?,?,?,?,?)", .text(key.source), .text(key.session), .text(key.game),
        .integer(moment.at), .optional(moment.facts.gameModule), .optional(moment.facts.modFingerprint))
    }
  }

  /// `order`: column that says which keys are older; they are forgotten first.
  func load(_ connection: Connection, _ table: String, order: String? = nil) throws(SQLiteError) {
    let by = order.map { $0 + ", " } ?? ""
    let statement = try connection.prepare(
      """
      SELECT source, session, game, at, game_module, mod_fingerprint FROM \(table)
      ORDER BY \(by)source, session, game, at
      """)
    var waiting: (key: Key, moments: [Moment])?
    while try statement.step() {
      let key = Key(source: statement.text(0), session: statement.text(1), game: statement.text(2))
      let moment = Moment(
        at: statement.integer(3),
        facts: Facts(gameModule: statement.optionalText(4), modFingerprint: statement.optionalText(5)))
      if waiting?.key == key {
        waiting?.moments.append(moment)
      } else {
        if let waiting { restore(waiting.key, waiting.moments) }
        waiting = (key, [moment])
      }
    }
    if let waiting { restore(waiting.key, waiting.moments) }
  }

  /// To `state.db`, in the transaction that settles landing file `number`. Of more keys than memory takes the oldest go.
  func settle(_ number: Int64, _ connection: Connection) throws(SQLiteError) {
    if timelines.isEmpty { return }
    for (key, moments) in timelines {
      // Files may be settled out of their order, when one of them had trouble.
      let newest = try connection.integer(
        "SELECT max(number) FROM state.learned WHERE source = ? AND session = ? AND game = ?", .text(key.source),
        .text(key.session), .text(key.game))
      if let newest, newest > number { continue }
      try connection.run(
        "DELETE FROM state.learned WHERE source = ? AND session = ? AND game = ?", .text(key.source),
        .text(key.session), .text(key.game))
      for moment in moments {
        try connection.run(
          "INSERT OR REPLACE INTO state.learned VALUES (?,?,?,?,?,?,?)", .text(key.source), .text(key.session),
          .text(key.game), .integer(moment.at), .optional(moment.facts.gameModule),
          .optional(moment.facts.modFingerprint), .integer(number))
      }
    }
    while let count = try connection.integer("SELECT count(*) FROM state.learned"), count > Self.limit {
      try forgetHalf(of: connection)
    }
  }

  /// The oldest keys of the source with the most rows, as `bound` does.
  private func forgetHalf(of connection: Connection) throws(SQLiteError) {
    let most = "SELECT source FROM state.learned GROUP BY source ORDER BY count(*) DESC LIMIT 1"
    guard let source = try connection.rows(most).first?[0] else { return }
    try connection.run(
      """
      DELETE FROM state.learned WHERE source = ?1 AND (session, game) IN (SELECT session, game FROM state.learned
        WHERE source = ?1 GROUP BY session, game ORDER BY max(number), max(at) LIMIT
        (SELECT (count(*) + 1) / 2 FROM (SELECT 1 FROM state.learned WHERE source = ?1 GROUP BY session, game)))
      """, source)
  }
}
