import Telemetry
import TestSupport
import Testing

@testable import Store

/// Contexts over time and restarts (R81–R84): switches, what comes out of order, several games at once on one source.
@Suite struct ContextTests {
  private static let minute: Int64 = 60_000_000_000

  private static func row(
    _ event: String, _ minutes: Int64 = 0, source: String = "r1", session: String = "s", game: String = "",
    module: String = "", data: String = "{}"
  ) -> SampleBatch.Record {
    SampleBatch.Record(
      event, time: StepClock.noon + minutes * minute, data: data, source: source, session: session, gameID: game,
      gameModule: module, modFingerprint: module.isEmpty ? "" : "f-" + module,
      teaches: event.hasSuffix(".start"), switches: event == "session.profile_switch")
  }

  private static func switching(_ minutes: Int64, from old: String = "", to new: String) -> SampleBatch.Record {
    let before = old.isEmpty ? "" : "\"old_game_module\":\"\(old)\",\"old_fingerprint\":\"f-\(old)\","
    return row(
      "session.profile_switch", minutes,
      data: "{\(before)\"new_game_module\":\"\(new)\",\"new_fingerprint\":\"f-\(new)\"}")
  }

  /// Minute and module of every click, by minute.
  private static func clicks(_ store: ModelStore) throws -> [String] {
    try store.texts(
      """
      SELECT printf('%03d', (e.time - \(StepClock.noon)) / \(minute)), coalesce(c.game_module, '-'),
        coalesce(c.mod_fingerprint, '-')
      FROM event e JOIN ctx c ON c.id = e.ctx JOIN name n ON n.id = e.name WHERE n.event = 'gui.click'
      """
    ).sorted()
  }

  enum Interlude: CaseIterable, Sendable { case none, reopened, settled, settledAndReopened }

  private static func pass(_ interlude: Interlude, _ store: ModelStore) throws {
    switch interlude {
    case .none: break
    case .reopened: try store.restart()
    case .settled: try store.settle()
    case .settledAndReopened:
      try store.settle()
      try store.restart()
    }
  }

  @Test(arguments: Interlude.allCases)
  func threeGamesWithThreeModsDoNotMix(interlude: Interlude) async throws {
    let store = try ModelStore()
    let games = [("g1", "ra1"), ("g2", "td"), ("g3", "d2k")]
    // The first game's start is late, the same ids mean other games on another source.
    try await store.append([Self.row("relay.tick.process", game: "g1")])
    try await store.append(games.map { Self.row("relay.game.start", game: $0.0, module: $0.1) })
    try await store.append(
      games.map { Self.row("relay.game.start", source: "r2", session: "s", game: $0.0, module: "other-" + $0.1) })
    for _ in 0..<3 {
      try await store.append(
        games.flatMap { game in
          ["r1", "r2", "r3"].map { Self.row("relay.tick.process", source: $0, game: game.0) }
        })
      try Self.pass(interlude, store)
    }
    let texts = try store.texts(
      """
      SELECT c.source, c.game_id, coalesce(c.game_module, '-'), coalesce(c.mod_fingerprint, '-')
      FROM event e JOIN ctx c ON c.id = e.ctx JOIN name n ON n.id = e.name WHERE n.event = 'relay.tick.process'
      """)
    #expect(texts.count == 28)
    for (game, module) in games {
      #expect(texts.filter { $0 == "r1 \(game) \(module) f-\(module)" }.count == (game == "g1" ? 4 : 3))
      #expect(texts.filter { $0 == "r2 \(game) other-\(module) f-other-\(module)" }.count == 3)
      #expect(texts.filter { $0 == "r3 \(game) - -" }.count == 3)
    }
  }

  @Test(arguments: Interlude.allCases)
  func aSwitchDividesASessionByTime(interlude: Interlude) async throws {
    let store = try ModelStore()
    try await store.append([Self.row("session.start", 0, module: "ra1"), Self.row("gui.click", 1)])
    try await store.append([Self.switching(10, to: "td")])
    try Self.pass(interlude, store)
    // Both sides of it, in one batch and in the wrong order.
    try await store.append([Self.row("gui.click", 12), Self.row("gui.click", 8), Self.row("gui.click", 10)])
    #expect(try Self.clicks(store) == ["001 ra1 f-ra1", "008 ra1 f-ra1", "010 td f-td", "012 td f-td"])
  }

  @Test func aSwitchThatComesLateReachesRowsAfterIt() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("session.start", 0, module: "ra1")])
    try await store.append([Self.row("gui.click", 1), Self.row("gui.click", 11), Self.row("gui.click", 21)])
    try await store.append([Self.switching(20, to: "d2k")])
    try await store.append([Self.switching(10, from: "ra1", to: "td")])
    let expected = ["001 ra1 f-ra1", "011 td f-td", "021 d2k f-d2k"]
    #expect(try Self.clicks(store) == expected)
    try store.settle()
    #expect(try Self.clicks(store) == expected)
  }

  @Test func aSwitchTellsWhatWasBeforeIt() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("gui.click", 1)])
    try await store.append([Self.switching(10, from: "ra1", to: "td"), Self.row("gui.click", 2)])
    #expect(try Self.clicks(store) == ["001 ra1 f-ra1", "002 ra1 f-ra1"])
  }

  @Test func aStartBehindItsSwitchHoldsForTheTimeBefore() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("gui.click", 1), Self.switching(10, to: "td"), Self.row("gui.click", 11)])
    try await store.append([Self.row("session.start", 0, module: "ra1")])
    #expect(try Self.clicks(store) == ["001 ra1 f-ra1", "011 td f-td"])
  }

  @Test func ownAttributesStayThroughASwitch() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("gui.click", 11, module: "own")])
    try await store.append([Self.row("session.start", 0, module: "ra1"), Self.switching(10, to: "td")])
    #expect(try Self.clicks(store) == ["011 own f-own"])
  }

  @Test func aGameKnowsBetterThanItsSession() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("session.start", 0, module: "ra1"), Self.row("gui.click", 1, game: "g1")])
    try await store.append([Self.row("relay.game.start", 0, game: "g1", module: "td")])
    #expect(try Self.clicks(store) == ["001 td f-td"])
  }

  @Test func rowsFarBackStayAsTheyWereTold() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("session.start", 0, module: "ra1"), Self.row("gui.click", 11)])
    let many = (0..<Int(Inheritance.windowRows)).map { _ in Self.row("relay.tick.process", session: "t") }
    try await store.append(many)
    try await store.append([Self.switching(10, to: "td")])
    #expect(try Self.clicks(store) == ["011 ra1 f-ra1"])
  }

  @Test func whatARefusedTransactionToldIsForgotten() {
    let learned = LearnedContexts()
    let facts = LearnedContexts.Facts(gameModule: "ra1")
    #expect(learned.learn(source: "r", session: "", game: "g", facts))
    learned.committed()
    #expect(learned.learn(source: "r", session: "", game: "g", LearnedContexts.Facts(gameModule: "td"), at: 5))
    #expect(learned.learn(source: "r", session: "", game: "h", facts))
    learned.rollBack()
    #expect(learned.find(source: "r", session: "", game: "g", at: 9).gameModule == "ra1")
    #expect(learned.find(source: "r", session: "", game: "h").gameModule == nil)
  }

  @Test func sayingTheSameAgainTellsNothing() {
    let learned = LearnedContexts()
    let facts = LearnedContexts.Facts(gameModule: "ra1", modFingerprint: "f")
    #expect(learned.learn(source: "r", session: "s", game: "", facts, at: 3))
    #expect(!learned.learn(source: "r", session: "s", game: "", facts, at: 9))
    #expect(!learned.learn(source: "r", session: "s", game: "", LearnedContexts.Facts(gameModule: "ra1"), at: 1))
  }
}
