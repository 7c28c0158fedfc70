package import HummingbirdCore
package import Logging
import NIOCore
import NIOHTTP1

/// How a door's connections are set up: TLS if there is any, the HTTP/2 check, HTTP/1 with its limits, then the edge.
package enum DoorServer {
  /// An answer given without a responder: its status (0: none, the connection was closed) and the reason, if it has a name.
  package typealias Observer = @Sendable (_ status: Int, _ reason: String?) -> Void

  /// `wrongProtocol` is the line for HTTP/2 clients.
  package static func http1(
    limits: DoorLimits, wrongProtocol: String, tls: TransportSecurity? = nil, observe: @escaping Observer
  ) -> HTTPServerBuilder {
    let connections = ConnectionCount()
    return HTTPServerBuilder { responder in
      let parser = parserLimits(limits)
      let configuration = HTTP1Channel.Configuration(
        idleTimeout: TimeAmount(limits.idleTimeout),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: parser.maxHeaderFieldSize, maxHeaderListSize: parser.maxHeaderListSize,
          maxHeaderFieldCount: parser.maxHeaderFieldCount))
      return DoorChannel(
        http1: HTTP1Channel(responder: responder, configuration: configuration), limits: limits,
        wrongProtocol: wrongProtocol, tls: tls, connections: connections, observe: observe)
    }
  }

  /// The limit that makes the listen queue wait, above the one that is answered.
  package static func availability(_ limits: DoorLimits, _ logger: Logger) -> any AvailableConnectionsDelegate {
    .maximum(limits.connections + limits.excessConnections, logger: logger)
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
  let tls: TransportSecurity?
  let connections: ConnectionCount
  let observe: DoorServer.Observer

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    let number = connections.add()
    channel.closeFuture.whenComplete { _ in connections.remove() }
    return http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
      let pipeline = channel.pipeline.syncOperations
      let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let edge = EdgeHandler(limits: limits, isExcess: number > limits.connections, observe: observe)
      let clock = HeaderClock(timeout: limits.headerTimeout) { [weak edge] in edge?.headerExpired($0) }
      edge.headerClock = clock
      try pipeline.addHandler(edge, position: .after(parser))
      try pipeline.addHandler(clock, position: .first)
      let observe = observe
      let preface = PrefaceHandler(message: wrongProtocol) { observe($0, "wrong_protocol") }
      try pipeline.addHandler(preface, position: .first)
      if let tls { try pipeline.addHandler(try tls.handler(.http1), position: .first) }
      return value
    }
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async {
    await http1.handle(value: value, logger: logger)
  }
}
