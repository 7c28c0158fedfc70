import Daemon
import Store
import Telemetry
import TestSupport
import Testing
import Wire

/// What a file may look like from outside: packed, as CSV, with records of many senders, with records that are refused.
@Suite struct RoundTripFormTests {
  private static let start = RoundTripStore.now - 1_000_000_000

  private static func logs(_ count: Int, from first: Int = 0) -> String {
    let records = (first..<(first + count)).map {
      "{\"timeUnixNano\":\"\(start + Int64($0))\",\"eventName\":\"relay.e\(String($0))\"}"
    }
    return "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
      + "{\"stringValue\":\"relay\"}}]},\"scopeLogs\":[{\"logRecords\":[\(records.joined(separator: ","))]}]}]}"
  }

  private static func decode(_ json: String, session: String = "anon-local", credential: String = "") throws -> Batch {
    var options = RoundTripStore.decoding
    options.anonymousSession = Array(session.utf8)
    options.credential = Array(credential.utf8)
    return try Array(json.utf8).withUnsafeBytes { try OTLPDecoder.decodeJSON(.logs, $0, options: options) }
  }

  @Test(arguments: [ExportFormat.sqlite, .otlp, .ndjson])
  func recordsKeepTheSourceAndSessionThatNoAttributeTells(format: ExportFormat) async throws {
    let source = try RoundTripStore()
    for round in 0..<6 {
      let batch = try Self.decode(
        Self.logs(3, from: 3 * round), session: "anon-\(round % 2)", credential: round % 3 == 0 ? "token-a" : "")
      try await source.append(batch)
    }
    try source.export(format, "out")
    let target = try RoundTripStore()
    #expect(try await target.importFile(source.folder + "/out").stored == 18)
    #expect(try Self.origins(target) == Self.origins(source))
    #expect(try Set(Self.origins(source)).count == 4)
  }

  private static func origins(_ store: RoundTripStore) throws -> [String] {
    let directory = store.store.directory
    let reader = RowReader { () throws(SQLiteError) in try FileList.read(directory) }
    var origins: [String] = []
    try reader.forEach { row in
      let texts = [row.source, row.session, row.component].map { String(decoding: $0, as: UTF8.self) }
      origins.append(texts.joined(separator: " "))
    }
    return origins
  }

  @Test(arguments: [ExportFormat.sqlite, .otlp])
  func manyRecordsComeBackInTheirOrder(format: ExportFormat) async throws {
    let source = try RoundTripStore()
    for round in 0..<12 { try await source.append(try Self.decode(Self.logs(1_000, from: 1_000 * round))) }
    try source.export(format, "out")
    let target = try RoundTripStore()
    #expect(try await target.importFile(source.folder + "/out").stored == 12_000)
    #expect(try await target.importFile(source.folder + "/out").deduplicated == 12_000)
    try source.export(.csv, "before.csv")
    try target.export(.csv, "after.csv")
    #expect(try source.lines("before.csv") == (try target.lines("after.csv")))
  }

  @Test func aLineWithManyRefusedRecordsAddsNothingTheSecondTime() async throws {
    let store = try RoundTripStore()
    let spans = (0..<3_000).map { number in
      let id = number % 2 == 0 ? "0000000000000000" : "eee19b7ec3c1b174"
      return "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"\(id)\",\"name\":\"s\(number)\"}"
    }
    let path = try store.write(
      "spans.jsonl", "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[\(spans.joined(separator: ","))]}]}]}\n")
    let first = try await store.importFile(path)
    #expect(first.stored == 1_500 && first.rejected == 1_500)
    let second = try await store.importFile(path)
    #expect(second.stored == 0 && second.deduplicated == 1_500)
  }

  @Test func aPackedFileIsTheSameFile() async throws {
    let store = try RoundTripStore()
    let text = (0..<40).map { Self.logs(50, from: 50 * $0) }.joined(separator: "\n") + "\n"
    let plain = try store.write("logs.jsonl", text)
    let packed = store.folder + "/logs.jsonl.gz"
    try FileSystem.writeDurably(packed, try Self.gzip(Array(text.utf8)))
    #expect(try await store.importFile(packed).stored == 2_000)
    #expect(try await store.importFile(plain).deduplicated == 2_000)
    try FileSystem.writeDurably(packed, Array(try Self.gzip(Array(text.utf8)).dropLast(20)))
    await #expect(throws: ImportError.self) { _ = try await store.importFile(packed) }
  }

  @Test func aPackedDatabaseIsImported() async throws {
    let source = try RoundTripStore()
    try await source.append(try Self.decode(Self.logs(10)))
    try source.export(.sqlite, "out.db")
    let bytes = try FileSystem.read(source.folder + "/out.db", limit: 1 << 24)
    try FileSystem.writeDurably(source.folder + "/out.db.gz", try Self.gzip(bytes))
    let target = try RoundTripStore()
    #expect(try await target.importFile(source.folder + "/out.db.gz").stored == 10)
    #expect(try await target.importFile(source.folder + "/out.db").deduplicated == 10)
  }

  private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] { try #require(Deflater.gzip(bytes)) }

  @Test func aCSVIsImportedOnceAndItsBadRecordsAreNamed() async throws {
    let store = try RoundTripStore()
    let path = try store.write(
      "rows.csv",
      """
      timestamp,event,session_id,data,tick
      2026-01-04T05:06:07Z,relay.a,s-1,"{""text"":""two
      lines""}",7
      2026-01-04T05:06:08Z,relay.b,s-1
      2026-01-04T05:06:09Z,relay.c,s-2,,

      """)
    let first = try await store.importFile(path)
    #expect(first.stored == 2 && first.bad == 1)
    #expect(first.problems == ["\(path):4: CSV: 3 fields instead of 5"])
    #expect(try await store.importFile(path).deduplicated == 2)
    try store.export(.csv, "out.csv")
    let lines = try store.lines("out.csv").map { String(decoding: $0, as: UTF8.self) }
    #expect(lines[1].contains(",s-1,") && lines[1].contains("relay.a") && lines[1].contains("two\\nlines"))
  }

  @Test func aCSVWithAnUnknownColumnIsRefused() async throws {
    let store = try RoundTripStore()
    let path = try store.write("rows.csv", "timestamp,event,colour\n2026-01-04,e,red\n")
    await #expect(throws: ImportError.self) { _ = try await store.importFile(path) }
  }
}
