import NIOCore

/// When the first byte of a head came in: the parser behind this handler speaks only of whole heads, and a sender that
/// dribbles one would never be seen.
final class HeaderClock: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let timeout: TimeAmount
  private let expired: (ChannelHandlerContext) -> Void
  private var timer: Scheduled<Void>?

  /// Between the end of a request and the head of the next; set by whoever sees the heads.
  var awaitsHead = true {
    didSet {
      if !awaitsHead {
        timer?.cancel()
        timer = nil
      }
    }
  }

  init(timeout: Duration, expired: @escaping (ChannelHandlerContext) -> Void) {
    self.timeout = TimeAmount(timeout)
    self.expired = expired
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if awaitsHead && timer == nil {
      timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
        self.timer = nil
        self.expired(context)
      }
    }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop() }

  private func stop() {
    timer?.cancel()
    timer = nil
  }
}
