import Telemetry
import TestSupport
import Testing

@testable import Store

/// `garner repair context`: what was settled before its game was known.
@Suite struct ContextRepairTests {
  private static func row(
    _ event: String, minutes: Int64 = 0, source: String = "r1", session: String = "s", game: String = "g1",
    module: String = "", data: String = "{}"
  ) -> SampleBatch.Record {
    SampleBatch.Record(
      event, time: StepClock.noon + minutes * 60_000_000_000, data: data, source: source, session: session,
      gameID: game, gameModule: module, modFingerprint: module.isEmpty ? "" : "f-" + module,
      teaches: event.hasSuffix(".start"))
  }

  private static func texts(_ store: ModelStore, _ event: String) throws -> [String] {
    try store.texts(
      """
      SELECT c.source, coalesce(c.game_id, '-'), coalesce(c.game_module, '-'), coalesce(c.mod_fingerprint, '-')
      FROM event e JOIN ctx c ON c.id = e.ctx JOIN name n ON n.id = e.name WHERE n.event = '\(event)'
      """
    ).sorted()
  }

  @Test func rowsThatWereSettledInherit() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("relay.tick.process"), Self.row("relay.tick.process", source: "r2"),
      Self.row("relay.tick.process", module: "own"),
    ])
    try store.settle()
    try await store.append([Self.row("relay.game.start", module: "ra1")])
    let outcome = try store.start().repairContext()
    #expect(outcome == ContextRepair.Outcome(rows: 1, files: 1))
    #expect(try Self.texts(store, "relay.tick.process") == ["r1 g1 own f-own", "r1 g1 ra1 f-ra1", "r2 g1 - -"])
    #expect(try store.start().repairContext() == ContextRepair.Outcome())
    store.close()
    #expect(try store.books().balances)
    #expect(try store.books().accounts.map(\.present) == [3, 1])
    try store.restart()
    #expect(try Self.texts(store, "relay.tick.process") == ["r1 g1 own f-own", "r1 g1 ra1 f-ra1", "r2 g1 - -"])
  }

  @Test func aSwitchDividesWhatWasSettled() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("gui.click", minutes: 1, game: ""), Self.row("gui.click", minutes: 11, game: ""),
    ])
    try store.settle()
    try await store.append([
      Self.row("session.start", game: "", module: "ra1"),
      Self.row(
        "session.profile_switch", minutes: 10, game: "",
        data: "{\"new_game_module\":\"td\",\"new_fingerprint\":\"f-td\"}"),
    ])
    #expect(try store.start().repairContext().rows == 2)
    #expect(try Self.texts(store, "gui.click") == ["r1 - ra1 f-ra1", "r1 - td f-td"])
  }

  @Test func aLaterStartDividesWhatWasRepaired() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("relay.tick.process", minutes: 1), Self.row("relay.tick.process", minutes: 5),
      Self.row("relay.tick.process", minutes: 11), Self.row("relay.tick.process", minutes: 12, module: "own"),
    ])
    try store.settle()
    try await store.append([Self.row("relay.game.start", module: "ra1")])
    #expect(try store.start().repairContext().rows == 3)
    try await store.append([Self.row("relay.game.start", minutes: 10, module: "td")])
    #expect(try store.start().repairContext().rows == 1)
    let expected = ["r1 g1 own f-own", "r1 g1 ra1 f-ra1", "r1 g1 ra1 f-ra1", "r1 g1 td f-td"]
    #expect(try Self.texts(store, "relay.tick.process") == expected)
    #expect(try store.start().repairContext() == ContextRepair.Outcome())
  }

  @Test func whatInheritedBeforeItWasSettledIsDividedToo() async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("relay.game.start", module: "ra1"), Self.row("relay.tick.process", minutes: 5),
      Self.row("relay.tick.process", minutes: 11),
    ])
    try store.settle()
    try await store.append([Self.row("relay.game.start", minutes: 10, module: "td")])
    #expect(try store.start().repairContext().rows == 1)
    #expect(try Self.texts(store, "relay.tick.process") == ["r1 g1 ra1 f-ra1", "r1 g1 td f-td"])
  }

  @Test func aStartThatLiesInAFileIsEnough() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("relay.tick.process")])
    try store.settle()
    try await store.append([Self.row("relay.game.start", module: "ra1")])
    try store.settle()
    try store.start().catalog.use { connection throws(SQLiteError) in
      try connection.execute("DELETE FROM state.learned")
    }
    #expect(try store.start().repairContext().rows == 1)
    #expect(try Self.texts(store, "relay.tick.process") == ["r1 g1 ra1 f-ra1"])
  }
}
