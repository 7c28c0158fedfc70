import Telemetry

/// What start events said about games and sessions (R81–R84): key (source, game), else (source, session); nothing crosses
/// sources. Owned by the writer thread.
final class LearnedContexts {
  struct Facts: Equatable {
    var gameModule: String?
    var modFingerprint: String?
  }

  private struct Key: Hashable {
    var source: String
    var session: String
    var game: String
  }

  /// Bounded: a sender with endless games must not eat the memory; the oldest half goes.
  private static let limit = 20_000
  private var facts: [Key: Facts] = [:]
  private var order: [Key] = []

  func find(source: String, session: String, game: String) -> Facts {
    if facts.isEmpty { return Facts() }
    let ofGame = game.isEmpty ? nil : facts[Key(source: source, session: "", game: game)]
    let ofSession = facts[Key(source: source, session: session, game: "")]
    return Facts(
      gameModule: ofGame?.gameModule ?? ofSession?.gameModule,
      modFingerprint: ofGame?.modFingerprint ?? ofSession?.modFingerprint)
  }

  /// `game` empty: for the session. What is nil keeps its old value.
  func learn(source: String, session: String, game: String, _ new: Facts) {
    let key = Key(source: source, session: game.isEmpty ? session : "", game: game)
    var merged = facts[key] ?? Facts()
    if facts[key] == nil { order.append(key) }
    merged.gameModule = new.gameModule ?? merged.gameModule
    merged.modFingerprint = new.modFingerprint ?? merged.modFingerprint
    facts[key] = merged
    if order.count > Self.limit {
      for old in order.prefix(Self.limit / 2) { facts[old] = nil }
      order.removeFirst(Self.limit / 2)
    }
  }

  /// Lets rows of a landing file that came before their start event inherit, by updating their contexts (DESIGN §5).
  static func teach(
    _ connection: Connection, source: String, session: String, game: String, _ facts: Facts
  ) throws(SQLiteError) {
    let scope = game.isEmpty ? "session = ?" : "game_id = ?"
    try connection.run(
      """
      UPDATE ctx SET game_module = coalesce(game_module, ?), mod_fingerprint = coalesce(mod_fingerprint, ?)
      WHERE source = ? AND \(scope) AND (game_module IS NULL OR mod_fingerprint IS NULL)
      """, .optional(facts.gameModule), .optional(facts.modFingerprint), .text(source),
      .text(game.isEmpty ? session : game))
  }
}
