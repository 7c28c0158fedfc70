import Telemetry
import TestSupport
import Testing

@testable import Wire

/// Resources that have one job and instance, and so the same labels.
@Suite struct RemoteWriteOwnerTests {
  static func resource(_ session: String) -> String { "{\"service.name\":\"game\",\"session.id\":\"\(session)\"}" }

  private static func of(_ session: String, _ record: PromRecord) -> PromRecord {
    var record = record
    record.resource = resource(session)
    return record
  }

  private static func sent(_ builder: RemoteWriteBuilder) throws -> [String] {
    try RemoteWriteSumTests.sent(builder).samples
  }

  @Test func addsUpCountersOfSessionsThatRunAtATime() throws {
    let builder = RemoteWriteBuilder()
    for step in 0..<4 {
      let time = 100 + Double(step) * 10
      let first = builder.add(Self.of("A", .counter(100 + Int64(step), at: time, from: 99)), id: 1)
      let second = builder.add(Self.of("B", .counter(5 + Int64(step), at: time, from: 99)), id: 2)
      #expect(first == (step == 0 ? .taken : .absorbed) && second == .absorbed)
    }
    builder.advance(PromRecord.nanoseconds(200))
    // What A has reached was sent, and counts no second time; B is counted from its beginning.
    #expect(try Self.sent(builder) == ["100.0 @100", "7.0 @120", "9.0 @130", "11.0 @140"])
    #expect(builder.activeSeries == 1)
  }

  @Test func addsUpWhatGoesUpAndDown() throws {
    let builder = RemoteWriteBuilder()
    for (session, value, time) in [("A", 10, 101.0), ("B", 5, 102), ("A", 4, 103)] {
      var record = Self.of(session, .counter(Int64(value), at: time, from: 95))
      record.monotonic = false
      builder.add(record)
    }
    builder.advance(PromRecord.nanoseconds(200))
    #expect(try Self.sent(builder) == ["10.0 @101", "9.0 @120"])
  }

  @Test func addsUpHistogramsAndDeltas() throws {
    let builder = RemoteWriteBuilder()
    let points = [("A", [5, 1], 101.0), ("B", [1, 1], 101), ("A", [6, 1], 103), ("A", [6, 3], 104)]
    for (session, counts, time) in points {
      builder.add(Self.of(session, .histogram(counts.map(UInt64.init), [5], sum: 1, at: time, from: 100)))
    }
    #expect(builder.activeSeries == 4)
    builder.advance(PromRecord.nanoseconds(200))
    // The first of A as it came; then B's two and A's last two: le="+Inf", le="5", count, sum.
    #expect(
      try Self.sent(builder) == [
        "6.0 @101", "4.0 @120", "5.0 @101", "1.0 @120", "6.0 @101", "4.0 @120", "1.0 @101", "1.0 @120",
      ])
    let deltas = RemoteWriteBuilder()
    for (session, time, start) in [("A", 101.0, 100.0), ("B", 101.5, 100.5), ("A", 102, 101), ("B", 102.5, 101.5)] {
      deltas.add(Self.of(session, .counter(2, at: time, from: start, delta: true)))
    }
    deltas.advance(PromRecord.nanoseconds(200))
    #expect(try Self.sent(deltas) == ["2.0 @101", "6.0 @120"])
  }

  /// A process that starts again is another resource, and what it counts follows what was counted.
  @Test func takesARunThatFollowsForARestart() throws {
    let builder = RemoteWriteBuilder()
    let points = [("A", 7, 100.0, 50.0), ("A", 9, 110, 50), ("B", 1, 120, 115), ("B", 2, 130, 115)]
    for (session, value, time, start) in points {
      #expect(builder.add(Self.of(session, .counter(Int64(value), at: time, from: start))) == .taken)
    }
    #expect(try Self.sent(builder) == ["7.0 @100", "9.0 @110", "1.0 @120", "2.0 @130"])
    // What was over is not.
    #expect(builder.add(Self.of("A", .counter(12, at: 140, from: 50))) == .absorbed)
  }

  @Test func refusesTheGaugesOfOneOfTwoSessions() throws {
    let builder = RemoteWriteBuilder()
    func take(_ session: String, _ time: Double) -> ParcelTake { builder.add(Self.of(session, .gauge(time, at: time))) }
    #expect(take("A", 100) == .taken)
    #expect(take("B", 100) == .refused("high_cardinality"))
    // Whoever comes later may be the next one; when the first comes back they are two.
    #expect(take("B", 110) == .taken)
    #expect(take("A", 120) == .refused("high_cardinality"))
    #expect(take("B", 130) == .taken)
    #expect(take("A", 431) == .taken)
    #expect(try Self.sent(builder) == ["100.0 @100", "110.0 @110", "130.0 @130", "431.0 @431"])
  }

  @Test func leavesALineThatHasEndedToOthers() throws {
    let builder = RemoteWriteBuilder()
    var end = Self.of("A", .gauge(0, at: 101))
    end.ends = true
    #expect(builder.add(Self.of("A", .gauge(1, at: 100))) == .taken)
    #expect(builder.add(end) == .taken)
    #expect(builder.add(Self.of("B", .gauge(2, at: 102))) == .taken)
    // What is not shown cannot end what is.
    end.time = 103
    #expect(builder.add(end) == .skipped)
    #expect(try Self.sent(builder).count == 3)
  }

  @Test func doesNotMindTheOrderOfAttributes() {
    let builder = RemoteWriteBuilder()
    var record = PromRecord.gauge(1, at: 100)
    record.resource = #"{"service.name":"game","host.name":"h","k":{"a":1}}"#
    #expect(builder.add(record) == .taken)
    record.resource = #"{"k":{"a":1},"host.name":"h","service.name":"game"}"#
    record.time = 99
    #expect(builder.add(record) == .taken)
  }

  @Test func remembersWhoseASeriesIs() throws {
    let builder = RemoteWriteBuilder()
    builder.add(Self.of("A", .gauge(1, at: 100)))
    builder.add(Self.of("B", .gauge(2, at: 101)))
    builder.add(Self.of("A", .counter(100, at: 100, from: 99)))
    _ = builder.cut(laneCount: 1)
    let other = RemoteWriteBuilder()
    #expect(other.restore(builder.state()))
    #expect(other.add(Self.of("A", .gauge(1, at: 102))) == .refused("high_cardinality"))
    #expect(other.add(Self.of("B", .gauge(2, at: 102))) == .taken)
    #expect(other.add(Self.of("B", .counter(5, at: 101, from: 99))) == .absorbed)
    #expect(other.add(Self.of("A", .counter(103, at: 102, from: 99))) == .absorbed)
    other.advance(PromRecord.nanoseconds(200))
    #expect(try Self.sent(other) == ["8.0 @120", "2.0 @102"])
  }

  // MARK: what may leave

  private func labels(_ options: PrometheusOptions, _ record: PromRecord) throws -> [String] {
    let builder = RemoteWriteBuilder(options: options)
    builder.add(record)
    builder.advance(PromRecord.nanoseconds(10_000))
    return try builder.sent().map(\.text)
  }

  @Test func keepsAnInstanceBackThatMayNotLeave() throws {
    var options = PrometheusOptions()
    options.attributes = AttributeFilter(deny: ["service.instance.id", "host.*"])
    var record = PromRecord.counter(1, at: 100, from: 99)
    record.resource = #"{"service.name":"s","service.instance.id":"secret","host.name":"secret","os":"linux"}"#
    #expect(try labels(options, record) == [#"c_total{job="s"}"#, #"target_info{job="s",os="linux"}"#])
    options.attributes = AttributeFilter()
    options.deny = ["service.instance.id", "os"]
    #expect(try labels(options, record) == [#"c_total{job="s"}"#, #"target_info{host_name="secret",job="s"}"#])
  }

  @Test func makesLabelsOnlyOfWhatMayLeave() throws {
    var options = PrometheusOptions()
    options.attributes = AttributeFilter(allow: ["map", "service.*"])
    options.allow = ["map", "zone"]
    options.targetInfo = false
    let record = PromRecord.counter(1, at: 100, from: 99, attributes: #"{"map":"m","zone":"z"}"#)
    #expect(try labels(options, record) == [#"c_total{instance="i-1",job="game/svc-a",map="m"}"#])
    // Labels that are asked for by name need not be among those of points.
    options.resourceLabels = ["service.version"]
    options.allow = ["map"]
    var versioned = record
    versioned.resource = #"{"service.name":"s","service.version":"1"}"#
    #expect(try labels(options, versioned) == [#"c_total{job="s",map="m",service_version="1"}"#])
  }
}
