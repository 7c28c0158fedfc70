import Door
import Logging
import NIOCore
import NIOHTTP2
import NIOPosix
import ServiceLifecycle

/// The listening socket of the OTLP/gRPC door.
package struct OTLPGRPCServer: Service {
  let service: GRPCService
  let address: String
  let port: Int
  let onServerRunning: @Sendable (_ port: Int) async -> Void
  let logger: Logger

  package func run() async throws {
    let connections = GRPCConnections()
    let server = try await bootstrap(connections).bind(host: address, port: port).get()
    await onServerRunning(server.localAddress?.port ?? port)
    // Thrown when the task is cancelled instead, which ends the wait all the same.
    try? await gracefulShutdown()
    try? await server.close()
    connections.quiesce()
    await withTaskCancellationHandler {
      await connections.empty()
    } onCancel: {
      connections.closeAll()
    }
  }

  private func bootstrap(_ connections: GRPCConnections) -> ServerBootstrap {
    let (service, logger) = (service, logger)
    let most = service.options.limits.connections + service.options.limits.excessConnections
    return ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let lease = connections.add(channel), lease.number <= most else {
            service.vitals.countRequest(status: 0, reason: "too_many_connections")
            throw ChannelError.ioOnClosedChannel
          }
          let pipeline = channel.pipeline.syncOperations
          if let tls = service.options.tls { try pipeline.addHandler(try tls.handler(.http2)) }
          try pipeline.addHandler(GRPCPreface(service: service, lease: lease))
        }.flatMapErrorThrowing { error in
          logger.debug("a connection was not taken", metadata: ["door": "otlp_grpc"])
          throw error
        }
      }
  }
}
