import Telemetry
import TestSupport
import Testing

@testable import Store

/// The views `games` and `sessions`, in each file and over all of them.
@Suite struct GameViewTests {
  private static func row(
    _ event: String, _ seconds: Int64, source: String = "r1", session: String = "s", game: String = "",
    module: String = "", data: String = "{}"
  ) -> SampleBatch.Record {
    SampleBatch.Record(
      event, time: StepClock.noon + seconds * 1_000_000_000, data: data, source: source, session: session,
      gameID: game, gameModule: module, modFingerprint: module.isEmpty ? "" : "f-" + module,
      teaches: event.hasSuffix(".start"))
  }

  private static func query(_ store: ModelStore, _ sql: String) throws -> [[SQLValue]] {
    let session = try QuerySession(files: try store.files())
    var rows: [[SQLValue]] = []
    _ = try session.run(sql) { row in
      rows.append((0..<row.count).map { row.value($0) })
      return true
    }
    return rows
  }

  private static let question = """
    SELECT source, game_id, started, ended, game_module, mod_fingerprint, map, players, outcome, duration_s, desyncs
    FROM games ORDER BY source, game_id
    """

  @Test func aGameIsPutTogetherFromSeveralFiles() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("relay.game.start", 0, game: "g1", module: "ra1", data: "{\"map\":\"Ore\",\"player_count\":4}"),
      Self.row("relay.game.start", 1, source: "r2", game: "g1", module: "td", data: "{\"map\":\"Ice\"}"),
      Self.row("relay.tick.process", 2, game: "g9"),
    ])
    try store.settle()
    try await store.append([
      Self.row("relay.desync", 5, game: "g1"),
      Self.row("relay.game.end", 9, game: "g1", data: "{\"outcome\":\"Completed\",\"duration_s\":9.5}"),
    ])
    let expected: [[SQLValue]] = [
      [
        .text("r1"), .text("g1"), .text("2026-07-01T12:00:00.000000Z"), .text("2026-07-01T12:00:09.000000Z"),
        .text("ra1"), .text("f-ra1"), .text("Ore"), .integer(4), .text("Completed"), .real(9.5), .integer(1),
      ],
      [
        .text("r2"), .text("g1"), .text("2026-07-01T12:00:01.000000Z"), .null, .text("td"), .text("f-td"),
        .text("Ice"), .null, .null, .null, .integer(0),
      ],
    ]
    #expect(try Self.query(store, Self.question) == expected)
    try store.settle()
    #expect(try Self.query(store, Self.question) == expected)
  }

  @Test func aSessionHasItsStartAndItsEnd() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("session.start", 0, module: "ra1", data: "{\"os\":\"linux\"}"),
      Self.row("session.end", 60, data: "{\"reason\":\"quit\",\"duration_s\":60}"),
      Self.row("session.start", 5, session: "t"),
    ])
    let rows = try Self.query(
      store, "SELECT session_id, started, ended, game_module, os, reason, duration_s FROM sessions ORDER BY 1")
    #expect(
      rows == [
        [
          .text("s"), .text("2026-07-01T12:00:00.000000Z"), .text("2026-07-01T12:01:00.000000Z"), .text("ra1"),
          .text("linux"), .text("quit"), .integer(60),
        ],
        [.text("t"), .text("2026-07-01T12:00:05.000000Z"), .null, .null, .null, .null, .null],
      ])
  }

  @Test func everyFileHasThemToo() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("relay.game.start", 0, game: "g1", module: "ra1")])
    #expect(try store.texts("SELECT game_id, game_module FROM games") == ["g1 ra1"])
    try store.settle()
    #expect(try store.texts("SELECT game_id, game_module FROM games") == ["g1 ra1"])
    #expect(try store.integers("SELECT count(*) FROM sessions") == [0])
  }

  @Test func eventsOfAGameCanBeAskedFor() async throws {
    let store = try ModelStore()
    try await store.append(["g1", "g2", "g1"].map { Self.row("relay.tick.process", 0, game: $0) })
    #expect(try Self.query(store, "SELECT count(*) FROM events WHERE game_id = 'g1'") == [[.integer(2)]])
    #expect(
      try Self.query(store, "SELECT source, game_id FROM events WHERE game_id = 'g2'") == [[.text("r1"), .text("g2")]])
  }
}
