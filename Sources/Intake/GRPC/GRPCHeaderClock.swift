import Door
import NIOCore

/// Somebody sends a header block in many frames and takes his time: the HTTP/2 handler collects them and tells nobody. This
/// one goes from frame head to frame head, and starts a clock while a block is not whole.
///
/// ```
/// length (24) | type (8) | flags (8) | stream (32) | payload …
/// ```
final class GRPCHeaderClock: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Told to all behind it.
  struct Expired: Sendable {}

  private static let headers: UInt8 = 1
  private static let continuation: UInt8 = 9
  private static let endsHeaders: UInt8 = 4
  private static let headBytes = 9

  private let limit: TimeAmount
  private var timer: Scheduled<Void>?
  /// Bytes of the preface or of a payload that are still to come.
  private var left: Int
  private var head: [UInt8] = []
  private var isOpen = false
  /// The block ends with the payload that is being passed.
  private var endsHere = false

  /// `skipping`: bytes before the first frame.
  init(_ limit: Duration, skipping: Int) {
    self.limit = TimeAmount(limit)
    left = skipping
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop() }

  func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unwrapInboundIn(data).withUnsafeReadableBytes { look($0) }
    if isOpen && timer == nil { start(context) }
    context.fireChannelRead(data)
  }

  private func look(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    while at < bytes.count {
      if left > 0 {
        let passed = min(left, bytes.count - at)
        left -= passed
        at += passed
        if left == 0 { payloadEnded() }
        continue
      }
      head.append(bytes[at])
      at += 1
      if head.count == Self.headBytes { frameBegan() }
    }
  }

  private func frameBegan() {
    left = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
    let isBlock = head[3] == Self.headers || head[3] == Self.continuation
    endsHere = isBlock && head[4] & Self.endsHeaders != 0
    head.removeAll(keepingCapacity: true)
    if isBlock { isOpen = true }
    if left == 0 { payloadEnded() }
  }

  private func payloadEnded() {
    if endsHere { stop() }
    endsHere = false
  }

  /// Nearly always a block comes in one piece, and none is needed.
  private func start(_ context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
      context.fireUserInboundEventTriggered(Expired())
    }
  }

  private func stop() {
    isOpen = false
    timer?.cancel()
    timer = nil
  }
}
