import Telemetry
import TestSupport
import Testing

@testable import Store

/// Strangers can use up the names that sources get, and nothing else.
@Suite struct SourceLimitTests {
  private static func row(
    _ event: String, _ source: String, uid: String = "", game: String = "", module: String = ""
  ) -> SampleBatch.Record {
    SampleBatch.Record(
      event, time: StepClock.noon, data: "{}", source: source, gameID: game, gameModule: module, uid: uid,
      teaches: event.hasSuffix(".start"))
  }

  @discardableResult
  private static func append(
    _ records: [SampleBatch.Record], to store: ModelStore, door: String, rejections: [Rejection] = []
  ) async throws -> Receipt {
    let batch = SampleBatch.make(.logs, records, rejections: rejections)
    return try await store.start().writer.append(batch, key: nil, door: door)
  }

  private static func full() async throws -> ModelStore {
    let store = try ModelStore()
    store.options.isOwned = { $0 == "relay" }
    try await append((0..<10_000).map { row("fill", "s\($0)") }, to: store, door: "otlp_http")
    return store
  }

  @Test func whoHasACredentialKeepsTheNameAndItsIdentities() async throws {
    let store = try await Self.full()
    for source in ["stranger-1", "stranger-2", "relay"] {
      let receipt = try await Self.append([Self.row("real", source, uid: "u1")], to: store, door: "otlp_http")
      #expect(receipt.stored == 1, "\(source)")
      let again = try await Self.append([Self.row("real", source, uid: "u1")], to: store, door: "otlp_grpc")
      #expect(again.stored == 0, "\(source)")
    }
    try await Self.append([Self.row("real", "console-4", uid: "00000000000000ff:0")], to: store, door: "udp")
    let sources = "SELECT c.source FROM event e JOIN ctx c ON c.id = e.ctx JOIN name n ON n.id = e.name"
    #expect(
      try store.texts("\(sources) WHERE n.event = 'real' ORDER BY e.id") == ["other", "other", "relay", "console-4"])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func whatIsRefusedOfAStrangerGetsNoNameEither() async throws {
    let store = try await Self.full()
    let rejections = ["stranger", "relay"].map {
      Rejection(reason: .zeroTraceID, index: 0, path: "", source: $0, record: "")
    }
    for rejection in rejections { try await Self.append([], to: store, door: "otlp_http", rejections: [rejection]) }
    store.close()
    let rejected = try store.books().accounts.filter { $0.rejected > 0 }.map(\.source)
    #expect(Set(rejected) == ["other", "relay"])
  }

  @Test func strangersOfOneNameTellEachOtherNothing() async throws {
    let store = try await Self.full()
    try await Self.append([Self.row("relay.game.start", "a", game: "g", module: "ra")], to: store, door: "otlp_http")
    try await Self.append([Self.row("tick", "b", game: "g")], to: store, door: "otlp_http")
    let modules = """
      SELECT coalesce(c.game_module, '-') FROM event e JOIN ctx c ON c.id = e.ctx JOIN name n ON n.id = e.name
      WHERE n.event = 'tick'
      """
    #expect(try store.texts(modules) == ["-"])
  }
}

@Suite struct LearnedContextLimitTests {
  private static func learned(_ games: Int, of stranger: String) -> LearnedContexts {
    let learned = LearnedContexts()
    learned.learn(source: "relay", session: "", game: "g", LearnedContexts.Facts(gameModule: "ra"))
    for game in 0..<games {
      learned.learn(source: stranger, session: "", game: "x\(game)", LearnedContexts.Facts(gameModule: "zz"))
    }
    return learned
  }

  @Test func nobodyPushesOutWhatAnotherSourceSaid() {
    let learned = Self.learned(50_000, of: "stranger")
    #expect(learned.find(source: "relay", session: "", game: "g").gameModule == "ra")
    #expect(learned.find(source: "stranger", session: "", game: "x0").gameModule == nil)
    #expect(learned.find(source: "stranger", session: "", game: "x49999").gameModule == "zz")
  }

  @Test func norOnTheDisk() throws {
    let connection = try Connection(":memory:", .create)
    try connection.execute(
      """
      ATTACH ':memory:' AS state;
      CREATE TABLE state.learned(source TEXT NOT NULL, session TEXT NOT NULL, game TEXT NOT NULL,
        at INTEGER NOT NULL, game_module TEXT, mod_fingerprint TEXT, number INTEGER NOT NULL,
        PRIMARY KEY(source, session, game, at)) WITHOUT ROWID
      """)
    try Self.learned(0, of: "").settle(1, connection)
    for number in 2...3 {
      try connection.execute(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000)
        INSERT INTO state.learned SELECT 'stranger', '', '\(number)-' || i, i, 'zz', NULL, \(number) FROM n
        """)
      try Self.learned(0, of: "").settle(1, connection)
    }
    #expect(try connection.integer("SELECT count(*) FROM state.learned WHERE source = 'relay'") == 1)
    let left = try connection.rows("SELECT number, count(*) FROM state.learned WHERE source = 'stranger' GROUP BY 1")
    #expect(left == [[.integer(3), .integer(15_000)]])
  }
}
