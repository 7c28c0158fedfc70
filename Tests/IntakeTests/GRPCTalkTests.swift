import Door
import NIOCore
import NIOHTTP2
import ServiceLifecycle
import Testing

@testable import Intake

/// Health that is watched, and server reflection.
struct GRPCTalkTests {
  private static let watch = "/grpc.health.v1.Health/Watch"

  private static func asked(_ service: String) -> [UInt8] {
    let name = Array(service.utf8)
    return GRPCClient.framed(name.isEmpty ? [] : [0x0a, UInt8(name.count)] + name)
  }

  @Test(arguments: [
    ("", [0, 0, 0, 0, 2, 8, 1] as [UInt8]),
    ("opentelemetry.proto.collector.logs.v1.LogsService", [0, 0, 0, 0, 2, 8, 1]),
    ("no.such.Service", [0, 0, 0, 0, 2, 8, 3]),
  ])
  func tellsItsHealthAndThatItEnds(service: String, first: [UInt8]) async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(Self.watch))
      try await client.send(id, Self.asked(service))
      while try await client.heard(id).message.count < first.count { _ = try await client.export([]) }
      #expect(try await client.heard(id).message == first)
      #expect(try await client.heard(id).trailers.isEmpty)
      await door.group.triggerGracefulShutdown()
      let answer = try await client.answer(id)
      #expect(answer.message == first + [0, 0, 0, 0, 2, 8, 2])
      #expect(answer.status == 14)
      await client.close()
    }
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    var body: [UInt8]
    var status: Int
    var testDescription: String { name }
  }

  @Test(arguments: [
    Fault(name: "no message", body: [], status: 13), Fault(name: "half a message", body: [0, 0, 0], status: 13),
    Fault(name: "a long message", body: GRPCClient.framed([], length: 1 << 20), status: 8),
    Fault(name: "a compressed one", body: GRPCClient.framed([1, 2], flag: 1), status: 12),
  ])
  func endsATalkThatIsNone(_ fault: Fault) async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let answer = try await client.call(GRPCClient.headers(Self.watch), fault.body)
      #expect(answer.status == fault.status && answer.isTrailersOnly)
      #expect(try await client.export(GRPCDoorTests.span).status == 0)
      await client.close()
    }
  }

  @Test func doesNotWaitForeverForAQuestion() async throws {
    try await withGRPCDoor({ $0.limits.bodyTimeout = .milliseconds(50) }) { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(GRPCClient.headers(Self.watch))
      #expect(try await client.answer(id).status == 4)
      await client.close()
    }
  }

  // MARK: reflection

  @Test(arguments: ["v1", "v1alpha"]) func answersWhileTheStreamIsOpen(version: String) async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      let id = try await client.open(
        GRPCClient.headers("/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo"))
      let question = GRPCClient.framed([0x3a, 0])
      try await client.send(id, question, end: false)
      while try await client.heard(id).message.isEmpty { _ = try await client.export([]) }
      let once = try await client.heard(id).message.count
      try await client.send(id, question, end: true)
      let answer = try await client.answer(id)
      #expect(answer.status == 0 && answer.message.count == 2 * once)
      let text = String(decoding: answer.message, as: UTF8.self)
      for service in GRPCReflection.services { #expect(text.contains(service)) }
      await client.close()
    }
  }

  @Test(arguments: GRPCReflection.services) func describesEveryServiceThatItLists(service: String) {
    let files = GRPCDescriptors.files(describing: service)
    #expect(!files.isEmpty)
    #expect(GRPCDescriptors.files(describing: service + ".Export").count == files.count)
  }

  @Test func everyImportIsThere() {
    for file in GRPCDescriptors.all {
      #expect(GRPCDescriptors.files(named: file.name).count > file.imports.count, "\(file.name)")
    }
  }

  @Test(
    arguments: [
      [0x22, 7] + Array("nothing".utf8), [0x1a, 7] + Array("nothing".utf8), [0x32, 1, 0x61], [], [0xff],
      [0x22, 200, 1],
    ] as [[UInt8]])
  func saysWhatItDoesNotKnow(question: [UInt8]) {
    // The question comes back in front of the error.
    let answer = GRPCReflection.answer(question)
    #expect(answer.starts(with: [0x12, UInt8(question.count)] + question + [0x3a]))
  }

  // MARK: headers

  @Test func refusesLongHeadersOfOneCallAlone() async throws {
    try await withGRPCDoor { door in
      let client = try await door.connectGRPC()
      // Limits hold once the client has heard of them.
      _ = try await client.export([])
      let answer = try await client.call(
        GRPCClient.headers(GRPCClient.traces, ["x-long": String(repeating: "x", count: 17_000)]),
        GRPCClient.framed(GRPCDoorTests.span))
      #expect(answer.status == 8 && answer.httpStatus == "431" && answer.reset == nil)
      #expect(door.vitals.refused(cause: "headers_too_large") == 1)
      #expect(try await client.export(GRPCDoorTests.span).status == 0)
      await client.close()
    }
  }

  @Test func endsAConnectionWithHeadersThatAreLongerStill() async throws {
    try await withGRPCDoor({ $0.limits.lingerTimeout = .milliseconds(50) }) { door in
      let client = try await door.connectGRPC()
      _ = try await client.export([])
      let long = String(repeating: "x", count: 80_000)
      let answer = try await client.call(GRPCClient.headers(GRPCClient.traces, ["x-long": long]), [])
      #expect(answer.isLost || answer.reset != nil)
      #expect(door.vitals.refused(cause: "headers_too_large") == 1)
      await client.close()
    }
  }

  /// A block that is begun and never ended: HEADERS without END_HEADERS, and perhaps one CONTINUATION.
  @Test(arguments: [
    [] as [UInt8], [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x87], [0, 0, 4, 9, 4, 0, 0, 0, 1, 0x87],
  ])
  func endsAConnectionThatSendsItsHeadersSlowly(more: [UInt8]) async throws {
    try await withGRPCDoor({
      $0.limits.headerTimeout = .milliseconds(50)
      $0.limits.lingerTimeout = .milliseconds(50)
    }) { door in
      let client = try RawClient(port: door.port)
      let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
      client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings + [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83] + more)
      await client.end()
      #expect(door.vitals.refused(cause: "slow_headers") == 1)
    }
  }

  @Test func endsAConnectionWithMoreStreamsThanItWasTold() async throws {
    try await withGRPCDoor({
      $0.streams = 4
      $0.limits.lingerTimeout = .milliseconds(50)
    }) { door in
      let client = try RawClient(port: door.port)
      let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
      let acknowledged: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]
      // :method POST, :scheme http, :path /, and nothing behind it.
      let opened = (0..<5).flatMap { [0, 0, 3, 1, 4, 0, 0, 0, UInt8(2 * $0 + 1), 0x83, 0x86, 0x84] as [UInt8] }
      client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings)
      await client.hears([0, 0, 24, 4, 0])
      client.send(acknowledged + opened)
      await client.end()
      #expect(door.vitals.refused(cause: "too_many_streams") == 1)
    }
  }
}
