/// How OTLP metrics become Prometheus series; the keys of a destination of the types `prometheus` and `scrape`.
package struct PrometheusOptions: Sendable {
  /// How names are made; the words are those of the OpenTelemetry specification (CONFORMANCE PN-05).
  package enum Translation: String, Sendable, CaseIterable {
    case underscoreWithSuffixes = "UnderscoreEscapingWithSuffixes"
    case underscoreWithoutSuffixes = "UnderscoreEscapingWithoutSuffixes"
    case plainWithSuffixes = "NoUTF8EscapingWithSuffixes"
    case none = "NoTranslation"

    var escapes: Bool { self == .underscoreWithSuffixes || self == .underscoreWithoutSuffixes }
    var addsSuffixes: Bool { self == .underscoreWithSuffixes || self == .plainWithSuffixes }
  }

  /// What becomes of exponential histograms.
  package enum Exponential: String, Sendable, CaseIterable {
    case native
    /// Count, sum and the bucket `+Inf`.
    case totals
    case drop
  }

  /// Attributes that would give every player, session or match a series of its own.
  package static let deniedByDefault = [
    "session.id", "session_id", "player", "player.id", "player_id", "user.id", "enduser.id", "device.id", "game_id",
    "game.id", "match_id", "match.id", "lobby.id", "trace_id", "span_id", "correlation", "tick",
  ]

  package var translation = Translation.underscoreWithSuffixes
  /// Added to every series; they win over all other labels.
  package var staticLabels: [String: String] = [:]
  /// Resource attributes that become labels of every series; patterns as in `AttributeFilter`.
  package var resourceLabels: [String] = []
  /// Which attributes are labels; those that are none are summed away.
  package var allow: [String] = []
  package var deny = deniedByDefault
  /// Which attributes leave at all.
  package var attributes = AttributeFilter()
  package var scopeLabels = true
  package var targetInfo = true
  package var exponential = Exponential.native
  /// Time series that were active within `activeWindow`; further ones are refused.
  package var maxSeries = 100_000
  /// Nanoseconds a point may be ahead of its arrival.
  package var maxFuture: Int64 = 300 * 1_000_000_000
  /// Nanoseconds without a point after which a series is forgotten.
  package var activeWindow: Int64 = 3_600 * 1_000_000_000
  /// Nanoseconds without a point after which a converted delta series begins anew (CONFORMANCE D2C-5).
  package var deltaWindow: Int64 = 300 * 1_000_000_000
  /// Most samples and bytes of one request before compression. A single point may have more samples, never more bytes.
  package var samplesPerRequest = 2_000
  package var bytesPerRequest = 3 << 20

  package init() {}
}
