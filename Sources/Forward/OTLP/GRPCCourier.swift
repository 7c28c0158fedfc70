import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
package import Wire

/// OTLP over gRPC: three unary calls on one connection (CONFORMANCE CLI-11).
package final class GRPCCourier: Courier {
  private let options: TransportOptions
  private let isTLS: Bool
  private let client: GRPCClient<HTTP2ClientTransport.Posix>
  private let connections: Task<Void, Never>
  private let handshakes = Handshakes()

  private static let methods = [("trace", "Trace"), ("metrics", "Metrics"), ("logs", "Logs")].map { package, name in
    MethodDescriptor(
      fullyQualifiedService: "opentelemetry.proto.collector.\(package).v1.\(name)Service", method: "Export")
  }

  /// Longest answer that is read.
  private static let answerLimit = 4 << 20

  package init(host: String, port: Int, isTLS: Bool, _ options: TransportOptions) throws {
    self.options = options
    self.isTLS = isTLS
    let handshakes = handshakes
    let transport = try HTTP2ClientTransport.Posix(
      target: Self.target(host, port),
      transportSecurity: isTLS ? .tls(Self.security(options.tls)) : .plaintext,
      config: .defaults {
        $0.compression.enabledAlgorithms = .gzip
        $0.compression.algorithm = options.compression == .gzip ? .gzip : .none
        $0.backoff.initial = .milliseconds(100)
        $0.backoff.max = .seconds(5)
        $0.http2.targetWindowSize = 1 << 20
        guard isTLS else { return }
        if !options.tls.serverName.isEmpty { $0.http2.authority = options.tls.serverName }
        $0.channelDebuggingCallbacks.onCreateTCPConnection = { handshakes.watch($0) }
      })
    let client = GRPCClient(transport: transport)
    self.client = client
    connections = Task { try? await client.runConnections() }
  }

  /// An address by its numbers is no name that TLS could ask for: the certificate must have the numbers.
  private static func target(_ host: String, _ port: Int) -> any ResolvableTarget {
    switch try? SocketAddress(ipAddress: host, port: port) {
    case .v4: .ipv4(address: host, port: port)
    case .v6: .ipv6(address: host, port: port)
    default: .dns(host: host, port: port)
    }
  }

  private static func security(
    _ tls: TransportOptions.TLS
  ) -> HTTP2ClientTransport.Posix.TransportSecurity.TLS {
    .defaults { configuration in
      if !tls.caFile.isEmpty { configuration.trustRoots = .certificates([.file(path: tls.caFile, format: .pem)]) }
      if !tls.certFile.isEmpty {
        configuration.certificateChain = [.file(path: tls.certFile, format: .pem)]
        configuration.privateKey = .file(path: tls.keyFile.isEmpty ? tls.certFile : tls.keyFile, format: .pem)
      }
      if tls.skipsVerification { configuration.serverCertificateVerification = .noVerification }
    }
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    var metadata = Metadata()
    for header in options.headers() { metadata.replaceOrAddString(header.value, forKey: header.name.lowercased()) }
    metadata.replaceOrAddString(options.userAgent, forKey: "user-agent")
    if !options.storeID.isEmpty { metadata.replaceOrAddString(options.storeID, forKey: "garner-via") }
    var call = CallOptions.defaults
    call.timeout = options.timeout
    call.waitForReady = false
    call.maxResponseMessageBytes = Self.answerLimit
    do {
      let body = try await client.unary(
        request: ClientRequest(message: parcel.body(range, form: form), metadata: metadata),
        descriptor: Self.methods[parcel.road], serializer: RawMessage(), deserializer: RawMessage(), options: call
      ) { response in try response.message }
      return Answer(.grpc(0), body: body)
    } catch let error as RPCError {
      return answer(error)
    } catch {
      return Answer(.silence("\(error)", isTimeout: false))
    }
  }

  private func answer(_ error: RPCError) -> Answer {
    // A connection that TLS ended is told as one that could not be made.
    if error.code == .unavailable, let fault = handshakes.fault { return Answer(.untrusted(fault)) }
    var words = error.message
    // Some close the connection over it and do not say why.
    if isTLS && options.tls.certFile.isEmpty && words.contains("connection preface") {
      words += " It may want a client certificate (`tls.cert_file`)."
    }
    var answer = Answer(.grpc(error.code.rawValue), body: Array(words.utf8))
    for case let details in error.metadata[binaryValues: "grpc-status-details-bin"] {
      if let wait = RetryInfo.read(details) { answer.headers.append(("retry-after", String(wait))) }
    }
    return answer
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    let verdict = AnswerTable.otlp.verdict(answer)
    guard case .accept = verdict else { return verdict }
    let partial = PartialSuccess.read(answer.body, isJSON: false)
    return .accept(refused: partial.rejected, reason: "partial", message: partial.message)
  }

  package func close() async {
    client.beginGracefulShutdown()
    await connections.value
  }
}

/// Messages are bytes already.
private struct RawMessage: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }
}

/// `google.rpc.RetryInfo` inside of the details of a `google.rpc.Status`.
enum RetryInfo {
  /// Seconds; nil: there is none, so a full far end is not to be asked again.
  static func read(_ status: [UInt8]) -> Double? {
    var fields = ProtoFields(status[...])
    while let field = fields.next() {
      guard field.number == 3, case .bytes(let any) = field.value else { continue }
      var name: ArraySlice<UInt8> = []
      var value: ArraySlice<UInt8> = []
      var inside = ProtoFields(any)
      while let field = inside.next() {
        if case .bytes(let bytes) = field.value { if field.number == 1 { name = bytes } else { value = bytes } }
      }
      guard name.elementsEqual("type.googleapis.com/google.rpc.RetryInfo".utf8) else { continue }
      return seconds(value)
    }
    return nil
  }

  private static func seconds(_ info: ArraySlice<UInt8>) -> Double {
    var seconds = 0.0
    var fields = ProtoFields(info)
    while let field = fields.next() {
      guard field.number == 1, case .bytes(let duration) = field.value else { continue }
      var parts = ProtoFields(duration)
      while let part = parts.next() {
        guard case .varint(let number) = part.value else { continue }
        if part.number == 1 { seconds += Double(Int64(bitPattern: number)) }
        if part.number == 2 { seconds += Double(Int64(bitPattern: number)) / 1e9 }
      }
    }
    return max(0, min(seconds, 600))
  }
}
