import Console
import Forward
import Intake
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Telemetry
import Wire

/// Destinations as a part of the daemon: started with the doors, stopped behind them, exchanged by a reload.
final class ForwardService: Service {
  let forwarder: Forwarder
  let control: ForwardControl
  private let storage: PositionStorage
  private let logger: Logger
  private let version: String
  private let storeID: String
  private let first: Plan
  // covers: what holds now; a reload exchanges it.
  private let present: Mutex<Plan>
  // covers: the last reload; each waits for the one before.
  private let reload = Mutex<Task<Void, Never>?>(nil)

  /// What a configuration comes to.
  private struct Plan: Sendable {
    var configs: [PlannedConfig] = []
    var destinations: [Destination] = []
    /// Pages for those who pull, by path.
    var pages: [String: ReceivedPage] = [:]
    /// Bytes that a destination may hold, and all together.
    var holds: (each: [String: Int64], all: Int64) = ([:], 0)
  }

  /// Throws when a destination cannot be used: a file of a secret that cannot be read, a certificate.
  init(
    store: DataStore, config: GarnerConfig, protector: Protector, version: String, logger: Logger
  ) throws {
    self.logger = logger
    self.version = version
    storeID = store.storeID
    storage = PositionStorage(store.directory, isInPlace: { store.isInPlace }) { logger.error("\($0)") }
    policy = PolicyAge(store.directory, config, lastID: store.vitals.lastID.load(ordering: .acquiring))
    lastID = { store.vitals.lastID.load(ordering: .acquiring) }
    let source = StoreRecords(store, protector: protector, policy: policy)
    forwarder = Forwarder(source: source, storage: storage) { logger.warning("\($0)") }
    first = try Self.plan(config, storeID: store.storeID, version: version, keeping: Plan())
    let present = Mutex(first)
    self.present = present
    let holds = Holds(first.holds)
    self.holds = holds
    let unsent = UnsentFiles(forwarder, source, limits: { holds.current })
    control = ForwardControl(forwarder: forwarder, source: source, unsent: unsent)
    store.watchPruning(unsent)
    // Before a door opens.
    try forwarder.prepare(first.destinations)
    for entry in first.configs { announce(entry.config) }
  }

  private let holds: Holds
  private let policy: PolicyAge
  private let lastID: @Sendable () -> Int64

  /// How much may be held, for the thread of retention.
  private final class Holds: Sendable {
    private let state: Mutex<(each: [String: Int64], all: Int64)>
    init(_ holds: (each: [String: Int64], all: Int64)) { state = Mutex(holds) }
    var current: (each: [String: Int64], all: Int64) { state.withLock { $0 } }
    func set(_ holds: (each: [String: Int64], all: Int64)) { state.withLock { $0 = holds } }
  }

  /// Destinations that are configured as before stay the same objects: a page keeps what it shows.
  private static func plan(
    _ config: GarnerConfig, storeID: String, version: String, keeping old: Plan
  ) throws -> Plan {
    let key = config.privacy.policy == .none ? nil : try? ActiveKey.id(config)
    let factory = DestinationFactory(
      classes: config.retention.classes, storeID: storeID, version: version,
      inflightBytes: config.forward.inflightBytes, count: config.destinations.count, protectedKeyID: key)
    var plan = Plan()
    plan.configs = config.destinations.map(PlannedConfig.init)
    for planned in plan.configs {
      let entry = planned.config
      if let place = old.configs.firstIndex(where: { $0.isSame(as: planned) }) {
        plan.destinations.append(old.destinations[place])
        if entry.type == .scrape { plan.pages[entry.prometheus.path] = old.pages[entry.prometheus.path] }
        continue
      }
      do {
        let (destination, page) = try factory.makeWithPage(entry)
        plan.destinations.append(destination)
        if let page { plan.pages[entry.prometheus.path] = page }
      } catch {
        throw ConfigFault(message: "destinations.\(entry.name): \(error)")
      }
    }
    let cap = config.retention.maxBytes
    plan.holds.each = Dictionary(
      config.destinations.map { ($0.name, $0.holdUnsent.bytes(ofCap: cap)) }, uniquingKeysWith: { first, _ in first })
    plan.holds.all = HoldUnsent.percent(config.forward.holdLimit).bytes(ofCap: cap)
    return plan
  }

  private func announce(_ entry: DestinationConfig) {
    let address = EndpointAddress.shown(entry.endpoint.isEmpty ? entry.endpoints.values.min() ?? "" : entry.endpoint)
    let target = address.isEmpty ? entry.file.path : address
    let restricted = entry.restricted ? ", restricted rows too" : ""
    logger.notice("forwarding to \(entry.name): \(entry.type.rawValue) \(target)\(restricted)")
  }

  /// A page of received metrics; nil: there is none of this path.
  @Sendable func page(_ path: String, accept: String) -> (body: [UInt8], contentType: String)? {
    present.withLock { $0.pages[path] }?.text(now: FileSystem.now(), ScrapeAccept(accept))
  }

  /// Blocks while some rows of what is behind are read.
  func addMetrics(to page: inout MetricsPage) {
    page.add(forwarder.vitals(), control.source, heldBytes: control.unsent.heldBytes)
  }

  /// Goes on with another configuration, one after the other in the order of the calls.
  func reconfigure(_ config: GarnerConfig) {
    policy.reload(config, lastID: lastID())
    reload.withLock { reload in
      let before = reload
      reload = Task {
        await before?.value
        await self.exchange(config)
      }
    }
  }

  /// What cannot be used leaves all as it was.
  private func exchange(_ config: GarnerConfig) async {
    do {
      let old = present.withLock { $0 }
      let new = try Self.plan(config, storeID: storeID, version: version, keeping: old)
      let changed = new.configs.filter { entry in !old.configs.contains { $0.isSame(as: entry) } }
      present.withLock { $0 = new }
      holds.set(new.holds)
      for entry in changed { announce(entry.config) }
      do {
        try await forwarder.replace(with: new.destinations, changed: Set(changed.map(\.config.name)))
      } catch {
        // The next reload tries them again, whatever it says.
        present.withLock { present in
          for place in present.configs.indices where changed.contains(where: { $0.isSame(as: present.configs[place]) })
          {
            present.configs[place].files = ["": []]
          }
        }
        logger.error("not all destinations could be begun", metadata: ["fault": "\(error)"])
      }
    } catch {
      logger.error("the destinations stay as they were", metadata: ["fault": "\(error)"])
    }
    // Whoever asks for a reload may have mended what a destination stopped for.
    await forwarder.hurry()
  }

  func run() async throws {
    let (forwarder, destinations) = (forwarder, first.destinations)
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      BlockingWork.run { done.resume(with: Result { try forwarder.start(destinations) }) }
    }
    try? await gracefulShutdown()
    await forwarder.stop()
    storage.close()
  }
}

/// A destination as it was when it was begun, with the files that are read only then.
private struct PlannedConfig: Sendable {
  var config: DestinationConfig
  /// Their contents, by name: under the same name there may be another certificate, another key.
  var files: [String: [UInt8]] = [:]

  init(_ config: DestinationConfig) {
    self.config = config
    for path in [config.tls.caFile, config.tls.certFile, config.tls.keyFile, config.secretFile] where !path.isEmpty {
      files[path] = (try? FileSystem.read(path, limit: 16 << 20)) ?? []
    }
  }

  /// Says the same, headers too.
  func isSame(as other: PlannedConfig) -> Bool {
    config.name == other.config.name && config.configText == other.config.configText
      && config.headers == other.config.headers && files == other.files
  }
}
