package import Door
import HTTPTypes
package import Hummingbird
package import Logging
import Wire

/// Health and metrics over HTTP: `/healthz` `/health` `/readyz` `/ready` `/metrics` (R144–R146).
///
/// Health is told to anyone, for probes have no token; all else asks the gate.
package struct ConsoleDoor: HTTPResponder {
  package typealias Context = DoorContext

  private let readiness: Readiness
  private let gate: Gate
  private let metrics: @Sendable () async -> String
  private let reload: Reload?
  private let received: Received?

  /// A page of received metrics by its path and what the reader accepts; nil: there is none of this path.
  package typealias Received =
    @Sendable (_ path: String, _ accept: String) -> (body: [UInt8], contentType: String)?

  /// Reads the configuration again: whether it could, and JSON that says what came of it.
  package typealias Reload = @Sendable () async -> (isDone: Bool, json: String)

  package init(
    readiness: Readiness, gate: Gate = .open, metrics: @escaping @Sendable () async -> String,
    received: Received? = nil,
    reload: Reload? = nil
  ) {
    self.reload = reload
    self.received = received
    self.readiness = readiness
    self.gate = gate
    self.metrics = metrics
  }

  package func respond(to request: Request, context: DoorContext) async throws -> Response {
    if request.method == .post, request.uri.path == ReloadRequest.path, let reload {
      return await reloaded(request, reload)
    }
    guard request.method == .get || request.method == .head else {
      var response = Self.text(.methodNotAllowed, "only GET is served here\n")
      response.headers[.allow] = "GET, HEAD"
      return response
    }
    let response =
      switch request.uri.path {
      case "/healthz", "/health": Self.json(.ok, "{\"status\":\"ok\"}")
      case "/readyz", "/ready": Self.json(readiness.isReady ? .ok : .serviceUnavailable, readiness.json())
      case "/metrics":
        await guarded(request) { Self.body(.ok, "text/plain; version=0.0.4; charset=utf-8", await metrics()) }
      case "/": Self.text(.ok, "Garner. Here are /healthz, /readyz and /metrics.\n")
      case let path:
        if let page = received?(path, request.headers[.accept] ?? "") {
          await guarded(request) { Self.page(page.body, page.contentType, packed: request.headers.acceptsGzip) }
        } else {
          Self.text(.notFound, "no such page: here are /healthz, /readyz and /metrics\n")
        }
      }
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func reloaded(_ request: Request, _ reload: Reload) async -> Response {
    guard ReloadRequest.isFromHere(request.head) else {
      return Self.json(.forbidden, "{\"error\":\"a page of another origin may not do this\"}")
    }
    do throws(DoorError) {
      _ = try gate.check(authorization: request.headers[.authorization], certificate: nil, for: .admin)
    } catch {
      return error.response(in: .json)
    }
    let answer = await reload()
    return Self.json(answer.isDone ? .ok : .badRequest, answer.json + "\n")
  }

  private func guarded(_ request: Request, _ page: () async -> Response) async -> Response {
    do throws(DoorError) {
      _ = try gate.check(authorization: request.headers[.authorization], certificate: nil, for: .read)
    } catch {
      return error.response(in: .json)
    }
    return await page()
  }

  private static func page(_ body: [UInt8], _ contentType: String, packed: Bool) -> Response {
    var headers: HTTPFields = [
      .contentType: contentType, .cacheControl: "no-store", .vary: "Accept, Accept-Encoding",
    ]
    var body = body
    if packed, let gzip = Deflater.gzip(body) {
      headers[.contentEncoding] = "gzip"
      body = gzip
    }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
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
    address: String, port: Int, limits: DoorLimits = DoorLimits(), tls: TransportSecurity? = nil, logger: Logger,
    onServerRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) -> Application<ConsoleDoor> {
    Application(
      responder: self,
      server: DoorServer.http1(limits: limits, wrongProtocol: "this port speaks HTTP/1.1", tls: tls) { _, _ in },
      configuration: ApplicationConfiguration(
        address: .hostname(address, port: port), serverName: "garner",
        availableConnectionsDelegate: DoorServer.availability(limits, logger)),
      onServerRunning: { channel in await onServerRunning(channel.localAddress?.port ?? port) },
      logger: logger)
  }
}
