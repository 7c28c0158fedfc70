import Door
import Intake
import Logging
import ServiceLifecycle
import Store

/// The UDP door as one of the daemon's services.
struct UDPService: Service {
  let door: UDPDoor<LandingWriter, RejectLog>
  /// Called once packets are received.
  let opened: @Sendable (Int) -> Void

  /// Opens the sockets. Throws what keeps the port from being opened, or the state of the streams from being read.
  init(
    host: String, port: Int, store: DataStore, rejects: RejectLog, credentials: CredentialBook, protector: Protector,
    config: GarnerConfig, logger: Logger,
    opened: @escaping @Sendable (Int) -> Void
  ) throws {
    var options = UDPOptions(config)
    options.protector = protector
    door = try UDPDoor(
      host: host, port: port, sink: store.writer, rejects: rejects, credentials: credentials,
      key: try Secrets.key("receipt.key", store.directory),
      marks: try store.marks(prefix: UDPMarks.prefix), options: options, logger: logger)
    self.opened = opened
  }

  func run() async throws {
    opened(door.port)
    // Cancelled when another service fails, e.g. a door whose port is taken.
    await withTaskCancellationOrGracefulShutdownHandler {
      await door.run()
    } onCancelOrGracefulShutdown: {
      door.stop()
    }
  }
}

extension UDPOptions {
  init(_ config: GarnerConfig) {
    self.init()
    allowUnsigned = config.udp.allowUnsigned.compactMap { UDPNetwork($0) }
    takesUnsignedFromLoopback = config.auth.anonymous != .nowhere
    maxSkewNanoseconds = config.udp.maxSkew.wholeNanoseconds
    silentAfterNanoseconds = config.udp.silentAfter.wholeNanoseconds
    depthLimit = config.limits.jsonDepth
  }
}

extension Duration {
  /// Clamped to 292 years.
  var wholeNanoseconds: Int64 {
    let (seconds, over) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return over ? .max : seconds.addingReportingOverflow(components.attoseconds / 1_000_000_000).partialValue
  }
}
