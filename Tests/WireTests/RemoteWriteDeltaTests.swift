import Telemetry
import TestSupport
import Testing

@testable import Wire

/// Delta to cumulative (CONFORMANCE D2C).
@Suite struct RemoteWriteDeltaTests {
  static func delta(_ value: Int64, _ from: Double?, _ time: Double) -> PromRecord {
    .counter(value, at: time, from: from, delta: true)
  }

  /// What a series of points becomes, in cuts of its own each: value and start, or why not.
  static func outcome(_ records: [PromRecord]) throws -> [String] {
    let builder = RemoteWriteBuilder()
    return try records.map { record in
      let take = builder.add(record)
      if case .refused(let reason) = take { return reason }
      if take == .duplicate { return "duplicate" }
      let series = try builder.sent(laneCount: 1).filter { !$0.text.hasPrefix("target_info") }
      let sample = try #require(series.first?.samples.first)
      let start = sample.start == 0 ? "?" : "\((sample.start - PromRecord.base / 1_000_000) / 1_000)"
      return sample.isStale ? "stale" : "\(sample.value) since \(start)"
    }
  }

  @Test func keepsTheFirstStart() throws {
    #expect(
      try Self.outcome([Self.delta(5, 90, 100), Self.delta(7, 100, 110), Self.delta(0, 110, 120)])
        == ["5.0 since 90", "12.0 since 90", "12.0 since 90"])
  }

  @Test func refusesWhatComesAgainAndWhatComesLate() throws {
    #expect(
      try Self.outcome([
        Self.delta(5, 90, 100), Self.delta(5, 90, 100), Self.delta(5, 95, 100), Self.delta(5, 80, 95),
        Self.delta(1, 80, 110), Self.delta(1, 100, 110),
      ]) == ["5.0 since 90", "duplicate", "out_of_order", "out_of_order", "out_of_order", "6.0 since 90"])
  }

  @Test func addsAcrossGaps() throws {
    #expect(try Self.outcome([Self.delta(5, 90, 100), Self.delta(7, 200, 210)]).last == "12.0 since 90")
  }

  @Test func beginsAnewAfterALongSilence() throws {
    #expect(
      try Self.outcome([
        Self.delta(5, 90, 100), Self.delta(7, 390, 400), Self.delta(1, 690, 701), Self.delta(1, 99, 1_100),
      ])
        == ["5.0 since 90", "12.0 since 90", "1.0 since 690", "1.0 since 701"])
  }

  @Test func keepsWholeNumbersWhole() throws {
    let big: Int64 = 1 << 53
    let builder = RemoteWriteBuilder()
    for (value, time) in [(big, 100.0), (1, 110), (1, 120)] {
      builder.add(Self.delta(value, time - 10, time))
    }
    #expect(try builder.samples().map(\.value) == [Double(big), Double(big), Double(big + 2)])
  }

  @Test func makesASumThatGoesUpAndDownAGauge() throws {
    let builder = RemoteWriteBuilder()
    for (value, time) in [(5, 100.0), (-7, 110)] {
      var record = Self.delta(Int64(value), time - 10, time)
      record.monotonic = false
      builder.add(record)
    }
    let series = try builder.sent()
    #expect(series.first { $0.text.hasPrefix("c{") }?.samples.map(\.value) == [5, -2])
    #expect(series.first?.metadata?.type == 2)
  }

  @Test func refusesIncreasesThatAreNone() throws {
    var notANumber = Self.delta(0, 90, 100)
    notANumber.number = .none
    notANumber.ext = #"{"value":{"$double":"NaN"}}"#
    let outcome = try Self.outcome([Self.delta(-1, 90, 100), notANumber, Self.delta(1, 90, 100)])
    #expect(outcome == ["unsupported", "unsupported", "1.0 since 90"])
  }

  /// The value counts both, so none of them may be lost to the other's millisecond.
  @Test func letsPointsOfOneMillisecondFollowEachOther() throws {
    let builder = RemoteWriteBuilder()
    builder.add(Self.delta(1, 90, 100))
    #expect(try builder.samples().map(\.value) == [1])
    builder.add(Self.delta(1, 100, 100.0004))
    let next = try builder.samples()
    #expect(next.map(\.value) == [2])
    #expect(next.map(\.time) == [PromRecord.milliseconds(100) + 1])
  }

  @Test func endsAConvertedSeries() throws {
    var end = Self.delta(0, 100, 110)
    end.ends = true
    #expect(try Self.outcome([Self.delta(5, 90, 100), end]).last == "stale")
  }

  // MARK: histograms

  @Test func addsHistogramsUntilTheirBoundsChange() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.histogram([1, 2], [5], sum: 1.5, at: 100, from: 90, delta: true))
    builder.add(.histogram([1, 0], [5], sum: 2, at: 110, from: 100, delta: true))
    builder.add(.histogram([1, 1], [6], sum: 3, at: 120, from: 110, delta: true))
    let series = try builder.sent(laneCount: 1)
    func values(_ name: String, _ bound: String? = nil) -> [Double] {
      let label = bound.map { ",le=\"\($0)\"" } ?? ""
      let text = "\(name){instance=\"i-1\",job=\"game/svc-a\"\(label)}"
      return series.filter { $0.text == text }.flatMap { $0.samples.map(\.value) }
    }
    #expect(values("h_count") == [3, 4, 2])
    #expect(values("h_sum") == [1.5, 3.5, 3])
    #expect(values("h_bucket", "5") == [1, 2])
    #expect(values("h_bucket", "6") == [1])
    let starts = series.filter { $0.text.hasPrefix("h_count") }.flatMap { $0.samples.map(\.start) }
    #expect(starts == [90.0, 90, 110].map(PromRecord.milliseconds))
  }

  @Test func mergesExponentialHistogramsAtTheLowerScale() throws {
    let builder = RemoteWriteBuilder()
    builder.add(
      .exponential(
        count: 3, sum: 1, scale: 1, ext: #""positive":{"offset":-3,"counts":[1,1,1]}"#, at: 100, from: 90, delta: true))
    builder.add(
      .exponential(
        count: 5, sum: 2, scale: 0, ext: #""zero_count":1,"positive":{"offset":-1,"counts":[4]}"#, at: 110, from: 100,
        delta: true))
    let parcel = try #require(builder.cut(laneCount: 1).first { $0.road == 1 })
    let message = try #require(RemoteWriteMessage(parcel.body(0..<2, form: 2), form: 2))
    let both = try #require(message.series.first?.histograms)
    #expect(both.map(\.schema) == [1, 0])
    #expect(both.map(\.count) == [3, 8])
    #expect(both.map(\.sum) == [1, 3])
    // Buckets -3, -2, -1 of scale 1 are -2, -1, -1 of scale 0; one more each, for upper bounds number them.
    #expect(both[1].positive == [-1: 1, 0: 6])
    #expect(both[1].zeroCount == 1)
  }

  @Test func foldsBucketsIntoALargerZero() throws {
    let totals = ExponentialTotals(
      scale: 0, count: 6, sum: 1, zeroCount: 0, zeroThreshold: 0,
      positive: ExponentialBuckets(offset: -2, counts: [1, 2, 3]), negative: ExponentialBuckets())
    let other = ExponentialTotals(
      scale: 0, count: 1, sum: 1, zeroCount: 1, zeroThreshold: 0.6, positive: ExponentialBuckets(),
      negative: ExponentialBuckets())
    totals.add(other)
    // (0.25, 0.5] and (0.5, 1] begin below 0.6: the second one raises the threshold to its end.
    #expect(totals.zeroThreshold == 1)
    #expect(totals.zeroCount == 4)
    #expect(totals.positive.counts == [3] && totals.positive.offset == 0)
  }

  @Test func knowsTheBoundsOfExponentialBuckets() {
    #expect([0, 1, 10, -3].map { ExponentialBuckets.bound($0, scale: 0) } == [1, 2, 1024, 0.125])
    #expect([1, 2, -1].map { ExponentialBuckets.bound($0, scale: -2) } == [16, 256, 0.0625])
    #expect(ExponentialBuckets.bound(1, scale: 1) == 2.0.squareRoot())
    #expect(abs(ExponentialBuckets.bound(3, scale: 3) - 1.2968395546510096) < 1e-15)
    #expect(ExponentialBuckets.bound(.max, scale: 0) == .infinity && ExponentialBuckets.bound(.min, scale: 3) == 0)
    #expect(ExponentialBuckets.bound(.max, scale: -20) == .infinity)
  }

  @Test func boundsTheBucketsOfASum() {
    let far = ExponentialTotals(
      scale: 20, count: 1, sum: 1, zeroCount: 0, zeroThreshold: 0,
      positive: ExponentialBuckets(offset: 2_000_000_000, counts: [1]), negative: ExponentialBuckets())
    let near = ExponentialTotals(
      scale: 20, count: 1, sum: 1, zeroCount: 0, zeroThreshold: 0,
      positive: ExponentialBuckets(offset: -2_000_000_000, counts: [1]), negative: ExponentialBuckets())
    far.add(near)
    #expect(far.positive.counts.count <= Int(ExponentialTotals.bucketLimit))
    #expect(far.positive.total == 2)
  }

  // MARK: model

  /// Whatever comes, and whenever it is cut, checkpointed and restored: the last value sent is the sum of all taken.
  @Test(arguments: [UInt64](1...8))
  func sendsTheSumOfWhatItTook(seed: UInt64) throws {
    var random = SampleRandom(seed: seed)
    var builder = RemoteWriteBuilder()
    var sums: [Int: Int64] = [:]
    var last: [Int: (time: Double, start: Double)] = [:]
    var shown: [String: PromSample] = [:]
    func flush() throws {
      for sample in try builder.samples() {
        if let before = shown[sample.series] { #expect(before.time < sample.time) }
        shown[sample.series] = sample
      }
    }
    for step in 0..<600 {
      let one = random.upTo(9)
      let now = 100 + Double(step) / 10
      let time = random.one(in: 6) ? now - Double(random.upTo(20)) : now
      let start = random.one(in: 4) ? last[one]?.start ?? time - 1 : time - 1
      let value = Int64(random.upTo(100))
      var record = Self.delta(value, start, time)
      record.attributes = "{\"n\":\(one)}"
      record.received = now
      let take = builder.add(record)
      let before = last[one]
      let isNewer = before.map { time > $0.time } ?? true
      if take == .taken {
        #expect(isNewer)
        sums[one, default: 0] += value
        last[one] = (time, start)
      } else if let before, time == before.time, start == before.start {
        #expect(take == .duplicate)
      } else {
        #expect(take == .refused("out_of_order"))
      }
      if random.one(in: 20) { try flush() }
      if random.one(in: 50) {
        try flush()
        let other = RemoteWriteBuilder()
        #expect(other.restore(builder.state()))
        builder = other
      }
    }
    try flush()
    #expect(shown.count == sums.count)
    for (one, sum) in sums {
      let series = #"c_total{instance="i-1",job="game/svc-a",n="\#(one)"}"#
      #expect(shown[series]?.value == Double(sum))
    }
  }
}
