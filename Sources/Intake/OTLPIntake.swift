import Door
import Logging
import Telemetry
import Wire

/// The way of one OTLP body from plain bytes to a receipt, the same for every door that takes them (CONFORMANCE GRPC-11).
struct OTLPIntake<Sink: BatchSink, Rejects: RejectSink>: Sendable {
  struct Options: Sendable {
    var gate: Gate
    var protector: Protector?
    var depthLimit: Int
    var recognisesDuplicates: Bool
    /// Nanoseconds since 1970.
    var clock: @Sendable () -> Int64
  }

  struct Answer: Sendable {
    var response: OTLPResponse
    var duplicate = false
  }

  let senders: Senders
  private let vitals: IntakeVitals
  private let sink: Sink
  private let rejects: Rejects
  private let options: Options
  private let logger: Logger
  private let complaints = Complaints()

  init(
    vitals: IntakeVitals, sink: Sink, rejects: Rejects, senders: Senders, options: Options, logger: Logger
  ) {
    self.vitals = vitals
    self.sink = sink
    self.rejects = rejects
    self.senders = senders
    self.options = options
    self.logger = logger
  }

  /// Asked before a body of `byteCount` is read, so that a refusal costs nothing.
  func admit(byteCount: Int) throws(DoorError) {
    if let refusal = sink.admit(byteCount: byteCount) { throw DoorError(refusal) }
  }

  /// Returns once the batch is committed. `proceed` is asked before the work and again before the batch is handed over: a
  /// throw ends the request with nothing stored.
  func take(
    _ body: consuming Body, _ signal: Signal, _ encoding: BodyEncoding, _ sender: Sender,
    proceed: () throws(DoorError) -> Void = {}
  ) async throws(DoorError) -> Answer {
    let now = options.clock()
    let permit = body.permit
    defer { permit.release() }
    vitals.wireBytes.add(body.wireBytes)
    let plainBytes = body.content.bytes.count
    vitals.bodyBytes.add(plainBytes)
    try proceed()
    let (decoded, key) = try decode(body, signal, encoding, sender, now)
    try options.gate.charge(sender.credential, records: decoded.recordCount + decoded.rejectedCount, bytes: plainBytes)
    // The key is of the body as it was sent; whatever is kept, logged or answered from here on is protected.
    let privacy = PrivacySender(sender.credential)
    var batch = options.protector?.protect(decoded, sender: privacy) ?? decoded
    if privacy.isStamped { batch = batch.stamped(privacy.audience) }
    try proceed()
    // The body is gone; what is in flight from here on is the batch.
    permit.settle(at: batch.byteCount)
    guard !batch.rows.isEmpty || batch.rejectedCount > 0 else {
      return Answer(response: OTLPResponse(signal: signal, message: batch.warnings.joined(separator: "; ")))
    }
    let receipt: Receipt
    do {
      receipt = try await sink.append(batch, key: key, door: vitals.door)
    } catch {
      complaints.note(error, logger)
      throw DoorError(error)
    }
    if receipt.duplicate {
      vitals.duplicates.add()
    } else {
      vitals.countAccepted(signal, receipt.received - receipt.rejected)
      vitals.countRejected(signal, batch.rejectionCounts)
      if !batch.rejections.isEmpty { rejects.write(batch.rejections, door: vitals.door, signal: signal, at: now) }
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
    decode.credential = Array(sender.credential.source.utf8)
    if sender.credential.kind == .anonymous { decode.isReserved = { [gate = options.gate] in gate.owns(source: $0) } }
    decode.required = sender.credential.require.map { Array($0.utf8) }
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
          offset: error.offset, reason: error.kind.reason, source: sender.source),
        door: vitals.door, signal: signal, at: now)
      throw .badRequest("\(error.message) (at byte \(error.offset) of the body)")
    }
  }

  private func receiptKey(_ signal: Signal, _ decode: DecodeOptions, _ content: OwnedBytes) -> ReceiptKey {
    senders.keys.receiptKey(signal, credential: decode.credential, content.bytes)
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
