import Door
import HTTPTypes
import Telemetry
import Testing
import Wire

/// The bytes of answers, and the headers that choose them.
struct AnswerTests {
  @Test(arguments: Signal.allCases)
  func leavesPartialSuccessUnsetForAFullSuccess(_ signal: Signal) {
    let response = OTLPResponse(signal: signal)
    #expect(response.encoded(.protobuf) == [])
    #expect(response.encoded(.json) == Array("{}".utf8))
  }

  @Test(arguments: [
    (Signal.traces, "rejectedSpans"), (.metrics, "rejectedDataPoints"), (.logs, "rejectedLogRecords"),
  ])
  func namesWhatWasRefused(_ signal: Signal, _ name: String) {
    let response = OTLPResponse(signal: signal, rejected: 300, message: "no \"id\"\n")
    #expect(
      String(decoding: response.encoded(.json), as: UTF8.self)
        == "{\"partialSuccess\":{\"\(name)\":\"300\",\"errorMessage\":\"no \\\"id\\\"\\u000a\"}}")
    #expect(response.encoded(.protobuf) == [0x0a, 13, 0x08, 0xac, 0x02, 0x12, 8] + Array("no \"id\"\n".utf8))
  }

  @Test func saysAWarningWithoutACount() {
    let response = OTLPResponse(signal: .logs, message: "w")
    #expect(response.encoded(.json) == Array(#"{"partialSuccess":{"errorMessage":"w"}}"#.utf8))
    #expect(response.encoded(.protobuf) == [0x0a, 3, 0x12, 1, 0x77])
  }

  @Test func packsAStatusWithItsDetails() {
    let bad = RPCStatus(.invalidArgument, "m", violation: "v")
    #expect(
      String(decoding: bad.encoded(.json), as: UTF8.self)
        == #"{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"body","description":"v"}]}]}"#
    )
    let type = Array("type.googleapis.com/google.rpc.BadRequest".utf8)
    let violation: [UInt8] = [0x0a, 9, 0x0a, 4] + Array("body".utf8) + [0x12, 1, 0x76]
    let any: [UInt8] = [0x0a, UInt8(type.count)] + type + [0x12, UInt8(violation.count)] + violation
    #expect(bad.encoded(.protobuf) == [0x08, 3, 0x12, 1, 0x6d, 0x1a, UInt8(any.count)] + any)
    let busy = RPCStatus(.unavailable, "m", retryAfterSeconds: 2)
    #expect(String(decoding: busy.encoded(.json), as: UTF8.self).contains(#""retryDelay":"2s""#))
  }

  @Test(arguments: [
    ("gzip", true), ("GZIP", true), ("deflate, gzip;q=0.5", true), ("*", true), ("gzip;q=0", false),
    ("gzip; q=0.000", false), ("identity", false), ("", false), ("*;q=0", false),
    ("gzip;q=0, *", false), ("br;q=1.0, *;q=0.1", true),
  ])
  func readsAcceptEncoding(_ header: String, _ accepts: Bool) {
    let fields: HTTPFields = [.acceptEncoding: header]
    #expect(fields.acceptsGzip == accepts)
  }

  @Test(arguments: [
    ("https://play.example.com", true), ("https://PLAY.example.com", true), ("https://a.b.example.com", true),
    ("https://example.com", false), ("https://evilexample.com", false), ("https://.example.com", false),
    ("http://play.example.com", false), ("https://play.example.com.evil.org", false), ("null", false),
    ("https://evil.org/x.example.com", false), ("https://evil.org:1.example.com", false),
    ("http://localhost:3000", true),
  ])
  func matchesOriginsByWholeLabels(_ origin: String, _ allowed: Bool) {
    let rule = CrossOrigin(allowedOrigins: ["https://*.example.com", "http://localhost:3000"])
    #expect(rule.allows(origin) == allowed)
  }
}
