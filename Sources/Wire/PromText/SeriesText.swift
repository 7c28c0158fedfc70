import Telemetry

/// Which samples a point becomes.
enum SeriesKind: UInt8, Sendable {
  case number = 0
  /// `_bucket`, `_sum` and `_count`.
  case classic = 1
  /// One native histogram.
  case native = 2
  case summary = 3
  case targetInfo = 4

  /// The label that only some of its series have.
  var extraLabel: StaticString {
    switch self {
    case .classic: "le"
    case .summary: "quantile"
    default: ""
    }
  }
}

/// Type of a metric, with the numbers that both versions of remote write have for it.
enum PromType: UInt8, Sendable {
  case unknown = 0
  case counter = 1
  case gauge = 2
  case histogram = 3
  case summary = 5
  case info = 6
  case stateset = 7

  var word: StaticString {
    switch self {
    case .unknown: "unknown"
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    case .summary: "summary"
    case .info: "info"
    case .stateset: "stateset"
    }
  }
}

/// What all series of a metric share.
final class MetricText: Sendable {
  /// With all suffixes but those of a single series: `_bucket`, `_sum`, `_count`.
  let name: [UInt8]
  let type: PromType
  let help: [UInt8]
  /// As a word; empty for none.
  let unit: [UInt8]

  init(name: [UInt8], type: PromType, help: [UInt8], unit: [UInt8]) {
    self.name = name
    self.type = type
    self.help = help
    self.unit = unit
  }
}

/// Labels of the series that one stream of points becomes, ready to be copied into requests.
final class SeriesText: Sendable {
  let metric: MetricText
  let kind: SeriesKind
  /// `Label` messages of remote write 1.0 as fields 1 of their series, sorted, without `__name__`, `le` and `quantile`.
  let labels: [UInt8]
  /// Where in `labels` those belong.
  let nameAt: Int
  let extraAt: Int

  init(metric: MetricText, kind: SeriesKind, labels: [UInt8], nameAt: Int, extraAt: Int) {
    self.metric = metric
    self.kind = kind
    self.labels = labels
    self.nameAt = nameAt
    self.extraAt = extraAt
  }

  /// Identity: kind, name and labels; a description that changes makes no other series.
  func key(_ hash: KeyedHash) -> ReceiptKey {
    var state = hash.start()
    // All that is sampled shares its names; only a native histogram lies beside the classic one.
    state.add(UInt64(kind.rawValue))
    metric.name.withUnsafeBytes { state.add($0) }
    labels.withUnsafeBytes { state.add($0) }
    return state.finish()
  }

  /// About the bytes of one series with one sample.
  var byteCount: Int { labels.count + metric.name.count + 48 }

  /// Calls `body` with name and value of each label and its offset in `labels`.
  static func forEachLabel(
    _ labels: UnsafeRawBufferPointer,
    _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ offset: Int) -> Void
  ) {
    var at = 0
    func length() -> Int {
      var number = 0
      var shift = 0
      while at < labels.count {
        let byte = labels[at]
        at += 1
        number |= Int(byte & 0x7f) << shift
        if byte < 0x80 { break }
        shift += 7
      }
      return number
    }
    while at < labels.count {
      let offset = at
      at += 1
      _ = length()
      at += 1
      let nameCount = length()
      let name = UnsafeRawBufferPointer(rebasing: labels[at..<at + nameCount])
      at += nameCount + 1
      let valueCount = length()
      body(name, UnsafeRawBufferPointer(rebasing: labels[at..<at + valueCount]), offset)
      at += valueCount
    }
  }
}
