import Console
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Store

/// `<data>/control.sock`: HTTP and JSON for the commands that change something while the daemon holds the lock. Who may open
/// the socket (mode 0600) may do all of it.
///
/// | request | does |
/// |---|---|
/// | `GET /status` | what `garner status` shows |
/// | `GET /ready` | the body of `/readyz`, 200 or 503 |
/// | `POST /clear?before=NS&category=C` | `{"rows":…,"files":…}` |
/// | `POST /settle` | retires and settles what landed |
/// | `POST /maintain` | looks at retention now |
/// | `POST /import?path=P` | `{"records":…,…}` |
struct ControlDoor: HTTPResponder {
  typealias Context = BasicRequestContext

  let store: DataStore
  let readiness: Readiness
  let status: @Sendable () throws -> String
  let importFile: @Sendable (String) async throws -> String

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    do {
      let parameters = request.uri.queryParameters
      switch (request.method, request.uri.path) {
      case (.get, "/status"):
        let text = try await blocking { try status() }
        return Self.json(.ok, text)
      case (.get, "/ready"):
        return Self.json(readiness.isReady ? .ok : .serviceUnavailable, readiness.json())
      case (.post, "/clear"):
        let clearing = Clearing(
          before: parameters["before"].flatMap { Int64($0) }, category: parameters["category"].map(String.init))
        let outcome = try await blocking { try store.clear(clearing) }
        return Self.json(.ok, "{\"rows\":\(outcome.rows),\"files\":\(outcome.files)}")
      case (.post, "/settle"):
        try await blocking { store.settleAll() }
        return Self.json(.ok, "{}")
      case (.post, "/maintain"):
        try await blocking { store.maintainNow() }
        return Self.json(.ok, "{}")
      case (.post, "/import"):
        guard let path = parameters["path"] else { return Self.json(.badRequest, "{\"error\":\"path is missing\"}") }
        return Self.json(.ok, try await importFile(String(path)))
      default:
        return Self.json(.notFound, "{\"error\":\"no such command\"}")
      }
    } catch {
      return Self.json(.internalServerError, "{\"error\":\(JSONText.quoted("\(error)"))}")
    }
  }

  private static func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
  }

  /// Store calls block for a settling or two: not on the cooperative pool, which has a thread a core.
  private func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      BlockingWork.run { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  func makeApplication(_ path: String, logger: Logger) -> Application<ControlDoor> {
    unlink(path)
    return Application(
      responder: self, configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path)),
      onServerRunning: { _ in _ = chmod(path, 0o600) }, logger: logger)
  }
}
