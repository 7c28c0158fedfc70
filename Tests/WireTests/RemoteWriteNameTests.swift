import Telemetry
import TestSupport
import Testing

@testable import Wire

/// One type for each name (CONFORMANCE EXP-03).
@Suite struct RemoteWriteNameTests {
  private func take(_ builder: RemoteWriteBuilder, _ record: PromRecord, received: Double? = nil) -> ParcelTake {
    var record = record
    record.received = received
    return builder.add(record)
  }

  /// In one series they would be resets that were none.
  @Test func refusesAGaugeThatWouldBeACounter() throws {
    let builder = RemoteWriteBuilder()
    var takes: [ParcelTake] = []
    for step in 0..<3 {
      let time = 100 + Double(step) * 10
      takes.append(builder.add(.counter(7 + Int64(step), at: time, name: "x")))
      takes.append(builder.add(.gauge(1, at: time, name: "x.total")))
    }
    #expect(takes == (0..<6).map { $0 % 2 == 0 ? .taken : .refused("unsupported") })
    #expect(try builder.samples().map(\.value) == [7, 8, 9])
  }

  @Test func refusesOtherLabelsOfAnotherTypeToo() {
    let builder = RemoteWriteBuilder()
    #expect(builder.add(.gauge(1, at: 100, name: "x.total")) == .taken)
    #expect(builder.add(.counter(7, at: 100, attributes: #"{"map":"m"}"#, name: "x")) == .refused("unsupported"))
    #expect(
      builder.add(.counter(7, at: 101, from: 100, attributes: #"{"player.id":"p"}"#, name: "x"))
        == .refused("unsupported"))
    #expect(builder.add(.gauge(2, at: 101, attributes: #"{"map":"m"}"#, name: "x.total")) == .taken)
  }

  @Test(arguments: ["h.count", "h_sum", "h_bucket"])
  func refusesTheNameOfASampleOfAHistogram(name: String) {
    let builder = RemoteWriteBuilder()
    let histogram = PromRecord.histogram([1, 1], [1], at: 100)
    #expect(builder.add(histogram) == .taken)
    #expect(builder.add(.gauge(1, at: 100, name: name)) == .refused("unsupported"))
    let other = RemoteWriteBuilder()
    #expect(other.add(.gauge(1, at: 100, name: name)) == .taken)
    #expect(other.add(histogram) == .refused("unsupported"))
    // A native one has no such samples.
    #expect(other.add(.exponential(count: 0, sum: 0, scale: 0, ext: "", at: 100, name: "h")) == .taken)
  }

  @Test func keepsTargetInfoForItself() {
    #expect(RemoteWriteBuilder().add(.gauge(1, at: 100, name: "target_info")) == .refused("unsupported"))
    var options = PrometheusOptions()
    options.targetInfo = false
    #expect(RemoteWriteBuilder(options: options).add(.gauge(1, at: 100, name: "target_info")) == .taken)
  }

  @Test func leavesANameThatIsSilentToOthers() {
    let builder = RemoteWriteBuilder()
    let gauge = PromRecord.gauge(1, at: 100, name: "x.total")
    let counter = PromRecord.counter(7, at: 401, from: 400, name: "x")
    #expect(take(builder, gauge, received: 100) == .taken)
    #expect(take(builder, counter, received: 400) == .refused("unsupported"))
    #expect(take(builder, counter, received: 401) == .taken)
    var late = gauge
    late.time = 402
    #expect(take(builder, late, received: 402) == .refused("unsupported"))
  }

  @Test func remembersWhoseANameIs() {
    let builder = RemoteWriteBuilder()
    builder.add(.histogram([1, 1], [1], at: 100))
    builder.add(.counter(1, at: 100, name: "x"))
    _ = builder.cut(laneCount: 1)
    let other = RemoteWriteBuilder()
    #expect(other.restore(builder.state()))
    for name in ["h.count", "x.total"] {
      #expect(other.add(.gauge(1, at: 101, name: name)) == .refused("unsupported"))
    }
    #expect(other.add(.counter(2, at: 101, name: "x")) == .taken)
  }
}
