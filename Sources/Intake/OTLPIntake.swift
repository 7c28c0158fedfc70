import Door
import Logging
import Telemetry
import Wire

/// The way of one OTLP body from plain bytes to a receipt, the same for every door that takes them (CONFORMANCE GRPC-11).
struct OTLPIntake<Sink: BatchSink, Rejects: RejectSink>: Sendable {
  struct Answer: Sendable {
    var response: OTLPResponse
    var duplicate = false
  }

  let senders: Senders
  private let vitals: IntakeVitals
  private let sink: Sink
  private let rejects: Rejects
  private let options: OTLPDoorOptions
  private let logger: Logger
  private let complaints = Complaints()

  init(
    vitals: IntakeVitals, sink: Sink, rejects: Rejects, senders: Senders, options: OTLPDoorOptions, logger: Logger
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
    guard let spans = options.spans else {
      var untold: SelfSpans.Span?
      return try await store(body, signal, encoding, sender, proceed, &untold)
    }
    let began = ContinuousClock.now
    var span: SelfSpans.Span? = SelfSpans.Span(
      door: vitals.door, signal: signal, start: options.clock(), duration: 0, records: 0,
      bytes: body.content.bytes.count, result: sender.isLoop ? "loop" : "stored")
    defer {
      if var span {
        span.duration = Int64((ContinuousClock.now - began) / .nanoseconds(1))
        spans.add(span)
      }
    }
    do throws(DoorError) {
      let answer = try await store(body, signal, encoding, sender, proceed, &span)
      if answer.duplicate { span?.result = "duplicate" }
      return answer
    } catch {
      span?.result = error.cause ?? "refused"
      throw error
    }
  }

  private func store(
    _ body: consuming Body, _ signal: Signal, _ encoding: BodyEncoding, _ sender: Sender,
    _ proceed: () throws(DoorError) -> Void, _ span: inout SelfSpans.Span?
  ) async throws(DoorError) -> Answer {
    let now = options.clock()
    let permit = body.permit
    defer { permit.release() }
    vitals.wireBytes.add(body.wireBytes)
    let plainBytes = body.content.bytes.count
    vitals.bodyBytes.add(plainBytes)
    try proceed()
    let (decoded, key) = try decode(body, signal, encoding, sender, now)
    span?.records = decoded.recordCount + decoded.rejectedCount
    if span != nil, decoded.isSelfTelemetry { span = nil }
    try options.gate.charge(sender.credential, records: decoded.recordCount + decoded.rejectedCount, bytes: plainBytes)
    // The key is of the body as it was sent; whatever is kept, logged or answered from here on is protected.
    let privacy = PrivacySender(sender.credential)
    var batch = options.protector?.protect(decoded, sender: privacy) ?? decoded
    // Whose word the records of another Garner are was stamped there.
    if privacy.isStamped, decoded.identities.isEmpty { batch = batch.stamped(privacy.audience) }
    if sender.isLoop { return try await pass(batch, signal, permit) }
    var identities = batch.filtered.rest(of: decoded.identities)
    if !identities.isEmpty {
      batch = batch.withoutOwn(identities, of: options.storeID)
      identities.removeAll { $0.store == options.storeID }
    }
    try proceed()
    // The body is gone; what is in flight from here on is the batch.
    permit.settle(at: batch.byteCount)
    guard !batch.rows.isEmpty || batch.rejectedCount > 0 || !batch.filtered.isEmpty else {
      return Answer(response: OTLPResponse(signal: signal, message: batch.warnings.joined(separator: "; ")))
    }
    let receipt: Receipt
    do {
      receipt =
        identities.isEmpty
        ? try await sink.append(batch, key: key, door: vitals.door)
        : try await sink.append(batch, key: key, door: vitals.door, identities: identities)
    } catch {
      complaints.note(error, logger)
      throw DoorError(error)
    }
    if receipt.duplicate {
      vitals.duplicates.add()
    } else {
      vitals.countAccepted(signal, receipt.received - receipt.rejected)
      vitals.countRejected(signal, batch.rejectionCounts)
      rejects.write(batch, door: vitals.door, at: now)
    }
    return Answer(
      response: OTLPResponse(signal: signal, rejected: receipt.rejected, message: receipt.message),
      duplicate: receipt.duplicate)
  }

  /// What has come back to the store that sent it. Without a key: it may come another way without having been here.
  private func pass(_ batch: Batch, _ signal: Signal, _ permit: Permit) async throws(DoorError) -> Answer {
    let looped = batch.looped()
    permit.settle(at: looped.byteCount)
    if !looped.filtered.isEmpty {
      do {
        _ = try await sink.append(looped, key: nil, door: vitals.door)
      } catch {
        complaints.note(error, logger)
        throw DoorError(error)
      }
    }
    return Answer(response: OTLPResponse(signal: signal))
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
    decode.isRelayed = sender.credential.isTrusted
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
