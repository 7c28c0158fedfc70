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
      #expect(text.contains("OTLP over gRPC is at port 4317"))
      #expect(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"))
      #expect(Self.frames(bytes).map(\.type) == [4, 4, 1], "no stream is reset")
      #expect(Self.frames(bytes).last?.flags == 5, "the answer ends its headers and its stream")
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
      let bytes = await client.receiveAll()
      #expect(Self.frames(bytes).map(\.type) == [4, 7])
      #expect(Array(bytes.suffix(4)) == [0, 0, 0, 6], "FRAME_SIZE_ERROR")
    }
  }

  /// A body that is still on its way when the answer goes out must not cost the client the answer.
  @Test func theAnswerReachesAClientThatIsStillSending() async throws {
    let data: [UInt8] = [0, 0x40, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 9, count: 0x4000)
    let last: [UInt8] = [0, 0, 1, 0, 1, 0, 0, 0, 1, 9]
    try await withDoor { door in
      for attempt in 0..<200 {
        let client = try door.connect()
        await client.send(Self.preface + Self.settings + Self.headers)
        for _ in 0..<attempt % 5 { await client.send(data) }
        await client.send(last)
        // Half of them say goodbye themselves, as nghttp2 does.
        if attempt % 2 == 0 { await client.send([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }
        client.finishSending()
        let bytes = await client.receiveAll()
        let types = Self.frames(bytes).map(\.type)
        #expect(types.starts(with: [4, 4, 1]) && !types.contains(3), "\(attempt): \(types)")
        #expect(types.last == 7, "\(attempt): \(types)")
        #expect(String(decoding: bytes, as: UTF8.self).contains("port 4317"))
      }
    }
  }

  /// Type and flags of each whole frame.
  static func frames(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8)] {
    var frames: [(UInt8, UInt8)] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      frames.append((head[3], head[4]))
      rest = rest.dropFirst(9 + Int(head[0]) << 16 + Int(head[1]) << 8 + Int(head[2]))
    }
    return frames
  }
}
