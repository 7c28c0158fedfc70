package import Door
import HTTPTypes
package import Hummingbird
package import Logging
package import Telemetry
import Wire

/// OTLP over HTTP/1.1: `POST /v1/{traces,metrics,logs}`, protobuf or JSON (CONFORMANCE HTTP, RSP).
package struct OTLPHTTPDoor<Sink: BatchSink, Rejects: RejectSink>: HTTPResponder {
  package typealias Context = DoorContext

  package static var name: String { "otlp_http" }
  /// For clients that speak HTTP/2 to this port.
  package static var wrongProtocol: String {
    "this port speaks OTLP over HTTP; OTLP over gRPC is at port 4317: set OTEL_EXPORTER_OTLP_ENDPOINT to that port, "
      + "or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
  }
  /// Below this, gzip costs more than it saves.
  private static var compressibleBytes: Int { 1024 }

  package let vitals: IntakeVitals
  let options: OTLPDoorOptions
  private let intake: OTLPIntake<Sink, Rejects>
  private let reader: BodyReader
  let logger: Logger

  /// `key`: 32 random bytes of this store, the same at every start, or retries across a restart are not recognised.
  package init(
    sink: Sink, rejects: Rejects, budget: Budget, key: [UInt8], options: OTLPDoorOptions = OTLPDoorOptions(),
    logger: Logger
  ) {
    self.options = options
    self.logger = logger
    vitals = IntakeVitals(door: Self.name, budget: budget)
    intake = OTLPIntake(
      vitals: vitals, sink: sink, rejects: rejects, senders: Senders(SenderKeys(key: key)),
      options: options, logger: logger)
    reader = BodyReader(limits: options.limits, budget: budget)
  }

  package func respond(to request: Request, context: DoorContext) async throws -> Response {
    let start = ContinuousClock.now
    let signal = Self.signal(request.uri.path)
    let encoding = BodyEncoding(contentType: request.headers[.contentType])
    var response: Response
    if let preflight = options.crossOrigin?.preflight(request.head) {
      response = preflight
    } else {
      do throws(DoorError) {
        response = try await export(request, signal, encoding, context)
      } catch {
        if let cause = error.cause { vitals.countRefused(cause: cause) }
        // Where the request's encoding is unknown, JSON is what a person can read (CONFORMANCE HTTP-04).
        response = error.response(in: encoding ?? .json)
      }
    }
    if request.method == .head { response.body = ResponseBody() }
    options.crossOrigin?.mark(&response, for: request.head)
    let spent = ContinuousClock.now - start
    vitals.countRequest(signal, status: response.status.code, nanoseconds: Int64(spent / .nanoseconds(1)))
    return response
  }

  private static func signal(_ path: String) -> Signal? {
    switch path {
    case "/v1/traces": .traces
    case "/v1/metrics": .metrics
    case "/v1/logs": .logs
    default: nil
    }
  }

  private func export(
    _ request: Request, _ signal: Signal?, _ encoding: BodyEncoding?, _ context: DoorContext
  ) async throws(DoorError) -> Response {
    guard let signal else {
      throw .notFound("no such path: OTLP over HTTP is at /v1/traces, /v1/metrics and /v1/logs")
    }
    guard request.method == .post else { throw .methodNotAllowed(allow: "POST") }
    let credential = try await admit(request, signal, context)
    guard let encoding else {
      throw .unsupportedMediaType("Content-Type must be application/x-protobuf or application/json")
    }
    guard let coding = ContentCoding(request.headers[.contentEncoding] ?? "") else {
      throw .unsupportedMediaType("Content-Encoding must be gzip, zstd, deflate or identity")
    }
    try intake.admit(byteCount: request.headers[.contentLength].flatMap { Int($0) } ?? 0)
    let body = try await reader.read(request, coding, context)
    var sender = intake.senders.sender(context, credential)
    if let header = LoopGuard.header { sender.isLoop = LoopGuard.isLoop(request.headers[header], to: options.storeID) }
    let answer = try await intake.take(body, signal, encoding, sender)
    return respond(with: answer, encoding, request.headers.acceptsGzip)
  }

  /// Before anything of the body is read.
  private func admit(
    _ request: Request, _ signal: Signal, _ context: DoorContext
  ) async throws(DoorError) -> Credential {
    let authorization = request.headers[.authorization]
    var certificate: String?
    if authorization == nil, options.tls?.asksForCertificates == true {
      certificate = await PeerIdentity.name(of: context.channel)
    }
    return try options.gate.check(authorization: authorization, certificate: certificate, for: .ingest(signal))
  }

  private func respond(
    with answer: OTLPIntake<Sink, Rejects>.Answer, _ encoding: BodyEncoding, _ acceptsGzip: Bool
  ) -> Response {
    var headers: HTTPFields = [.contentType: encoding.mediaType]
    if answer.duplicate, let name = HTTPField.Name("Garner-Duplicate") { headers[name] = "1" }
    var bytes = answer.response.encoded(encoding)
    if acceptsGzip, bytes.count >= Self.compressibleBytes, let packed = Deflater.gzip(bytes) {
      headers[.contentEncoding] = "gzip"
      headers[.vary] = "Accept-Encoding"
      bytes = packed
    }
    return Response(
      status: .ok, headers: headers,
      body: bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}
