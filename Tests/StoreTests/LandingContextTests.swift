import Telemetry
import TestSupport
import Testing

@testable import Store

/// Rows inherit module and fingerprint from the start event of their game or session (R81–R84).
@Suite struct LandingContextTests {
  /// `source game module fingerprint` of every row, in order of arrival.
  private static let question = """
    SELECT c.source, coalesce(c.game_id, '-'), coalesce(c.game_module, '-'), coalesce(c.mod_fingerprint, '-')
    FROM event e JOIN ctx c ON c.id = e.ctx ORDER BY e.id
    """

  private static func tick(_ game: String, source: String = "r1") -> SampleBatch.Record {
    SampleBatch.Record("relay.tick.process", time: StepClock.noon, source: source, session: "s", gameID: game)
  }

  private static func start(
    _ game: String, _ module: String, _ fingerprint: String, source: String = "r1"
  )
    -> SampleBatch.Record
  {
    SampleBatch.Record(
      "relay.game.start", time: StepClock.noon, source: source, session: "s", gameID: game, gameModule: module,
      modFingerprint: fingerprint, teaches: true)
  }

  @Test func aLateStartReachesEarlierRows() async throws {
    let store = try ModelStore()
    try await store.append([Self.tick("g1")])
    try await store.append([Self.start("g1", "ra1", "f1")])
    try await store.append([Self.tick("g1")])
    let expected = ["r1 g1 ra1 f1", "r1 g1 ra1 f1", "r1 g1 ra1 f1"]
    #expect(try store.texts(Self.question).sorted() == expected)
    try store.settle()
    #expect(try store.texts(Self.question).sorted() == expected)
  }

  @Test func interleavedGamesKeepTheirOwnMods() async throws {
    let store = try ModelStore()
    let games = [("g1", "ra1", "f1"), ("g2", "td", "f2"), ("g3", "d2k", "f3")]
    for game in games { try await store.append([Self.start(game.0, game.1, game.2)]) }
    for _ in 0..<5 { try await store.append(games.map { Self.tick($0.0) }) }
    let texts = try store.texts(Self.question)
    for game in games { #expect(texts.filter { $0 == "r1 \(game.0) \(game.1) \(game.2)" }.count == 6) }
    #expect(texts.count == 18)
  }

  @Test func twoSourcesMayReuseAGameID() async throws {
    let store = try ModelStore()
    try await store.append([Self.start("g1", "ra1", "f1", source: "r1"), Self.start("g1", "td", "f2", source: "r2")])
    try await store.append([
      Self.tick("g1", source: "r1"), Self.tick("g1", source: "r2"), Self.tick("g1", source: "r3"),
    ])
    let texts = try store.texts(Self.question).sorted()
    #expect(texts == ["r1 g1 ra1 f1", "r1 g1 ra1 f1", "r2 g1 td f2", "r2 g1 td f2", "r3 g1 - -"])
  }

  @Test func aRowsOwnAttributesWin() async throws {
    let store = try ModelStore()
    try await store.append([Self.start("g1", "ra1", "f1")])
    try await store.append([
      SampleBatch.Record(
        "relay.desync", time: StepClock.noon, source: "r1", session: "s", gameID: "g1", gameModule: "own",
        modFingerprint: "mine")
    ])
    #expect(try store.texts(Self.question).sorted() == ["r1 g1 own mine", "r1 g1 ra1 f1"])
  }

  @Test func aProfileSwitchSplitsTheSession() async throws {
    let store = try ModelStore()
    func row(
      _ event: String, data: String = "{}", module: String = "", teaches: Bool = false, switches: Bool = false
    )
      -> SampleBatch.Record
    {
      SampleBatch.Record(
        event, time: StepClock.noon, data: data, source: "r1", session: "s", gameModule: module,
        modFingerprint: module.isEmpty ? "" : "f-" + module, teaches: teaches, switches: switches)
    }
    try await store.append([row("session.start", module: "ra1", teaches: true)])
    try await store.append([row("gui.click")])
    try await store.append([
      row("session.profile_switch", data: "{\"new_game_module\":\"td\",\"new_fingerprint\":\"f-td\"}", switches: true)
    ])
    try await store.append([row("gui.click")])
    let clicks = try store.texts(
      """
      SELECT coalesce(c.game_module, '-'), coalesce(c.mod_fingerprint, '-') FROM event e JOIN ctx c ON c.id = e.ctx
      JOIN name n ON n.id = e.name WHERE n.event = 'gui.click' ORDER BY e.id
      """)
    #expect(clicks == ["ra1 f-ra1", "td f-td"])
  }

  @Test func learnedGamesSurviveARestart() async throws {
    let store = try ModelStore()
    try await store.append([Self.start("g1", "ra1", "f1")])
    try store.restart()
    try await store.append([Self.tick("g1")])
    #expect(try store.texts(Self.question).sorted() == ["r1 g1 ra1 f1", "r1 g1 ra1 f1"])
  }

  @Test func forgetsTheOldestGamesFirst() {
    let learned = LearnedContexts()
    for n in 0..<30_000 {
      learned.learn(
        source: "r", session: "", game: "g\(n)", LearnedContexts.Facts(gameModule: "m", modFingerprint: nil))
    }
    #expect(learned.find(source: "r", session: "", game: "g0").gameModule == nil)
    #expect(learned.find(source: "r", session: "", game: "g29999").gameModule == "m")
  }
}
