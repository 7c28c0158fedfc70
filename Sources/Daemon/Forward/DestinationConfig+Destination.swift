import Forward
import Store
import Telemetry
import Wire

/// Makes of a destination's configuration what the engine works with.
struct DestinationFactory: Sendable {
  let classes: RetentionClasses
  let storeID: String
  let version: String
  /// Of all destinations together.
  let inflightBytes: Int64
  let count: Int
  /// Id of the key whose pseudonyms the rows have; nil: none.
  let protectedKeyID: String?

  /// With the page of a destination that is fetched from.
  func makeWithPage(_ config: DestinationConfig) throws -> (Destination, ReceivedPage?) {
    var (destination, page) = try makeBare(config)
    if !config.deny.isEmpty {
      let (make, deny) = (destination.builder, config.deny)
      destination.builder = { DenyingBuilder(make(), deny: deny) }
    }
    return (destination, page)
  }

  private func makeBare(_ config: DestinationConfig) throws -> (Destination, ReceivedPage?) {
    guard config.type == .scrape else { return (try make(config), nil) }
    let page = ReceivedPage(config.prometheusOptions, expiry: config.prometheus.expiry)
    return (
      Destination(options(config)) { _ in
        PageCourier()
      } builder: {
        PageBuilder(page)
      }, page
    )
  }

  private func options(_ config: DestinationConfig) -> DestinationOptions {
    var options = config.options(classes, now: FileSystem.now())
    options.pace.inflightBytes = max(4 << 20, Int(inflightBytes) / max(1, count))
    return options
  }

  private func make(_ config: DestinationConfig) throws -> Destination {
    let options = options(config)
    let transport = try transportOptions(config)
    let filter = AttributeFilter(allow: config.allow, deny: config.deny)
    switch config.type {
    case .otlp, .jaeger, .garner:
      return otlp(config, options, transport, filter)
    case .zipkin:
      let url = try address(config).url(defaultPath: "/api/v2/spans")
      return Destination(options) { _ in
        try ZipkinCourier(url: url, transport)
      } builder: {
        ZipkinBuilder(filter, bytesPerRequest: options.pace.bytes)
      }
    case .webhook:
      let address = try address(config)
      let url = address.url(defaultPath: "/")
      let secret = config.secretFile.isEmpty ? [] : try SecretFile.read(config.secretFile)
      return Destination(options) { _ in
        try WebhookCourier(url: url, name: config.name, secret: secret, transport, now: { FileSystem.now() })
      } builder: {
        WebhookBuilder(filter)
      }
    case .loki: return try loki(config, options, transport, filter)
    case .prometheus:
      let url = try address(config).url(defaultPath: "/api/v1/write")
      let version: RemoteWriteCourier.Version =
        switch config.prometheus.version {
        case .auto: .auto
        case .one: .first
        case .two: .second
        }
      let prometheus = config.prometheusOptions
      let fallback = NativeFallback()
      return Destination(options) { _ in
        try RemoteWriteCourier(url: url, version: version, fallback: fallback, transport)
      } builder: {
        PrometheusBuilder(prometheus, fallback: fallback)
      }
    case .scrape: return try makeWithPage(config).0
    case .clickhouse:
      let url = try address(config).url(defaultPath: "/")
      var names = ClickHouseNames()
      for table in ClickHouseTable.allCases {
        names[table] = config.clickhouse.tables[table.defaultName] ?? table.defaultName
      }
      let tables = names
      var columns = ClickHouseOptions()
      columns.attributes = filter
      let clickhouse = columns
      return Destination(options) { _ in
        try ClickHouseCourier(
          url: url, name: config.name, database: config.clickhouse.database, names: tables, transport,
          creates: config.clickhouse.createSchema, ttl: config.clickhouse.ttl.wholeNanoseconds / 1_000_000_000)
      } builder: {
        ClickHouseBuilder(clickhouse)
      }
    case .file:
      let path = config.file.path
      var file = FileCourier.Options()
      file.rotateBytes = config.file.rotateBytes
      file.rotateAfter = config.file.rotate.wholeNanoseconds
      file.keep = config.file.keep
      file.gzip = config.file.gzip
      let fileOptions = file
      return Destination(options) { state in
        // One file has one writer.
        let apart =
          state.replay.map { "/replay-\($0.id)" } ?? state.drainTo.map { "/drain-\($0)" }
          ?? (state.held == nil ? "" : "/delayed")
        let folder = path + apart
        return try FileCourier(folder: folder, kept: state.courier, fileOptions, now: { FileSystem.now() })
      } builder: {
        Self.lines(filter)
      }
    case .stdout:
      return Destination(options) { _ in
        StreamCourier()
      } builder: {
        Self.lines(filter)
      }
    }
  }

  private static func lines(_ filter: AttributeFilter) -> OTLPParcelBuilder {
    var options = OTLPParcelOptions()
    options.encoding = .json
    options.attributes = filter
    // One after the other, in the order of the rows.
    options.laneBySource = .none
    return OTLPParcelBuilder(options)
  }

  private func otlp(
    _ config: DestinationConfig, _ options: DestinationOptions, _ transport: TransportOptions, _ filter: AttributeFilter
  ) -> Destination {
    var parcels = OTLPParcelOptions()
    parcels.encoding = config.protocolName == "http/json" ? .json : .protobuf
    parcels.attributes = filter
    parcels.serviceNameRequired = config.type == .jaeger
    if config.type == .garner {
      parcels.laneBySource = .all
      parcels.provenance = .init(storeID: storeID, protectedKeyID: protectedKeyID)
    }
    let parcelOptions = parcels
    return Destination(options) { _ in
      guard config.protocolName == "grpc" else {
        return try OTLPCourier(
          endpoint: config.endpoint, endpoints: config.endpoints, isJSON: config.protocolName == "http/json", transport)
      }
      let address = try Self.address(config)
      return try GRPCCourier(host: address.host, port: address.port, isTLS: address.isTLS, transport)
    } builder: {
      OTLPParcelBuilder(parcelOptions)
    }
  }

  private func loki(
    _ config: DestinationConfig, _ options: DestinationOptions, _ transport: TransportOptions, _ filter: AttributeFilter
  ) throws -> Destination {
    let address = try address(config)
    if config.protocolName == "otlp" {
      let url = address.url(defaultPath: "/otlp/v1/logs")
      var parcels = OTLPParcelOptions()
      parcels.attributes = filter
      // Streams are made of the resource: what is of one source stays in order.
      parcels.laneBySource = .all
      parcels.onePerResource = true
      let parcelOptions = parcels
      return Destination(options) { _ in
        try OTLPCourier(endpoint: "", endpoints: ["logs": url], isJSON: false, transport)
      } builder: {
        OTLPParcelBuilder(parcelOptions)
      }
    }
    let url = address.url(defaultPath: "/loki/api/v1/push")
    var loki = LokiOptions()
    if let labels = config.loki.labels { loki.labels = labels }
    loki.staticLabels = config.loki.staticLabels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    loki.maxStreams = config.loki.maxStreams
    loki.longLines = config.loki.longLines == .cut ? .cut : .refuse
    loki.attributes = filter
    let lokiOptions = loki
    let overflow = LokiOverflow()
    return Destination(options) { _ in
      try LokiCourier(url: url, overflow: overflow, transport)
    } builder: {
      LokiStreamBuilder(lokiOptions, overflow: overflow)
    }
  }

  private func address(_ config: DestinationConfig) throws -> EndpointAddress { try Self.address(config) }

  private static func address(_ config: DestinationConfig) throws -> EndpointAddress {
    guard let address = EndpointAddress(config.endpoint) else {
      throw ConfigFault(message: "`\(config.endpoint)` is no address")
    }
    return address
  }

  private func transportOptions(_ config: DestinationConfig) throws -> TransportOptions {
    var transport = TransportOptions()
    transport.timeout = config.timeout
    transport.compression = config.compression ?? .gzip
    transport.tls = config.tls
    transport.userAgent = "garner/\(version)"
    transport.storeID = storeID
    var fixed = config.headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    if config.type == .loki, !config.loki.tenant.isEmpty { fixed.append(("X-Scope-OrgID", config.loki.tenant)) }
    let headers = fixed
    let credential = try FileCredential(config)
    transport.headers = { credential.map { headers + [("Authorization", $0.value())] } ?? headers }
    return transport
  }
}

extension DestinationConfig {
  var prometheusOptions: PrometheusOptions {
    var options = PrometheusOptions()
    options.translation =
      PrometheusOptions.Translation(rawValue: prometheus.translation.rawValue) ?? options.translation
    options.staticLabels = prometheus.staticLabels
    options.resourceLabels = prometheus.resourceLabels
    options.allow = prometheus.allowLabels
    options.deny = prometheus.denyLabels
    // What may not leave is no label either: counters are summed over it.
    options.attributes = AttributeFilter(allow: allow, deny: deny)
    options.scopeLabels = prometheus.scopeLabels
    options.targetInfo = prometheus.targetInfo
    options.exponential = PrometheusOptions.Exponential(rawValue: prometheus.exponential.rawValue) ?? .native
    options.maxSeries = prometheus.maxSeries
    options.maxFuture = prometheus.maxFuture.wholeNanoseconds
    if let records { options.samplesPerRequest = records }
    if let bytes { options.bytesPerRequest = Int(bytes) }
    return options
  }
}
