import Telemetry
import TestSupport
import Testing

@testable import Wire

/// What is in a request (CONFORMANCE RW-02, RW-07, PT-05 to PT-11).
@Suite struct RemoteWriteBodyTests {
  static func message(_ records: [PromRecord], form: Int, road: Int = 0) throws -> RemoteWriteMessage {
    let builder = RemoteWriteBuilder()
    for (index, record) in records.enumerated() {
      #expect(builder.add(record, id: Int64(index + 1)) == .taken)
    }
    let parcel = try #require(builder.cut(laneCount: 1).first { $0.road == road })
    return try #require(RemoteWriteMessage(parcel.body(0..<parcel.items.count, form: form), form: form))
  }

  static func described(_ record: PromRecord) -> PromRecord {
    var record = record
    record.unit = "s"
    record.description = "How \"long\"."
    return record
  }

  @Test func tellsTypeUnitHelpAndStart() throws {
    let record = Self.described(.counter(7, at: 100, from: 40))
    let wanted = RemoteWriteMessage.Metadata(type: 1, family: "c_seconds_total", help: "How \"long\".", unit: "seconds")
    let first = try Self.message([record], form: 1)
    #expect(first.metadata == [wanted])
    #expect(first.series.first?.samples.first?.start == 0)
    let second = try Self.message([record], form: 2)
    var inside = wanted
    inside.family = ""
    #expect(second.series.first?.metadata == inside)
    #expect(second.series.first?.samples.first?.start == PromRecord.milliseconds(40))
    #expect(second.series.first?.samples.first?.time == PromRecord.milliseconds(100))
  }

  @Test(arguments: [
    (#"{"prometheus.type":"unknown"}"#, UInt64(0)), (#"{"prometheus.type":"info"}"#, 6),
    (#"{"prometheus.type":"stateset"}"#, 7), (#"{"prometheus.type":"unkown"}"#, 2), ("", 2),
  ])
  func believesTheTypeThatPrometheusGave(metadata: String, type: UInt64) throws {
    var record = PromRecord.gauge(1, at: 100)
    record.metadata = metadata
    #expect(try Self.message([record], form: 2).series.first?.metadata?.type == type)
  }

  @Test func putsSamplesOfOneSeriesTogether() throws {
    let records = (0..<5).flatMap { step in
      ["a", "b"].map { PromRecord.gauge(Double(step), at: 100 + Double(step), attributes: "{\"k\":\"\($0)\"}") }
    }
    for form in [1, 2] {
      let message = try Self.message(records, form: form)
      #expect(message.series.map(\.samples.count) == [5, 5])
      #expect(message.series.allSatisfy { $0.samples.map(\.value) == [0, 1, 2, 3, 4] })
    }
  }

  /// What has no type in a label is written as in all other formats without types (CONFORMANCE DM-10).
  @Test(arguments: [
    ("0.00001", "0.00001"), ("1e-5", "0.00001"), ("2.0", "2"), ("[1.0,\"a\"]", #"[1,"a"]"#), ("true", "true"),
    (#"{"$double":"NaN"}"#, "NaN"), (#"{"$bytes":"AQI="}"#, "AQI="),
  ])
  func writesValuesAsTexts(stored: String, label: String) throws {
    let message = try Self.message([.gauge(1, at: 100, attributes: "{\"k\":\(stored)}")], form: 2)
    #expect(message.series.first?.labels.first { $0.name == "k" }?.value == label)
  }

  @Test func sortsLabelsAroundTheNameAndTheBound() throws {
    let attributes = #"{"Zone":"z","_a":"1","a":"2","lf":"3","ld":"4","zz":"5"}"#
    for form in [1, 2] {
      // The reader takes sorted labels only.
      let message = try Self.message([.histogram([1, 1], [2.5], sum: 3, at: 100, attributes: attributes)], form: form)
      #expect(message.series.count == 4)
      let bucket = try #require(message.series.first { $0.labels.contains { $0.value == "h_bucket" } })
      let names = bucket.labels.map(\.name)
      #expect(names == ["Zone", "__name__", "a", "instance", "job", "key_a", "ld", "le", "lf", "zz"])
    }
  }

  @Test func sortsLabelsThatComeBeforeTheName() throws {
    for form in [1, 2] {
      let message = try Self.message([.gauge(1, at: 100, attributes: #"{"Zone":"z","B":"b","a":"2"}"#)], form: form)
      #expect(message.series.first?.labels.map(\.name) == ["B", "Zone", "__name__", "a", "instance", "job"])
    }
  }

  @Test func beginsOtherSeriesWhereBoundsChange() throws {
    let records: [PromRecord] = [
      .histogram([1, 1], [1], at: 100), .histogram([1, 2, 3], [1, 2], at: 101),
      .histogram([2, 2, 3], [1, 2], at: 102),
    ]
    let message = try Self.message(records, form: 1)
    // Without sums: a count and two buckets, then a count and three buckets of two samples each.
    #expect(message.series.map(\.samples.count) == [1, 1, 1, 2, 2, 2, 2])
  }

  @Test func leavesOutABoundOfAll() throws {
    var record = PromRecord.histogram([1, 2, 0], [1, 2], at: 100)
    record.ext = #"{"bounds":[1.0,{"$double":"Infinity"}],"counts":[1,2,0]}"#
    let builder = RemoteWriteBuilder()
    builder.add(record)
    let parcel = try #require(builder.cut(laneCount: 1).first as? RemoteWriteParcel)
    let message = try #require(RemoteWriteMessage(parcel.body(0..<1, form: 1), form: 1))
    #expect(message.series.count == 3)
    #expect(parcel.sent(0..<1) == RemoteWriteAnswer(samples: 3, histograms: 0, exemplars: 0))
  }

  // MARK: exemplars

  static let exemplars =
    #""exemplars":[{"time_unix_nano":1700000099000000000,"value":0.5,"trace_id":"5b8efff798038103d269b633813fc60c","#
    + #""span_id":"eee19b7ec3c1b174","filtered_attributes":{"map":"dust","player.id":"p7","trace_id":"mine"}},"#
    + #"{"value":7,"filtered_attributes":{"k":"ÜÜ"}},{"value":2.0,"time_unix_nano":1700000098000000000}]"#

  @Test func givesCountersTheirExemplars() throws {
    var record = PromRecord.counter(3, at: 100)
    record.ext = "{\(Self.exemplars)}"
    for form in [1, 2] {
      let made = try #require(try Self.message([record], form: form).series.first?.exemplars)
      #expect(made.map(\.value) == [2, 0.5, 7])
      #expect(made.map(\.time) == [98, 99, 100].map(PromRecord.milliseconds))
      #expect(
        made[1].labels == [
          "trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174", "map": "dust",
        ])
    }
  }

  @Test func putsExemplarsOfHistogramsIntoTheirBuckets() throws {
    var record = PromRecord.histogram([1, 1, 1], [1, 5], sum: 9.5, at: 100)
    record.ext = "{\"bounds\":[1.0,5.0],\"counts\":[1,1,1],\(Self.exemplars)}"
    for form in [1, 2] {
      let series = try Self.message([record], form: form).series
      let values = Dictionary(uniqueKeysWithValues: series.map { ($0.text, $0.exemplars.map(\.value)) })
      #expect(values.values.flatMap(\.self).count == 3)
      for (bound, value) in [("1", 0.5), ("5", 2), ("+Inf", 7)] {
        #expect(values[#"h_bucket{instance="i-1",job="game/svc-a",le="\#(bound)"}"#] == [value])
      }
    }
  }

  @Test func leavesFilteredAttributesOutWhenTheyAreTooLong() throws {
    var record = PromRecord.counter(3, at: 100)
    let long = String(repeating: "ü", count: 120)
    record.ext = #"{"exemplars":[{"value":1.0,"span_id":"eee19b7ec3c1b174","filtered_attributes":{"k":"\#(long)"}}]}"#
    let withID = try Self.message([record], form: 2).series.first?.exemplars.first?.labels
    #expect(withID == ["span_id": "eee19b7ec3c1b174"])
    record.ext = #"{"exemplars":[{"value":1.0,"filtered_attributes":{"k":"\#(long)"}}]}"#
    #expect(try Self.message([record], form: 2).series.first?.exemplars.first?.labels == ["k": long])
  }

  @Test func givesGaugesAndSummariesNone() throws {
    var gauge = PromRecord.gauge(1, at: 100)
    gauge.ext = "{\(Self.exemplars)}"
    let summary = PromRecord(
      name: "s", type: .summary, data: #"{"count":2,"sum":3.0}"#,
      ext: "{\"quantiles\":[{\"quantile\":0.5,\"value\":1.0}],\(Self.exemplars)}")
    #expect(try Self.message([gauge, summary], form: 2).series.allSatisfy { $0.exemplars.isEmpty })
  }

  // MARK: ends

  @Test func endsEverySeriesOfAHistogram() throws {
    var end = PromRecord(name: "h", type: .histogram, temporality: 2, time: 110, data: #"{"count":0}"#)
    end.ends = true
    let message = try Self.message([.histogram([1, 2], [0.5], sum: 1.5, at: 100), end], form: 1)
    #expect(message.series.count == 4)
    #expect(message.series.allSatisfy { $0.samples.map(\.isStale) == [false, true] })
  }

  @Test func endsANativeHistogram() throws {
    var end = PromRecord.exponential(count: 0, sum: nil, scale: 0, ext: "", at: 110)
    end.ends = true
    let histogram = try #require(try Self.message([end], form: 2, road: 1).series.first?.histograms.first)
    #expect(histogram.sumBits == 0x7ff0_0000_0000_0002 && histogram.count == 0)
  }

  @Test func keepsNumbersThatAreNotFinite() throws {
    var record = PromRecord.gauge(.nan, at: 100)
    record.number = .none
    record.ext = #"{"value":{"$double":"NaN"}}"#
    var other = PromRecord.gauge(1, at: 101)
    other.ext = #"{"value":{"$double":"-Infinity"}}"#
    let samples = try #require(try Self.message([record, other], form: 1).series.first?.samples)
    #expect(samples[0].bits == Double.nan.bitPattern && samples[1].value == -.infinity)
  }

  @Test func showsExponentialHistogramsAsTotals() throws {
    var options = PrometheusOptions()
    options.exponential = .totals
    let builder = RemoteWriteBuilder(options: options)
    builder.add(.exponential(count: 9, sum: 4.5, scale: -9, ext: "", at: 100))
    #expect(try builder.samples().map(\.value) == [9, 9, 4.5])
    options.exponential = .drop
    let dropping = RemoteWriteBuilder(options: options)
    #expect(dropping.add(.exponential(count: 9, sum: 4.5, scale: 0, ext: "", at: 100)) == .skipped)
  }

  @Test func canTurnToTotalsWhileItRuns() throws {
    let builder = RemoteWriteBuilder()
    let one = #""positive":{"offset":0,"counts":[1]}"#
    builder.add(.exponential(count: 1, sum: 1, scale: 0, ext: one, at: 100))
    #expect(builder.cut(laneCount: 1).map(\.road) == [1])
    builder.exponential = .totals
    builder.add(.exponential(count: 2, sum: 2, scale: 0, ext: one, at: 110))
    #expect(builder.cut(laneCount: 1).map(\.road) == [0])
  }

  /// A histogram that Prometheus would refuse the whole request for.
  @Test(arguments: [
    #""positive":{"offset":0,"counts":[2]}"#, #""zero_threshold":-1.0"#,
    #""positive":{"offset":2147483646,"counts":[1]}"#,
  ])
  func refusesNativeHistogramsThatDoNotAddUp(ext: String) {
    #expect(
      RemoteWriteBuilder().add(.exponential(count: 1, sum: 1, scale: 0, ext: ext, at: 100)) == .refused("unsupported"))
  }

  @Test func refusesARowThatIsDamagedAlone() throws {
    let builder = RemoteWriteBuilder()
    var bad = PromRecord.histogram([1], [], at: 100)
    bad.ext = #"{"bounds":[1.0,"counts":[1,0]}"#
    var worse = PromRecord.gauge(1, at: 100)
    worse.attributes = "{\"k\":"
    #expect([bad, worse].map { builder.add($0) } == [.refused("invalid"), .refused("invalid")])
    #expect(builder.add(.gauge(1, at: 100)) == .taken)
    #expect(try builder.samples().count == 1)
  }

  /// A damaged data file must not stop the sender.
  @Test(arguments: [UInt64](1...4))
  func survivesDamagedRows(seed: UInt64) {
    var random = SampleRandom(seed: seed)
    var source = PromRandomRecords(seed: seed)
    let builder = RemoteWriteBuilder()
    func damaged(_ text: String) -> String {
      var bytes = Array(text.utf8)
      if bytes.isEmpty || random.one(in: 2) { return text }
      for _ in 0...random.upTo(2) {
        bytes[random.upTo(bytes.count - 1)] = random.pick(Array("0123456789-.eE{}[],:\"\\x$".utf8))
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    for step in 0..<3_000 {
      var record = source.next()
      record.ext = damaged(record.ext)
      record.data = damaged(record.data)
      record.attributes = damaged(record.attributes)
      record.metadata = damaged(record.metadata)
      builder.add(record)
      if step % 500 == 499 {
        for parcel in builder.cut(laneCount: 2) {
          for form in [1, 2] { _ = parcel.body(0..<parcel.items.count, form: form) }
        }
      }
    }
    #expect(RemoteWriteBuilder().restore(builder.state()))
  }
}
