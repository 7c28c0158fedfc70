import NIOCore
import NIOSSL
import Synchronization

/// What TLS had against the newest connection of a gRPC client. The client tells only that there is none; and under TLS
/// 1.3 a server refuses a certificate, or the lack of one, after the handshake.
final class Handshakes: Sendable {
  private let newest = Mutex<String?>(nil)

  /// Nil: nothing.
  var fault: String? { newest.withLock { $0 } }

  /// `channel`: a connection that is about to be made.
  func watch(_ channel: any Channel) -> EventLoopFuture<Void> {
    newest.withLock { $0 = nil }
    return channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(Listener(self), position: .after(pipeline.handler(type: NIOSSLClientHandler.self)))
    }
  }

  /// Whether it is TLS that failed, and not the connection below it.
  static func isFault(_ error: any Error) -> Bool {
    if case .uncleanShutdown? = error as? NIOSSLError { return false }
    return error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
  }

  private final class Listener: ChannelInboundHandler {
    typealias InboundIn = Any
    private let handshakes: Handshakes

    init(_ handshakes: Handshakes) { self.handshakes = handshakes }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if Handshakes.isFault(error) { handshakes.newest.withLock { $0 = $0 ?? "\(error)" } }
      context.fireErrorCaught(error)
    }
  }
}
