import Glibc
import Telemetry
import Testing

@testable import Intake

struct RejectLogTests {
  static let day: Int64 = 86_400_000_000_000
  static let rejection = Rejection(
    reason: .zeroTraceID, index: 3, path: "resourceSpans[0].scopeSpans[0].spans[3].traceId", source: "relay \"1\"",
    record: #"{"name":"a"}"#)

  /// A directory that is gone when the test is over.
  final class Scratch {
    let path: String
    init() throws {
      var template = Array("/tmp/garner-test-XXXXXX".utf8CString)
      path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }
    deinit {
      for day in ["1970-01-01", "1970-01-02"] { unlink("\(path)/rejected/\(day).ndjson") }
      rmdir("\(path)/rejected")
      rmdir(path)
    }

    func text(_ name: String) -> String? {
      guard let file = fopen("\(path)/rejected/\(name)", "r") else { return nil }
      defer { fclose(file) }
      let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 20) { room, count in
        count = fread(room.baseAddress, 1, room.count, file)
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    func mode(_ name: String) -> mode_t {
      var status = stat()
      return stat("\(path)/rejected/\(name)", &status) == 0 ? status.st_mode & 0o777 : 0
    }
  }

  @Test func writesALineARecord() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected")
    log.write([Self.rejection, Self.rejection], door: "otlp_http", signal: .traces, at: Self.day)
    let lines = try #require(scratch.text("1970-01-02.ndjson")).split(separator: "\n")
    #expect(lines.count == 2)
    #expect(
      lines.first
        == #"{"time":"1970-01-02T00:00:00.000000Z","door":"otlp_http","source":"relay \"1\"","signal":"traces","index":3,"path":"resourceSpans[0].scopeSpans[0].spans[3].traceId","reason":"zero_trace_id","rule":null,"record":{"name":"a"}}"#
    )
    #expect(scratch.mode("1970-01-02.ndjson") == 0o600)
    #expect(log.written.value == 2)
  }

  @Test func startsAFileADayAndAppendsToWhatIsThere() throws {
    let scratch = try Scratch()
    for _ in 0..<2 {
      let log = RejectLog(directory: scratch.path + "/rejected")
      log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5)
      log.write([Self.rejection], door: "otlp_http", signal: .logs, at: Self.day + 5)
    }
    #expect(scratch.text("1970-01-01.ndjson")?.split(separator: "\n").count == 2)
    #expect(scratch.text("1970-01-02.ndjson")?.split(separator: "\n").count == 2)
  }

  @Test func onlyCountsOverTheLimitOfADay() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected", limitBytes: { 500 })
    for _ in 0..<5 { log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5) }
    #expect(scratch.text("1970-01-01.ndjson")?.split(separator: "\n").count == 2)
    #expect(log.written.value == 2)
    #expect(log.dropped.value == 3)
    log.write([Self.rejection], door: "otlp_http", signal: .logs, at: Self.day)
    #expect(log.written.value == 3)
  }

  /// A million bad records are not listed, but nobody is left to think that those listed are all.
  @Test func aLineForEachReasonTellsHowManyMoreThereWere() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected")
    let counts: [Rejection.Tally: Int] = [
      .init(source: "relay \"1\"", reason: .zeroTraceID): 200_000, .init(source: "a", reason: .zeroTime): 1,
      .init(source: "b", reason: .zeroTime): 2,
    ]
    log.write(Batch.refused([Self.rejection], counts, .traces), door: "otlp_http", at: 5)
    let start = #"{"time":"1970-01-01T00:00:00.000000Z","door":"otlp_http","source":"#
    #expect(
      try #require(scratch.text("1970-01-01.ndjson")).split(separator: "\n").dropFirst() == [
        start + #""relay \"1\"","signal":"traces","reason":"zero_trace_id","more":199999}"#,
        start + #"null,"signal":"traces","reason":"zero_time","more":3}"#,
      ])
  }

  @Test func nothingIsAddedWhereEveryRecordIsListed() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected")
    let counts = [Rejection.Tally(source: Self.rejection.source, reason: Self.rejection.reason): 1]
    log.write(Batch.refused([Self.rejection], counts, .traces), door: "otlp_http", at: 5)
    log.write(Batch.refused([], [:], .traces), door: "otlp_http", at: 5)
    #expect(scratch.text("1970-01-01.ndjson")?.split(separator: "\n").count == 1)
  }

  @Test func aFileThatWasRemovedIsMadeAgain() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected")
    log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5)
    unlink("\(scratch.path)/rejected/1970-01-01.ndjson")
    log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5)
    #expect(scratch.text("1970-01-01.ndjson")?.split(separator: "\n").count == 1)
    #expect(log.dropped.value == 0)
  }

  @Test func ofALongCallTheFirstLinesAreWritten() throws {
    let scratch = try Scratch()
    let log = RejectLog(directory: scratch.path + "/rejected", limitBytes: { 500 })
    log.write(Array(repeating: Self.rejection, count: 5), door: "otlp_http", signal: .logs, at: 5)
    let text = try #require(scratch.text("1970-01-01.ndjson"))
    #expect(text.split(separator: "\n").count == 2 && text.hasSuffix("}\n"))
    #expect(log.written.value == 2 && log.dropped.value == 3)
  }

  /// Two of them may write to one day: what counts is the length of the file.
  @Test func theLimitIsThatOfTheFile() throws {
    let scratch = try Scratch()
    let logs = (0..<2).map { _ in RejectLog(directory: scratch.path + "/rejected", limitBytes: { 500 }) }
    for _ in 0..<2 { for log in logs { log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5) } }
    #expect(logs.map(\.written.value) == [1, 1] && logs.map(\.dropped.value) == [1, 1])
  }

  @Test func countsWhatItCannotWrite() {
    let log = RejectLog(directory: "/proc/nowhere")
    log.write([Self.rejection], door: "otlp_http", signal: .logs, at: 5)
    #expect(log.dropped.value == 1)
  }
}
