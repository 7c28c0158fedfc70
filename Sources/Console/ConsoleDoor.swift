package import Door
import HTTPTypes
package import Hummingbird
package import Logging

/// Health and metrics over HTTP: `/healthz` `/health` `/readyz` `/ready` `/metrics` (R144–R146).
package struct ConsoleDoor: HTTPResponder {
  package typealias Context = DoorContext

  private let readiness: Readiness
  private let metrics: @Sendable () -> String

  package init(readiness: Readiness, metrics: @escaping @Sendable () -> String) {
    self.readiness = readiness
    self.metrics = metrics
  }

  package func respond(to request: Request, context: DoorContext) async throws -> Response {
    guard request.method == .get || request.method == .head else {
      var response = Self.text(.methodNotAllowed, "only GET is served here\n")
      response.headers[.allow] = "GET, HEAD"
      return response
    }
    var response =
      switch request.uri.path {
      case "/healthz", "/health": Self.json(.ok, "{\"status\":\"ok\"}")
      case "/readyz", "/ready": Self.json(readiness.isReady ? .ok : .serviceUnavailable, readiness.json())
      case "/metrics":
        Self.body(.ok, "text/plain; version=0.0.4; charset=utf-8", metrics())
      case "/": Self.text(.ok, "Garner. Here are /healthz, /readyz and /metrics.\n")
      default: Self.text(.notFound, "no such page: here are /healthz, /readyz and /metrics\n")
      }
    if request.method == .head { response.body = ResponseBody() }
    return response
  }

  private static func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
    body(status, "application/json", text)
  }

  private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
    body(status, "text/plain; charset=utf-8", text)
  }

  private static func body(_ status: HTTPResponse.Status, _ type: String, _ text: String) -> Response {
    Response(
      status: status, headers: [.contentType: type, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  package func makeApplication(
    address: String, port: Int, limits: DoorLimits = DoorLimits(), logger: Logger,
    onServerRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) -> Application<ConsoleDoor> {
    Application(
      responder: self,
      server: DoorServer.http1(limits: limits, wrongProtocol: "this port speaks HTTP/1.1") { _ in },
      configuration: ApplicationConfiguration(
        address: .hostname(address, port: port), serverName: "garner",
        availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
      onServerRunning: { channel in await onServerRunning(channel.localAddress?.port ?? port) },
      logger: logger)
  }
}
