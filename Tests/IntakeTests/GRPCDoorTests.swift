import Door
import NIOCore
import NIOHPACK
import NIOHTTP2
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Intake

/// The rules of OTLP/gRPC over a real socket, the store replaced by an array (CONFORMANCE GRPC).
struct GRPCDoorTests {
  /// One span with nothing but ids and a name, as `ExportTraceServiceRequest`.
  static let span = request(name: "a")

  static func request(name: String, isBad: Bool = false) -> [UInt8] {
    let trace = [UInt8](repeating: isBad ? 0 : 7, count: 16)
    let text = Array(name.utf8)
    let span = [0x0a, 16] + trace + [0x12, 8] + [UInt8](repeating: 9, count: 8) + [0x2a, UInt8(text.count)] + text
    return sized(0x0a, sized(0x12, sized(0x12, span)))
  }

  /// A field of up to 16 KiB.
  static func sized(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    bytes.count < 128
      ? [tag, UInt8(bytes.count)] + bytes
      : [tag, UInt8(bytes.count & 127 | 128), UInt8(bytes.count >> 7)] + bytes
  }

  struct Rule: CustomTestStringConvertible, Sendable {
    var name: String
    var path = GRPCClient.traces
    var headers: [String: String?] = [:]
    var body = GRPCClient.framed([])
    var status: Int
    var says = ""
    var http = "200"
    var testDescription: String { name }
  }

  static let gzip = Deflater.gzip(span) ?? []
  /// Without the wrapper of gzip, 10 bytes in front and 8 behind.
  static let deflated = Array(gzip.dropFirst(10).dropLast(8))

  @Test(
    arguments: [
      Rule(name: "an empty message", status: 0),
      Rule(name: "a span", body: GRPCClient.framed(span), status: 0),
      Rule(name: "metrics", path: GRPCClient.metrics, status: 0),
      Rule(name: "logs", path: GRPCClient.logs, status: 0),
      Rule(name: "proto in the type", headers: ["content-type": "application/grpc+proto"], status: 0),
      Rule(name: "gzip", headers: ["grpc-encoding": "gzip"], body: GRPCClient.framed(gzip, flag: 1), status: 0),
      Rule(name: "gzip named and not used", headers: ["grpc-encoding": "gzip"], status: 0),
      Rule(name: "identity", headers: ["grpc-encoding": "identity"], status: 0),
      Rule(name: "a long time", headers: ["grpc-timeout": "99999999H"], status: 0),
      Rule(name: "unknown service", path: "/grpc.reflection.v1.Nothing/At", status: 12, says: "no such method"),
      Rule(
        name: "profiles", path: "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        status: 12),
      Rule(name: "JSON", headers: ["content-type": "application/json"], status: 3, http: "415"),
      Rule(name: "gRPC with JSON", headers: ["content-type": "application/grpc+json"], status: 3, http: "415"),
      Rule(name: "no type", headers: ["content-type": nil], status: 3, http: "415"),
      Rule(name: "GET", headers: [":method": "GET"], status: 12, http: "405"),
      Rule(name: "no protobuf", body: GRPCClient.framed([7, 0xff]), status: 3, says: "at byte"),
      Rule(name: "a message cut off", body: GRPCClient.framed(span, length: 1000), status: 13, says: "middle"),
      Rule(name: "a prefix cut off", body: [0, 0, 0], status: 13),
      Rule(name: "no message", body: [], status: 13),
      Rule(name: "two messages", body: GRPCClient.framed([]) + GRPCClient.framed([]), status: 12, says: "exactly one"),
      Rule(name: "no such flag", body: GRPCClient.framed([], flag: 2), status: 13),
      Rule(
        name: "compressed without coding", body: GRPCClient.framed(gzip, flag: 1), status: 13, says: "grpc-encoding"),
      Rule(
        name: "compressed with identity", headers: ["grpc-encoding": "identity"],
        body: GRPCClient.framed(gzip, flag: 1),
        status: 13),
      Rule(name: "unknown coding", headers: ["grpc-encoding": "zstd"], status: 12, says: "gzip"),
      Rule(
        name: "no gzip", headers: ["grpc-encoding": "gzip"], body: GRPCClient.framed(span, flag: 1), status: 3),
      Rule(
        name: "gzip cut off", headers: ["grpc-encoding": "gzip"],
        body: GRPCClient.framed(Array(gzip.dropLast(9)), flag: 1),
        status: 3, says: "ends early"),
      Rule(
        name: "deflate", headers: ["grpc-encoding": "deflate"], body: GRPCClient.framed(deflated, flag: 1), status: 0),
      Rule(name: "a malformed timeout", headers: ["grpc-timeout": "soon"], status: 13),
      Rule(name: "no time at all", headers: ["grpc-timeout": "0n"], body: GRPCClient.framed(span), status: 4),
      Rule(name: "4 GiB said", body: GRPCClient.framed([], length: 0xffff_ffff), status: 8, says: "larger"),
    ])
  func answersByTheTable(_ rule: Rule) async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let answer = try await client.call(GRPCClient.headers(rule.path, rule.headers), rule.body)
      #expect(answer.status == rule.status)
      #expect(answer.httpStatus == rule.http)
      #expect(answer.text.contains(rule.says))
      #expect(answer.reset == nil)
      if rule.status == 0 {
        #expect(answer.message == [0, 0, 0, 0, 0])
        #expect(answer.opening?.first(name: "content-type") == "application/grpc")
      } else {
        #expect(answer.isTrailersOnly)
        #expect(answer.trailers.first(name: "content-type") == "application/grpc")
        #expect(answer.trailers.first(name: "grpc-status-details-bin") == nil)
        #expect(door.sink.batches.isEmpty)
      }
      // Whatever it was, the connection is as good as before.
      #expect(try await client.export(Self.request(name: "next")).status == 0)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  @Test func namesTheCodingsItKnows() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let refused = try await client.call(
        GRPCClient.headers(GRPCClient.logs, ["grpc-encoding": "snappy"]), GRPCClient.framed([]))
      #expect(refused.trailers.first(name: "grpc-accept-encoding") == "identity,gzip,deflate")
      let taken = try await client.export([], to: GRPCClient.logs)
      #expect(taken.opening?.first(name: "grpc-accept-encoding") == "identity,gzip,deflate")
      await client.close()
    }
  }

  @Test(arguments: [
    (Refusal.diskReserve, "disk_reserve"), (.queueFull, "queue_full"), (.settlingBehind, "settling_behind"),
    (.draining, "draining"), (.storage("database disk image is malformed"), "storage"),
  ])
  func namesTheCauseOfARefusalAndWhenToRetry(_ refusal: Refusal, _ cause: String) async throws {
    try await withGRPCDoor { door in
      door.sink.refuseAppends(refusal)
      let client = try await door.connectGRPC()
      let answer = try await client.export(Self.span)
      #expect(answer.status == 14 && answer.isTrailersOnly)
      #expect(answer.text.contains(cause))
      #expect(!answer.text.contains("malformed"), "what SQLite said is for the log")
      #expect(try details(answer).contains("type.googleapis.com/google.rpc.RetryInfo"))
      #expect(door.vitals.refused(cause: cause) == 1)
      #expect(door.vitals.requests(.traces, statusClass: 5) == 1)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  /// `grpc-status-details-bin` as text with its bytes for characters; the code inside is the one outside.
  private func details(_ answer: GRPCClient.Answer) throws -> String {
    var text = try #require(answer.trailers.first(name: "grpc-status-details-bin"))
    #expect(!text.hasSuffix("="))
    text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    let bytes = try #require(base64(text))
    #expect(bytes.prefix(2) == [8, UInt8(try #require(answer.status))])
    return String(decoding: bytes, as: UTF8.self)
  }

  private func base64(_ text: String) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bits: UInt32 = 0
    var count = 0
    var bytes: [UInt8] = []
    for digit in text.utf8 where digit != UInt8(ascii: "=") {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }

  @Test(arguments: [
    ("plain words", "plain words"), ("100 %", "100 %25"), ("a\nb", "a%0Ab"), ("…", "%E2%80%A6"), ("\u{7f}", "%7F"),
  ])
  func percentEncodesWhatAHeaderCannotHold(_ text: String, _ encoded: String) {
    #expect(GRPCStatus.percentEncoded(text) == encoded)
  }

  @Test(
    arguments: [
      ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("40m", 40_000_000), ("5u", 5_000),
      ("99999999n", 99_999_999), ("0S", 0), ("99999999H", 31_536_000_000_000_000), ("", nil), ("5", nil), ("S", nil),
      ("123456789S", nil), ("-1S", nil), ("1s", nil), ("1.5S", nil),
    ] as [(String, Int64?)])
  func readsATimeout(_ text: String, _ nanoseconds: Int64?) {
    #expect(TimeAmount(grpcTimeout: text)?.nanoseconds == nanoseconds)
  }

  @Test(
    arguments: [
      (nil, GRPCClient.traces, 16), ("Bearer \(GateTests.unknown)", GRPCClient.traces, 16),
      ("Bearer \(GateTests.revoked)", GRPCClient.traces, 16), ("Bearer \(GateTests.read)", GRPCClient.traces, 7),
      ("Bearer \(GateTests.logsOnly)", GRPCClient.traces, 7), ("Bearer \(GateTests.logsOnly)", GRPCClient.logs, 0),
      ("Bearer \(GateTests.ingest)", GRPCClient.traces, 0), (nil, GRPCClient.health, 0),
    ] as [(String?, String, Int)])
  func letsInWhomTheGateLetsIn(_ authorization: String?, _ path: String, _ status: Int) async throws {
    let book = try GateTests.book()
    try await withGRPCDoor({ $0.gate = Gate(book, admitsAnonymous: false, clock: { 1_000 }) }) { door in
      let client = try await door.connectGRPC()
      // No message follows: who may not come in hears so at once.
      let id = try await client.open(GRPCClient.headers(path, authorization.map { ["authorization": $0] } ?? [:]))
      if status == 0 { try await client.send(id, GRPCClient.framed([])) }
      let answer = try await client.answer(id)
      #expect(answer.status == status)
      #expect(answer.reset == nil)
      await client.close()
    }
  }

  @Test func refusesWhatIsOverTheRateWithARetryTime() async throws {
    let book = try GateTests.book()
    try await withGRPCDoor({ $0.gate = Gate(book, admitsAnonymous: false, clock: { 1_000 }) }) { door in
      let client = try await door.connectGRPC()
      let headers = GRPCClient.headers(GRPCClient.traces, ["authorization": "Bearer \(GateTests.slow)"])
      var last = GRPCClient.Answer()
      for number in 0..<100 where last.status ?? 0 == 0 {
        last = try await client.call(headers, GRPCClient.framed(Self.request(name: "\(number)")))
      }
      #expect(last.status == 8)
      #expect(try details(last).contains("google.rpc.RetryInfo"))
      await client.close()
    }
  }

  @Test func answersARetryAsTheFirstTime() async throws {
    try await withGRPCDoor { door in
      door.sink.remark("nothing to worry about")
      let client = try await door.connectGRPC()
      let first = try await client.export(Self.span)
      let second = try await client.call(
        GRPCClient.headers(GRPCClient.traces, ["grpc-encoding": "gzip"]), GRPCClient.framed(Self.gzip, flag: 1))
      #expect(first.message == second.message)
      #expect(String(decoding: first.message, as: UTF8.self).contains("nothing to worry about"))
      #expect(first.opening?.first(name: "garner-duplicate") == nil)
      #expect(second.opening?.first(name: "garner-duplicate") == "1")
      #expect(second.trailers.first(name: "garner-duplicate") == "1")
      #expect(door.sink.recordCount == 1)
      #expect(door.vitals.duplicates.value == 1)
      await client.close()
    }
  }

  @Test func knowsABodyThatCameOverHTTP() async throws {
    let (there, here) = (SharedSink(), SharedSink())
    try await withDoor { door in
      _ = try await door.post("/v1/traces", OTLPHTTPDoorTests.protobuf, Self.span)
      there.set(door.sink)
    }
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      _ = try await client.export(Self.span)
      here.set(door.sink)
      await client.close()
    }
    let key = try #require(there.get()?.keys.first)
    #expect(key != nil && here.get()?.keys == [key])
  }

  @Test func refusesABadRecordAloneAndNamesItOnce() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let body = Self.request(name: "good") + Self.request(name: "bad", isBad: true)
      for _ in 0..<2 {
        let answer = try await client.export(body)
        #expect(answer.status == 0)
        // prefix, partial_success { rejected_spans = 1, error_message … }
        #expect(answer.message.dropFirst(5).first == 0x0a)
        #expect(answer.message.dropFirst(7).prefix(2) == [8, 1])
      }
      #expect(door.sink.recordCount == 1)
      #expect(door.rejects.records.map(\.reason) == [.zeroTraceID])
      #expect(door.vitals.rejected(.traces, .zeroTraceID) == 1)
      #expect(door.vitals.accepted(.traces) == 1)
      await client.close()
    }
  }

  @Test func writesAnUndecodableMessageToTheRejectLogWithoutItsContent() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let answer = try await client.export(Array("secret words".utf8), to: GRPCClient.logs)
      #expect(answer.status == 3)
      let body = try #require(door.rejects.bodies.first)
      #expect(body.lengthBytes == 12)
      #expect(body.source == "local")
      #expect(door.vitals.undecodable.value == 1)
      await client.close()
    }
  }

  @Test func takesCallsSideBySide() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      door.sink.hold()
      var calls: [HTTP2StreamID] = []
      for number in 0..<20 {
        let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
        try await client.send(id, GRPCClient.framed(Self.request(name: "\(number)")))
        calls.append(id)
      }
      await door.sink.arrivals(20)
      // One that needs no store overtakes them.
      #expect(try await client.call(GRPCClient.headers(GRPCClient.health), GRPCClient.framed([])).status == 0)
      door.sink.letGo()
      for id in calls { #expect(try await client.answer(id).status == 0) }
      #expect(door.sink.recordCount == 20)
      await client.close()
    }
  }

  @Test func takesAMessageByteByByte() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      for byte in GRPCClient.framed(Self.span) { try await client.send(id, [byte], end: false) }
      try await client.send(id, [], end: true)
      #expect(try await client.answer(id).status == 0)
      #expect(door.sink.recordCount == 1)
      await client.close()
    }
  }

  @Test(arguments: [("", 0), ("opentelemetry.proto.collector.logs.v1.LogsService", 0), ("nobody", 5)])
  func tellsItsHealth(_ name: String, _ status: Int) async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let request = name.isEmpty ? [] : Self.sized(0x0a, Array(name.utf8))
      let answer = try await client.call(GRPCClient.headers(GRPCClient.health), GRPCClient.framed(request))
      #expect(answer.status == status)
      if status == 0 { #expect(answer.message == GRPCClient.framed([8, 1])) }
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }
}
