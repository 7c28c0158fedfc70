import Door
import NIOCore
import NIOHPACK
import NIOHTTP2
import Telemetry
import Wire

/// All calls of one HTTP/2 connection. One handler for the connection instead of a channel for each stream: what a call needs
/// is a few fields, and frames are its only events.
///
/// ```
///           HEADERS             END_STREAM           answer
///   none ───────────▶ receiving ───────────▶ working ───────▶ none
///                         │ refused, too late                   ▲
///                         └──▶ trailers, then deaf ─────────────┘ END_STREAM, or a reset after a while
/// ```
///
/// A refusal is trailers and never a reset, for exporters retry a reset for ever; only a client that goes on sending after
/// its answer is cut off, without an error code.
final class GRPCConnection: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  let service: GRPCService
  let limits: DoorLimits
  let lease: GRPCLease
  let address: String?
  var context: ChannelHandlerContext?
  var own: NIOLoopBound<GRPCConnection>?
  /// Name of the client certificate, asked for at the first call without a token.
  var certificate: String??

  var calls: [HTTP2StreamID: GRPCCall] = [:]
  /// Streams that stay open: of people who watch, or ask what there is.
  var talks: [HTTP2StreamID: GRPCTalk] = [:]
  /// Answered, but still sending; with the time at which that ends.
  var deaf: [HTTP2StreamID: NIODeadline] = [:]
  var lastStream: HTTP2StreamID = .rootStream
  var closing = Closing.no
  /// The last GOAWAY frame that was written told of an error.
  var brokeRules = false

  /// One timer for all: the earliest of what there is to wait for.
  var timer: Scheduled<Void>?
  var timerDeadline: NIODeadline = .distantFuture
  var lastCall: NIODeadline = .now()
  var lastHeard: NIODeadline = .now()
  var pinged: NIODeadline?

  enum Closing {
    case no
    /// Clients were asked to open no more streams; until this time some may not have heard.
    case asked(NIODeadline)
    /// No more calls: as soon as the last one is answered.
    case last
    /// Our side is closed; what still comes is read and forgotten until then.
    case gone(NIODeadline)
  }

  /// How long a connection may say nothing before it is asked whether it is still there.
  var quiet: TimeAmount { TimeAmount(limits.idleTimeout / 2) }
  /// How long a client may take to hear that no more calls are wanted.
  static let farewell: TimeAmount = .seconds(1)
  static let pingAnswer: TimeAmount = .seconds(20)
  static let keepAlive = HTTP2PingData(withInteger: 1)
  static let goodbye = HTTP2PingData(withInteger: 2)

  init(service: GRPCService, lease: GRPCLease, address: String?) {
    self.service = service
    self.lease = lease
    self.address = address
    limits = service.options.limits
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    own = NIOLoopBound(self, eventLoop: context.eventLoop)
    write(.rootStream, .windowUpdate(windowSizeIncrement: service.connectionWindowBytes - 65_535))
    context.flush()
    watch()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func end() {
    timer?.cancel()
    timer = nil
    for call in calls.values { call.drop() }
    calls = [:]
    talks = [:]
    deaf = [:]
    context = nil
    own = nil
  }

  // MARK: Frames

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .gone = closing { return }
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .headers(let headers):
      lastCall = .now()
      if calls[frame.streamID] != nil || talks[frame.streamID] != nil {
        // Trailers of a request: nothing in them matters but the end.
        if headers.endStream { endOfStream(frame.streamID) }
      } else {
        begin(frame.streamID, headers.headers, isOver: headers.endStream)
      }
    case .data(let data):
      if talks[frame.streamID] != nil, case .byteBuffer(let piece) = data.data {
        return hear(frame.streamID, piece, isOver: data.endStream)
      }
      if let call = calls[frame.streamID], case .byteBuffer(let piece) = data.data, !call.isWorking {
        do throws(DoorError) {
          try call.take(piece)
        } catch {
          refuse(call, error, isOver: data.endStream)
          return
        }
      }
      if data.endStream { endOfStream(frame.streamID) }
    case .ping(Self.goodbye, ack: true): shutForCalls()
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    lastHeard = .now()
    pinged = nil
    context.fireChannelReadComplete()
  }

  func begin(_ id: HTTP2StreamID, _ headers: HPACKHeaders, isOver: Bool) {
    lastStream = max(lastStream, id)
    let now = lastCall
    let head = GRPCHead(headers)
    guard head.method == "POST" else {
      return decline(id, isOver, GRPCStatus(.unimplemented, "gRPC calls are POST requests", httpStatus: 405))
    }
    guard head.isGRPC else {
      return decline(
        id, isOver, GRPCStatus(.invalidArgument, "Content-Type must be application/grpc", httpStatus: 415))
    }
    guard let method = GRPCMethod(path: head.path) else {
      return decline(
        id, isOver,
        GRPCStatus(.unimplemented, "no such method: this port takes Export of traces, metrics and logs"))
    }
    guard head.byteCount <= limits.headerBytes else {
      service.vitals.countRefused(cause: "headers_too_large")
      return decline(
        id, isOver,
        GRPCStatus(
          .resourceExhausted, "the headers are larger than \(limits.headerBytes) bytes", httpStatus: 431))
    }
    if case .talk(let topic) = method { return beginTalk(id, topic, isOver: isOver) }
    do throws(DoorError) {
      let call = try admit(id, method, head, now)
      calls[id] = call
      if call.nextDeadline < timerDeadline { watch() }
      if isOver { endOfStream(id) }
    } catch {
      var status = GRPCStatus(error)
      status.namesCodings = error == Self.unknownCoding
      fail(id, error, status, signal: method.signal, started: now, isOver: isOver)
      if service.isExcess(lease) { sayGoodbye() }
    }
  }

  static let unknownCoding = DoorError.call(
    .unimplemented, "grpc-encoding must be one of \(GRPCWords.codings)")

  /// Before anything of the message is read.
  func admit(
    _ id: HTTP2StreamID, _ method: GRPCMethod, _ head: GRPCHead, _ now: NIODeadline
  ) throws(DoorError) -> GRPCCall {
    if service.isExcess(lease) { throw .unavailable(cause: "too_many_connections", retryAfterSeconds: 1) }
    var credential = Credential.anonymous
    if let signal = method.signal {
      if case .no = closing {} else { throw .unavailable(cause: "draining", retryAfterSeconds: 5) }
      credential = try service.options.gate.check(
        authorization: head.authorization, certificate: head.authorization == nil ? clientName() : nil,
        for: .ingest(signal))
    }
    var coding: ContentCoding?
    if let encoding = head.encoding {
      coding = ContentCoding(encoding)
      guard let coding, coding != .zstd else { throw Self.unknownCoding }
    }
    var deadline = NIODeadline.distantFuture
    if let timeout = head.timeout {
      guard let amount = TimeAmount(grpcTimeout: timeout) else { throw .call(.internal, "grpc-timeout is malformed") }
      deadline = now + amount
    }
    return GRPCCall(
      id, method, credential, isLoop: LoopGuard.isLoop(head.via, to: service.options.storeID), coding: coding,
      started: now, deadline: deadline, bodyDeadline: now + TimeAmount(limits.bodyTimeout), gauge: service.gauge)
  }

  func clientName() -> String? {
    guard service.options.tls?.asksForCertificates == true, let context else { return nil }
    if let certificate { return certificate }
    let name = PeerIdentity.name(in: context.pipeline.syncOperations)
    certificate = .some(name)
    return name
  }

  func endOfStream(_ id: HTTP2StreamID) {
    deaf[id] = nil
    if talks[id] != nil { return hear(id, ByteBuffer(), isOver: true) }
    guard let call = calls[id], !call.isWorking else { return }
    do throws(DoorError) {
      let message = try call.finish()
      call.isWorking = true
      work(on: message, of: call)
    } catch {
      refuse(call, error, isOver: true)
    }
  }

  // MARK: Work

  func work(on message: GRPCMessage, of call: GRPCCall) {
    guard let own, let context else { return }
    let id = call.id
    guard let signal = call.method.signal else {
      let answer = service.health(message, isDraining: { if case .no = closing { false } else { true } }())
      message.permit.release()
      return finish(id, answer)
    }
    var sender = service.sender(address, call.credential)
    sender.isLoop = call.isLoop
    let (service, lease, loop, known) = (service, lease, context.eventLoop, sender)
    Task {
      let answer = await service.export(message, signal, known)
      // The door is not shut while a batch is on its way, whatever became of its connection.
      loop.execute { withExtendedLifetime(lease) { own.value.finish(id, answer) } }
    }
  }

  // MARK: Events

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let event as NIOHTTP2WindowUpdatedEvent: refill(event)
    case let event as StreamClosedEvent:
      deaf[event.streamID] = nil
      talks[event.streamID] = nil
      // Closed by the client, or by rules it broke; one that we ended is not here any more.
      if let call = calls.removeValue(forKey: event.streamID) {
        call.drop()
        closeIfDone()
      }
    case is ChannelShouldQuiesceEvent: quiesce()
    case is GRPCHeaderClock.Expired:
      service.vitals.countRequest(status: 0, reason: "slow_headers")
      leave()
    default: break
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// Credit for what was read; in halves of the window, so that it is few frames. A stream that is deaf gets none.
  func refill(_ event: NIOHTTP2WindowUpdatedEvent) {
    guard let left = event.inboundWindowSize else { return }
    let whole: Int
    if event.streamID == .rootStream {
      whole = service.connectionWindowBytes
    } else {
      guard talks[event.streamID] != nil || calls[event.streamID].map({ !$0.isWorking }) ?? false else { return }
      whole = service.options.windowBytes
    }
    guard left <= whole / 2 else { return }
    write(event.streamID, .windowUpdate(windowSizeIncrement: whole - left))
    context?.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // One broken rule may be told of several times.
    if case .gone = closing { return }
    let reason = Self.reason(error)
    // Too long a block is always the end of the connection, whether that has been said already or not.
    let isFatal = brokeRules || reason == "headers_too_large"
    if error is any NIOHTTP2Error && !isFatal { return }
    if isFatal, let reason { service.vitals.countRequest(status: 0, reason: reason) }
    leave()
  }

  static func reason(_ error: any Error) -> String? {
    switch error {
    case is NIOHTTP2Errors.MaxStreamsViolation: "too_many_streams"
    case is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock, is NIOHTTP2Errors.ExcessiveContinuationFrames,
      is NIOHPACKErrors.MaxHeaderListSizeViolation:
      "headers_too_large"
    case is NIOHTTP2Errors.ExcessiveRSTFrames, is NIOHTTP2Errors.ExcessiveControlFrames,
      is NIOHTTP2Errors.ExcessiveStreamErrors, is NIOHTTP2Errors.ExcessiveEmptyDataFrames,
      is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering:
      "flood"
    default: nil
    }
  }

  func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
    context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
  }
}

extension GRPCConnection: NIOHTTP2FrameDelegate {
  /// The HTTP/2 handler reports errors of a stream and of the connection alike; the frame it writes for one tells which.
  func wroteFrame(_ frame: HTTP2Frame) {
    if case .goAway(_, let code, _) = frame.payload, code != .noError { brokeRules = true }
  }
}
