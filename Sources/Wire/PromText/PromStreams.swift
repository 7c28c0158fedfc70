import Glibc
import Telemetry

/// What a resource gives to the series of its points.
final class PromResource {
  /// Of all its attributes.
  var key = ReceiptKey(high: 0, low: 0)
  var labels = PromLabels()
  /// Of `target_info`; nil when it has none.
  var info: TargetInfo?
  var infoText: SeriesText?
  var infoKey = ReceiptKey(high: 0, low: 0)
}

/// Where the points of one OTLP stream go.
final class PromStream {
  enum Outcome { case series, refused(String), skipped }

  let outcome: Outcome
  let resource: PromResource
  let text: SeriesText?
  let key: ReceiptKey
  /// Identity with all that is no label, of the resource too.
  let sourceKey: ReceiptKey
  /// It has attributes that are summed away.
  let isSummed: Bool
  /// Set when the first point is let in.
  var series: Series?
  var source: Series?
  /// That on its name, set with the first point too.
  var claim: NameClaim?

  init(
    _ outcome: Outcome, _ resource: PromResource, text: SeriesText? = nil,
    key: ReceiptKey = ReceiptKey(high: 0, low: 0), sourceKey: ReceiptKey = ReceiptKey(high: 0, low: 0),
    isSummed: Bool = false
  ) {
    self.outcome = outcome
    self.resource = resource
    self.text = text
    self.key = key
    self.sourceKey = sourceKey
    self.isSummed = isSummed
  }
}

/// Finds the stream of a record again by the bytes of its resource, scope, metric and attributes. A cache: forgetting all of
/// it changes nothing but time.
struct PromStreams: ~Copyable {
  private struct Parts {
    var resource: Int32
    var scope: Int32
    var metric: Int32
    var attributes: Slice
  }

  private struct ScopeParts {
    var name: Slice
    var version: Slice
    var schemaURL: Slice
    var attributes: Slice
  }

  private struct MetricParts {
    var name: Slice
    var unit: Slice
    var description: Slice
    var metadata: Slice
    var type: MetricType
    var temporality: Int32
    var monotonic: Bool
  }

  private var arena = Arena(capacity: 1 << 16)
  private var resourceTable = InternTable()
  private var resourceParts: [Slice] = []
  private var scopeTable = InternTable()
  private var scopeParts: [ScopeParts] = []
  private var metricTable = InternTable()
  private var metricParts: [MetricParts] = []
  private var table = InternTable(capacity: 1024)
  private var parts: [Parts] = []
  private var streams: [PromStream] = []
  private var resources: [PromResource?] = []
  private var lastResource = -1
  private var lastScope = -1
  private var lastMetric = -1

  /// More than this is forgotten at the next occasion.
  static let limitBytes = 48 << 20
  var isFull: Bool { arena.count > Self.limitBytes }

  /// Nil: the caller makes the stream and calls `insert`, before it looks for another one.
  @inline(__always) mutating func find(_ record: OTLPRecord) -> (found: PromStream?, place: Place) {
    let resource = resource(record.resource)
    let scope = scope(record.scope)
    let metric = metric(record.metric)
    let start = UInt64(truncatingIfNeeded: resource) << 40 ^ UInt64(truncatingIfNeeded: scope) << 20
    let hash = QuickHash.hash(record.seriesAttributes, start ^ UInt64(truncatingIfNeeded: metric))
    let index = table.find(hash) { index in
      let one = parts[index]
      return one.resource == resource && one.scope == scope && one.metric == metric
        && equal(one.attributes, record.seriesAttributes)
    }
    return (index.map { streams[$0] }, Place(resource: resource, scope: scope, metric: metric, hash: hash))
  }

  struct Place {
    var resource: Int
    var scope: Int
    var metric: Int
    var hash: UInt64
  }

  mutating func insert(_ stream: PromStream, _ record: OTLPRecord, _ place: Place) {
    parts.append(
      Parts(
        resource: Int32(place.resource), scope: Int32(place.scope), metric: Int32(place.metric),
        attributes: keep(record.seriesAttributes)))
    streams.append(stream)
    table.insert(place.hash)
  }

  /// The resource of a place, once it was made.
  func resource(_ place: Place) -> PromResource? { resources[place.resource] }

  mutating func insert(_ resource: PromResource, _ place: Place) { resources[place.resource] = resource }

  // MARK: parts

  private mutating func resource(_ resource: OTLPRecord.Resource) -> Int {
    if lastResource >= 0 && equal(resourceParts[lastResource], resource.attributes) { return lastResource }
    let hash = QuickHash.hash(resource.attributes)
    if let index = resourceTable.find(hash, { equal(resourceParts[$0], resource.attributes) }) {
      lastResource = index
    } else {
      resourceParts.append(keep(resource.attributes))
      resources.append(nil)
      resourceTable.insert(hash)
      lastResource = resourceParts.count - 1
    }
    return lastResource
  }

  private mutating func scope(_ scope: OTLPRecord.Scope) -> Int {
    if lastScope >= 0 && matches(lastScope, scope) { return lastScope }
    var hash = QuickHash.hash(scope.name)
    hash = QuickHash.hash(scope.version, hash)
    hash = QuickHash.hash(scope.schemaURL, hash)
    hash = QuickHash.hash(scope.attributes, hash)
    if let index = scopeTable.find(hash, { matches($0, scope) }) {
      lastScope = index
    } else {
      scopeParts.append(
        ScopeParts(
          name: keep(scope.name), version: keep(scope.version), schemaURL: keep(scope.schemaURL),
          attributes: keep(scope.attributes)))
      scopeTable.insert(hash)
      lastScope = scopeParts.count - 1
    }
    return lastScope
  }

  private mutating func metric(_ metric: OTLPRecord.Metric) -> Int {
    if lastMetric >= 0 && matches(lastMetric, metric) { return lastMetric }
    var hash = QuickHash.hash(metric.name, UInt64(metric.type.rawValue) << 8 | (metric.monotonic ? 1 : 0))
    hash = QuickHash.hash(metric.unit, hash ^ UInt64(UInt32(bitPattern: metric.temporality)))
    hash = QuickHash.hash(metric.description, hash)
    hash = QuickHash.hash(metric.metadata, hash)
    if let index = metricTable.find(hash, { matches($0, metric) }) {
      lastMetric = index
    } else {
      metricParts.append(
        MetricParts(
          name: keep(metric.name), unit: keep(metric.unit), description: keep(metric.description),
          metadata: keep(metric.metadata), type: metric.type, temporality: metric.temporality,
          monotonic: metric.monotonic))
      metricTable.insert(hash)
      lastMetric = metricParts.count - 1
    }
    return lastMetric
  }

  private func matches(_ index: Int, _ scope: OTLPRecord.Scope) -> Bool {
    let one = scopeParts[index]
    return equal(one.name, scope.name) && equal(one.version, scope.version) && equal(one.schemaURL, scope.schemaURL)
      && equal(one.attributes, scope.attributes)
  }

  private func matches(_ index: Int, _ metric: OTLPRecord.Metric) -> Bool {
    let one = metricParts[index]
    return one.type == metric.type && one.temporality == metric.temporality && one.monotonic == metric.monotonic
      && equal(one.name, metric.name) && equal(one.unit, metric.unit) && equal(one.description, metric.description)
      && equal(one.metadata, metric.metadata)
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) -> Slice {
    let start = arena.count
    arena.append(bytes)
    return Slice(start: start, count: bytes.count)
  }

  @inline(__always) private func equal(_ slice: Slice, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard Int(slice.count) == bytes.count else { return false }
    guard let theirs = bytes.baseAddress else { return true }
    return memcmp(arena.base + Int(slice.start), theirs, bytes.count) == 0
  }
}
