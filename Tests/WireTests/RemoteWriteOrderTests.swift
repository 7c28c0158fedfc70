import Telemetry
import TestSupport
import Testing

@testable import Wire

/// Lanes, roads and what is not sent at all.
@Suite struct RemoteWriteOrderTests {
  @Test func skipsWhatIsNoMetric() {
    let record = OTLPRecord(id: 1, kind: .log)
    #expect(RemoteWriteBuilder().add(record) == .skipped)
  }

  @Test func refusesWhatIsAheadOfItsArrival() {
    let builder = RemoteWriteBuilder()
    var record = PromRecord.gauge(1, at: 400)
    record.received = 100
    #expect(builder.add(record) == .taken)
    record.time = 400.001
    #expect(builder.add(record) == .refused("future"))
  }

  /// A late one among others has Prometheus 2.42 refuse them all.
  @Test func sendsLateSamplesInRequestsOfTheirOwn() throws {
    let builder = RemoteWriteBuilder()
    for time in [100.0, 120] { builder.add(.gauge(time, at: time)) }
    _ = builder.cut(laneCount: 1)
    var late = PromRecord.gauge(110, at: 110)
    late.received = 130
    builder.add(late)
    builder.add(.gauge(130, at: 130))
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.map(\.road) == [0, 2])
    #expect(parcels.map { $0.items.map(\.time) } == [[PromRecord.nanoseconds(130)], [PromRecord.nanoseconds(110)]])
  }

  @Test func putsWhatCameInDisorderWithinABatchInOrder() throws {
    let builder = RemoteWriteBuilder()
    for time in [120.0, 100, 110] {
      var record = PromRecord.gauge(time, at: time)
      record.received = 130
      builder.add(record)
    }
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.map(\.road) == [0])
    let message = try #require(RemoteWriteMessage(parcels[0].body(0..<3, form: 1), form: 1))
    #expect(message.series.first?.samples.map(\.value) == [100, 110, 120])
  }

  @Test func letsTheLastOfTwoAtOneTimeWin() throws {
    let builder = RemoteWriteBuilder()
    #expect(builder.add(.gauge(1, at: 100.0001), id: 1) == .taken)
    // One of them is said.
    #expect(builder.add(.gauge(2, at: 100.0009), id: 2) == .duplicate)
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.flatMap(\.items).map(\.records) == [1])
    #expect(parcels.flatMap(\.items).map(\.id) == [2])
    let message = try #require(RemoteWriteMessage(parcels[0].body(0..<1, form: 2), form: 2))
    #expect(message.series.first?.samples.map(\.value) == [2])
    #expect(builder.add(.gauge(3, at: 100.0005)) == .duplicate)
  }

  @Test func countsBothOfTwoDeltasAtOneTime() throws {
    let builder = RemoteWriteBuilder()
    #expect(builder.add(.counter(1, at: 100.0001, from: 90, delta: true), id: 1) == .taken)
    #expect(builder.add(.counter(2, at: 100.0009, from: 100.0001, delta: true), id: 2) == .taken)
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.flatMap(\.items).map(\.records) == [2])
    let message = try #require(RemoteWriteMessage(parcels[0].body(0..<1, form: 2), form: 2))
    #expect(message.series.first?.samples.map(\.value) == [3])
  }

  @Test func keepsASeriesInItsLane() throws {
    let builder = RemoteWriteBuilder()
    var lanes: [String: Set<UInt64>] = [:]
    for round in 0..<3 {
      for player in 0..<50 {
        builder.add(.gauge(1, at: 100 + Double(round), attributes: "{\"map\":\"m\(player)\"}"))
      }
      for parcel in builder.cut(laneCount: 4) {
        let message = try #require(RemoteWriteMessage(parcel.body(0..<parcel.items.count, form: 1), form: 1))
        for one in message.series { lanes[one.text, default: []].insert(try #require(parcel.lane)) }
      }
    }
    #expect(lanes.count == 50)
    #expect(lanes.values.allSatisfy { $0.count == 1 })
    #expect(Set(lanes.values.flatMap(\.self)) == [0, 1, 2, 3])
  }

  @Test func keepsRequestsWithinTheirLimits() throws {
    var options = PrometheusOptions()
    options.samplesPerRequest = 10
    let builder = RemoteWriteBuilder(options: options)
    for step in 0..<30 {
      builder.add(.histogram([1, 1], [1], sum: 1, at: 100 + Double(step)))
    }
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.map(\.items.count) == [Int](repeating: 2, count: 15))
    #expect(parcels.flatMap { $0.items.map(\.time) } == (0..<30).map { PromRecord.nanoseconds(100 + Double($0)) })
  }

  @Test func refusesAPointThatNoRequestCouldHold() {
    var options = PrometheusOptions()
    options.bytesPerRequest = 10_000
    let builder = RemoteWriteBuilder(options: options)
    let bounds = (0..<200).map(Double.init)
    #expect(
      builder.add(.histogram([UInt64](repeating: 0, count: 201), bounds, at: 100)) == .refused("too_large"))
    let long = String(repeating: "x", count: 20_000)
    #expect(builder.add(.gauge(1, at: 100, attributes: "{\"k\":\"\(long)\"}")) == .refused("too_large"))
  }

  @Test func refusesSeriesOverTheLimitUntilOthersAreForgotten() {
    var options = PrometheusOptions()
    options.maxSeries = 3
    let builder = RemoteWriteBuilder(options: options)
    func add(_ label: String, at time: Double) -> ParcelTake {
      builder.add(.gauge(1, at: time, attributes: "{\"map\":\"\(label)\"}"))
    }
    #expect(["a", "b", "c"].map { add($0, at: 100) } == [.taken, .taken, .taken])
    #expect(add("d", at: 101) == .refused("series_limit"))
    #expect(add("a", at: 102) == .taken)
    // A histogram is several.
    #expect(builder.add(.histogram([1, 1], [1], at: 102)) == .refused("series_limit"))
    _ = builder.cut(laneCount: 1)
    #expect(add("a", at: 3_000) == .taken)
    #expect(add("d", at: 3_000) == .refused("series_limit"))
    _ = builder.cut(laneCount: 1)
    #expect(add("d", at: 4_100) == .taken)
    #expect(add("a", at: 4_100) == .taken)
    #expect(builder.activeSeries == 2)
  }

  // MARK: target_info

  @Test func tellsOfATargetOnceInAMinute() throws {
    let builder = RemoteWriteBuilder()
    var times: [Int64] = []
    for step in 0..<30 {
      var record = PromRecord.gauge(1, at: 100 + Double(step) * 10)
      record.resource = #"{"service.name":"s","host.name":"h"}"#
      builder.add(record)
      for parcel in builder.cut(laneCount: 2) where parcel.road == 3 {
        #expect(parcel.items.allSatisfy { $0.records == 0 })
        times += parcel.items.map(\.time)
      }
    }
    #expect(times == [100.0, 160, 220, 280, 340].map(PromRecord.nanoseconds))
  }

  @Test func neverTellsOfItEarlierThanBefore() throws {
    let builder = RemoteWriteBuilder()
    func add(_ time: Double, host: String) throws -> [PromSample] {
      var record = PromRecord.gauge(1, at: time, attributes: "{\"h\":\"\(host)\"}")
      record.received = 2_000
      record.resource = "{\"service.name\":\"s\",\"host.name\":\"\(host)\"}"
      builder.add(record)
      return PromSample.all(try builder.sent()).filter { $0.series.hasPrefix("target_info") }
    }
    #expect(try add(1_000, host: "a").count == 1)
    #expect(try add(500, host: "a").isEmpty)
    // Another host of the same job: two at a time would make joins fail.
    #expect(try add(1_100, host: "b").isEmpty)
    let handover = try add(1_400, host: "b")
    #expect(handover.map(\.isStale) == [true, false])
    #expect(handover.map(\.series) == ["a", "b"].map { "target_info{host_name=\"\($0)\",job=\"s\"}" })
  }

  @Test func leavesDeniedAttributesOutOfIt() throws {
    var options = PrometheusOptions()
    options.deny.append("host.*")
    let builder = RemoteWriteBuilder(options: options)
    var record = PromRecord.gauge(1, at: 100)
    record.resource = #"{"service.name":"s","host.name":"h","session.id":"x"}"#
    builder.add(record)
    #expect(try builder.sent().map(\.text) == [#"m{job="s"}"#])
  }

  // MARK: splitting

  /// Every part of a parcel is a request of its own, and together they are the whole.
  @Test(arguments: [UInt64(1), 2, 3])
  func sendsTheSameInParts(seed: UInt64) throws {
    var random = SampleRandom(seed: seed)
    let builder = RemoteWriteBuilder()
    var source = PromRandomRecords(seed: seed)
    for _ in 0..<400 { builder.add(source.next()) }
    for parcel in builder.cut(laneCount: 2) {
      let count = parcel.items.count
      for form in [1, 2] {
        let whole = try #require(RemoteWriteMessage(parcel.body(0..<count, form: form), form: form))
        let at = random.upTo(count)
        let parts = try [0..<at, at..<count].filter { !$0.isEmpty }.flatMap {
          try #require(RemoteWriteMessage(parcel.body($0, form: form), form: form)).series
        }
        #expect(PromSample.all(parts) == PromSample.all(whole.series))
        for single in 0..<min(count, 20) {
          #expect(RemoteWriteMessage(parcel.body(single..<single + 1, form: form), form: form) != nil)
        }
      }
      #expect(zip(parcel.items, parcel.items.dropFirst()).allSatisfy { $0.time <= $1.time })
    }
  }

  @Test func countsWhatAReceiverWillHaveWritten() throws {
    let builder = RemoteWriteBuilder()
    var source = PromRandomRecords(seed: 9)
    for _ in 0..<300 { builder.add(source.next()) }
    for case let parcel as RemoteWriteParcel in builder.cut(laneCount: 1) {
      let range = 0..<parcel.items.count
      let message = try #require(RemoteWriteMessage(parcel.body(range, form: 2), form: 2))
      let sent = parcel.sent(range)
      #expect(sent.samples == message.series.map(\.samples.count).reduce(0, +))
      #expect(sent.histograms == message.series.map(\.histograms.count).reduce(0, +))
      #expect(sent.exemplars == message.series.map(\.exemplars.count).reduce(0, +))
    }
  }
}
