import Telemetry
import TestSupport
import Testing

@testable import Wire

/// A metric point by hand, as it comes out of a store.
struct PromRecord: Sendable {
  var name = "m"
  var type = MetricType.gauge
  var temporality: Int32 = 0
  var monotonic = false
  var unit = ""
  var description = ""
  var metadata = ""
  /// Seconds; milliseconds as fractions.
  var time = 100.0
  var start: Double?
  /// Seconds; nil: as the time.
  var received: Double?
  var number = OTLPRecord.Number.none
  var data = ""
  var ext = ""
  var attributes = "{}"
  var resource = #"{"service.name":"svc-a","service.namespace":"game","service.instance.id":"i-1"}"#
  var scope = ""
  var ends = false

  /// All test times are behind this moment, which is no special one.
  static let base: Int64 = 1_700_000_000_000_000_000

  static func nanoseconds(_ seconds: Double) -> Int64 { base + Int64((seconds * 1e6).rounded()) * 1_000 }
  static func milliseconds(_ seconds: Double) -> Int64 { nanoseconds(seconds) / 1_000_000 }

  static func gauge(_ value: Double, at time: Double, attributes: String = "{}", name: String = "m") -> PromRecord {
    PromRecord(name: name, time: time, number: .double(value), attributes: attributes)
  }

  static func counter(
    _ value: Int64, at time: Double, from start: Double? = 0, attributes: String = "{}", name: String = "c",
    delta: Bool = false
  ) -> PromRecord {
    PromRecord(
      name: name, type: .sum, temporality: delta ? 1 : 2, monotonic: true, time: time, start: start,
      number: .integer(value), attributes: attributes)
  }

  static func histogram(
    _ counts: [UInt64], _ bounds: [Double], sum: Double? = nil, at time: Double, from start: Double? = 0,
    attributes: String = "{}", name: String = "h", delta: Bool = false
  ) -> PromRecord {
    let total = counts.reduce(0, &+)
    return PromRecord(
      name: name, type: .histogram, temporality: delta ? 1 : 2, time: time, start: start,
      data: "{\"count\":\(total)\(sum.map { ",\"sum\":\($0)" } ?? "")}",
      ext: "{\"bounds\":\(bounds),\"counts\":\(counts)}", attributes: attributes)
  }

  static func exponential(
    count: UInt64, sum: Double?, scale: Int, ext: String, at time: Double, from start: Double? = 0,
    attributes: String = "{}", name: String = "e", delta: Bool = false
  ) -> PromRecord {
    PromRecord(
      name: name, type: .exponentialHistogram, temporality: delta ? 1 : 2, time: time, start: start,
      data: "{\"count\":\(count)\(sum.map { ",\"sum\":\($0)" } ?? "")}",
      ext: "{\"scale\":\(scale)\(ext.isEmpty ? "" : ",")\(ext)}", attributes: attributes)
  }

  func with<Result>(id: Int64, _ body: (OTLPRecord) -> Result) -> Result {
    var record = OTLPRecord(id: id, kind: type == .gauge || type == .sum ? .number : .distribution)
    record.time = Self.nanoseconds(time)
    record.receivedAt = Self.nanoseconds(received ?? time)
    if let start { record.auxiliary = Self.nanoseconds(time) - Self.nanoseconds(start) }
    record.number = number
    record.bits = ends ? 1 << Bits.flagsShift : 0
    record.metric.type = type
    record.metric.temporality = temporality
    record.metric.monotonic = monotonic
    let texts = [name, unit, description, metadata, data, ext, attributes, resource, scope]
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for text in texts {
      ranges.append(bytes.count..<bytes.count + text.utf8.count)
      // Something behind each text: a read past its end is not a lucky one.
      bytes += Array(text.utf8) + [UInt8(ascii: "\"")]
    }
    return bytes.withUnsafeBytes { bytes in
      let parts = ranges.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
      record.metric.name = parts[0]
      record.metric.unit = parts[1]
      record.metric.description = parts[2]
      record.metric.metadata = parts[3]
      record.data = parts[4]
      record.ext = parts[5]
      record.seriesAttributes = parts[6]
      record.resource.attributes = parts[7]
      record.scope.name = parts[8]
      return body(record)
    }
  }
}

/// One sample of one series in one line of its own, for comparisons.
struct PromSample: Hashable, CustomStringConvertible {
  var series: String
  var time: Int64
  var bits: UInt64
  var value: Double { Double(bitPattern: bits) }
  var isStale: Bool { bits == 0x7ff0_0000_0000_0002 }
  var description: String { "\(series) \(isStale ? "stale" : "\(value)") @\(time - PromRecord.base / 1_000_000)" }
}

extension RemoteWriteBuilder {
  @discardableResult
  func add(_ record: PromRecord, id: Int64 = 1) -> ParcelTake { record.with(id: id) { add($0) } }

  /// Everything that waits, as both versions tell it; a difference between them is an issue.
  func sent(laneCount: Int = 4) throws -> [RemoteWriteMessage.Series] {
    try cut(laneCount: laneCount).flatMap { parcel in
      let all = 0..<parcel.items.count
      let first = try #require(RemoteWriteMessage(parcel.body(all, form: 1), form: 1))
      let second = try #require(RemoteWriteMessage(parcel.body(all, form: 2), form: 2))
      #expect(first.series.map(\.text) == second.series.map(\.text))
      #expect(PromSample.all(first.series) == PromSample.all(second.series))
      return second.series
    }
  }

  /// Samples of all roads but `target_info`, sorted.
  func samples(laneCount: Int = 4) throws -> [PromSample] {
    PromSample.all(try sent(laneCount: laneCount)).filter { !$0.series.hasPrefix("target_info") }
  }
}

extension PromSample {
  static func all(_ series: [RemoteWriteMessage.Series]) -> [PromSample] {
    series.flatMap { one in
      one.samples.map { PromSample(series: one.text, time: $0.time, bits: $0.bits) }
        + one.histograms.map { PromSample(series: one.text, time: $0.time, bits: $0.sumBits) }
    }.sorted { ($0.series, $0.time) < ($1.series, $1.time) }
  }
}

enum PromFixture {
  /// A file below `Fixtures/prom`.
  static func read(_ path: String) throws -> [UInt8] { try #require(Fixture.read("../prom/\(path)")) }
  static func json(_ path: String) throws -> JSONTree { JSONTree(try read(path)) }

  /// The points of an OTLP/JSON request.
  static func records(_ path: String) throws -> Batch {
    let body = try #require(Fixture.read("edge/json-metrics/\(path)"))
    return try #require(JSONOutcome(.metrics, body).batch)
  }
}
