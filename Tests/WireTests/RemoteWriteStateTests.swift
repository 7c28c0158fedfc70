import Telemetry
import TestSupport
import Testing

@testable import Wire

/// Checkpoints of the fold.
@Suite struct RemoteWriteStateTests {
  @Test(arguments: [UInt64](1...6))
  func goesOnAfterARestartAsIfThereWasNone(seed: UInt64) throws {
    var random = SampleRandom(seed: seed)
    var source = PromRandomRecords(seed: seed &+ 100)
    let whole = RemoteWriteBuilder()
    var restarted = RemoteWriteBuilder()
    var restarts = 0
    for step in 0..<1_500 {
      let record = source.next()
      let id = Int64(step + 1)
      let (one, other) = (whole.add(record, id: id), restarted.add(record, id: id))
      #expect(one == other)
      guard random.one(in: 25) else { continue }
      try Self.expectTheSame(whole, restarted)
      guard random.one(in: 3) else { continue }
      restarts += 1
      let next = RemoteWriteBuilder()
      #expect(next.restore(restarted.state()))
      restarted = next
    }
    whole.advance(PromRecord.nanoseconds(1_000_000))
    restarted.advance(PromRecord.nanoseconds(1_000_000))
    try Self.expectTheSame(whole, restarted)
    #expect(restarts > 5)
    #expect(whole.activeSeries == restarted.activeSeries)
  }

  private static func expectTheSame(_ a: RemoteWriteBuilder, _ b: RemoteWriteBuilder) throws {
    let (a, b) = (try parcels(a), try parcels(b))
    #expect(a.count == b.count)
    let first = zip(a, b).first { $0 != $1 }
    #expect(first == nil)
  }

  private static func parcels(_ builder: RemoteWriteBuilder) throws -> [String] {
    try builder.cut(laneCount: 1).flatMap { parcel in
      let series = try #require(RemoteWriteMessage(parcel.body(0..<parcel.items.count, form: 2), form: 2)).series
      let items = parcel.items.map { "\($0.id) \($0.time) \($0.records) \($0.wasAbsorbed)" }
      return items
        + series.flatMap { one in
          one.samples.map { "\(parcel.road) \(one.text) \($0.bits) \($0.time) \($0.start)" }
            + one.histograms.map { "\(one.text) \(text($0))" }
            + one.exemplars.map { "\(one.text) \($0.value) \($0.time)" }
        }.sorted()
    }
  }

  /// The order of a dictionary is another one each time.
  private static func text(_ histogram: RemoteWriteMessage.Histogram) -> String {
    let sides = [histogram.positive, histogram.negative].map { $0.sorted { $0.key < $1.key }.map { "\($0)" } }
    let times = "\(histogram.time) \(histogram.start)"
    return "\(histogram.count) \(histogram.sumBits) \(histogram.schema) \(sides) \(times)"
  }

  @Test func forgetsNothingButWhatWaits() throws {
    let builder = RemoteWriteBuilder()
    builder.add(.counter(5, at: 100, from: 90, delta: true))
    let other = RemoteWriteBuilder()
    #expect(other.restore(builder.state()))
    #expect(other.pendingRecords == 0)
    other.add(.counter(2, at: 110, from: 100, delta: true))
    #expect(try other.samples().map(\.value) == [7])
  }

  @Test func refusesADamagedState() {
    let builder = RemoteWriteBuilder()
    var source = PromRandomRecords(seed: 5)
    for _ in 0..<200 { builder.add(source.next()) }
    _ = builder.cut(laneCount: 1)
    let state = builder.state()
    var random = SampleRandom(seed: 7)
    for _ in 0..<200 {
      var damaged = state
      if random.one(in: 2) {
        damaged[random.upTo(damaged.count - 1)] ^= 1 << UInt8(random.upTo(7))
      } else {
        damaged.removeLast(1 + random.upTo(damaged.count - 1))
      }
      let other = RemoteWriteBuilder()
      #expect(!other.restore(damaged))
      #expect(other.activeSeries == 0)
    }
    #expect(RemoteWriteBuilder().restore(state))
    #expect(!RemoteWriteBuilder().restore([]))
  }
}
