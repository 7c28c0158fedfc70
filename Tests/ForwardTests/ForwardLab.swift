import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

/// Rows, a state on disk, a far end, and the engine between them.
struct ForwardLab: Sendable {
  var records = MemoryRecords()
  var storage = MemoryStorage()
  let server: ScriptedServer
  let reports = Reports()

  final class Reports: Sendable {
    private let held = Mutex<[String]>([])
    var all: [String] { held.withLock { $0 } }
    func add(_ text: String) { held.withLock { $0.append(text) } }
  }

  init(_ script: @escaping ScriptedServer.Script = { _, _ in .ok }) async throws {
    server = try await ScriptedServer.started(script)
  }

  static func options(_ name: String = "d", _ type: DestinationType = .otlp) -> DestinationOptions {
    var options = DestinationOptions(
      name: name, type: type, endpoint: "http://127.0.0.1", filter: RecordFilter(signals: Set(Signal.allCases)))
    options.pace.records = 10
    options.pace.interval = .milliseconds(1)
    options.pace.newsInterval = .milliseconds(1)
    options.pace.retryInitial = .milliseconds(1)
    options.pace.retryMax = .milliseconds(4)
    options.start = .oldest
    return options
  }

  static func transport() -> TransportOptions {
    var transport = TransportOptions()
    transport.compression = .none
    transport.timeout = .seconds(30)
    return transport
  }

  /// Lines of ids to the server.
  func lines(
    _ name: String = "d", _ type: DestinationType = .otlp, table: AnswerTable = .otlp, to url: String? = nil,
    timeout: Duration = .seconds(30), builder: LinesBuilder.Options = LinesBuilder.Options(),
    _ change: (inout DestinationOptions) -> Void = { _ in }
  ) -> Destination {
    var options = Self.options(name, type)
    change(&options)
    let url = url ?? server.url + "/\(name)"
    var transport = Self.transport()
    transport.timeout = timeout
    return Destination(options) { [transport] _ in
      try TableCourier(url: url, table, transport)
    } builder: {
      LinesBuilder(builder)
    }
  }

  func forwarder() -> Forwarder { forwarder(storage) }

  func forwarder(_ storage: MemoryStorage) -> Forwarder {
    let reports = reports
    return Forwarder(source: records, storage: storage) { reports.add($0) }
  }

  /// Runs until the state is as wanted, then stops.
  func run(
    _ destinations: [Destination], key: String = "d/live", until isSo: @escaping @Sendable (RunState) -> Bool
  ) async throws {
    let forwarder = forwarder()
    try forwarder.start(destinations)
    await storage.until(key, isSo)
    await forwarder.stop()
  }

  func stop() async { await server.stop() }

  func state(_ key: String = "d/live") throws -> RunState { try #require(storage.state(key)) }
}
