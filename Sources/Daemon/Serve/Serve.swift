import Console
import Door
import Glibc
import Hummingbird
import Intake
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Telemetry
import UnixSignals

/// The daemon: opens the store, then the doors, serves until a signal, drains, closes.
package struct Serve: Sendable {
  private let resolved: ResolvedConfig
  private let version: String

  package init(_ resolved: ResolvedConfig, version: String) {
    self.resolved = resolved
    self.version = version
  }

  package enum Failure: Error, CustomStringConvertible {
    /// Exit 69: another daemon, no permission, a port that is taken.
    case unavailable(String)

    package var description: String {
      switch self {
      case .unavailable(let text): text
      }
    }
  }

  /// Returns after a clean stop.
  package func run() async throws {
    // Telemetry is nobody else's business, whatever the shell's umask says; a closed pipe is not a reason to die.
    umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    let config = resolved.config
    let logger = makeLogger(config)
    for warning in resolved.warnings { logger.warning("\(warning)") }
    let directory = DataDirectory(config.dataDirectory)
    let store: DataStore
    do {
      store = try DataStore(directory, config.storeOptions, report: { logger.report($0) })
    } catch {
      throw Failure.unavailable("\(error)")
    }
    defer { unlink(directory.endpoints) }
    logger.info(
      "garner starts",
      metadata: [
        "version": "\(version)", "config": "\(resolved.file ?? "none")", "data_dir": "\(directory.path)",
        "durability": "fsync before every answer", "store": "\(store.storeID)",
      ])
    do {
      try await serve(store, directory, config, logger)
    } catch {
      close(store)
      throw error
    }
    close(store)
    logger.info("garner stopped")
  }

  private func close(_ store: DataStore) {
    store.close()
    unlink(store.directory.controlSocket)
  }

  private func makeLogger(_ config: GarnerConfig) -> Logger {
    let format: LineLogHandler.Format =
      switch config.log.format {
      case .text: .text
      case .json: .json
      case .auto: isatty(2) == 1 ? .text : .json
      }
    let level = Logger.Level(rawValue: config.log.level.rawValue) ?? .info
    return Logger(label: "garner") { LineLogHandler(label: $0, level: level, format: format) }
  }

  private func serve(
    _ store: DataStore, _ directory: DataDirectory, _ config: GarnerConfig, _ logger: Logger
  ) async throws {
    let readiness = Readiness()
    readiness.set("store", ok: true, "open")
    let watch = DiskWatch(store: store, readiness: readiness)
    watch.look()
    var doors: [(name: String, address: ListenAddress)] = []
    doors.append(("otlp_http", config.listen.otlpHTTP))
    doors.append(("console", config.listen.console))
    let expected = doors.filter { $0.address != .closed }.count
    let endpoints = Endpoints(directory, expected: expected) {
      readiness.set("doors", ok: true, "\(expected) open")
      ServiceManager.notify("READY=1")
    }
    if expected == 0 { readiness.set("doors", ok: false, "all are closed by configuration") }
    for (name, address) in [("otlp_grpc", config.listen.otlpGRPC), ("udp", config.listen.udp)] where address != .closed
    {
      logger.notice("this door is not built yet and stays closed", metadata: ["door": "\(name)"])
    }
    let budget = Budget(limitBytes: Int(config.limits.inflightBytes))
    var services: [any Service] = [watch]
    // Doors log their own start in words of HTTP; ours are on standard output.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    var intakeVitals: IntakeVitals?
    if case .open(let host, let port) = config.listen.otlpHTTP {
      let rejects = RejectLog(directory: directory.rejected)
      var options = OTLPHTTPOptions()
      options.limits = config.doorLimits
      options.depthLimit = config.limits.jsonDepth
      options.recognisesDuplicates = config.dedup.window > .zero
      let door = OTLPHTTPDoor(
        sink: store.writer, rejects: rejects, budget: budget, key: try Secrets.key("receipt.key", directory),
        options: options, logger: logger)
      intakeVitals = door.vitals
      services.append(
        door.makeApplication(address: host, port: port) { port in
          endpoints.opened("otlp_http", host: host, port: port)
        })
    }
    let page = MetricsSource(store: store, intake: intakeVitals, budget: budget, version: version)
    if case .open(let host, let port) = config.listen.console {
      services.append(
        ConsoleDoor(readiness: readiness, metrics: { page.text() }).makeApplication(
          address: host, port: port, logger: quiet
        ) { port in endpoints.opened("console", host: host, port: port) })
    }
    let started = FileSystem.now()
    let report = StatusReport(directory: directory, options: store.options)
    let live = LiveStatus(store: store, readiness: readiness, started: started, version: version)
    // A socket address holds 107 bytes; a deep data directory must not keep the doors closed.
    if directory.controlSocket.utf8.count < 104 {
      services.append(
        ControlDoor(
          store: store, readiness: readiness, status: { try report.json(live) },
          importFile: { try await Importing.run($0, store) }
        ).makeApplication(directory.controlSocket, logger: quiet))
    } else {
      logger.warning(
        "the data directory's path is too long for a control socket: commands cannot reach this daemon",
        metadata: ["path": "\(directory.controlSocket)"])
    }
    services.append(DrainNotice(readiness: readiness, logger: logger))
    var group = ServiceGroupConfiguration(
      services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    group.maximumGracefulShutdownDuration = config.drain
    do {
      try await ServiceGroup(configuration: group).run()
    } catch {
      throw Failure.unavailable(Self.explain(error, config))
    }
  }

  /// NIO says "bind(descriptor:ptr:bytes:): Address already in use (errno: 98)"; people need to know whose.
  private static func explain(_ error: any Error, _ config: GarnerConfig) -> String {
    let text = "\(error)"
    if text.contains("errno: 98") || text.contains("Address already in use") {
      return
        "a port is taken: listen.otlp_http is \(config.listen.otlpHTTP.text), listen.console is \(config.listen.console.text); stop who has it, or set another address (port 0 picks one)"
    }
    return text
  }
}

extension GarnerConfig {
  var doorLimits: DoorLimits {
    var door = DoorLimits()
    door.bodyBytes = Int(limits.bodyBytes)
    door.connections = limits.connections
    door.headerBytes = Int(limits.headerBytes)
    door.bodyTimeout = limits.bodyTimeout
    door.idleTimeout = limits.idleTimeout
    return door
  }
}

/// What `/metrics` is made of.
struct MetricsSource: Sendable {
  let store: DataStore
  let intake: IntakeVitals?
  let budget: Budget
  let version: String

  func text() -> String {
    var page = MetricsPage()
    page.family("garner_build_info", .gauge, "Always 1; the version is the label.")
    page.sample("garner_build_info", [("version", version)], 1)
    if let intake { page.add(intake, budget: budget) }
    page.add(store.vitals)
    return page.text
  }
}

/// Says "not ready" the moment the stop begins, before doors close (CONFORMANCE HTTP-14).
private struct DrainNotice: Service {
  let readiness: Readiness
  let logger: Logger

  func run() async throws {
    try await gracefulShutdown()
    readiness.drain()
    ServiceManager.notify("STOPPING=1")
    logger.info("stopping: doors close, what is in flight is answered")
  }
}
