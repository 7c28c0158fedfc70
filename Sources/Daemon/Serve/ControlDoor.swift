import Console
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Store
import Wire

/// `<data>/control.sock`: HTTP and JSON for the commands that change something while the daemon holds the lock. Who may open
/// the socket (mode 0600) may do all of it.
///
/// | request | does |
/// |---|---|
/// | `GET /status` | what `garner status` shows |
/// | `GET /sources` | what `garner sources` shows, an array of objects |
/// | `GET /ready` | the body of `/readyz`, 200 or 503 |
/// | `POST /clear?before=NS&category=C` | `{"rows":…,"files":…}` |
/// | `POST /repair/context` | `{"rows":…,"files":…}` |
/// | `POST /settle` | retires and settles what landed |
/// | `POST /maintain` | looks at retention now |
/// | `POST /check?path=P` | reads a settled file through, and sets it aside when it is damaged |
/// | `POST /-/reload` | reads the configuration again; 400 and its faults when there are any |
/// | `GET /forward/status`, `POST /forward/{pause,resume,skip,replay,cancel,test}` | see `ForwardControl` |
/// | `POST /import?path=P&again=1&sidecar=JSON` | `{"received":…,…}` |
struct ControlDoor: HTTPResponder {
  typealias Context = BasicRequestContext

  let store: DataStore
  let readiness: Readiness
  let status: @Sendable () throws -> String
  let sources: @Sendable () throws -> String
  let reloader: Reloader
  let forward: ForwardControl
  let importFile: @Sendable (String, ImportOptions) async throws -> String

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    do {
      let parameters = request.uri.queryParameters
      if request.uri.path.hasPrefix("/forward/") { return try await forwarded(request) }
      switch (request.method, request.uri.path) {
      case (.get, "/status"):
        let text = try await blocking { try status() }
        return Self.json(.ok, text)
      case (.get, "/sources"):
        let text = try await blocking { try sources() }
        return Self.json(.ok, text)
      case (.post, "/repair/context"):
        let outcome = try await blocking { try store.repairContext() }
        return Self.json(.ok, "{\"rows\":\(outcome.rows),\"files\":\(outcome.files)}")
      case (.post, "/accept"):
        let isNews = try await blocking { try store.acceptState() }
        return Self.json(.ok, "{\"accepted\":\(isNews)}")
      case (.get, "/ready"):
        return Self.json(readiness.isReady ? .ok : .serviceUnavailable, readiness.json())
      case (.post, "/clear"):
        let clearing = Clearing(
          before: parameters["before"].flatMap { Int64($0) }, category: parameters["category"].map(String.init))
        let outcome = try await blocking { try store.clear(clearing) }
        return Self.json(.ok, "{\"rows\":\(outcome.rows),\"files\":\(outcome.files)}")
      case (.post, "/settle"):
        try await blocking { if let failure = store.settleAll() { throw failure } }
        return Self.json(.ok, "{}")
      case (.post, "/maintain"):
        try await blocking { store.maintainNow() }
        return Self.json(.ok, "{}")
      case (.post, "/check"):
        guard let path = parameters["path"] else { return Self.json(.badRequest, "{\"error\":\"path is missing\"}") }
        let isOurs = try await blocking { try store.check(String(path)) }
        return Self.json(isOurs ? .ok : .notFound, "{}")
      case (.post, "/-/reload"):
        let answer = try await blocking { reloader.reload() }
        return Self.json(answer.isDone ? .ok : .badRequest, answer.json)
      case (.post, "/import"):
        guard let path = parameters["path"] else { return Self.json(.badRequest, "{\"error\":\"path is missing\"}") }
        var options = ImportOptions()
        options.again = parameters["again"] == "1"
        options.keep = parameters["keep"].flatMap { Int64($0) }
        if let sidecar = parameters["sidecar"] {
          options.sidecar = try Array(String(sidecar).utf8).withUnsafeBytes { try FileSidecar(json: $0) }
        }
        return Self.json(.ok, try await importFile(String(path), options))
      default:
        return Self.json(.notFound, "{\"error\":\"no such command\"}")
      }
    } catch let error as ImportError where error.kind != .storage {
      return Self.json(.badRequest, "{\"error\":\(JSONText.quoted("\(error)"))}")
    } catch {
      return Self.json(.internalServerError, "{\"error\":\(JSONText.quoted("\(error)"))}")
    }
  }

  private func forwarded(_ request: Request) async throws -> Response {
    let verb = String(request.uri.path.dropFirst("/forward/".count))
    var parameters: [String: String] = [:]
    for (name, value) in request.uri.queryParameters { parameters[String(name)] = String(value) }
    let answer = await forward.answer(verb, parameters)
    return Self.json(HTTPResponse.Status(code: answer.status), answer.body)
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
