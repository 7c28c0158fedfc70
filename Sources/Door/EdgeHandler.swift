import Hummingbird
import NIOCore
import NIOHTTP1

/// The edge of an HTTP/1 connection, between the parser and everything else: `Expect`, slow heads and bodies, input that is
/// no HTTP, one connection too many, and connections that must end without the client losing its answer.
///
/// ```
///            head            end of body        end of response
///   idle ───────────▶ reading ─────────▶ answering ─────────▶ idle
///                        │ response that closes ▲
///                        └──────▶ lingering ────┴──▶ closed
/// ```
final class EdgeHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let limits: DoorLimits
  private let observe: DoorServer.Observer
  /// Over the limit of connections: the first request is the last, and is refused.
  private let isExcess: Bool
  /// Before the parser; both live and die with the connection.
  weak var headerClock: HeaderClock?

  /// Between the head and the end of a request.
  private var reading = false
  /// Requests whose response is not finished.
  private var unanswered = 0
  /// Bytes of the body still to come; nil for chunked.
  private var bodyLeft: Int?
  private var awaitsInvitation = false
  private var offersUpgrade = false
  /// Responses up to the one of a request that wants the connection closed, that one included.
  private var answersBeforeClose: Int?
  /// The stream is beyond repair: the next response is the last one.
  private var failed = false
  private var closesAfterResponse = false
  /// The last response is out: nothing more goes in or out.
  private var done = false
  private var quiescing = false
  private var bodyDeadline: NIODeadline = .distantFuture
  /// One timer a connection, renewed when it fires: cheaper than one a request.
  private var timer: Scheduled<Void>?
  private var timerDeadline: NIODeadline = .distantFuture

  /// When something last came in or went out.
  private var lastActive: NIODeadline = .now()

  init(limits: DoorLimits, isExcess: Bool, observe: @escaping DoorServer.Observer) {
    self.limits = limits
    self.isExcess = isExcess
    self.observe = observe
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(var head):
      headerClock?.awaitsHead = false
      guard !done && !failed else { return }
      if isExcess {
        reading = true
        return refuse(.tooManyConnections, context)
      }
      begin(&head, context)
      context.fireChannelRead(wrapInboundOut(.head(head)))
    case .body(let piece):
      bodyLeft = bodyLeft.map { $0 - piece.readableBytes }
      awaitsInvitation = false
      if !done && !failed { context.fireChannelRead(data) }
    case .end:
      reading = false
      headerClock?.awaitsHead = true
      lastActive = .now()
      awaitsInvitation = false
      bodyDeadline = .distantFuture
      if done {
        context.close(promise: nil)
      } else if !failed {
        context.fireChannelRead(data)
      }
    }
  }

  private func begin(_ head: inout HTTPRequestHead, _ context: ChannelHandlerContext) {
    reading = true
    unanswered += 1
    bodyLeft = head.headers.first(name: "content-length").flatMap { Int($0) }
    let chunked = head.headers.contains(name: "transfer-encoding")
    if bodyLeft == nil && !chunked { bodyLeft = 0 }
    awaitsInvitation =
      head.version == .http1_1 && head.headers.first(name: "expect")?.lowercased() == "100-continue"
    if !head.isKeepAlive {
      // What came before it on the connection is answered first.
      if answersBeforeClose == nil { answersBeforeClose = unanswered }
      // An HTTP/1.0 client says nothing: tell those behind us.
      head.headers.replaceOrAdd(name: "connection", value: "close")
    }
    offersUpgrade =
      head.method == .CONNECT
      || head.headers.contains(name: "upgrade")
        && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    if bodyLeft != 0 {
      bodyDeadline = .now() + TimeAmount(limits.bodyTimeout)
      watch(context)
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !done else {
      promise?.fail(ChannelError.outputClosed)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(var head):
      if reading && (awaitsInvitation || (bodyLeft ?? .max) > limits.drainBytes) { closesAfterResponse = true }
      if answersBeforeClose == 1 || failed || quiescing { closesAfterResponse = true }
      if closesAfterResponse { head.headers.replaceOrAdd(name: "connection", value: "close") }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body:
      context.write(data, promise: promise)
    case .end:
      unanswered -= 1
      answersBeforeClose = answersBeforeClose.map { $0 - 1 }
      lastActive = .now()
      guard closesAfterResponse else {
        context.write(data, promise: promise)
        if offersUpgrade { renewParser(context) }
        return
      }
      done = true
      let written = promise ?? context.eventLoop.makePromise(of: Void.self)
      written.futureResult.assumeIsolated().whenComplete { _ in self.leave(context) }
      context.writeAndFlush(data, promise: written)
    }
  }

  /// NIO's parser stops for good behind a request that offers an upgrade (Java's client does on its first one); we stay
  /// with HTTP/1.1, and the next request needs a parser again.
  private func renewParser(_ context: ChannelHandlerContext) {
    offersUpgrade = false
    let pipeline = context.pipeline.syncOperations
    do {
      let stopped = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let parser = ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: DoorServer.parserLimits(limits)))
      try pipeline.addHandler(parser, position: .before(self))
      pipeline.removeHandler(stopped, promise: nil)
    } catch {
      context.close(promise: nil)
    }
  }

  /// The answer is out. A close with unread input would reset the connection and take the answer with it.
  private func leave(_ context: ChannelHandlerContext) {
    guard reading else {
      context.close(promise: nil)
      return
    }
    context.close(mode: .output, promise: nil)
    linger(context)
  }

  private func linger(_ context: ChannelHandlerContext) {
    let patience = quiescing ? min(limits.lingerTimeout, limits.drainTimeout) : limits.lingerTimeout
    bodyDeadline = .now() + TimeAmount(patience)
    watch(context)
  }

  /// Those behind us close as soon as the answer is written; while lingering, when to close is decided here.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if done && reading && mode != .input && context.channel.isActive {
      promise?.succeed()
    } else {
      // Those behind us decide that a connection was silent for too long.
      if mode == .all, !done, !reading, unanswered == 0, !quiescing, context.channel.isActive,
        .now() - lastActive >= TimeAmount(limits.idleTimeout)
      {
        observe(0, "idle")
      }
      context.close(mode: mode, promise: promise)
    }
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard event is BodyInvitation else {
      context.triggerUserOutboundEvent(event, promise: promise)
      return
    }
    if awaitsInvitation && !done {
      awaitsInvitation = false
      let head = HTTPResponseHead(version: .http1_1, status: .continue)
      context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }
    promise?.succeed()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is HTTPParserError else {
      fail(context, .badRequest("the connection broke"))
      return
    }
    if reading {
      fail(context, .badRequest("the body is not well-formed HTTP"))
    } else if unanswered > 0 {
      // Garbage behind a good request: that one still gets its answer.
      failed = true
      closesAfterResponse = true
    } else if !done {
      refuse((error as? HTTPParserError) == .headerOverflow ? .largeHeaders : .notHTTP, context)
    }
  }

  /// A head that does not end.
  func headerExpired(_ context: ChannelHandlerContext) {
    guard !done && !reading else { return }
    if unanswered > 0 {
      failed = true
      closesAfterResponse = true
    } else if let own = try? context.pipeline.syncOperations.context(handler: self) {
      refuse(.slowHeaders, own)
    }
  }

  /// Whoever reads the body must not take its early end for its end.
  private func fail(_ context: ChannelHandlerContext, _ error: DoorError) {
    if done || !reading {
      if unanswered == 0 { context.close(promise: nil) }
      return
    }
    guard !failed else { return }
    failed = true
    context.fireErrorCaught(error)
  }

  /// Before there is a request: one line for the person behind it, and the end.
  private func refuse(_ refusal: EdgeRefusal, _ context: ChannelHandlerContext) {
    done = true
    observe(Int(refusal.status.code), refusal.reason)
    var head = HTTPResponseHead(version: .http1_1, status: refusal.status)
    head.headers = [
      "content-type": "text/plain; charset=utf-8", "content-length": String(refusal.line.utf8.count),
      "connection": "close",
    ]
    if refusal.isMomentary { head.headers.add(name: "retry-after", value: "1") }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: refusal.line)))), promise: nil)
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in
      context.close(mode: .output, promise: nil)
      self.linger(context)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      if done {
        context.close(promise: nil)
      } else if reading {
        fail(context, .badRequest("the body ended early"))
      }
    case is ChannelShouldQuiesceEvent:
      quiescing = true
      if reading {
        bodyDeadline = min(bodyDeadline, .now() + TimeAmount(limits.drainTimeout))
        watch(context)
      }
    default: break
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    if reading && !done { fail(context, .badRequest("the connection broke")) }
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  private func watch(_ context: ChannelHandlerContext) {
    guard bodyDeadline < .distantFuture, timer == nil || bodyDeadline < timerDeadline else { return }
    timer?.cancel()
    timerDeadline = bodyDeadline
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: bodyDeadline) { self.expire(context) }
  }

  private func expire(_ context: ChannelHandlerContext) {
    timer = nil
    guard bodyDeadline <= .now() else {
      watch(context)
      return
    }
    bodyDeadline = .distantFuture
    if done {
      context.close(promise: nil)
    } else if quiescing {
      fail(context, .unavailable(cause: "draining", retryAfterSeconds: 5))
    } else {
      fail(context, .slowBody)
    }
  }
}
