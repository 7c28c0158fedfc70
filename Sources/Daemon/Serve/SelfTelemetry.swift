import Intake
import Logging
import ServiceLifecycle
import Store
import Telemetry
import Wire

/// What Garner says of itself, stored like any record: source, service and scope are `garner`. Spans each second,
/// figures each minute.
struct SelfTelemetry: Service {
  static let name = "garner"
  private static let metricsEvery = 60

  let sink: DoorStorage
  let protector: Protector
  /// Nil: none is stored.
  let spans: SelfSpans?
  /// The page of metrics; nil: none is stored.
  let page: (@Sendable () async -> String)?
  let version: String
  let store: String
  let logger: Logger
  let started: Int64

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var seconds = 0
      while !Task.isCancelled {
        // Cancelled is how it ends.
        try? await Task.sleep(for: .seconds(1))
        seconds += 1
        await storeSpans()
        if seconds % Self.metricsEvery == 0 || Task.isCancelled { await storeMetrics() }
      }
    }
  }

  private func storeSpans() async {
    guard let (taken, dropped) = spans?.take(), !taken.isEmpty else { return }
    if dropped > 0 {
      logger.debug("spans about requests had no room", metadata: ["spans": "\(dropped)"])
    }
    var generator = SystemRandomNumberGenerator()
    let texts = taken.map { SelfTelemetryText.span($0, ids: (generator.next(), generator.next(), generator.next())) }
    await keep(.traces, SelfTelemetryText.traces(texts, version: version, store: store))
  }

  private func storeMetrics() async {
    guard let page else { return }
    let text = SelfTelemetryText.metrics(
      await page(), start: started, now: FileSystem.now(), version: version, store: store)
    await keep(.metrics, text)
  }

  private func keep(_ signal: Signal, _ text: String) async {
    var options = DecodeOptions(now: FileSystem.now())
    options.credential = Array(Self.name.utf8)
    do {
      let batch = try Array(text.utf8).withUnsafeBytes { try OTLPDecoder.decodeJSON(signal, $0, options: options) }
      if batch.recordCount == 0 { return }
      // Figures have the names of sources.
      let protected = protector.protect(batch, sender: PrivacySender(trusted: true))
      if let refusal = sink.admit(byteCount: protected.byteCount) { throw refusal }
      _ = try await sink.append(protected, key: nil, door: "self")
    } catch {
      // Whoever stores the records of others at this moment is told the same.
      logger.debug("self-telemetry was not stored", metadata: ["reason": "\(error)"])
    }
  }
}

/// OTLP/JSON about Garner itself.
enum SelfTelemetryText {
  /// Figures of one minute.
  static let pointLimit = 2_000

  private static func wrapped(
    _ signal: String, _ scope: String, _ items: String, _ texts: [String], _ version: String, _ store: String
  ) -> String {
    let version = JSONText.quoted(version)
    let resource = attributes([
      ("service.name", JSONText.quoted(SelfTelemetry.name)), ("service.version", version),
      ("service.instance.id", JSONText.quoted(store)),
    ])
    return #"{"resource\#(signal)":[{"resource":{"attributes":\#(resource)},"scope\#(signal)":[{"scope":{"name":"#
      + #""\#(scope)","version":\#(version)},"\#(items)":[\#(texts.joined(separator: ","))]}]}]}"#
  }

  static func traces(_ spans: [String], version: String, store: String) -> String {
    wrapped("Spans", SelfSpans.scope, "spans", spans, version, store)
  }

  /// `ids`: two halves of the trace's and the span's.
  static func span(_ span: SelfSpans.Span, ids: (UInt64, UInt64, UInt64)) -> String {
    let named = attributes([
      ("door", JSONText.quoted(span.door)), ("signal", JSONText.quoted(span.signal.name)),
      ("result", JSONText.quoted(span.result)),
    ])
    let counted =
      #"{"key":"records","value":{"intValue":\#(span.records)}},"#
      + #"{"key":"bytes","value":{"intValue":\#(span.bytes)}}"#
    let isGood = ["stored", "duplicate", "loop"].contains(span.result)
    return
      #"{"traceId":"\#(hex(ids.0))\#(hex(ids.1 | 1))","spanId":"\#(hex(ids.2 | 1))","name":"garner.intake","kind":2,"#
      + #""startTimeUnixNano":"\#(span.start)","endTimeUnixNano":"\#(span.start + span.duration)","#
      + #""attributes":\#(named.dropLast()),\#(counted)]\#(isGood ? "" : #","status":{"code":2}"#)}"#
  }

  private static func hex(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  /// The values are JSON strings.
  private static func attributes(_ pairs: [(String, String)]) -> String {
    let members = pairs.map { #"{"key":\#(JSONText.quoted($0.0)),"value":{"stringValue":\#($0.1)}}"# }
    return "[" + members.joined(separator: ",") + "]"
  }

  /// Counters that have counted and gauges of a page in text format; histograms are left out.
  static func metrics(_ page: String, start: Int64, now: Int64, version: String, store: String) -> String {
    var texts: [String] = []
    var points: [String] = []
    var name = ""
    var kind = ""
    var count = 0
    func close() {
      guard !points.isEmpty else { return }
      let all = points.joined(separator: ",")
      let data =
        kind == "counter"
        ? #""sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[\#(all)]}"#
        : #""gauge":{"dataPoints":[\#(all)]}"#
      texts.append(#"{"name":\#(JSONText.quoted(name)),\#(data)}"#)
      points = []
    }
    for line in page.split(separator: "\n") {
      if line.hasPrefix("# TYPE ") {
        close()
        let words = line.split(separator: " ")
        name = words.count == 4 ? String(words[2]) : ""
        kind = words.count == 4 ? String(words[3]) : ""
      }
      guard !line.hasPrefix("#"), kind == "counter" || kind == "gauge", count < pointLimit,
        let sample = sample(line), kind == "gauge" || sample.value != "0"
      else { continue }
      let value = Int64(sample.value) == nil ? #""asDouble":\#(sample.value)"# : #""asInt":"\#(sample.value)""#
      points.append(
        #"{"startTimeUnixNano":"\#(kind == "counter" ? start : 0)","timeUnixNano":"\#(now)",\#(value),"#
          + #""attributes":\#(attributes(sample.labels))}"#)
      count += 1
    }
    close()
    return wrapped("Metrics", SelfSpans.scope, "metrics", texts, version, store)
  }

  /// `name{label="value",…} number`. The escapes of values are those of JSON.
  private static func sample(_ line: Substring) -> (labels: [(String, String)], value: String)? {
    guard let space = line.lastIndex(of: " ") else { return nil }
    let value = String(line[line.index(after: space)...])
    guard let number = Double(value), number.isFinite else { return nil }
    var labels: [(String, String)] = []
    guard let open = line[..<space].firstIndex(of: "{") else { return (labels, value) }
    var rest = line[line.index(after: open)..<space]
    while let equals = rest.firstIndex(of: "=") {
      let name = String(rest[..<equals])
      var end = rest.index(equals, offsetBy: 2, limitedBy: rest.endIndex) ?? rest.endIndex
      while end < rest.endIndex, rest[end] != "\"" {
        end = rest.index(end, offsetBy: rest[end] == "\\" ? 2 : 1, limitedBy: rest.endIndex) ?? rest.endIndex
      }
      guard end < rest.endIndex else { return nil }
      labels.append((name, String(rest[rest.index(after: equals)...end])))
      rest = rest[rest.index(after: end)...].drop { $0 == "," }
    }
    return (labels, value)
  }
}
