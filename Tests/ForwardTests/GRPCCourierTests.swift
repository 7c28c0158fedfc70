import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct GRPCCourierTests {
  private struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<B: GRPCContiguousBytes>(_ message: [UInt8]) throws -> B { B(message) }
    func deserialize<B: GRPCContiguousBytes>(_ bytes: B) throws -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }
  }

  private struct Call: Sendable {
    var service: String
    var message: [UInt8]
    var via: String?
    var token: String?
  }

  private final class Receiver: RegistrableRPCService {
    let calls = Mutex<[Call]>([])
    let reply = Mutex<Result<[UInt8], RPCError>>(.success([]))

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
      for name in ["trace.v1.Trace", "metrics.v1.Metrics", "logs.v1.Logs"] {
        let service = "opentelemetry.proto.collector.\(name)Service"
        let method = MethodDescriptor(fullyQualifiedService: service, method: "Export")
        router.registerHandler(forMethod: method, deserializer: Bytes(), serializer: Bytes()) { request, _ in
          let request = try await ServerRequest(stream: request)
          self.calls.withLock {
            $0.append(
              Call(
                service: service, message: request.message,
                via: request.metadata[stringValues: "garner-via"].first { _ in true },
                token: request.metadata[stringValues: "authorization"].first { _ in true }))
          }
          let answer = try self.reply.withLock { $0 }.get()
          return StreamingServerResponse(single: ServerResponse(message: answer))
        }
      }
    }
  }

  /// A receiver on this machine for the time of `body`.
  private func withReceiver(_ body: (Receiver, GRPCCourier) async throws -> Void) async throws {
    let receiver = Receiver()
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
    let server = GRPCServer(transport: transport, services: [receiver])
    let serving = Task { try await server.serve() }
    let port = try #require(try await transport.listeningAddress.ipv4?.port)
    var options = ForwardLab.transport()
    options.storeID = "the-store"
    options.headers = { [("Authorization", "Bearer t")] }
    let courier = try GRPCCourier(host: "127.0.0.1", port: port, isTLS: false, options)
    try await body(receiver, courier)
    await courier.close()
    server.beginGracefulShutdown()
    try await serving.value
  }

  private static func parcel(_ road: Int) -> LinesParcel {
    LinesParcel([ParcelItem(.logs, id: 1, time: 0)], ["1"], lane: nil, road: road, bytesEach: 10)
  }

  @Test func callsTheServiceOfItsSignal() async throws {
    try await withReceiver { receiver, courier in
      for road in 0..<3 {
        #expect(await courier.send(Self.parcel(road), 0..<1, form: 0).outcome == .grpc(0))
      }
      let calls = receiver.calls.withLock { $0 }
      #expect(calls.map { $0.service.split(separator: ".").last } == ["TraceService", "MetricsService", "LogsService"])
      #expect(calls.allSatisfy { $0.message == Array("1\n".utf8) && $0.via == "the-store" && $0.token == "Bearer t" })
    }
  }

  @Test func readsWhatWasTakenOnlyInPart() async throws {
    try await withReceiver { receiver, courier in
      receiver.reply.withLock { $0 = .success([0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, 0x62, 0x61, 0x64]) }
      let parcel = Self.parcel(0)
      let answer = await courier.send(parcel, 0..<1, form: 0)
      #expect(
        courier.judge(answer, parcel, 0..<1, form: 0) == .accept(refused: 3, reason: "partial", message: "bad"))
    }
  }

  static let codes: [(RPCError.Code, Verdict)] = [
    (.invalidArgument, .split(reason: "invalid")), (.resourceExhausted, .split(reason: "too_large")),
    (.unavailable, .outage(after: nil)), (.unauthenticated, .stop), (.permissionDenied, .stop),
    (.unimplemented, .stop), (.internalError, .split(reason: "server_error")), (.dataLoss, .outage(after: nil)),
  ]

  @Test(arguments: codes) func knowsWhatACodeMeans(_ code: RPCError.Code, _ verdict: Verdict) async throws {
    try await withReceiver { receiver, courier in
      receiver.reply.withLock { $0 = .failure(RPCError(code: code, message: "not today")) }
      let parcel = Self.parcel(1)
      let answer = await courier.send(parcel, 0..<1, form: 0)
      #expect(courier.judge(answer, parcel, 0..<1, form: 0) == verdict)
      #expect(answer.words == "not today")
    }
  }

  @Test func waitsAsLongAsTheDetailsSay() async throws {
    let name = Array("type.googleapis.com/google.rpc.RetryInfo".utf8)
    let any = [0x0a, UInt8(name.count)] + name + [0x12, 4, 0x0a, 2, 0x08, 7]
    let status: [UInt8] = [0x08, 8, 0x1a, UInt8(any.count)] + any
    try await withReceiver { receiver, courier in
      var metadata = Metadata()
      metadata.addBinary(status, forKey: "grpc-status-details-bin")
      receiver.reply.withLock { [metadata] in
        $0 = .failure(RPCError(code: .resourceExhausted, message: "full", metadata: metadata))
      }
      let parcel = Self.parcel(2)
      let answer = await courier.send(parcel, 0..<1, form: 0)
      #expect(courier.judge(answer, parcel, 0..<1, form: 0) == .retry(after: .seconds(7)))
    }
  }

  @Test func takesAFarEndThatIsNotThereForAnOutage() async throws {
    let server = try await ScriptedServer.started()
    let port = server.port
    await server.stop()
    let courier = try GRPCCourier(host: "127.0.0.1", port: port, isTLS: false, ForwardLab.transport())
    let parcel = Self.parcel(0)
    let answer = await courier.send(parcel, 0..<1, form: 0)
    #expect(courier.judge(answer, parcel, 0..<1, form: 0) == .outage(after: nil))
    await courier.close()
  }
}
