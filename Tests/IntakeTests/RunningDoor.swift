import Door
import Glibc
import Intake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry
import TestSupport
import Testing

/// An OTLP/HTTP door on a port of its own, over an `ArraySink`, for the length of one test.
struct RunningDoor: Sendable {
  let port: Int
  let sink: ArraySink
  let rejects: ArrayRejects
  let budget: Budget
  let vitals: IntakeVitals
  let group: ServiceGroup

  func connect() throws -> HTTPClient { try HTTPClient(port: port) }

  /// One request on a connection of its own.
  func post(
    _ path: String = "/v1/traces", _ headers: [String: String] = ["Content-Type": "application/json"], _ body: [UInt8]
  ) async throws -> HTTPClient.Answer {
    try #require(await connect().request("POST", path, headers: headers, body: body))
  }
}

/// Keeps what would go to the reject log.
final class ArrayRejects: RejectSink {
  private let kept = Mutex<([Rejection], [UndecodableBody])>(([], []))
  var records: [Rejection] { kept.withLock { $0.0 } }
  var bodies: [UndecodableBody] { kept.withLock { $0.1 } }

  func write(_ rejections: [Rejection], door: String, signal: Signal, at: Int64) {
    kept.withLock { $0.0 += rejections }
  }

  func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64) {
    kept.withLock { $0.1.append(body) }
  }
}

/// Runs `test` against a door, then shuts the door down gracefully; returns after the last connection is closed.
func withDoor(
  budgetBytes: Int = 96 << 20, _ options: OTLPHTTPOptions = OTLPHTTPOptions(),
  _ test: @Sendable (RunningDoor) async throws -> Void
) async throws {
  let sink = ArraySink()
  let rejects = ArrayRejects()
  let budget = Budget(limitBytes: budgetBytes)
  var options = options
  options.clock = { 1_700_000_000_000_000_000 }
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let door = OTLPHTTPDoor(
    sink: sink, rejects: rejects, budget: budget, key: Array(repeating: 7, count: 32), options: options, logger: logger)
  let (ports, portIsKnown) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
  let application = door.makeApplication(address: "127.0.0.1", port: 0) { portIsKnown.yield($0) }
  let group = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
  try await withThrowingTaskGroup { tasks in
    tasks.addTask { try await group.run() }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    let running = RunningDoor(
      port: port, sink: sink, rejects: rejects, budget: budget, vitals: door.vitals, group: group)
    do {
      try await test(running)
    } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

/// A file beside the tests.
func fixture(_ name: String, file: StaticString = #filePath) throws -> [UInt8] {
  let path = "\(file)".split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Fixtures/" + name
  let handle = try #require(fopen(path, "r"), "no fixture \(path)")
  defer { fclose(handle) }
  var bytes: [UInt8] = []
  while true {
    let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { room, count in
      count = fread(room.baseAddress, 1, room.count, handle)
    }
    if piece.isEmpty { return bytes }
    bytes += piece
  }
}
