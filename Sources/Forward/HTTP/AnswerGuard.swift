import NIOCore
import NIOHTTP1

/// Between the decoder and the client: lets through a head with a status of HTTP, its body, its end, and nothing else. The
/// decoder delivers whatever has the shape of an answer; the client takes an order of parts that it does not expect for a
/// mistake of its own, and ends the process.
final class AnswerGuard: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias InboundOut = HTTPClientResponsePart

  /// What came is no answer: the same as none.
  struct NoAnswer: Error, CustomStringConvertible {
    let description: String
  }

  private enum Place {
    case beforeHead, behindHead, over
  }

  private var place = Place.beforeHead

  /// `channel`: one that the client has set up, on its event loop.
  static func add(to channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
      try pipeline.addHandler(AnswerGuard(), position: .after(decoder))
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), place) {
    case (_, .over): return
    case (.head(let head), .beforeHead):
      switch head.status.code {
      // News of an answer that is still to come.
      case 100, 102..<200: return
      case 200...999: place = .behindHead
      case 101: return fail(context, "the far end changed to another protocol, which nobody had asked for")
      case let code: return fail(context, "an answer with the status \(code), which HTTP does not know")
      }
    case (.body, .behindHead): break
    case (.end, .behindHead): place = .beforeHead
    default: return fail(context, "the parts of an answer in an order that HTTP does not know")
    }
    context.fireChannelRead(data)
  }

  private func fail(_ context: ChannelHandlerContext, _ text: String) {
    place = .over
    context.fireErrorCaught(NoAnswer(description: text))
    context.close(promise: nil)
  }
}
