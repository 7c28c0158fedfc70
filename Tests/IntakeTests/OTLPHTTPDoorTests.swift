import Door
import Intake
import Telemetry
import TestSupport
import Testing
import Wire

/// The rules of OTLP/HTTP over a real socket, the store replaced by an array.
struct OTLPHTTPDoorTests {
  static let json = ["Content-Type": "application/json"]
  static let protobuf = ["Content-Type": "application/x-protobuf"]
  /// One span with nothing but ids and a name.
  static let span =
    #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"a"}]}]}]}"#

  struct Rule: CustomTestStringConvertible, Sendable {
    var name: String
    var method = "POST"
    var path = "/v1/traces"
    var headers = OTLPHTTPDoorTests.json
    var body = "{}"
    var status: Int
    var has: [String: String] = [:]
    var testDescription: String { name }
  }

  @Test(
    arguments: [
      Rule(name: "traces", status: 200),
      Rule(name: "metrics", path: "/v1/metrics", status: 200),
      Rule(name: "logs", path: "/v1/logs", status: 200),
      Rule(name: "a query does not matter", path: "/v1/logs?x=1", status: 200),
      Rule(name: "profiles are not here", path: "/v1/profiles", status: 404),
      Rule(name: "root", path: "/", status: 404),
      Rule(name: "GET", method: "GET", body: "", status: 405, has: ["allow": "POST"]),
      Rule(name: "PUT", method: "PUT", status: 405, has: ["allow": "POST"]),
      Rule(name: "OPTIONS without CORS", method: "OPTIONS", body: "", status: 405, has: ["allow": "POST"]),
      Rule(name: "no type", headers: [:], status: 415, has: ["content-type": "application/json"]),
      Rule(name: "other type", headers: ["Content-Type": "application/octet-stream"], status: 415),
      Rule(name: "zero bytes are no JSON", body: "", status: 400),
      Rule(name: "zero bytes are protobuf", headers: OTLPHTTPDoorTests.protobuf, body: "", status: 200),
      Rule(
        name: "JSON under the protobuf type", headers: OTLPHTTPDoorTests.protobuf, body: OTLPHTTPDoorTests.span,
        status: 400, has: ["content-type": "application/x-protobuf"]),
    ])
  func answersByTheTable(_ rule: Rule) async throws {
    try await withDoor { door in
      let answer = try #require(
        await door.connect().request(rule.method, rule.path, headers: rule.headers, body: Array(rule.body.utf8)))
      #expect(answer.status == rule.status)
      for (name, value) in rule.has { #expect(answer.headers[name] == value) }
      #expect(door.sink.batches.isEmpty)
      if answer.headers["content-type"] == "application/json" {
        #expect(rule.status == 200 ? answer.text == "{}" : answer.text.hasPrefix("{\"code\":"))
      }
    }
  }

  @Test func answersAProtobufSuccessWithNoBytes() async throws {
    try await withDoor { door in
      let answer = try await door.post("/v1/logs", Self.protobuf, [])
      #expect(answer.status == 200)
      #expect(answer.headers["content-length"] == "0")
      #expect(answer.headers["content-type"] == "application/x-protobuf")
    }
  }

  @Test func hasNoBodyForAHeadRequest() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send("HEAD /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      let text = String(decoding: await client.receiveAll(), as: UTF8.self)
      #expect(text.hasPrefix("HTTP/1.1 405"))
      #expect(text.hasSuffix("\r\n\r\n"))
    }
  }

  @Test(arguments: [
    (Refusal.diskReserve, "disk_reserve"), (.queueFull, "queue_full"), (.settlingBehind, "settling_behind"),
    (.draining, "draining"), (.storage("database disk image is malformed"), "storage"),
  ])
  func namesTheCauseOfARefusal(_ refusal: Refusal, _ cause: String) async throws {
    try await withDoor { door in
      door.sink.refuseAppends(refusal)
      let answer = try await door.post("/v1/traces", Self.json, Array(Self.span.utf8))
      #expect(answer.status == 503)
      #expect(answer.headers["retry-after"].flatMap { Int($0) } ?? 0 >= 1)
      #expect(answer.text.contains(cause))
      #expect(answer.text.contains("\"code\":14"))
      #expect(!answer.text.contains("malformed"), "what SQLite said is for the log")
      #expect(door.vitals.refused(cause: cause) == 1)
      #expect(door.vitals.requests(.traces, statusClass: 5) == 1)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func refusesBeforeReadingWhenTheStoreSaysSo() async throws {
    try await withDoor { door in
      door.sink.refuseAdmission(.diskReserve)
      let client = try door.connect()
      await client.send(EdgeTests.head("Content-Length: 5000000"))
      let answer = await client.receive()
      #expect(answer?.status == 503)
      #expect(answer?.text.contains("disk_reserve") == true)
      #expect(door.sink.admitted == [5_000_000])
    }
  }

  @Test func answersARetryAsTheFirstTime() async throws {
    try await withDoor { door in
      door.sink.remark("nothing to worry about")
      let first = try await door.post("/v1/traces", Self.json, Array(Self.span.utf8))
      let second = try await door.post("/v1/traces", Self.json, Array(Self.span.utf8))
      #expect(first.body == second.body)
      #expect(first.text == #"{"partialSuccess":{"errorMessage":"nothing to worry about"}}"#)
      #expect(first.headers["garner-duplicate"] == nil)
      #expect(second.headers["garner-duplicate"] == "1")
      #expect(door.sink.recordCount == 1)
      #expect(door.vitals.duplicates.value == 1)
      #expect(door.vitals.accepted(.traces) == 1)
    }
  }

  @Test func refusesABadRecordAloneAndNamesItOnce() async throws {
    try await withDoor { door in
      let zero = String(repeating: "0", count: 32)
      let good = #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"good"}"#
      let bad = #"{"traceId":"\#(zero)","spanId":"0102030405060708","name":"bad"}"#
      let body = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(good),\#(bad)]}]}]}"#.utf8)
      let first = try await door.post("/v1/traces", Self.json, body)
      #expect(first.status == 200)
      #expect(first.text.hasPrefix(#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":""#))
      let second = try await door.post("/v1/traces", Self.json, body)
      #expect(second.body == first.body)
      #expect(door.sink.recordCount == 1)
      #expect(door.rejects.records.map(\.reason) == [.zeroTraceID])
      #expect(door.vitals.rejected(.traces, .zeroTraceID) == 1)
      #expect(door.vitals.accepted(.traces) == 1)
    }
  }

  @Test func storesARequestOfWhichEveryRecordIsRefused() async throws {
    try await withDoor { door in
      let body = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"","spanId":"","name":"a"}]}]}]}"#.utf8)
      let answer = try await door.post("/v1/traces", Self.json, body)
      #expect(answer.status == 200)
      #expect(answer.text.contains(#""rejectedSpans":"1""#))
      #expect(door.sink.batches.count == 1)
    }
  }

  @Test func namesTheSenderInsteadOfItsAddress() async throws {
    try await withDoor { door in
      _ = try await door.post("/v1/traces", Self.json, Array(Self.span.utf8))
      let batch = try #require(door.sink.batches.first)
      let context = try #require(batch.contexts.first)
      #expect(batch.text(context.source) == "local")
      let session = batch.text(context.session)
      #expect(session.hasPrefix("anon-"))
      #expect(session.utf8.count == 21)
    }
  }

  @Test func knowsABodyAgainWhateverItsCoding() async throws {
    try await withDoor { door in
      var headers = Self.json
      _ = try await door.post("/v1/traces", headers, Array(Self.span.utf8))
      headers["Content-Encoding"] = "gzip"
      let packed = try #require(Deflater.gzip(Array(Self.span.utf8)))
      let answer = try await door.post("/v1/traces", headers, packed)
      #expect(answer.headers["garner-duplicate"] == "1")
    }
  }

  @Test func compressesOnlyForThoseWhoAskAndOnlyWhatIsLarge() async throws {
    try await withDoor { door in
      door.sink.remark(String(repeating: "many words ", count: 1000))
      var headers = Self.json
      headers["Accept-Encoding"] = "gzip"
      let packed = try await door.post("/v1/traces", headers, Array(Self.span.utf8))
      #expect(packed.headers["content-encoding"] == "gzip")
      headers["Accept-Encoding"] = "gzip;q=0"
      let plain = try await door.post("/v1/traces", headers, Array(Self.span.utf8))
      #expect(plain.headers["content-encoding"] == nil)
      let inflated = packed.body.withUnsafeBytes {
        try? Inflater.inflate($0, .gzip, limitBytes: 1 << 20) { _ in true }
      }
      #expect(inflated.map { Array($0.bytes) } == plain.body)
      headers["Accept-Encoding"] = "gzip"
      let small = try await door.post("/v1/traces", headers, Array("{}".utf8))
      #expect(small.headers["content-encoding"] == nil)
    }
  }

  @Test func shortensALongMessage() async throws {
    try await withDoor { door in
      door.sink.remark(String(repeating: "ü", count: 4 << 20))
      let answer = try await door.post("/v1/traces", Self.json, Array(Self.span.utf8))
      #expect(answer.body.count < 32 << 10)
      #expect(answer.text.hasSuffix("ü…\"}}"))
    }
  }

  @Test func writesAnUndecodableBodyToTheRejectLogWithoutItsContent() async throws {
    try await withDoor { door in
      let answer = try await door.post("/v1/logs", Self.json, Array("secret words".utf8))
      #expect(answer.status == 400)
      #expect(answer.text.contains("google.rpc.BadRequest"))
      let body = try #require(door.rejects.bodies.first)
      #expect(body.lengthBytes == 12)
      #expect(body.reason == "malformed")
      #expect(body.source == "local")
      #expect(body.hash.utf8.count == 32)
      #expect(door.vitals.undecodable.value == 1)
      #expect(door.vitals.wireBytes.value == 12)
    }
  }

  @Test func letsOnlyListedOriginsIn() async throws {
    var options = OTLPDoorOptions()
    options.crossOrigin = CrossOrigin(allowedOrigins: ["https://*.example.com"])
    try await withDoor(options) { door in
      let preflight = ["Origin": "https://play.example.com", "Access-Control-Request-Method": "POST"]
      let allowed = try #require(await door.connect().request("OPTIONS", "/v1/traces", headers: preflight))
      #expect(allowed.status == 204)
      #expect(allowed.headers["access-control-allow-origin"] == "https://play.example.com")
      #expect(allowed.headers["vary"] == "Origin")
      let foreign = ["Origin": "https://evilexample.com", "Access-Control-Request-Method": "POST"]
      let refused = try #require(await door.connect().request("OPTIONS", "/v1/traces", headers: foreign))
      #expect(refused.status == 405)
      #expect(refused.headers["access-control-allow-origin"] == nil)
      var headers = Self.json
      headers["Origin"] = "https://play.example.com"
      let broken = try await door.post("/v1/traces", headers, Array("x".utf8))
      #expect(broken.status == 400)
      #expect(broken.headers["access-control-allow-origin"] == "https://play.example.com")
    }
  }
}
