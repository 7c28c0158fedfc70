import Forward
import Telemetry
import Wire

/// What is wrong with one destination, as far as its own keys tell.
extension DestinationConfig {
  var faults: [String] {
    addressFaults + headerFaults + labelFaults + otherFaults
  }

  private var addressFaults: [String] {
    var faults: [String] = []
    switch type {
    case .stdout, .scrape: break
    case .file: if file.path.isEmpty { faults.append("`path` is missing: the folder of the files") }
    default:
      let without = sentSignals.filter { endpoints[$0.name] == nil }.map(\.name)
      if endpoint.isEmpty && endpoints.isEmpty {
        faults.append("`endpoint` is missing")
      } else if endpoint.isEmpty && !without.isEmpty {
        faults.append(
          "`endpoints` has no address for \(without.joined(separator: ", ")) and there is no `endpoint`; add one, or "
            + "leave them out of `signals`")
      } else if !endpoint.isEmpty {
        faults += Self.addressFault(endpoint, hint: "; write http://HOST:PORT or https://HOST:PORT")
      }
    }
    for (name, endpoint) in endpoints.sorted(by: { $0.key < $1.key }) {
      if !Signal.allCases.contains(where: { $0.name == name }) {
        faults.append("`endpoints.\(name)`: a signal is traces, metrics or logs")
      }
      faults += Self.addressFault(endpoint, hint: "")
    }
    if !endpoints.isEmpty && protocolName == "grpc" {
      faults.append("`endpoints` is for OTLP over HTTP; gRPC has one address for all signals: `endpoint`")
    }
    return faults
  }

  private static func addressFault(_ text: String, hint: String) -> [String] {
    if EndpointAddress(text) != nil { return [] }
    if text.contains("#") { return ["`\(text)` has a fragment; leave out what begins with #, which is never sent"] }
    return ["`\(text)` is no address\(hint)"]
  }

  private var sentSignals: [Signal] {
    let wanted = signals.map(Set.init) ?? type.defaultSignals
    return Signal.allCases.filter { wanted.contains($0) }
  }

  // MARK: headers

  private static let reservedHeaders: Set<String> = [
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "garner-delivery",
    "garner-signature", "garner-via", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    "user-agent", "x-prometheus-remote-write-version",
  ]

  private var headerFaults: [String] {
    var faults: [String] = []
    var seen: Set<String> = []
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      let lower = name.lowercased()
      if name.isEmpty || !name.utf8.allSatisfy(Self.isTokenByte) {
        faults.append("\(JSONText.quoted(name)) is no name of a header")
      } else if Self.reservedHeaders.contains(lower) || lower.hasPrefix("grpc-") {
        faults.append("the header \(name) is set by garner itself")
      } else if lower == "authorization" && !(bearerFile.isEmpty && username.isEmpty) {
        faults.append("the header \(name) and `auth` say the same; keep one of them")
      } else if lower == "x-scope-orgid" && !loki.tenant.isEmpty {
        faults.append("the header \(name) and `tenant` say the same; keep one of them")
      }
      if !seen.insert(lower).inserted { faults.append("the header \(name) is there twice") }
      // The value may be a secret: it is not shown.
      if !Self.isHeaderValue(value) {
        faults.append("the value of the header \(name) has a line end or another control character")
      }
    }
    if !Self.isHeaderValue(loki.tenant) { faults.append("`tenant` has a control character") }
    if !bearerFile.isEmpty && !username.isEmpty {
      faults.append("`auth` has a bearer token or a user name, not both")
    }
    if !passwordFile.isEmpty && username.isEmpty {
      faults.append("`auth.password_file` needs `auth.username`")
    }
    if username.contains(":") { faults.append("`auth.username` cannot have a colon") }
    return faults
  }

  /// A token of RFC 9110 §5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isHeaderValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }
  }

  // MARK: formats

  private var labelFaults: [String] {
    var faults: [String] = []
    for name in loki.staticLabels.keys.sorted() where !Self.isLabelName(name) {
      faults.append(
        "`static_labels`: \(JSONText.quoted(name)) is no name of a label; letters, digits and _, no digit and no __ first"
      )
    }
    // As many as Loki takes of a stream.
    if loki.staticLabels.count > 15 {
      faults.append("`static_labels` has \(loki.staticLabels.count) labels; Loki takes 15 of a stream")
    }
    return faults
  }

  private static func isLabelName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first), !name.hasPrefix("__") else { return false }
    return name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "_")
    }
  }

  /// What the console's port has besides.
  private static let consolePages: Set<String> = [
    "/", "/-/reload", "/health", "/healthz", "/metrics", "/ready", "/readyz",
  ]

  private var otherFaults: [String] {
    var faults: [String] = []
    let protocols: [String]
    switch type {
    case .otlp, .jaeger, .garner: protocols = ["", "http/protobuf", "http/json", "grpc"]
    case .loki: protocols = ["", "push", "otlp"]
    default: protocols = [""]
    }
    if !protocols.contains(protocolName) {
      faults.append("`protocol` is one of \(protocols.dropFirst().joined(separator: ", "))")
    }
    if let patterns = delayMatch?.compactMap(RecordPattern.init), !patterns.allSatisfy(\.isOfTheEvent) {
      faults.append("`delay.match` looks at event, category and class only, so that a series lies on one side")
    }
    if type.defaultSignals.count == 1, let signals, Set(signals) != type.defaultSignals {
      faults.append("type \(type.rawValue) takes \(type.defaultSignals.map(\.name).joined()) only")
    }
    if retryMax < retryInitial { faults.append("`retry.max` is shorter than `retry.initial`") }
    let page = prometheus.path
    if !page.hasPrefix("/") || page.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f || "?#".utf8.contains($0) }) {
      faults.append("`path`: \(JSONText.quoted(page)) is no path of a page; write /metrics/received")
    } else if Self.consolePages.contains(page) {
      faults.append("`path`: the console has its own \(page)")
    }
    let tables = ClickHouseTable.allCases.map(\.defaultName)
    for name in clickhouse.tables.keys.sorted() where !tables.contains(name) {
      let near = NearestName.find(name, among: tables).map { "; did you mean `\($0)`?" }
      faults.append("`tables`: there is no table `\(name)`\(near ?? "; there are \(tables.joined(separator: ", "))")")
    }
    if clickhouse.database.isEmpty { faults.append("`database` is empty") }
    for name in clickhouse.tables.keys.sorted() where clickhouse.tables[name]?.isEmpty == true {
      faults.append("`tables.\(name)` is empty")
    }
    return faults
  }
}
