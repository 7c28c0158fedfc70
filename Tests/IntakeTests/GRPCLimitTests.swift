import Door
import Intake
import NIOCore
import NIOHPACK
import NIOHTTP2
import ServiceLifecycle
import Telemetry
import TestSupport
import Testing
import Wire

/// Memory, time and the ends of connections.
struct GRPCLimitTests {
  /// 5 MiB of an unknown field: a library's default limit of 4 MiB would refuse it.
  private static func padding(_ count: Int) -> [UInt8] {
    var message: [UInt8] = [0x7a]
    var rest = count
    while rest >= 128 {
      message.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    message.append(UInt8(rest))
    return message + [UInt8](repeating: 0, count: count)
  }

  @Test func takesFiveMebibytes() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      #expect(try await client.export(GRPCDoorTests.span + Self.padding(5 << 20)).status == 0)
      #expect(door.sink.recordCount == 1)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  @Test func takesExactlyTheLimitAndNotAByteMore() async throws {
    let message = GRPCDoorTests.span + Self.padding(1000)
    for (limit, status) in [(message.count, 0), (message.count - 1, 8)] {
      try await withGRPCDoor({ $0.limits.bodyBytes = limit }) { door in
        let client = try await door.connectGRPC()
        let plain = try await client.export(message)
        #expect(plain.status == status)
        #expect(plain.trailers.first(name: "grpc-status-details-bin") == nil)
        let packed = try #require(Deflater.gzip(message))
        let headers = GRPCClient.headers(GRPCClient.traces, ["grpc-encoding": "gzip"])
        #expect(try await client.call(headers, GRPCClient.framed(packed, flag: 1)).status == status)
        #expect(door.vitals.refused(cause: "body_too_large") == (status == 0 ? 0 : 2))
        #expect(door.budget.usedBytes == 0)
        await client.close()
      }
    }
  }

  @Test func stopsABombAtTheLimit() async throws {
    let bomb = try fixture("x13-gzip-bomb-80MiB.bin")
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let headers = GRPCClient.headers(GRPCClient.traces, ["grpc-encoding": "gzip"])
      let answer = try await client.call(headers, GRPCClient.framed(bomb, flag: 1))
      #expect(answer.status == 8 && answer.reset == nil)
      #expect(answer.trailers.first(name: "grpc-status-details-bin") == nil)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  @Test func refusesAtThePrefixWhenThereIsNoRoom() async throws {
    try await withGRPCDoor(budgetBytes: 1 << 20) { door in
      let client = try await door.connectGRPC()
      let first = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(first, GRPCClient.framed([], length: 900_000), end: false)
      let second = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(second, GRPCClient.framed([], length: 900_000), end: false)
      let refused = try await client.answer(second)
      #expect(refused.status == 14 && refused.reset == nil)
      #expect(refused.text.contains("queue_full"))
      #expect(refused.trailers.first(name: "grpc-status-details-bin") != nil)
      #expect(door.budget.usedBytes == 900_000)
      // A client that goes away gives its room back at once.
      try await client.reset(first)
      #expect(try await client.export(GRPCDoorTests.span).status == 0)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  @Test func asksTheStoreAtThePrefix() async throws {
    try await withGRPCDoor { door in
      door.sink.refuseAdmission(.diskReserve)
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed([], length: 5_000_000), end: false)
      let answer = try await client.answer(id)
      #expect(answer.status == 14 && answer.text.contains("disk_reserve"))
      #expect(door.sink.admitted == [5_000_000])
      await client.close()
    }
  }

  @Test func aBrokenConnectionGivesItsRoomBack() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed([1, 2, 3], length: 1 << 20), end: false)
      let other = try await door.connectGRPC()
      while door.budget.usedBytes == 0 { _ = try await other.export([], to: GRPCClient.logs) }
      await client.close()
      while door.budget.usedBytes != 0 { _ = try await other.export([], to: GRPCClient.logs) }
      await other.close()
    }
  }

  @Test func storesNothingAfterItsTime() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces, ["grpc-timeout": "50m"]))
      try await client.send(id, GRPCClient.framed(GRPCDoorTests.span, length: 500), end: false)
      let answer = try await client.answer(id)
      #expect(answer.status == 4)
      #expect(door.sink.batches.isEmpty)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }

  @Test func keepsItsWordWhenTheTimeRunsOutBehindTheStore() async throws {
    try await withGRPCDoor { door in
      door.sink.hold()
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces, ["grpc-timeout": "60S"]))
      try await client.send(id, GRPCClient.framed(GRPCDoorTests.span))
      await door.sink.arrivals(1)
      door.sink.letGo()
      #expect(try await client.answer(id).status == 0)
      #expect(door.sink.recordCount == 1)
      await client.close()
    }
  }

  @Test func endsASlowMessageWithAStatusAndTheConnection() async throws {
    try await withGRPCDoor({
      $0.limits.bodyTimeout = .milliseconds(50)
      $0.limits.lingerTimeout = .seconds(1)
    }) { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed([1], length: 100), end: false)
      let answer = try await client.answer(id)
      #expect(answer.status == 4 && answer.reset == nil)
      #expect(door.vitals.refused(cause: "slow_body") == 1)
      #expect(door.budget.usedBytes == 0)
      try await client.channel.closeFuture.get()
      #expect(try await client.goodbyes() == 2)
    }
  }

  @Test func closesAndCountsAConnectionThatIsSilent() async throws {
    try await withGRPCDoor({ $0.limits.idleTimeout = .seconds(4) }) { door in
      let client = try await door.connectGRPC()
      try await client.channel.closeFuture.get()
      #expect(door.vitals.refused(cause: "idle") == 1)
      #expect(try await client.goodbyes() == 2)
    }
  }

  @Test func tellsOneConnectionTooMany() async throws {
    try await withGRPCDoor({ $0.limits.connections = 1 }) { door in
      let first = try await door.connectGRPC()
      #expect(try await first.export([], to: GRPCClient.logs).status == 0)
      let second = try await door.connectGRPC()
      let answer = try await second.export([], to: GRPCClient.logs)
      #expect(answer.status == 14 && answer.text.contains("too_many_connections"))
      try await second.channel.closeFuture.get()
      #expect(door.vitals.refused(cause: "too_many_connections") == 1)
      #expect(try await first.export([], to: GRPCClient.logs).status == 0)
      await first.close()
    }
  }

  @Test func endsAConnectionThatOpensAndResetsWithoutEnd() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      for _ in 0..<1000 {
        guard client.channel.isActive else { break }
        let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
        try await client.reset(id)
      }
      try await client.channel.closeFuture.get()
      #expect(door.vitals.refused(cause: "flood") == 1)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func answersWhatIsUnderWayWhenTheDoorCloses() async throws {
    let shared = SharedSink()
    try await withGRPCDoor { door in
      shared.set(door.sink)
      door.sink.hold()
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed(GRPCDoorTests.span))
      await door.sink.arrivals(1)
      await door.group.triggerGracefulShutdown()
      while try await client.goodbyes() == 0 {}
      door.sink.letGo()
      #expect(try await client.answer(id).status == 0)
      try await client.channel.closeFuture.get()
    }
    #expect(shared.get()?.recordCount == 1)
  }

  @Test func doesNotWaitForMessagesThatDoNotArriveWhenTheDoorCloses() async throws {
    try await withGRPCDoor({ $0.limits.drainTimeout = .milliseconds(50) }) { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed([1], length: 100), end: false)
      let other = try await door.connectGRPC()
      while door.budget.usedBytes == 0 { _ = try await other.export([], to: GRPCClient.logs) }
      await door.group.triggerGracefulShutdown()
      let answer = try await client.answer(id)
      #expect(answer.status == 14 && answer.text.contains("draining"))
    }
  }

  @Test func waitsForABatchWhoseConnectionIsGone() async throws {
    let shared = SharedSink()
    try await withGRPCDoor { door in
      shared.set(door.sink)
      door.sink.hold()
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(GRPCClient.traces))
      try await client.send(id, GRPCClient.framed(GRPCDoorTests.span))
      await door.sink.arrivals(1)
      await client.close()
      await door.group.triggerGracefulShutdown()
      door.sink.letGo()
    }
    #expect(shared.get()?.recordCount == 1)
  }

  @Test func answersHTTP1InItsOwnLanguage() async throws {
    try await withGRPCDoor { door in
      let client = try HTTPClient(port: door.port)
      let answer = try #require(
        await client.request(
          "POST", "/v1/traces", headers: ["Content-Type": "application/json"], body: Array("{}".utf8)))
      #expect(answer.status == 400)
      #expect(answer.headers["content-type"]?.hasPrefix("text/plain") == true)
      #expect(answer.text.contains("4318") && answer.text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"))
      #expect(answer.text.filter { $0 == "\n" }.count == 1)
      #expect(door.vitals.refused(cause: "wrong_protocol") == 1)
    }
  }

  @Test(arguments: [[0x16, 3, 1, 2, 0], Array("PRI * HTTP/1".utf8)] as [[UInt8]])
  func hangsUpOnWhatIsNoHTTP(_ bytes: [UInt8]) async throws {
    try await withGRPCDoor({ $0.limits.lingerTimeout = .milliseconds(50) }) { door in
      let client = try HTTPClient(port: door.port)
      await client.send(String(decoding: bytes, as: UTF8.self))
      let text = String(decoding: await client.receiveAll(), as: UTF8.self)
      #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 400"))
    }
  }

  @Test func survivesBytesOfEveryKind() async throws {
    try await withGRPCDoor { door in
      var random = SampleRandom(seed: 41)
      for _ in 0..<200 {
        let client = try HTTPClient(port: door.port)
        var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
        for _ in 0..<random.upTo(4) {
          let length = random.upTo(40)
          bytes += [0, 0, UInt8(length), UInt8(random.upTo(10)), UInt8(random.upTo(256) & 255), 0, 0, 0]
          bytes += [UInt8(random.upTo(6))] + (0..<length).map { _ in UInt8(random.upTo(256) & 255) }
        }
        await client.send(bytes)
        client.reset()
      }
      let client = try await door.connectGRPC()
      #expect(try await client.export(GRPCDoorTests.span).status == 0)
      #expect(door.budget.usedBytes == 0)
      await client.close()
    }
  }
}
