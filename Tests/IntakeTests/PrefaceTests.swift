import Intake
import TestSupport
import Testing

/// gRPC and h2c clients on the HTTP/1 port.
struct PrefaceTests {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
  // HEADERS with END_HEADERS on stream 1: `:method POST` from the static table.
  static let headers: [UInt8] = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x83]

  @Test func tellsAGRPCClientWhatToChange() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(Self.preface + Self.settings + Self.headers)
      client.finishSending()
      let bytes = await client.receiveAll()
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(bytes.starts(with: Self.settings))
      #expect(bytes.dropFirst(9).starts(with: [0, 0, 0, 4, 1, 0, 0, 0, 0]), "acknowledges their settings")
      #expect(text.contains("415"))
      #expect(text.contains("grpc-status"))
      #expect(text.contains("OTLP over gRPC is at port 4317 (closed in this version)"))
      #expect(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"))
      #expect(Array(bytes.suffix(13)) == [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0], "resets the stream")
      #expect(door.sink.batches.isEmpty)
    }
  }

  @Test func understandsAPrefaceThatComesInPieces() async throws {
    try await withDoor { door in
      let client = try door.connect()
      for byte in Self.preface + Self.settings + Self.headers { await client.send([byte]) }
      client.finishSending()
      #expect(String(decoding: await client.receiveAll(), as: UTF8.self).contains("port 4317"))
    }
  }

  @Test func answersPingsAndGivesBackTheWindow() async throws {
    try await withDoor { door in
      let client = try door.connect()
      let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
      let data: [UInt8] = [0, 0, 3, 0, 0, 0, 0, 0, 1, 9, 9, 9]
      await client.send(Self.preface + ping + data)
      client.finishSending()
      let bytes = await client.receiveAll()
      #expect(bytes.dropFirst(9).starts(with: [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))
      #expect(Array(bytes.suffix(13)) == [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 3])
    }
  }

  @Test func passesARequestThatBeginsLikeOne() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send("P")
      await client.send(EdgeTests.head("Content-Length: 2").dropFirst() + "{}")
      #expect(await client.receive()?.status == 200)
    }
  }

  @Test func refusesAFrameOverTheLimit() async throws {
    try await withDoor { door in
      let client = try door.connect()
      await client.send(Self.preface + [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])
      #expect(await client.receiveAll() == Self.settings)
    }
  }
}
