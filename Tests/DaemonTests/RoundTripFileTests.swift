import Daemon
import Store
import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct RoundTripFileTests {
  private static func sample(_ store: RoundTripStore, spans: Bool = true) async throws {
    let start = RoundTripStore.now - 1_000_000_000
    try await store.append(
      decode(
        .logs,
        """
        {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"relay"}},
        {"key":"session.id","value":{"stringValue":"s-1"}}]},"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"\(start)","severityNumber":13,"eventName":"relay.desync","attributes":[
        {"key":"game_id","value":{"stringValue":"g-1"}},{"key":"tick","value":{"intValue":"77"}},
        {"key":"ratio","value":{"doubleValue":1}},{"key":"text","value":{"stringValue":"a,b \\"c\\"\\n"}}],
        "traceId":"5b8efff798038103d269b633813fc60c"},
        {"timeUnixNano":"\(start + 1000)","body":{"stringValue":"hello"}},
        {"timeUnixNano":"\(start + 1000)","body":{"stringValue":"hello"}}]}]}]}
        """))
    guard spans else { return }
    try await store.append(
      decode(
        .traces,
        """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"relay"}}]},
        "scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
        "name":"order.apply",
        "startTimeUnixNano":"\(start)","endTimeUnixNano":"\(start + 5_000_000)","events":[
        {"timeUnixNano":"\(start + 1)","name":"late"}]}]}]}]}
        """))
  }

  private static func decode(_ signal: Signal, _ json: String) throws -> Batch {
    try Array(json.utf8).withUnsafeBytes { bytes in
      try OTLPDecoder.decodeJSON(signal, bytes, options: RoundTripStore.decoding)
    }
  }

  @Test func aDatabaseExportHasTheTableAndIndexesOfTheSourceSchemaAndAManifest() async throws {
    let store = try RoundTripStore()
    try await Self.sample(store)
    let summary = try store.export(.sqlite, "out.db")
    #expect(summary.rows == 5 && summary.records == 4)
    let database = try Connection(store.folder + "/out.db", .readOnly)
    #expect(try database.integer("SELECT count(*) FROM telemetry_events") == 5)
    #expect(try database.integer("SELECT count(*) FROM otlp") == 4)
    #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE 'idx%'") == 7)
    let columns = try database.text(
      "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\") FROM pragma_table_info('telemetry_events')")
    #expect(
      columns
        == "id INTEGER 0,timestamp TEXT 1,session_id TEXT 1,component TEXT 1,game_module TEXT 0,"
        + "mod_fingerprint TEXT 0,category TEXT 1,event TEXT 1,severity TEXT 1,data TEXT 0,"
        + "duration_us INTEGER 0,tick INTEGER 0,correlation TEXT 0")
    #expect(try database.integer("SELECT value FROM manifest WHERE key = 'rows'") == 5)
    #expect(try database.text("SELECT value FROM manifest WHERE key = 'store_uuid'") == store.store.storeID)
    #expect(try database.text("SELECT value FROM manifest WHERE key = 'sha256'")?.utf8.count == 64)
    #expect(FileSystem.list(store.folder) == ["data", "out.db"])
  }

  @Test func filtersLetThroughWhatTheySay() async throws {
    let store = try RoundTripStore()
    try await Self.sample(store)
    var filter = RowFilter()
    filter.categories = ["relay"]
    #expect(try store.export(.ndjson, "a", filter).rows == 1)
    filter = RowFilter()
    filter.trace = [0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c]
    // The log record, the span and its event.
    #expect(try store.export(.ndjson, "b", filter).rows == 3)
    filter = RowFilter()
    filter.from = RoundTripStore.now - 1_000_000_000 + 1000
    #expect(try store.export(.ndjson, "c", filter).rows == 2)
    filter = RowFilter()
    filter.clock = .received
    filter.to = RoundTripStore.now
    #expect(try store.export(.ndjson, "d", filter).rows == 0)
    filter.to = RoundTripStore.now + 1
    #expect(try store.export(.ndjson, "e", filter).rows == 5)
    filter = RowFilter()
    filter.gameID = "g-1"
    #expect(try store.export(.ndjson, "f", filter).rows == 1)
  }

  @Test func aRowOfAnNDJSONExportComesBackEqual() async throws {
    let source = try RoundTripStore()
    try await Self.sample(source, spans: false)
    try source.export(.ndjson, "rows.ndjson")
    let target = try RoundTripStore()
    let summary = try await target.importFile(source.folder + "/rows.ndjson")
    #expect(summary.stored == 3 && summary.problems == [])
    #expect(try await target.importFile(source.folder + "/rows.ndjson").deduplicated == 3)
    try source.export(.csv, "before.csv")
    try target.export(.csv, "after.csv")
    #expect(try source.lines("before.csv") == (try target.lines("after.csv")))
  }

  @Test func aForeignDatabaseIsImportedOnceAndKeepsItsEqualRows() async throws {
    let store = try RoundTripStore()
    let path = store.folder + "/telemetry.db"
    let database = try Connection(path, .create)
    try database.execute(
      """
      CREATE TABLE telemetry_events (id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session_id TEXT NOT NULL,
        component TEXT NOT NULL, game_module TEXT, mod_fingerprint TEXT, category TEXT NOT NULL, event TEXT NOT NULL,
        severity TEXT NOT NULL DEFAULT 'info', data TEXT, duration_us INTEGER, tick INTEGER, correlation TEXT);
      INSERT INTO telemetry_events VALUES
        (9,'2026-01-04T05:06:07.123456Z','s','client','ra1','fp','gameplay','unit.created','warn',
        '{"a": [1, 2.5], "$x":{"b":null}}',12,34,'abc'),
        (10,'2026-01-04T05:06:08.000000Z','s','client',NULL,NULL,'other','x','info',NULL,NULL,NULL,NULL),
        (11,'2026-01-04T05:06:08.000000Z','s','client',NULL,NULL,'other','x','info',NULL,NULL,NULL,NULL);
      """)
    database.close()
    #expect(try await store.importFile(path).stored == 3)
    #expect(try await store.importFile(path).deduplicated == 3)
    try store.export(.csv, "out.csv")
    let lines = try store.lines("out.csv").map { String(decoding: $0, as: UTF8.self) }
    #expect(lines.count == 4)
    #expect(
      lines[1].hasSuffix(
        ",2026-01-04T05:06:07.123456Z,s,client,ra1,fp,gameplay,unit.created,warn,"
          + "\"{\"\"a\"\":[1,2.5],\"\"$$x\"\":{\"\"b\"\":null}}\",12,34,abc\r"))
    #expect(lines[2].hasSuffix(",2026-01-04T05:06:08.000000Z,s,client,,,other,x,info,{},,,\r"))

    // The columns that no attribute says go the way over OTLP too.
    try store.export(.otlp, "out.jsonl")
    let other = try RoundTripStore()
    #expect(try await other.importFile(store.folder + "/out.jsonl").stored == 3)
    try other.export(.csv, "out.csv")
    let again = try other.lines("out.csv").map { String(decoding: $0, as: UTF8.self) }
    #expect(again[1].contains(",gameplay,unit.created,warn,") && again[1].hasSuffix(",12,34,abc\r"))
    #expect(again[2].contains(",s,client,,,other,x,info,"))
  }

  @Test func badLinesAreCountedWithTheirPlaceAndTheOthersGoOn() async throws {
    let store = try RoundTripStore()
    let good = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"x\"}}]}]}]}"
    let path = try store.write(
      "lines.jsonl", "\(good)\r\n\nnonsense\n{\"scopeLogs\":[]}\n{\"resourceLogs\":[1]}\n\(good)\n{\"resourceLogs\":[{")
    let summary = try await store.importFile(path)
    #expect(summary.stored == 2 && summary.bad == 4)
    #expect(summary.problems.first?.hasPrefix("\(path):3 (byte ") ?? false)
    #expect(summary.problems.last?.contains("the last line is not finished") ?? false)
    // The very same file again: every record is known by its place in it.
    #expect(try await store.importFile(path).stored == 0)
  }

  @Test func eventsAsTheyComeOverUDPAreImportedAsTheyAre() async throws {
    let store = try RoundTripStore()
    let path = try store.write(
      "events.ndjson",
      #"{"e":"a.b","t":1767600000000000,"d":{"x":1},"more":2}"# + "\n"
        + #"{"event":"a.c","timestamp":"2026-01-01T00:00:00Z","data":{"x":1},"more":2}"# + "\n"
        + #"{"v":1,"boot":"9f3c2a0000000001","seq":0,"n":5,"t":7,"ev":[{"e":"a.d"},{"e":""}]}"# + "\n"
        + #"{"neither":1}"# + "\n")
    let summary = try await store.importFile(path)
    #expect(summary.stored == 3 && summary.rejected == 1 && summary.bad == 1)
    try store.export(.ndjson, "out.ndjson")
    let lines = try store.lines("out.ndjson").map { String(decoding: $0, as: UTF8.self) }
    #expect(lines.filter { $0.contains(#"{"more":2,"x":1}"#) }.count == 2)
    #expect(lines.contains { $0.contains(#""uid":"9f3c2a0000000001:5""#) })
    #expect(try await store.importFile(path).stored == 0)
  }

  @Test func anArrayOfRowsIsTakenWhole() async throws {
    let source = try RoundTripStore()
    try await Self.sample(source, spans: false)
    try source.export(.json, "rows.json")
    let target = try RoundTripStore()
    let summary = try await target.importFile(source.folder + "/rows.json")
    #expect(summary.stored == summary.received && summary.stored > 1 && summary.bad == 0)
  }

  @Test func aRequestOverManyLinesIsOneRequest() async throws {
    let store = try RoundTripStore()
    let path = try store.write(
      "pretty.json", "{\n \"resourceLogs\": [\n {\"scopeLogs\":[{\"logRecords\":[{}]}]}\n ]\n}\n")
    let summary = try await store.importFile(path)
    #expect(summary.stored == 1 && summary.bad == 0)
  }

  @Test(arguments: [
    "CREATE VIEW telemetry_events AS SELECT 1 AS id",
    "CREATE TABLE telemetry_events(id INTEGER PRIMARY KEY, timestamp TEXT)",
    "CREATE VIRTUAL TABLE telemetry_events USING fts5(id, timestamp)",
    "CREATE TABLE other(a)",
  ])
  func aDatabaseWithoutThePlainTableIsRefused(schema: String) async throws {
    let store = try RoundTripStore()
    let path = store.folder + "/hostile.db"
    let database = try Connection(path, .create)
    try database.execute(schema)
    database.close()
    await #expect(throws: ImportError.self) { _ = try await store.importFile(path) }
  }

  @Test(
    arguments: [
      ("2026-02-03T04:05:06.789012Z", 1_770_091_506_789_012_000),
      ("2026-02-03 04:05:06", 1_770_091_506_000_000_000),
      ("2026-02-03T05:05:06+01:00", 1_770_091_506_000_000_000),
      ("1970-01-01", 0),
      ("2026-02-03T04:05:06.1234567891Z", 1_770_091_506_123_456_789),
      ("yesterday", nil), ("2026-13-03T04:05:06Z", nil), ("", nil), ("2026-02-03T04:05:06Zx", nil),
    ] as [(String, Int64?)])
  func readsTheTimesOfOtherPrograms(text: String, nanoseconds: Int64?) {
    #expect(EventTime.nanoseconds(text) == nanoseconds)
  }
}
