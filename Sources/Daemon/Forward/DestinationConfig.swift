package import Forward
package import Telemetry

/// One entry of `destinations`, as FORWARD §1 names its keys. Nil where the type decides.
package struct DestinationConfig: Sendable {
  package var name: String
  /// Where its name stands in the file.
  package var mark: YAMLMark?
  package var type: DestinationType = .otlp
  package var endpoint = ""
  /// http/protobuf, http/json or grpc; Loki: push or otlp.
  package var protocolName = ""
  package var endpoints: [String: String] = [:]
  package var signals: [Signal]?
  package var include: [String] = []
  package var exclude: [String] = []
  package var restricted = false
  package var allow: [String] = []
  package var deny: [String] = []
  package var delayWait: Duration?
  package var delayMatch: [String]?
  package var start = StartSetting.now
  package var forwardImports = false
  package var holdUnsent = HoldUnsent.bytes(0)
  package var records: Int?
  package var bytes: Int64?
  package var interval: Duration?
  package var concurrency: Int?
  package var timeout = Duration.seconds(10)
  package var retryInitial = Duration.milliseconds(500)
  package var retryMax = Duration.seconds(30)
  package var rateLimit = 0
  package var rewind = Duration.zero
  package var compression: TransportOptions.Compression?
  package var headers: [String: String] = [:]
  package var bearerFile = ""
  package var username = ""
  package var passwordFile = ""
  package var tls = TransportOptions.TLS()
  package var allowUnprotected = false

  package var prometheus = Prometheus()
  package var loki = Loki()
  package var file = Files()
  package var secretFile = ""
  package var clickhouse = ClickHouse()

  package struct Prometheus: Sendable {
    package enum Version: String, Sendable, CaseIterable {
      case auto
      case one = "1"
      case two = "2"
    }
    package enum Exponential: String, Sendable, CaseIterable { case native, totals, drop }
    package enum Translation: String, Sendable, CaseIterable {
      case underscoreEscapingWithSuffixes = "UnderscoreEscapingWithSuffixes"
      case underscoreEscapingWithoutSuffixes = "UnderscoreEscapingWithoutSuffixes"
      case noUTF8EscapingWithSuffixes = "NoUTF8EscapingWithSuffixes"
      case noTranslation = "NoTranslation"
    }
    package var version = Version.auto
    package var translation = Translation.underscoreEscapingWithSuffixes
    package var staticLabels: [String: String] = [:]
    package var resourceLabels: [String] = []
    package var allowLabels: [String] = []
    package var denyLabels: [String] = [
      "session.id", "session_id", "player", "player.id", "player_id", "user.id", "enduser.id", "device.id", "game_id",
      "game.id", "match_id", "match.id", "lobby.id", "trace_id", "span_id", "correlation", "tick",
    ]
    package var scopeLabels = true
    package var targetInfo = true
    package var exponential = Exponential.native
    package var maxSeries = 100_000
    package var maxFuture = Duration.seconds(300)
    /// Of a scrape page.
    package var path = "/metrics/received"
    package var expiry = Duration.seconds(300)
  }

  package struct Loki: Sendable {
    package enum LongLines: String, Sendable, CaseIterable { case cut, refuse }
    package var tenant = ""
    /// Nil: the list of CONFORMANCE LOKI-04.
    package var labels: [String]?
    package var staticLabels: [String: String] = [:]
    package var maxStreams = 1_000
    package var longLines = LongLines.cut
  }

  /// Of `file`; `rotate*` and `keep` hold for it alone.
  package struct Files: Sendable {
    package var path = ""
    package var rotateBytes: Int64 = 100 << 20
    package var rotate = Duration.seconds(86_400)
    package var keep = 10
    package var gzip = true
  }

  package struct ClickHouse: Sendable {
    package var database = "otel"
    package var createSchema = false
    package var ttl = Duration.zero
    package var tables: [String: String] = [:]
  }

  package init(name: String) { self.name = name }

  /// What the engine needs of it. `now`: nanoseconds since 1970.
  package func options(_ classes: RetentionClasses, now: Int64) -> DestinationOptions {
    var filter = RecordFilter(signals: signals.map(Set.init) ?? type.defaultSignals, classes: classes)
    filter.include = include.compactMap(RecordPattern.init)
    filter.exclude = exclude.compactMap(RecordPattern.init)
    filter.restricted = restricted
    var pace = DestinationPace(type)
    if let records { pace.records = records }
    if let bytes { pace.bytes = Int(bytes) }
    if let interval { pace.interval = interval }
    if let concurrency { pace.concurrency = concurrency }
    // One file has one end.
    if type == .file || type == .stdout { pace.concurrency = 1 }
    pace.timeout = timeout
    (pace.retryInitial, pace.retryMax) = (retryInitial, retryMax)
    pace.rateLimit = rateLimit
    var options = DestinationOptions(
      name: name, type: type,
      endpoint: EndpointAddress.shown(endpoint.isEmpty ? endpoints.values.min() ?? "" : endpoint), filter: filter,
      pace: pace)
    if delayWait != nil || delayMatch != nil {
      var delay = DestinationDelay.standard
      if let delayWait { delay.wait = delayWait }
      if let delayMatch { delay.match = delayMatch.compactMap(RecordPattern.init) }
      options.delay = delay
    }
    options.start = start.resolved(now: now)
    options.forwardImports = forwardImports
    options.rewind = rewind
    return options
  }
}

/// Where a name that is new begins, as it stands in the file: how long ago stays how long ago, so that the same text says
/// the same at every reading.
package enum StartSetting: Sendable, Equatable {
  case now
  case oldest
  /// Nanoseconds since 1970.
  case time(Int64)
  case ago(Duration)

  package func resolved(now: Int64) -> DestinationStart {
    switch self {
    case .now: return .now
    case .oldest: return .oldest
    case .time(let time): return .time(time)
    case .ago(let duration):
      let (time, overflow) = now.subtractingReportingOverflow(duration.wholeNanoseconds)
      return .time(overflow ? .min : time)
    }
  }
}

/// `forward`: of all destinations together.
package struct ForwardConfig: Sendable {
  /// Encoded requests that wait or are under way.
  package var inflightBytes: Int64 = 48 << 20
  /// Percent of the cap that files with unsent records may hold together.
  package var holdLimit = 25
  package init() {}
}

/// How much of the data directory files with unsent records may keep.
package enum HoldUnsent: Sendable, Equatable {
  case bytes(Int64)
  /// Of `retention.max_bytes`; without a cap there is nothing to hold against.
  case percent(Int)

  func bytes(ofCap cap: Int64?) -> Int64 {
    switch self {
    case .bytes(let bytes): bytes
    case .percent(let percent): cap.map { $0 / 100 * Int64(percent) } ?? .max
    }
  }
}
