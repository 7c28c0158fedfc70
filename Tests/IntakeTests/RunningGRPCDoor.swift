import Door
import Intake
import Logging
import ServiceLifecycle
import TestSupport
import Testing

/// An OTLP/gRPC door on a port of its own, over an `ArraySink`, for the length of one test.
struct RunningGRPCDoor: Sendable {
  let port: Int
  let sink: ArraySink
  let rejects: ArrayRejects
  let budget: Budget
  let vitals: IntakeVitals
  let group: ServiceGroup

  func connect() async throws -> GRPCClient { try await GRPCClient.connect(port) }
}

/// Runs `test` against a door, then shuts the door down gracefully; returns after the last connection is closed.
func withGRPCDoor(
  budgetBytes: Int = 96 << 20, sink: ArraySink = ArraySink(), _ change: (inout OTLPGRPCOptions) -> Void = { _ in },
  _ test: @Sendable (RunningGRPCDoor) async throws -> Void
) async throws {
  let rejects = ArrayRejects()
  let budget = Budget(limitBytes: budgetBytes)
  var options = OTLPGRPCOptions()
  options.clock = { 1_700_000_000_000_000_000 }
  change(&options)
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let door = OTLPGRPCDoor(
    sink: sink, rejects: rejects, budget: budget, key: Array(repeating: 7, count: 32), options: options, logger: logger)
  let (ports, portIsKnown) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
  let server = door.makeServer(address: "127.0.0.1", port: 0) { portIsKnown.yield($0) }
  let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
  try await withThrowingTaskGroup { tasks in
    tasks.addTask { try await group.run() }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    let running = RunningGRPCDoor(
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
