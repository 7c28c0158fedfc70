import Forward
import Telemetry
import Wire

/// One key of a destination: where it stands, for which types, and one sentence for the operator.
struct DestinationKey: Sendable {
  /// `batch.records`.
  let path: String
  /// Empty: all.
  let types: Set<DestinationType>
  let doc: String
  /// For the documented file.
  let sample: String
  let apply: @Sendable (YAMLNode, inout DestinationConfig, inout [ConfigFault]) -> Void
  /// As it could stand in the file; nil: as when nothing is said.
  let show: @Sendable (DestinationConfig) -> String?

  init<Value>(
    _ path: String, _ field: any WritableKeyPath<DestinationConfig, Value> & Sendable, _ type: ConfigType<Value>,
    only types: Set<DestinationType> = [], sample: String? = nil, _ doc: String
  ) {
    self.path = path
    self.types = types
    self.doc = doc
    let standard = type.show(DestinationConfig(name: "")[keyPath: field])
    self.sample = sample ?? (standard.isEmpty ? "\"\"" : standard)
    apply = { node, config, faults in
      guard let value = type.read(node, config[keyPath: field], &faults) else { return }
      config[keyPath: field] = value
    }
    show = { config in
      let text = type.show(config[keyPath: field])
      return text == standard ? nil : text
    }
  }

  /// A field that the type decides when nothing is said.
  init<Value>(
    _ path: String, _ field: any WritableKeyPath<DestinationConfig, Value?> & Sendable,
    optional type: ConfigType<Value>,
    start: Value, only types: Set<DestinationType> = [], sample: String, _ doc: String
  ) where Value: Sendable {
    self.path = path
    self.types = types
    self.doc = doc
    self.sample = sample
    apply = { node, config, faults in
      guard let value = type.read(node, config[keyPath: field] ?? start, &faults) else { return }
      config[keyPath: field] = value
    }
    show = { $0[keyPath: field].map(type.show) }
  }

  private static let network: Set<DestinationType> = [
    .otlp, .jaeger, .zipkin, .prometheus, .loki, .webhook, .clickhouse, .garner,
  ]
  private static let metrics: Set<DestinationType> = [.prometheus, .scrape]

  static let all: [DestinationKey] = [
    DestinationKey(
      "type", \.type, .word, sample: "otlp",
      "otlp, jaeger, zipkin, prometheus, scrape, loki, stdout, file, webhook, clickhouse or garner."),
    DestinationKey(
      "endpoint", \.endpoint, .text, only: network, sample: "\"http://127.0.0.1:14318\"",
      "Address of the far end. A host that is not this machine needs privacy.policy default, or allow_unprotected."),
    DestinationKey(
      "protocol", \.protocolName, .text, only: [.otlp, .jaeger, .garner, .loki],
      "OTLP: http/protobuf (default), http/json or grpc. Loki: push (default) or otlp."),
    DestinationKey(
      "endpoints", \.endpoints, .texts, only: [.otlp, .jaeger, .garner],
      "Whole addresses by signal, used as they are: {traces: URL}."),
    DestinationKey(
      "signals", \.signals, optional: .signals, start: [], sample: "[traces, metrics, logs]",
      "What is sent. Jaeger and Zipkin: traces; Prometheus and scrape: metrics; Loki: logs."),
    DestinationKey(
      "include", \.include, .recordPatterns,
      "Records that are sent: retention patterns (relay.tick.* severity>=warn), category:X, class:X, source:X, "
        + "component:X, game_module:X; one must hold. Empty: all."),
    DestinationKey("exclude", \.exclude, .recordPatterns, "Records that are not sent; wins over include."),
    DestinationKey(
      "restricted", \.restricted, .flag,
      "Rows of restricted classes (anti-cheat) too: the admin's word, named at start and by `forward status`."),
    DestinationKey("attributes.allow", \.allow, .patterns, "Attributes that leave, by pattern. Empty: all."),
    DestinationKey("attributes.deny", \.deny, .patterns, "Attributes that stay, by pattern (player.*); wins."),
    DestinationKey(
      "delay.for", \.delayWait, optional: .duration(), start: .zero, sample: "180s",
      "How long the records of delay.match are held back, so that spectators see no live match. `delay: {}` is the "
        + "default delay; without `delay` nothing waits."),
    DestinationKey(
      "delay.match", \.delayMatch, optional: .recordPatterns, start: [],
      sample: "[relay.order.*, relay.tick.*, relay.game.*, relay.player.*, gameplay.*, match.*, input.*]",
      "Which records those are, by event, category or class."),
    DestinationKey(
      "start", \.start, .start, sample: "now",
      "Where a new name begins: now, oldest, a time, or how long ago (2h). Read when the name is first seen."),
    DestinationKey(
      "forward_imports", \.forwardImports, .flag, "Imported rows too; else only `forward replay` sends them."),
    DestinationKey(
      "hold_unsent", \.holdUnsent, .holdUnsent,
      "Retention passes over files with unsent records, up to so many bytes or percent of retention.max_bytes."),
    DestinationKey(
      "batch.records", \.records, optional: .integer(1...100_000), start: 0, sample: "4000",
      "Most records of one request."),
    DestinationKey(
      "batch.bytes", \.bytes, optional: .size(1_024...(64 << 20)), start: 0, sample: "3MiB",
      "About how long a request may be, before compression."),
    DestinationKey(
      "batch.interval", \.interval, optional: .duration(.milliseconds(1) ... .seconds(3_600)), start: .zero,
      sample: "1s", "How long records wait for others."),
    DestinationKey(
      "concurrency", \.concurrency, optional: .integer(1...64), start: 0, sample: "4", "Requests at once."),
    DestinationKey(
      "timeout", \.timeout, .duration(.milliseconds(10) ... .seconds(600)), "How long an answer may take."),
    DestinationKey(
      "retry.initial", \.retryInitial, .duration(.milliseconds(1) ... .seconds(600)),
      "First wait before a request is sent again; doubles, with jitter, without end."),
    DestinationKey("retry.max", \.retryMax, .duration(.milliseconds(1) ... .seconds(3_600)), "Longest such wait."),
    DestinationKey("rate_limit", \.rateLimit, .integer(0...100_000_000), "Most records a second; 0: no limit."),
    DestinationKey(
      "rewind", \.rewind, .duration(.zero ... .seconds(60)),
      "After an outage, what was accepted so shortly before it goes again: for far ends that lose it when they die."),
    DestinationKey(
      "compression", \.compression, optional: .word, start: .gzip,
      only: [.otlp, .jaeger, .zipkin, .garner, .webhook, .clickhouse, .loki],
      sample: "gzip", "gzip, zstd or none."),
    DestinationKey("headers", \.headers, .hiddenTexts, only: network, "Sent with every request: {X-Scope: a}."),
    DestinationKey(
      "auth.bearer_file", \.bearerFile, .text, only: network, "File with a bearer token, read again when it changes."),
    DestinationKey("auth.username", \.username, .text, only: network, "Name for basic authentication."),
    DestinationKey("auth.password_file", \.passwordFile, .text, only: network, "File with its password."),
    DestinationKey("tls.ca_file", \.tls.caFile, .text, only: network, "Authorities in PEM. Empty: the system's."),
    DestinationKey(
      "tls.cert_file", \.tls.certFile, .text, only: network, "Our certificate in PEM, for a far end that asks."),
    DestinationKey("tls.key_file", \.tls.keyFile, .text, only: network, "Its private key."),
    DestinationKey(
      "tls.server_name", \.tls.serverName, .text, only: network, "Name in the far end's certificate. Empty: the host."),
    DestinationKey(
      "tls.insecure_skip_verify", \.tls.skipsVerification, .flag, only: network, "Takes any certificate: for tests."),
    DestinationKey(
      "allow_unprotected", \.allowUnprotected, .flag, only: network,
      "Sends raw player ids to another machine although privacy.policy is none."),

    DestinationKey("version", \.prometheus.version, .word, only: [.prometheus], "Remote write: auto, 1 or 2."),
    DestinationKey(
      "translation", \.prometheus.translation, .word, only: metrics,
      "Names: UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, NoUTF8EscapingWithSuffixes or "
        + "NoTranslation."),
    DestinationKey("labels.static", \.prometheus.staticLabels, .texts, only: metrics, "Labels of every series."),
    DestinationKey(
      "labels.resource", \.prometheus.resourceLabels, .patterns, only: metrics,
      "Resource attributes that become labels of every series."),
    DestinationKey(
      "labels.allow", \.prometheus.allowLabels, .patterns, only: metrics, "Attributes that become labels. Empty: all."),
    DestinationKey(
      "labels.deny", \.prometheus.denyLabels, .patterns, only: metrics,
      "Attributes that do not, for each of their values would be a series: counters and histograms are summed over them."
    ),
    DestinationKey("scope_labels", \.prometheus.scopeLabels, .flag, only: metrics, "otel_scope_name and the like."),
    DestinationKey("target_info", \.prometheus.targetInfo, .flag, only: metrics, "Resource attributes as target_info."),
    DestinationKey(
      "exponential", \.prometheus.exponential, .word, only: metrics,
      "Exponential histograms: native, totals (count and sum) or drop."),
    DestinationKey(
      "max_series", \.prometheus.maxSeries, .integer(1...100_000_000), only: metrics,
      "Series active within an hour; further ones are refused and counted."),
    DestinationKey(
      "max_future", \.prometheus.maxFuture, .duration(), only: metrics, "Points further ahead are refused."),
    DestinationKey("path", \.prometheus.path, .text, only: [.scrape], "Path of the page on the console's port."),
    DestinationKey(
      "expiry", \.prometheus.expiry, .duration(), only: [.scrape], "Series without a point for so long leave the page."),

    DestinationKey("tenant", \.loki.tenant, .text, only: [.loki], "X-Scope-OrgID."),
    DestinationKey(
      "labels", \.loki.labels, optional: .patterns, start: [], only: [.loki],
      sample: "[" + LokiOptions.defaultLabels.joined(separator: ", ") + "]",
      "Attributes that become labels of the stream, at most 15 with the statics; all others are structured metadata."),
    DestinationKey("static_labels", \.loki.staticLabels, .texts, only: [.loki], "Labels of every stream."),
    DestinationKey("max_streams", \.loki.maxStreams, .integer(1...1_000_000), only: [.loki], "Streams within an hour."),
    DestinationKey("long_lines", \.loki.longLines, .word, only: [.loki], "Lines over 256 KiB: cut or refuse."),

    DestinationKey("path", \.file.path, .text, only: [.file], sample: "/var/lib/garner-out", "Folder of the files."),
    DestinationKey(
      "rotate_bytes", \.file.rotateBytes, .size(1_024...(1 << 50)), only: [.file], "A file this long is closed."),
    DestinationKey(
      "rotate", \.file.rotate, .duration(.seconds(1) ... .seconds(366 * 86_400)), only: [.file],
      "A file this old is closed."),
    DestinationKey("keep", \.file.keep, .integer(1...100_000), only: [.file], "Closed files that are kept, a signal."),
    DestinationKey("gzip", \.file.gzip, .flag, only: [.file], "Closed files are compressed."),

    DestinationKey(
      "secret_file", \.secretFile, .text, only: [.webhook],
      "File with the key of Garner-Signature. Empty: deliveries are not signed."),

    DestinationKey("database", \.clickhouse.database, .text, only: [.clickhouse], "Database of the tables."),
    DestinationKey(
      "create_schema", \.clickhouse.createSchema, .flag, only: [.clickhouse], "Makes the tables that are missing."),
    DestinationKey(
      "ttl", \.clickhouse.ttl, .duration(), only: [.clickhouse], "Age at which ClickHouse removes rows; 0: never."),
    DestinationKey("tables", \.clickhouse.tables, .texts, only: [.clickhouse], "Other names: {otel_logs: my_logs}."),
  ]

  /// Where a far end of the type usually listens, for the documented file.
  static func sampleEndpoint(_ type: DestinationType) -> String {
    switch type {
    case .zipkin: "http://127.0.0.1:9411"
    case .prometheus: "http://127.0.0.1:9090"
    case .loki: "http://127.0.0.1:3100"
    case .webhook: "http://127.0.0.1:8080/hook"
    case .clickhouse: "http://127.0.0.1:8123"
    default: "http://127.0.0.1:14318"
    }
  }

  /// Keys that a type has.
  static func all(of type: DestinationType) -> [DestinationKey] {
    all.filter { $0.types.isEmpty || $0.types.contains(type) }
  }
}
