import Door
package import Hummingbird
import Logging

extension OTLPHTTPDoor {
  /// A service that binds the address and serves until graceful shutdown. `port` 0 picks one; `onServerRunning` tells which.
  ///
  /// At shutdown it stops accepting, lets running requests finish and closes idle connections; a request still arriving is
  /// given `limits.drainTimeout`, so the whole takes no longer than that plus one `append`.
  package func makeApplication(
    address: String, port: Int, onServerRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) -> Application<OTLPHTTPDoor> {
    let vitals = vitals
    return Application(
      responder: self,
      server: DoorServer.http1(limits: options.limits, wrongProtocol: Self.wrongProtocol, tls: options.tls) {
        vitals.countRequest(status: $0, reason: $1)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(address, port: port), serverName: "garner", backlog: 1024,
        availableConnectionsDelegate: DoorServer.availability(options.limits, logger)),
      onServerRunning: { channel in await onServerRunning(channel.localAddress?.port ?? port) },
      logger: logger)
  }
}
