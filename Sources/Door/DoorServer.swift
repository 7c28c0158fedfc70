package import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// How a door's connections are set up: the HTTP/2 check first, then HTTP/1 with its limits, then the edge.
package enum DoorServer {
  /// `wrongProtocol` is the line for HTTP/2 clients. `observe` hears the status of each answer given without a responder.
  package static func http1(
    limits: DoorLimits, wrongProtocol: String, observe: @escaping @Sendable (Int) -> Void
  ) -> HTTPServerBuilder {
    HTTPServerBuilder { responder in
      let parser = parserLimits(limits)
      let configuration = HTTP1Channel.Configuration(
        idleTimeout: TimeAmount(limits.idleTimeout),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: parser.maxHeaderFieldSize, maxHeaderListSize: parser.maxHeaderListSize,
          maxHeaderFieldCount: parser.maxHeaderFieldCount))
      return DoorChannel(
        http1: HTTP1Channel(responder: responder, configuration: configuration), limits: limits,
        wrongProtocol: wrongProtocol, observe: observe)
    }
  }

  static func parserLimits(_ limits: DoorLimits) -> NIOHTTPDecoderLimitConfiguration {
    var parser = NIOHTTPDecoderLimitConfiguration()
    parser.maxHeaderFieldSize = limits.headerBytes
    parser.maxHeaderListSize = limits.headerBytes
    parser.maxHeaderFieldCount = limits.headerCount
    return parser
  }
}

private struct DoorChannel: ServerChildChannel {
  let http1: HTTP1Channel
  let limits: DoorLimits
  let wrongProtocol: String
  let observe: @Sendable (Int) -> Void

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
      let pipeline = channel.pipeline.syncOperations
      let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      try pipeline.addHandler(EdgeHandler(limits: limits, observe: observe), position: .after(parser))
      try pipeline.addHandler(PrefaceHandler(message: wrongProtocol, observe: observe), position: .first)
      return value
    }
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async {
    await http1.handle(value: value, logger: logger)
  }
}
