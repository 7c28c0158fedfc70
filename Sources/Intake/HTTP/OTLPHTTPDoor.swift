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
    "this port speaks OTLP over HTTP; OTLP over gRPC is at port 4317 (closed in this version): "
      + "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
  }
  /// Below this, gzip costs more than it saves.
  private static var compressibleBytes: Int { 1024 }

  package let vitals: IntakeVitals
  let options: OTLPHTTPOptions
  private let sink: Sink
  private let rejects: Rejects
  private let reader: BodyReader
  private let senders: Senders
  let logger: Logger
  private let complaints = Complaints()

  /// `key`: 32 random bytes of this store, the same at every start, or retries across a restart are not recognised.
  package init(
    sink: Sink, rejects: Rejects, budget: Budget, key: [UInt8], options: OTLPHTTPOptions = OTLPHTTPOptions(),
    logger: Logger
  ) {
    self.sink = sink
    self.rejects = rejects
    self.options = options
    self.logger = logger
    vitals = IntakeVitals(door: Self.name, budget: budget)
    reader = BodyReader(limits: options.limits, budget: budget)
    senders = Senders(SenderKeys(key: key))
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
    guard let encoding else {
      throw .unsupportedMediaType("Content-Type must be application/x-protobuf or application/json")
    }
    guard let coding = ContentCoding(request.headers[.contentEncoding] ?? "") else {
      throw .unsupportedMediaType("Content-Encoding must be gzip, deflate or identity")
    }
    if let refusal = sink.admit(byteCount: request.headers[.contentLength].flatMap { Int($0) } ?? 0) {
      throw DoorError(refusal)
    }
    let body = try await reader.read(request, coding, context)
    vitals.wireBytes.add(body.wireBytes)
    vitals.bodyBytes.add(body.content.bytes.count)
    let answer = try await take(body, signal, encoding, senders.sender(context))
    return respond(with: answer, encoding, request.headers.acceptsGzip)
  }

  private struct Answer {
    var response: OTLPResponse
    var duplicate = false
  }

  private func take(
    _ body: consuming Body, _ signal: Signal, _ encoding: BodyEncoding, _ sender: Sender
  ) async throws(DoorError) -> Answer {
    let now = options.clock()
    let permit = body.permit
    defer { permit.release() }
    let (batch, key) = try decode(body, signal, encoding, sender, now)
    // The body is gone; what is in flight from here on is the batch.
    permit.settle(at: batch.byteCount)
    guard !batch.rows.isEmpty || batch.rejectedCount > 0 else {
      return Answer(response: OTLPResponse(signal: signal, message: batch.warnings.joined(separator: "; ")))
    }
    let receipt: Receipt
    do {
      receipt = try await sink.append(batch, key: key, door: Self.name)
    } catch {
      complaints.note(error, logger)
      throw DoorError(error)
    }
    if receipt.duplicate {
      vitals.duplicates.add()
    } else {
      vitals.countAccepted(signal, receipt.received - receipt.rejected)
      vitals.countRejected(signal, batch.rejectionCounts)
      if !batch.rejections.isEmpty { rejects.write(batch.rejections, door: Self.name, signal: signal, at: now) }
    }
    return Answer(
      response: OTLPResponse(signal: signal, rejected: receipt.rejected, message: receipt.message),
      duplicate: receipt.duplicate)
  }

  private func decode(
    _ body: consuming Body, _ signal: Signal, _ encoding: BodyEncoding, _ sender: Sender, _ now: Int64
  ) throws(DoorError) -> (Batch, ReceiptKey?) {
    let content = body.content
    // An estimate before the work, so that a refusal costs nothing; the real size is set once it is known.
    guard body.permit.grow(to: body.permit.bytes + content.bytes.count) else { throw BodyReader.noRoom }
    var decode = DecodeOptions(now: now)
    decode.peer = sender.peer
    decode.anonymousSession = sender.anonymousSession
    decode.depthLimit = options.depthLimit
    do throws(DecodeError) {
      let batch =
        switch encoding {
        case .protobuf: try OTLPDecoder.decodeProtobuf(signal, content.bytes, options: decode)
        case .json: try OTLPDecoder.decodeJSON(signal, content.bytes, options: decode)
        }
      let key = options.recognisesDuplicates ? receiptKey(signal, decode, content) : nil
      return (batch, key)
    } catch {
      vitals.undecodable.add()
      rejects.write(
        UndecodableBody(
          hash: Hexadecimal.text(receiptKey(signal, decode, content)), lengthBytes: content.bytes.count,
          offset: error.offset, reason: error.kind.reason, source: String(decoding: sender.peer, as: UTF8.self)),
        door: Self.name, signal: signal, at: now)
      throw .badRequest("\(error.message) (at byte \(error.offset) of the body)")
    }
  }

  private func receiptKey(_ signal: Signal, _ decode: DecodeOptions, _ content: OwnedBytes) -> ReceiptKey {
    senders.keys.receiptKey(signal, credential: decode.credential, content.bytes)
  }

  private func respond(with answer: Answer, _ encoding: BodyEncoding, _ acceptsGzip: Bool) -> Response {
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

extension DecodeError.Kind {
  /// The word of the reject log.
  var reason: String {
    switch self {
    case .truncated: "truncated"
    case .malformed: "malformed"
    case .tooDeep: "too_deep"
    case .outOfRange: "out_of_range"
    case .badID: "bad_id"
    }
  }
}
