import Telemetry
import TestSupport
import Testing

@testable import Store

/// `garner why`: what is known of one item, wherever it lies.
@Suite struct LifeTests {
  private static func row(
    _ event: String, source: String = "r1", session: String = "s1", game: String = "", trace: UInt64? = nil,
    uid: String = ""
  ) -> SampleBatch.Record {
    SampleBatch.Record(
      event, time: StepClock.noon, source: source, session: session, gameID: game,
      trace: trace.map { ($0.bigEndian, $0.bigEndian) }, uid: uid)
  }

  private static func life(_ store: ModelStore, _ text: String) throws -> [LifeEvent] {
    try Life.events(LifeItem.parse(text), store.directory)
  }

  private static func steps(_ store: ModelStore, _ text: String) throws -> [String] {
    try life(store, text).map { "\($0.step.rawValue) \($0.source ?? "-") \($0.count.map(String.init) ?? "-")" }
  }

  private static let hex = "000000000000000a000000000000000a"

  @Test(arguments: ["trace:\(hex)", "session:s1", "game:g1", "batch:2", hex, "g1"])
  func tellsHowRowsCameAndWhereTheyAre(question: String) async throws {
    let store = try ModelStore()
    try await store.append([
      Self.row("gui.click", game: "g1", trace: 10), Self.row("relay.game.start", game: "g1", trace: 10),
    ])
    try await store.append([Self.row("gui.click", source: "r2", session: "other", game: "other", trace: 11)])
    #expect(try Self.steps(store, question) == ["received r1 2", "stored r1 2"])
    store.clock.advance(StepClock.hour)
    try store.settle()
    let events = try Self.life(store, question)
    #expect(
      events.map(\.step).map(\.rawValue) == ["received", "stored", "stored", "settled", "settled"])
    #expect(events[0].count == 2 && events[0].door == "test" && events[0].time == "2026-07-01T12:00:00.000000Z")
    #expect(events[3].time == "2026-07-01T13:00:00.000000Z")
    #expect(Set(events.compactMap(\.place)).count == 2)
    for place in events.compactMap(\.place) { #expect(FileSystem.exists(store.directory.path + "/" + place)) }
  }

  @Test func knowsNothingOfWhatNeverCame() async throws {
    let store = try ModelStore()
    #expect(try Self.life(store, "game:g1").isEmpty)
    try await store.append([Self.row("gui.click", game: "g1")])
    try store.settle()
    for question in ["game:g2", "session:none", "trace:\(Self.hex)", "batch:99", "file:none", "record:1:2", "g", ""] {
      #expect(try Self.life(store, question).isEmpty, "\(question)")
    }
  }

  @Test func aReceiptTellsItsBatchAndWhatIsGone() async throws {
    let store = try ModelStore()
    let refused = Rejection(reason: .zeroTime, index: 0, path: "x[0]", source: "r1", record: "")
    try await store.append(
      [Self.row("chat.message"), Self.row("gui.click")], key: ReceiptKey(high: 1, low: 2), rejections: [refused])
    let key = "batch:01000000000000000200000000000000"
    #expect(try Self.steps(store, key) == ["received r1 3", "rejected r1 1", "stored r1 2"])
    _ = try store.start().clear(Clearing(before: nil, category: "chat"))
    let after = try Self.steps(store, key)
    #expect(after.contains("cleared r1 1") && after.contains("settled r1 1") && after.contains("received r1 3"))
  }

  @Test func aRecordIsFoundByTheNumberOfItsSender() async throws {
    let store = try ModelStore()
    let uid = "00000000000000aa:7"
    try await store.append([Self.row("gui.click", uid: uid), Self.row("gui.click", uid: "own")])
    for question in ["record:\(uid)", "record:own", "record:1"] {
      #expect(try Self.steps(store, question) == ["received r1 1", "stored r1 1"], "\(question)")
    }
    #expect(try Self.life(store, "record:00000000000000aa:8").isEmpty)
    _ = try store.start().clear(Clearing(before: nil, category: nil))
    #expect(try Self.steps(store, "record:\(uid)") == ["cleared r1 1"])
    #expect(try Self.steps(store, "record:1") == ["cleared - 1"])
  }

  @Test func aDataFileTellsWhatIsInIt() async throws {
    let store = try ModelStore()
    try await store.append([Self.row("gui.click"), Self.row("gui.click", source: "r2")])
    #expect(try Self.steps(store, "file:1.db") == ["stored r1 1", "stored r2 1"])
    try store.settle()
    #expect(
      try Self.steps(store, "file:1-1.db").sorted() == ["settled r1 1", "settled r2 1", "stored r1 1", "stored r2 1"])
    #expect(try Self.life(store, "file:1.db").first?.step == .settled)
  }

  @Test func aDroppedFileTellsWhatBecameOfIt() async throws {
    let store = try ModelStore()
    let digest = (0..<32).map { UInt8($0) }
    let texts = [
      "1", "rejected", "season.ndjson", "club", "ndjson", "100", "\(StepClock.noon)",
      "\(StepClock.noon + 5_000_000_000)",
      "0", "0", "1", "5", "3", "0", "1", "1", "0", "1", "bad_json", "1",
    ]
    let value = texts.flatMap { (text: String) -> [UInt8] in Array(text.utf8) + [0] }
    let batch = SampleBatch.make(.logs, [Self.row("gui.click")])
    _ = try await store.start().writer.append(
      batch, key: nil, door: "drop", marks: [Mark(key: Array("drop:".utf8) + digest, value: value)])
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    for question in ["file:season.ndjson", "file:\(hex)", "file:season.ndjson.00010203"] {
      #expect(
        try Self.steps(store, question) == [
          "received club 5", "stored club 3", "deduplicated club 1", "rejected club 1",
        ])
    }
    try store.settle()
    let last = try #require(try Self.life(store, "file:season.ndjson").last)
    #expect(last.detail == "bad_json 1" && last.time == "2026-07-01T12:00:05.000000Z")
  }

  @Test func theRejectLogIsPartOfIt() throws {
    let store = try ModelStore()
    try store.start()
    let lines = """
      {"time":"2026-07-01T12:00:01.000000Z","door":"otlp_http","source":"r1","signal":"logs","index":0,"path":"a[0]",\
      "reason":"bad_id","rule":null,"record":{"attributes":[{"key":"game_id","value":{"stringValue":"g7"}}]}}
      {"time":"2026-07-01T12:00:02.000000Z","door":"otlp_http","source":"r1","signal":"logs","reason":"malformed",\
      "hash":"ffffffffffffffffffffffffffffffff","length":12,"offset":3}
      {"time":"2026-07-01T12:00:03.000000Z","door":"otlp_http","source":"r1","signal":"logs","index":0,"path":"",\
      "reason":"bad_id","rule":null,"record":{"body":{"stringValue":"g7"}}}

      """
    try FileSystem.writeDurably(store.directory.rejected + "/2026-07-01.ndjson", Array(lines.utf8))
    let game = try Self.life(store, "game:g7")
    #expect(game.map(\.step) == [.rejected] && game[0].detail == "bad_id at a[0]" && game[0].count == 1)
    #expect(game[0].place == "rejected/2026-07-01.ndjson")
    let body = try Self.life(store, "batch:ffffffffffffffffffffffffffffffff")
    #expect(body.map(\.detail) == ["malformed, 12 bytes, byte 3"] && body[0].count == nil)
  }

  @Test(arguments: ["a", "ab", "abab", "cab", "zz"])
  func findsATextWhereverItIs(text: String) {
    let bytes = Array("xxabcababzabaczz".utf8)
    let naive = (0...(bytes.count - text.utf8.count)).first { bytes[$0...].starts(with: text.utf8) }
    #expect(bytes.withUnsafeBytes { TextSearch(text).first(in: $0, from: 0) } == naive)
  }
}

/// Records a second of the last minute.
@Suite struct SourceRateTests {
  @Test func countsTheLastMinuteOnly() {
    let rates = SourceRates()
    let start = StepClock.noon
    let second: Int64 = 1_000_000_000
    for step in 0..<120 { rates.add("a", records: 10, at: start + Int64(step) * second) }
    rates.add("b", records: 60, at: start)
    #expect(rates.perSecond(now: start + 119 * second) == ["a": 10])
    #expect(rates.perSecond(now: start + 400 * second).isEmpty)
  }
}
