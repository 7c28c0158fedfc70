import Door
import Glibc
import Intake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A door of OTLP on a port of its own, over an `ArraySink`, for the length of one test.
struct RunningDoor: Sendable {
  let port: Int
  let sink: ArraySink
  let rejects: ArrayRejects
  let budget: Budget
  let vitals: IntakeVitals
  let group: ServiceGroup

  func connect() throws -> HTTPClient { try HTTPClient(port: port) }

  func connectGRPC() async throws -> GRPCClient { try await GRPCClient.connect(port) }

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

  func write(_ rejections: [Rejection], rest: [Rejection.Rest], door: String, signal: Signal, at: Int64) {
    kept.withLock { $0.0 += rejections }
  }

  func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64) {
    kept.withLock { $0.1.append(body) }
  }
}

/// What a door is made of in a test.
struct DoorParts {
  var sink: ArraySink
  var rejects = ArrayRejects()
  var budget: Budget
  var options: OTLPDoorOptions
  var logger: Logger

  init(_ sink: ArraySink, _ budgetBytes: Int, _ options: OTLPDoorOptions) {
    self.sink = sink
    budget = Budget(limitBytes: budgetBytes)
    self.options = options
    logger = Logger(label: "test")
    logger.logLevel = .critical
  }

  static let key = [UInt8](repeating: 7, count: 32)

  /// Runs `test` against the service, then shuts it down gracefully; returns after the last connection is closed.
  func run(
    _ vitals: IntakeVitals, _ service: (@escaping @Sendable (Int) -> Void) -> any Service,
    _ test: @Sendable (RunningDoor) async throws -> Void
  ) async throws {
    let (ports, portIsKnown) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: service { portIsKnown.yield($0) })], logger: logger))
    try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      let running = RunningDoor(
        port: port, sink: sink, rejects: rejects, budget: budget, vitals: vitals, group: group)
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
}

/// An OTLP/HTTP door.
func withDoor(
  budgetBytes: Int = 96 << 20, _ options: OTLPDoorOptions = OTLPDoorOptions(),
  _ test: @Sendable (RunningDoor) async throws -> Void
) async throws {
  var options = options
  options.clock = { 1_700_000_000_000_000_000 }
  let parts = DoorParts(ArraySink(), budgetBytes, options)
  let door = OTLPHTTPDoor(
    sink: parts.sink, rejects: parts.rejects, budget: parts.budget, key: DoorParts.key, options: options,
    logger: parts.logger)
  try await parts.run(door.vitals, { door.makeApplication(address: "127.0.0.1", port: 0, onServerRunning: $0) }, test)
}

/// An OTLP/gRPC door.
func withGRPCDoor(
  budgetBytes: Int = 96 << 20, sink: ArraySink = ArraySink(), _ change: (inout OTLPDoorOptions) -> Void = { _ in },
  _ test: @Sendable (RunningDoor) async throws -> Void
) async throws {
  var options = OTLPDoorOptions()
  options.clock = { 1_700_000_000_000_000_000 }
  change(&options)
  let parts = DoorParts(sink, budgetBytes, options)
  let door = OTLPGRPCDoor(
    sink: parts.sink, rejects: parts.rejects, budget: parts.budget, key: DoorParts.key, options: options,
    logger: parts.logger)
  try await parts.run(door.vitals, { door.makeServer(address: "127.0.0.1", port: 0, onServerRunning: $0) }, test)
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
