import Telemetry
import TestSupport
import Testing

@testable import Wire

/// Attributes that are no labels are summed away.
@Suite struct RemoteWriteSumTests {
  static func player(_ name: String) -> String { "{\"map\":\"dust\",\"player.id\":\"\(name)\"}" }
  static let series = #"c_total{instance="i-1",job="game/svc-a",map="dust"}"#

  /// Samples with their values, and the items that they came as.
  static func sent(_ builder: RemoteWriteBuilder) throws -> (samples: [String], items: [ParcelItem]) {
    let parcels = builder.cut(laneCount: 1).filter { $0.road != 3 }
    let samples = try parcels.flatMap {
      PromSample.all(try #require(RemoteWriteMessage($0.body(0..<$0.items.count, form: 1), form: 1)).series)
    }
    return (samples.map { "\($0.value) @\(($0.time - PromRecord.base / 1_000_000) / 1_000)" }, parcels.flatMap(\.items))
  }

  @Test func addsIncreasesOfAllPlayersInSlots() throws {
    let builder = RemoteWriteBuilder()
    let points: [(String, Int64, Double)] = [
      ("a", 10, 101), ("b", 5, 102), ("a", 14, 111), ("b", 2, 112), ("a", 20, 119.9), ("a", 21, 120),
    ]
    for (index, (player, value, time)) in points.enumerated() {
      let take = builder.add(.counter(value, at: time, from: 95, attributes: Self.player(player)), id: Int64(index + 1))
      #expect(take == .absorbed)
    }
    #expect(builder.heldRecords == 6)
    #expect(try Self.sent(builder).samples.isEmpty)
    // A row that came twenty seconds after the end of the first slot.
    builder.add(.gauge(1, at: 130, name: "g"), id: 7)
    var sent = try Self.sent(builder)
    #expect(sent.samples == ["15.0 @110", "1.0 @130"])
    let sum = try #require(sent.items.first { $0.wasAbsorbed })
    #expect(builder.heldRecords == 4)
    #expect(sum.records == 2 && sum.id == 2 && sum.time == PromRecord.nanoseconds(110))
    builder.advance(PromRecord.nanoseconds(150))
    sent = try Self.sent(builder)
    // 14 - 10, 2 after a reset of b, 20 - 14; then 21 - 20.
    #expect(sent.samples == ["27.0 @120", "28.0 @130"])
    #expect(sent.items.map(\.records) == [3, 1])
  }

  @Test func addsDeltasOnce() throws {
    let builder = RemoteWriteBuilder()
    let record = PromRecord.counter(3, at: 101, from: 100, attributes: Self.player("a"), delta: true)
    #expect(builder.add(record) == .absorbed)
    #expect(builder.add(record) == .duplicate)
    var other = record
    other.start = 99
    #expect(builder.add(other) == .refused("out_of_order"))
    builder.advance(PromRecord.nanoseconds(1_000))
    #expect(try Self.sent(builder).samples == ["3.0 @110"])
  }

  @Test func refusesWhatCannotBeAdded() {
    let builder = RemoteWriteBuilder()
    #expect(builder.add(.gauge(1, at: 100, attributes: Self.player("a"))) == .refused("high_cardinality"))
    var summary = PromRecord(name: "s", type: .summary, data: #"{"count":1,"sum":1.0}"#)
    summary.attributes = Self.player("a")
    #expect(builder.add(summary) == .refused("high_cardinality"))
    #expect(builder.add(.histogram([1, 1], [1], at: 101, attributes: Self.player("a"))) == .absorbed)
    #expect(builder.add(.histogram([1, 1], [2], at: 102, attributes: Self.player("b"))) == .refused("unsupported"))
  }

  @Test func addsUpWhatGoesUpAndDown() throws {
    let builder = RemoteWriteBuilder()
    for (player, value, time) in [("a", 10, 101.0), ("b", 5, 102), ("a", 4, 103)] {
      var record = PromRecord.counter(Int64(value), at: time, from: 95, attributes: Self.player(player))
      record.monotonic = false
      builder.add(record)
    }
    builder.advance(PromRecord.nanoseconds(200))
    #expect(try Self.sent(builder).samples == ["9.0 @110"])
  }

  /// A counter that was there before us counts from what it has.
  @Test func countsOnlyWhatItSaw() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.counter(1_000, at: 10_001, from: 5, attributes: Self.player("old")))
    builder.add(.counter(50, at: 10_002, from: nil, attributes: Self.player("unknown")))
    builder.add(.counter(7, at: 10_003, from: 9_990, attributes: Self.player("young")))
    builder.add(.counter(1_001, at: 10_004, from: 5, attributes: Self.player("old")))
    builder.add(.counter(52, at: 10_005, from: nil, attributes: Self.player("unknown")))
    builder.advance(PromRecord.nanoseconds(11_000))
    #expect(try Self.sent(builder).samples == ["10.0 @10010"])
  }

  @Test func countsNothingTwiceAroundAnEnd() throws {
    let builder = RemoteWriteBuilder()
    func add(_ value: Int64, _ time: Double, from start: Double, ends: Bool = false) {
      var record = PromRecord.counter(value, at: time, from: start, attributes: Self.player("a"))
      record.ends = ends
      #expect(builder.add(record) == .absorbed)
    }
    add(0, 10_001, from: 5, ends: true)
    add(1_000, 10_002, from: 5)
    add(1_003, 10_003, from: 5)
    add(0, 10_004, from: 5, ends: true)
    add(1_004, 10_005, from: 5)
    add(7, 10_006, from: 10_006)
    add(9, 10_007, from: 10_006)
    builder.advance(PromRecord.nanoseconds(11_000))
    // 3 and 1; a start that is the time itself counts nothing, then 2.
    #expect(try Self.sent(builder).samples == ["6.0 @10010"])
  }

  @Test func putsWhatComesTooLateIntoTheNextSlot() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.counter(1, at: 101, from: 100, attributes: Self.player("a")))
    builder.advance(PromRecord.nanoseconds(140))
    #expect(try Self.sent(builder).samples == ["1.0 @110"])
    var late = PromRecord.counter(5, at: 103, from: 100, attributes: Self.player("b"))
    late.received = 150
    #expect(builder.add(late) == .absorbed)
    builder.advance(PromRecord.nanoseconds(151))
    #expect(try Self.sent(builder).samples == ["6.0 @120"])
  }

  @Test func addsHistograms() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.histogram([1, 2], [5], sum: 9, at: 101, from: 100, attributes: Self.player("a")))
    builder.add(.histogram([3, 0], [5], sum: 2, at: 102, from: 100, attributes: Self.player("b")))
    builder.add(.histogram([2, 2], [5], sum: 10, at: 103, from: 100, attributes: Self.player("a")))
    builder.advance(PromRecord.nanoseconds(200))
    // le="+Inf", le="5", count, sum.
    #expect(try Self.sent(builder).samples == ["7.0 @110", "5.0 @110", "7.0 @110", "12.0 @110"])
  }

  @Test func addsExponentialHistograms() throws {
    let builder = RemoteWriteBuilder()
    func add(_ counts: [Int], scale: Int, at time: Double, _ player: String) {
      let ext = "\"positive\":{\"offset\":0,\"counts\":\(counts)}"
      let take = builder.add(
        .exponential(
          count: UInt64(counts.reduce(0, +)), sum: Double(counts.count), scale: scale, ext: ext, at: time, from: 100,
          attributes: Self.player(player)))
      #expect(take == .absorbed)
    }
    add([1, 2, 3, 4], scale: 1, at: 101, "a")
    add([5, 6], scale: 0, at: 102, "b")
    add([2, 2, 3, 4], scale: 1, at: 103, "a")
    builder.advance(PromRecord.nanoseconds(200))
    let parcel = try #require(builder.cut(laneCount: 1).first { $0.road == 1 })
    let message = try #require(RemoteWriteMessage(parcel.body(0..<1, form: 1), form: 1))
    let histogram = try #require(message.series.first?.histograms.first)
    #expect(histogram.positive == [1: 9, 2: 13])
    #expect(histogram.count == 22 && histogram.schema == 0)
  }

  /// The same labels with and without a player must not become two writers of one series.
  @Test func sumsPointsWithoutTheAttributeToo() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.counter(10, at: 101, from: 100, attributes: Self.player("a")))
    #expect(builder.add(.counter(4, at: 102, from: 100, attributes: #"{"map":"dust"}"#)) == .absorbed)
    builder.advance(PromRecord.nanoseconds(200))
    #expect(try Self.sent(builder).samples == ["14.0 @110"])
  }

  @Test func countsEveryAbsorbedRecordOnce() throws {
    let builder = RemoteWriteBuilder()
    var source = PromRandomRecords(seed: 3)
    var absorbed = 0
    var items = 0
    for _ in 0..<2_000 {
      if builder.add(source.next()) == .absorbed { absorbed += 1 }
      items += builder.cut(laneCount: 1).flatMap(\.items).filter(\.wasAbsorbed).map(\.records).reduce(0, +)
    }
    builder.advance(PromRecord.nanoseconds(100_000))
    items += builder.cut(laneCount: 1).flatMap(\.items).filter(\.wasAbsorbed).map(\.records).reduce(0, +)
    #expect(absorbed > 300 && items == absorbed && builder.heldRecords == 0)
  }
}
