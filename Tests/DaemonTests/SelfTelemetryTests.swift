import Telemetry
import Testing
import Wire

@testable import Daemon

/// Garner's own figures as records.
@Suite struct SelfTelemetryTests {
  static let page = """
    # HELP a_total Things.
    # TYPE a_total counter
    a_total{door="x",source="a \\"b\\", {c}\\\\"} 7
    a_total{door="y"} 0
    # HELP b_seconds_total Time.
    # TYPE b_seconds_total counter
    b_seconds_total 0.25
    # HELP level Now.
    # TYPE level gauge
    level 0
    # TYPE odd gauge
    odd NaN
    # TYPE t histogram
    t_bucket{le="1"} 3
    t_count 3

    """

  static func batch(_ page: String) throws -> Batch {
    let text = SelfTelemetryText.metrics(page, start: 5, now: 9, version: "1", store: "s")
    return try Array(text.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(.metrics, $0, options: DecodeOptions(now: 9))
    }
  }

  @Test func tellsCountersThatHaveCountedAndGauges() throws {
    let batch = try Self.batch(Self.page)
    #expect(batch.metrics.map { batch.text($0.name) } == ["a_total", "b_seconds_total", "level"])
    #expect(batch.metrics.map(\.type) == [.sum, .sum, .gauge])
    #expect(batch.metrics.map(\.temporality) == [2, 2, 0])
    #expect(batch.rows.map(\.time) == [9, 9, 9])
    #expect(batch.rows.map { $0.present.contains(.auxiliary) } == [true, true, false])
    #expect(batch.series.map { batch.text($0.attributes) }.first == #"{"door":"x","source":"a \"b\", {c}\\"}"#)
    #expect(batch.text(batch.resources[0].attributes).contains(#""service.name":"garner""#))
  }

  @Test func tellsNoMoreThanItMay() throws {
    let lines = (0..<(SelfTelemetryText.pointLimit + 10)).map { "g{n=\"\($0)\"} 1" }
    let batch = try Self.batch("# TYPE g gauge\n" + lines.joined(separator: "\n") + "\n")
    #expect(batch.recordCount == SelfTelemetryText.pointLimit)
  }

  @Test(arguments: ["", "# TYPE a counter\n", "# TYPE a counter\na{b=\"c 1\na{b} 1 1\na 1e\n"])
  func survivesAnyPage(_ page: String) throws {
    #expect(try Self.batch(page).recordCount <= 1)
  }
}
