package import Telemetry

/// What a destination is (FORWARD §1).
package enum DestinationType: String, Sendable, CaseIterable {
  case otlp, jaeger, zipkin, prometheus, scrape, loki, stdout, file, webhook, clickhouse, garner

  package var defaultSignals: Set<Signal> {
    switch self {
    case .jaeger, .zipkin: [.traces]
    case .prometheus, .scrape: [.metrics]
    case .loki: [.logs]
    default: Set(Signal.allCases)
    }
  }
}

/// How often, how much and how many at once.
package struct DestinationPace: Sendable, Equatable {
  package var records = 4_000
  /// Before compression.
  package var bytes = 3 << 20
  /// How long records wait for others.
  package var interval = Duration.seconds(1)
  package var concurrency = 4
  package var timeout = Duration.seconds(10)
  package var retryInitial = Duration.milliseconds(500)
  package var retryMax = Duration.seconds(30)
  /// Records a second; 0: no limit.
  package var rateLimit = 0
  /// Encoded bytes that wait or are under way.
  package var inflightBytes = 12 << 20
  /// How often rows are looked for.
  package var newsInterval = Duration.milliseconds(250)
  package init() {}

  /// What FORWARD §1 gives a type where the configuration is silent.
  package init(_ type: DestinationType) {
    switch type {
    case .otlp, .jaeger: break
    case .garner, .prometheus: records = 2_000
    case .scrape: concurrency = 1
    case .loki: (records, bytes) = (4_000, 1 << 20)
    case .zipkin: (records, bytes) = (1_000, 1 << 20)
    case .webhook: (records, bytes) = (500, 1 << 20)
    case .clickhouse: (records, bytes, concurrency) = (20_000, 16 << 20, 2)
    case .file, .stdout: concurrency = 1
    }
  }
}

/// Where a destination that is new begins.
package enum DestinationStart: Sendable, Equatable {
  case now
  case oldest
  /// The first row received at this moment or later, nanoseconds since 1970.
  case time(Int64)
}

/// Records that wait before they leave: those that `match`, until they were received `wait` ago.
package struct DestinationDelay: Sendable, Equatable {
  package var wait: Duration
  package var match: [RecordPattern]

  package init(wait: Duration, match: [RecordPattern]) {
    self.wait = wait
    self.match = match
  }

  /// What a spectator could use in a live match.
  package static let standard = DestinationDelay(
    wait: .seconds(180),
    match: [
      "relay.order.*", "relay.tick.*", "relay.game.*", "relay.player.*", "gameplay.*", "match.*", "input.*",
    ].compactMap(RecordPattern.init))
}

/// What the engine itself needs to know of a destination; how it is spoken to is its courier's.
package struct DestinationOptions: Sendable {
  /// Owns the position: `[a-z0-9_-]{1,32}`.
  package var name: String
  package var type: DestinationType
  /// For people: without credentials.
  package var endpoint: String
  package var filter: RecordFilter
  package var pace: DestinationPace
  package var delay: DestinationDelay?
  package var start = DestinationStart.now
  package var forwardImports = false
  /// What was accepted in this time before the far end was lost goes again; zero: nothing.
  package var rewind = Duration.zero

  package init(
    name: String, type: DestinationType, endpoint: String, filter: RecordFilter, pace: DestinationPace? = nil
  ) {
    self.name = name
    self.type = type
    self.endpoint = endpoint
    self.filter = filter
    self.pace = pace ?? DestinationPace(type)
  }
}
