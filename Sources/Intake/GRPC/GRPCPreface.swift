import Door
import NIOCore
import NIOHTTP2

/// First in the pipeline: sets HTTP/2 up for a client that speaks it, and answers one that speaks HTTP/1, which is most often
/// an OTLP/HTTP exporter set to the wrong port, in its own language. Nothing is sent before it is known who is there.
final class GRPCPreface: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private let service: GRPCService
  private var lease: GRPCLease?
  private var waiting = ByteBuffer()
  /// Our side is closed; what still comes is read and forgotten.
  private var isDone = false
  private var timer: Scheduled<Void>?

  init(service: GRPCService, lease: GRPCLease) {
    self.service = service
    self.lease = lease
  }

  func handlerAdded(context: ChannelHandlerContext) { wait(service.options.limits.idleTimeout, "idle", context) }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    lease = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    lease = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isDone { return }
    var piece = unwrapInboundIn(data)
    if waiting.readableBytes == 0 { wait(service.options.limits.headerTimeout, "slow_headers", context) }
    waiting.writeBuffer(&piece)
    let seen = waiting.readableBytesView
    if Self.preface.starts(with: seen.prefix(Self.preface.count)) {
      if seen.count >= Self.preface.count { welcome(context) }
    } else {
      answer(looksLikeHTTP: seen.first.map { (0x41...0x5a).contains($0) } ?? false, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func welcome(_ context: ChannelHandlerContext) {
    guard let lease else { return }
    let connection = GRPCConnection(
      service: service, lease: lease, address: DoorContext.foreignAddress(of: context.channel))
    let http2 = NIOHTTP2Handler(
      mode: .server, frameDelegate: connection, connectionConfiguration: service.http2Connection,
      streamConfiguration: service.http2Streams)
    let pipeline = context.pipeline.syncOperations
    do {
      // One by one: the second writes as soon as it is there.
      let clock = GRPCHeaderClock(service.options.limits.headerTimeout, skipping: Self.preface.count)
      try pipeline.addHandler(clock, position: .after(self))
      try pipeline.addHandler(http2, position: .after(clock))
      try pipeline.addHandler(connection, position: .after(http2))
    } catch {
      context.close(promise: nil)
      return
    }
    context.fireChannelRead(wrapInboundOut(waiting))
    waiting = ByteBuffer()
    pipeline.removeHandler(self, promise: nil)
  }

  private func answer(looksLikeHTTP: Bool, _ context: ChannelHandlerContext) {
    isDone = true
    waiting.clear()
    service.vitals.countRequest(
      status: looksLikeHTTP ? 400 : 0, reason: looksLikeHTTP ? "wrong_protocol" : "not_http")
    guard looksLikeHTTP else {
      context.close(promise: nil)
      return
    }
    let line = GRPCWords.wrongProtocol + "\n"
    let text =
      "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: \(line.utf8.count)\r\n"
      + "connection: close\r\n\r\n\(line)"
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    // With unread bytes the kernel would reset the connection and take the answer with it.
    let halved = context.eventLoop.makePromise(of: Void.self)
    halved.futureResult.assumeIsolated().whenFailure { _ in context.close(promise: nil) }
    context.close(mode: .output, promise: halved)
    wait(service.options.limits.lingerTimeout, nil, context)
  }

  private func wait(_ time: Duration, _ reason: String?, _ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
      if let reason { self.service.vitals.countRequest(status: 0, reason: reason) }
      context.close(promise: nil)
    }
  }
}
