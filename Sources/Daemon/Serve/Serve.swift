import Console
import Door
import Forward
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
  private let reread: @Sendable () throws(ConfigError) -> ResolvedConfig

  /// `reread`: the configuration as files, environment and flags tell it now, for a reload.
  package init(
    _ resolved: ResolvedConfig, version: String,
    reread: @escaping @Sendable () throws(ConfigError) -> ResolvedConfig
  ) {
    self.resolved = resolved
    self.version = version
    self.reread = reread
  }

  package enum Failure: Error, CustomStringConvertible {
    /// Exit 69: another daemon, no permission, a port that is taken.
    case unavailable(String)
    /// Exit 74: the data directory was taken away.
    case inputOutput(String)

    package var description: String {
      switch self {
      case .unavailable(let text), .inputOutput(let text): text
      }
    }
  }

  /// Returns after a clean stop.
  package func run() async throws {
    // Telemetry is nobody else's business, whatever the shell's umask says; a closed pipe is not a reason to die.
    umask(0o077)
    // A core would hold the texts that privacy keeps off the disk.
    var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
    signal(SIGPIPE, SIG_IGN)
    let config = resolved.config
    let threshold = LogThreshold(Self.level(config))
    let logger = makeLogger(config, threshold)
    for warning in resolved.warnings { logger.warning("\(warning)") }
    let directory = DataDirectory(config.dataDirectory)
    let credentials = try CredentialBook(tokensFile: config.tokensFile, udpKeysFile: config.udpKeysFile)
    var options = config.storeOptions
    options.isOwned = { credentials.owns(source: $0) }
    // Before there is a database: one without the key would look like a store whose key was lost. What goes wrong here is
    // told where the key is wanted.
    try? FileSystem.createFolders(directory.keys)
    _ = try? Protector(config, now: FileSystem.now())
    let store: DataStore
    do {
      store = try DataStore(directory, options, report: { logger.report($0) })
    } catch {
      throw Failure.unavailable("\(error)")
    }
    defer { if store.isInPlace { unlink(directory.endpoints) } }
    logger.info(
      "garner starts",
      metadata: [
        "version": "\(version)", "config": "\(resolved.file ?? "none")", "data_dir": "\(directory.path)",
        "durability": "fsync before every answer", "store": "\(store.storeID)",
      ])
    do {
      try await serve(store, directory, config, credentials, logger, threshold)
    } catch {
      close(store)
      throw error
    }
    close(store)
    logger.info("garner stopped")
  }

  private func close(_ store: DataStore) {
    store.close()
    if store.isInPlace { unlink(store.directory.controlSocket) }
  }

  private static func level(_ config: GarnerConfig) -> Logger.Level {
    Logger.Level(rawValue: config.log.level.rawValue) ?? .info
  }

  private func makeLogger(_ config: GarnerConfig, _ threshold: LogThreshold) -> Logger {
    let format: LineLogHandler.Format =
      switch config.log.format {
      case .text: .text
      case .json: .json
      case .auto: isatty(2) == 1 ? .text : .json
      }
    return Logger(label: "garner") { LineLogHandler(label: $0, threshold: threshold, format: format) }
  }

  private func serve(
    _ store: DataStore, _ directory: DataDirectory, _ config: GarnerConfig, _ credentials: CredentialBook,
    _ logger: Logger, _ threshold: LogThreshold
  ) async throws {
    let readiness = Readiness()
    readiness.set("store", ok: true, "open")
    let watch = DiskWatch(store: store, readiness: readiness, logger: logger)
    watch.look()
    var doors: [(name: String, address: ListenAddress)] = []
    doors.append(("otlp_http", config.listen.otlpHTTP))
    doors.append(("otlp_grpc", config.listen.otlpGRPC))
    doors.append(("udp", config.listen.udp))
    doors.append(("console", config.listen.console))
    let expected = doors.filter { $0.address != .closed }.count
    let isOutputTaken = config.destinations.contains { $0.type == .stdout }
    let endpoints = Endpoints(directory, expected: expected, isOutputTaken: isOutputTaken) {
      readiness.set("doors", ok: true, "\(expected) open")
      ServiceManager.notify("READY=1")
    }
    if expected == 0 { readiness.set("doors", ok: false, "all are closed by configuration") }
    let budget = Budget(limitBytes: Int(config.limits.inflightBytes))
    let protector = try Protector(config, now: FileSystem.now())
    let pseudonymKeys = PseudonymKeyCheck(credentials: credentials, protector: protector, logger: logger)
    pseudonymKeys.look()
    let tls = try config.tlsFiles.map { try TransportSecurity($0) }
    let rejects = RejectLog(directory: directory.rejected) { store.currentOptions.rejectedDayBytes }
    var udp: UDPService?
    if case .open(let host, let port) = config.listen.udp {
      do {
        udp = try UDPService(
          host: host, port: port, store: store, rejects: rejects, credentials: credentials, protector: protector,
          config: config, logger: logger
        ) { port in endpoints.opened("udp", host: host, port: port) }
      } catch {
        throw Failure.unavailable("listen.udp, \(config.listen.udp.text): \(error)")
      }
    }
    let forward = try forwarding(store, config, protector, logger)
    let reloader = Reloader(config, logger: logger, read: reread) { [figures = udp?.door] config in
      forward.reconfigure(config)
      threshold.level = Self.level(config)
      budget.resize(to: Int(config.limits.inflightBytes))
      store.reconfigure(config.storeOptions)
      figures?.reconfigure(UDPOptions(config))
      do {
        try protector.reload(config)
        pseudonymKeys.look()
      } catch {
        logger.error("the privacy rules stay as they were", metadata: ["fault": "\(error)"])
      }
    }
    let watches: [any Service] = [
      CredentialWatch(book: credentials, tls: tls, pseudonymKeys: pseudonymKeys, logger: logger),
      ReloadSignal(reloader: reloader),
    ]
    // Console and control socket. Services stop from the last to the first: these stand before the doors, to stop after
    // them. While what is in flight is answered, `/readyz` says that the daemon drains (CONFORMANCE HTTP-14).
    var lookouts: [any Service] = []
    // Before the doors, so that it stops after them.
    var services: [any Service] = [forward]
    // Doors log their own start in words of HTTP; ours are on standard output.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    var intakeVitals: [IntakeVitals] = []
    let storage = DoorStorage(writer: store.writer)
    let spans = config.selfTelemetry.traces ? SelfSpans() : nil
    if case .open(let host, let port) = config.listen.otlpHTTP {
      let options = OTLPDoorOptions(
        config, gate: Gate(credentials, admitsAnonymous: config.admitsAnonymous(config.listen.otlpHTTP)), tls: tls,
        protector: protector, storeID: store.storeID, spans: spans)
      let door = OTLPHTTPDoor(
        sink: storage, rejects: rejects, budget: budget, key: try Secrets.key("receipt.key", directory),
        options: options, logger: logger)
      intakeVitals.append(door.vitals)
      services.append(
        door.makeApplication(address: host, port: port) { port in
          endpoints.opened("otlp_http", host: host, port: port)
        })
    }
    if case .open(let host, let port) = config.listen.otlpGRPC {
      let options = OTLPDoorOptions(
        config, gate: Gate(credentials, admitsAnonymous: config.admitsAnonymous(config.listen.otlpGRPC)), tls: tls,
        protector: protector, storeID: store.storeID, spans: spans)
      let door = OTLPGRPCDoor(
        sink: storage, rejects: rejects, budget: budget, key: try Secrets.key("receipt.key", directory),
        options: options, logger: logger)
      intakeVitals.append(door.vitals)
      services.append(
        door.makeServer(address: host, port: port) { port in
          endpoints.opened("otlp_grpc", host: host, port: port)
        })
    }
    if let udp { services.append(udp) }
    let drop: DropService
    do {
      drop = try DropService(store: store, rejects: rejects, protector: protector, config: config, logger: logger)
    } catch {
      throw Failure.unavailable("the drop folder: \(error)")
    }
    services.append(drop)
    let page = MetricsSource(
      forward: forward, drop: drop.door.vitals, store: store, intake: intakeVitals, udp: udp?.door,
      privacy: protector.vitals, rejects: rejects, budget: budget,
      version: version)
    if config.selfTelemetry.traces || config.selfTelemetry.metrics {
      var figures: (@Sendable () async -> String)?
      if config.selfTelemetry.metrics { figures = { await page.text() } }
      services.append(
        SelfTelemetry(
          sink: storage, protector: protector, spans: spans, page: figures, version: version, store: store.storeID,
          logger: logger, started: FileSystem.now()))
    }
    if case .open(let host, let port) = config.listen.console {
      lookouts.append(
        ConsoleDoor(
          readiness: readiness,
          gate: Gate(credentials, admitsAnonymous: config.admitsAnonymous(config.listen.console)),
          metrics: { await page.text() },
          received: forward.page,
          reload: {
            await withCheckedContinuation { done in
              BlockingWork.run {
                let answer = reloader.reload()
                done.resume(returning: (answer.isDone, answer.json))
              }
            }
          }
        ).makeApplication(
          address: host, port: port, limits: config.doorLimits, tls: tls, logger: quiet
        ) { port in endpoints.opened("console", host: host, port: port) })
    }
    let figures = udp?.door
    let sources: @Sendable () throws -> String = {
      let live = SourcesReport.Live(
        rates: store.vitals.rates.perSecond(now: FileSystem.now()), udp: figures?.figures())
      return try SourcesReport(directory, config: config, credentials: credentials, live: live).json()
    }
    let started = FileSystem.now()
    let live = LiveStatus(store: store, readiness: readiness, started: started, version: version)
    // A socket address holds 107 bytes; a deep data directory must not keep the doors closed.
    if directory.controlSocket.utf8.count < 104 {
      lookouts.append(
        ControlDoor(
          store: store, readiness: readiness,
          status: { try StatusReport(directory: directory, options: store.currentOptions).json(live) },
          sources: sources,
          reloader: reloader,
          forward: forward.control,
          importFile: { path, given in
            var options = given
            options.protector = protector
            return try await Importing.run(path, store, options)
          }
        ).makeApplication(store.controlSocket, logger: quiet))
    } else {
      logger.warning(
        "the data directory's path is too long for a control socket: commands cannot reach this daemon",
        metadata: ["path": "\(directory.controlSocket)"])
    }
    services.append(DrainNotice(readiness: readiness, logger: logger))
    // What is in flight is still answered when the watch gives up.
    let watched = ServiceGroupConfiguration.ServiceConfiguration(
      service: watch, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
    var group = ServiceGroupConfiguration(
      services: [watched]
        + (watches + lookouts + services).map {
          .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
        },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    group.maximumGracefulShutdownDuration = config.drain
    do {
      try await ServiceGroup(configuration: group).run()
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure.unavailable(Self.explain(error, config))
    }
  }

  private func forwarding(
    _ store: DataStore, _ config: GarnerConfig, _ protector: Protector, _ logger: Logger
  ) throws -> ForwardService {
    do {
      return try ForwardService(store: store, config: config, protector: protector, version: version, logger: logger)
    } catch {
      throw Failure.unavailable("\(error)")
    }
  }

  /// NIO says "bind(descriptor:ptr:bytes:): Address already in use (errno: 98)"; people need to know whose.
  private static func explain(_ error: any Error, _ config: GarnerConfig) -> String {
    let text = "\(error)"
    if text.contains("errno: 98") || text.contains("Address already in use") {
      return
        "a port is taken: listen.otlp_http is \(config.listen.otlpHTTP.text), "
        + "listen.otlp_grpc is \(config.listen.otlpGRPC.text), listen.console is \(config.listen.console.text); "
        + "stop who has it, or set another address (port 0 picks one)"
    }
    return text
  }
}

extension OTLPDoorOptions {
  /// What all doors of OTLP have in common.
  init(
    _ config: GarnerConfig, gate: Gate, tls: TransportSecurity?, protector: Protector, storeID: String,
    spans: SelfSpans?
  ) {
    self.init()
    self.storeID = storeID
    self.spans = spans
    limits = config.doorLimits
    self.gate = gate
    self.tls = tls
    depthLimit = config.limits.jsonDepth
    self.protector = protector
    recognisesDuplicates = config.dedup.window > .zero
  }
}

extension GarnerConfig {
  var doorLimits: DoorLimits {
    var door = DoorLimits()
    door.bodyBytes = Int(limits.bodyBytes)
    door.connections = limits.connections
    door.headerBytes = Int(limits.headerBytes)
    door.headerTimeout = limits.headerTimeout
    door.bodyTimeout = limits.bodyTimeout
    door.idleTimeout = limits.idleTimeout
    return door
  }
}

/// What `/metrics` is made of.
struct MetricsSource: Sendable {
  let forward: ForwardService
  let drop: DropVitals
  let store: DataStore
  let intake: [IntakeVitals]
  let udp: UDPDoor<LandingWriter, RejectLog>?
  let privacy: PrivacyVitals
  let rejects: RejectLog
  let budget: Budget
  let version: String

  /// Some of it is read from files.
  func text() async -> String {
    await withCheckedContinuation { done in BlockingWork.run { done.resume(returning: made()) } }
  }

  private func made() -> String {
    var page = MetricsPage()
    page.family("garner_build_info", .gauge, "Always 1; the version is the label.")
    page.sample("garner_build_info", [("version", version)], 1)
    if !intake.isEmpty { page.add(intake, budget: budget) }
    if let udp { page.add(udp.vitals, udp.figures()) }
    page.add(rejects)
    page.add(drop)
    page.add(privacy)
    page.add(store.vitals)
    forward.addMetrics(to: &page)
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
