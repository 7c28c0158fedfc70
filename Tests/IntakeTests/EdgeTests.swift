import Door
import Intake
import ServiceLifecycle
import Telemetry
import TestSupport
import Testing

/// What happens on the connection itself, below the meaning of requests.
struct EdgeTests {
  static let plain = "application/json"

  static func head(_ lines: String..., path: String = "/v1/traces") -> String {
    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      + lines.map { $0 + "\r\n" }.joined() + "\r\n"
  }

  @Test func keepsTheConnectionForTheNextRequest() async throws {
    try await withDoor { door in
      let client = try door.connect()
      for _ in 0..<3 {
        let answer = await client.request(
          "POST", "/v1/logs", headers: ["Content-Type": Self.plain], body: Array("{}".utf8))
        #expect(answer?.status == 200)
        #expect(answer?.headers["connection"] == nil)
      }
    }
  }

  @Test func answersPipelinedRequestsInOrder() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(
        Self.head("Content-Length: 2") + "{}" + Self.head("Content-Length: 2", path: "/nowhere") + "{}"
          + Self.head("Content-Length: 2") + "{}")
      var statuses: [Int?] = []
      for _ in 0..<3 { statuses.append(await client.receive()?.status) }
      #expect(statuses == [200, 404, 200])
    }
  }

  /// "Close" is of the request that says it: what came before on the connection is answered first.
  @Test func answersAllPipelinedRequestsUpToTheOneThatCloses() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(
        Self.head("Content-Length: 2") + "{}" + Self.head("Content-Length: 2", "Connection: close") + "{}")
      let first = await client.receive()
      #expect(first?.status == 200 && first?.headers["connection"] == nil)
      let second = await client.receive()
      #expect(second?.status == 200 && second?.headers["connection"] == "close")
    }
  }

  @Test func takesAChunkedBody() async throws {
    try await withDoor { door in
      let body = try fixture("x00-plain.json")
      let chunks = stride(from: 0, to: body.count, by: 100).map { Array(body[$0..<min($0 + 100, body.count)]) }
      let answer = try await door.connect().request(
        "POST", "/v1/traces", headers: ["Content-Type": Self.plain], chunks: chunks)
      #expect(answer?.status == 200)
      #expect(door.sink.recordCount == 1)
    }
  }

  @Test func invitesTheBodyOfAClientThatAsksFirst() async throws {
    try await withDoor { door in
      let client = try door.connect()
      let body = try fixture("x00-plain.json")
      await client.send(Self.head("Content-Length: \(body.count)", "Expect: 100-continue"))
      #expect(await client.receive()?.status == 100)
      await client.send(body)
      #expect(await client.receive()?.status == 200)
      #expect(door.sink.recordCount == 1)
    }
  }

  @Test(arguments: [
    (head("Content-Length: 99999999999", "Expect: 100-continue"), 413),
    (head("Content-Length: 5", "Expect: 100-continue", path: "/v2/traces"), 404),
    (head("Content-Length: 5", "Expect: 100-continue", "Content-Encoding: br"), 415),
  ])
  func neverInvitesABodyThatIsRefused(_ head: String, _ status: Int) async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(head)
      let answer = await client.receive()
      #expect(answer?.status == status)
      #expect(answer?.headers["connection"] == "close")
    }
  }

  @Test func refusesByContentLengthBeforeTheBodyIsSent() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(Self.head("Content-Length: \(64 << 20 | 1)"))
      let answer = await client.receive()
      #expect(answer?.status == 413)
      #expect(answer?.headers["retry-after"] == nil)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func letsAClientThatStillSendsReadItsAnswer() async throws {
    var options = OTLPDoorOptions()
    options.limits.bodyBytes = 1 << 20
    try await withDoor(options) { door in
      // Far more than the socket's buffers hold: with a plain close the answer would be lost to a reset.
      let answer = try await door.connect().request(
        "POST", "/v1/traces", headers: ["Content-Type": Self.plain], body: Array(repeating: 0x20, count: 24 << 20))
      #expect(answer?.status == 413)
      #expect(answer?.headers["connection"] == "close")
    }
  }

  @Test func stopsAChunkedBodyAtTheLimit() async throws {
    var options = OTLPDoorOptions()
    options.limits.bodyBytes = 1 << 20
    try await withDoor(options) { door in
      let answer = try await door.connect().request(
        "POST", "/v1/traces", headers: ["Content-Type": Self.plain],
        chunks: Array(repeating: Array(repeating: 0x20, count: 300_000), count: 4))
      #expect(answer?.status == 413)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func keepsTheConnectionWhenARefusedBodyIsSmall() async throws {
    try await withDoor { door in
      let client = try door.connect()
      let headers = ["Content-Type": Self.plain]
      #expect(await client.request("POST", "/v1/what", headers: headers, body: Array("{}".utf8))?.status == 404)
      #expect(await client.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))?.status == 200)
    }
  }

  @Test(arguments: [
    "hello\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{03}\u{01}tls", "POST /v1/traces HTTP/1.1\r\nbad header\r\n\r\n",
  ])
  func tellsWhatIsNotHTTPInOneLine(_ text: String) async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(text)
      let answer = await client.receive()
      #expect(answer?.status == 400)
      #expect(answer?.headers["content-type"]?.hasPrefix("text/plain") == true)
      #expect(answer?.text.split(separator: "\n").count == 1)
      client.finishSending()
      #expect(await client.receiveAll() == [])
      #expect(door.vitals.requests(nil, statusClass: 4) == 1)
    }
  }

  @Test func refusesHeadersOverTheLimit() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(Self.head("Content-Length: 2", "X-Big: " + String(repeating: "x", count: 100_000)) + "{}")
      #expect(await client.receive()?.status == 431)
    }
  }

  @Test(arguments: ["Content-Length: 500", "Transfer-Encoding: chunked"])
  func neverTakesAnEarlyEndForTheEnd(_ framing: String) async throws {
    try await withDoor { door in
      let client = try door.connect()
      let half = framing.hasPrefix("C") ? "{\"resourceSpans\":[]}" : "14\r\n{\"resourceSpans\":[]}\r\n"
      await client.send(Self.head(framing) + half)
      client.finishSending()
      #expect(await client.receive()?.status == 400)
      #expect(door.sink.batches.isEmpty)
    }
  }

  @Test func storesNothingOfAConnectionThatBreaks() async throws {
    let sink = SharedSink()
    try await withDoor { door in
      sink.set(door.sink)
      let client = try door.connect()
      let body = try fixture("x00-plain.json")
      await client.send(Self.head("Transfer-Encoding: chunked", "Expect: 100-continue"))
      #expect(await client.receive()?.status == 100)
      await client.send(Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n".utf8))
      client.reset()
    }
    #expect(sink.get()?.batches.isEmpty == true)
  }

  @Test func endsASlowBody() async throws {
    var options = OTLPDoorOptions()
    options.limits.bodyTimeout = .milliseconds(30)
    try await withDoor(options) { door in
      let client = try door.connect()
      await client.send(Self.head("Content-Length: 1000") + "{")
      let answer = await client.receive()
      #expect(answer?.status == 408)
      #expect(answer?.text.contains("\"code\":4") == true)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func closesAnIdleConnection() async throws {
    var options = OTLPDoorOptions()
    options.limits.idleTimeout = .milliseconds(30)
    try await withDoor(options) { door in
      let client = try door.connect()
      await client.send("POST /v1/traces HT")
      #expect(await client.receiveAll() == [])
    }
  }

  @Test func closesAfterAnHTTP10Request() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send("POST /v1/logs HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
      let all = String(decoding: await client.receiveAll(), as: UTF8.self)
      #expect(all.hasPrefix("HTTP/1.1 200"))
      #expect(all.hasSuffix("\r\n\r\n{}"))
    }
  }

  /// Java's client offers HTTP/2 this way on every first request.
  @Test func ignoresAnOfferToUpgrade() async throws {
    try await withDoor { door in
      let client = try door.connect()
      let body = try fixture("x00-plain.json")
      for _ in 0..<2 {
        await client.send(
          Self.head(
            "Content-Length: \(body.count)", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"))
        await client.send(body)
        #expect(await client.receive()?.status == 200)
      }
    }
  }

  @Test func survivesMutatedRequests() async throws {
    var options = OTLPDoorOptions()
    options.limits.lingerTimeout = .milliseconds(20)
    try await withDoor(options) { door in
      var generator = SampleRandom(seed: 4318)
      let head = Self.head("Content-Length: 557", "Content-Encoding: identity")
      let whole = try Array(head.utf8) + fixture("x00-plain.json")
      for _ in 0..<400 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          let at = Int.random(in: 0..<min(bytes.count, 160), using: &generator)
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
          case 1: bytes.remove(at: at)
          default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
          }
        }
        let client = try door.connect()
        await client.send(bytes)
        client.finishSending()
        let text = String(decoding: await client.receiveAll(), as: UTF8.self)
        let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let sent = String(decoding: bytes, as: UTF8.self)
        #expect([200, 400, 404, 405, 413, 415, 431, nil].contains(status), "\(text) for \(sent)")
      }
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func acceptsNoMoreConnectionsThanAllowed() async throws {
    var options = OTLPDoorOptions()
    options.limits.connections = 1
    options.limits.excessConnections = 0
    try await withDoor(options) { door in
      let first = try door.connect()
      let headers = ["Content-Type": Self.plain]
      #expect(await first.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))?.status == 200)
      let second = try door.connect()
      async let waiting = second.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))
      #expect(await first.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))?.status == 200)
      #expect(door.vitals.requests(.logs, statusClass: 2) == 2)
      first.close()
      #expect(await waiting?.status == 200)
    }
  }

  @Test func finishesRunningRequestsAtShutdown() async throws {
    try await withDoor { door in
      door.sink.hold()
      let client = try door.connect()
      let body = try fixture("x00-plain.json")
      async let answer = client.request("POST", "/v1/traces", headers: ["Content-Type": Self.plain], body: body)
      await door.sink.arrivals(1)
      await door.group.triggerGracefulShutdown()
      door.sink.letGo()
      #expect(await answer?.status == 200)
      #expect(door.sink.recordCount == 1)
    }
  }

  @Test func doesNotWaitForAHalfSentRequestAtShutdown() async throws {
    var options = OTLPDoorOptions()
    options.limits.drainTimeout = .milliseconds(30)
    try await withDoor(options) { door in
      let client = try door.connect()
      await client.send(Self.head("Content-Length: 1000", "Expect: 100-continue"))
      #expect(await client.receive()?.status == 100)
      await client.send("{")
      await door.group.triggerGracefulShutdown()
      let answer = await client.receive()
      #expect(answer?.status == 503)
      #expect(answer?.text.contains("draining") == true)
    }
  }
}
