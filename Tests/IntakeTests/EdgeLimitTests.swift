import Door
import Intake
import TestSupport
import Testing

/// Limits on what comes before a body.
struct EdgeLimitTests {
  private static func options(_ change: (inout DoorLimits) -> Void) -> OTLPDoorOptions {
    var options = OTLPDoorOptions()
    change(&options.limits)
    return options
  }

  @Test func refusesHeadersOverSixteenKiB() async throws {
    try await withDoor { door in
      let client = try door.connect()
      let long = String(repeating: "a", count: 17 << 10)
      await client.send("POST /v1/logs HTTP/1.1\r\nHost: x\r\nX-Long: \(long)\r\n\r\n")
      #expect(await client.receive()?.status == 431)
      #expect(door.vitals.refused(cause: "headers_too_large") == 1)
    }
  }

  @Test func takesHeadersUnderSixteenKiB() async throws {
    try await withDoor { door in
      let headers = ["Content-Type": "application/json", "X-Long": String(repeating: "a", count: 15 << 10)]
      let answer = try await door.post("/v1/logs", headers, Array("{}".utf8))
      #expect(answer.status == 200)
    }
  }

  @Test func endsAConnectionThatDribblesItsHead() async throws {
    try await withDoor(Self.options { $0.headerTimeout = .milliseconds(50) }) { door in
      let client = try door.connect()
      await client.send("POST /v1/logs HTTP/1.1\r\nHost:")
      let answer = await client.receive()
      #expect(answer?.status == 408 && answer?.headers["connection"] == "close")
      #expect(door.vitals.refused(cause: "slow_headers") == 1)
    }
  }

  @Test func aHeadInTimeIsNotHurriedByItsBody() async throws {
    try await withDoor(Self.options { $0.headerTimeout = .milliseconds(20) }) { door in
      let client = try door.connect()
      door.sink.hold()
      await client.send(EdgeTests.head("Content-Length: \(OTLPHTTPDoorTests.span.utf8.count)") + OTLPHTTPDoorTests.span)
      await door.sink.arrivals(1)
      door.sink.letGo()
      #expect(await client.receive()?.status == 200)
      let next = await client.request("POST", "/v1/logs", headers: OTLPHTTPDoorTests.json, body: Array("{}".utf8))
      #expect(next?.status == 200)
      #expect(door.vitals.refused(cause: "slow_headers") == 0)
    }
  }

  @Test func countsASlowBody() async throws {
    try await withDoor(Self.options { $0.bodyTimeout = .milliseconds(50) }) { door in
      let client = try door.connect()
      await client.send(EdgeTests.head("Content-Length: 100"))
      #expect(await client.receive()?.status == 408)
      #expect(door.vitals.refused(cause: "slow_body") == 1)
    }
  }

  @Test func closesAndCountsAConnectionThatIsSilent() async throws {
    try await withDoor(Self.options { $0.idleTimeout = .milliseconds(50) }) { door in
      let client = try door.connect()
      #expect(await client.receiveAll().isEmpty)
      #expect(door.vitals.refused(cause: "idle") == 1)
    }
  }

  @Test func tellsOneConnectionTooMany() async throws {
    try await withDoor(Self.options { $0.connections = 1 }) { door in
      let first = try door.connect()
      let headers = ["Content-Type": "application/json"]
      #expect(await first.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))?.status == 200)
      let second = try await door.post("/v1/logs", headers, Array("{}".utf8))
      #expect(second.status == 503 && second.headers["retry-after"] == "1")
      #expect(door.vitals.refused(cause: "too_many_connections") == 1)
      #expect(await first.request("POST", "/v1/logs", headers: headers, body: Array("{}".utf8))?.status == 200)
    }
  }
}
