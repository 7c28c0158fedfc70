import Glibc
import Telemetry
import TestSupport
import Testing

@testable import Wire

/// The page that a Prometheus fetches (CONFORMANCE EXP).
@Suite struct PromPageTests {
  static func page(
    _ records: [PromRecord], at now: Double = 200, _ format: ScrapePage.Format = .text, quotesNames: Bool = false,
    options: PrometheusOptions = PrometheusOptions()
  ) throws -> String {
    let page = ScrapePage(options: options)
    for record in records { record.with(id: 1) { #expect(page.add($0) == .taken) } }
    let bytes = page.page(now: PromRecord.nanoseconds(now), format: format, quotesNames: quotesNames)
    _ = try PromPageReader(bytes, openMetrics: format == .openMetrics)
    return String(decoding: bytes, as: UTF8.self)
  }

  static var counter: PromRecord {
    var record = PromRecord.counter(7, at: 100, attributes: #"{"map":"a\"b\\c\nd"}"#)
    record.unit = "By"
    record.description = "All\nof \\ \"it\"."
    record.ext =
      #"{"exemplars":[{"value":1.0,"trace_id":"5b8efff798038103d269b633813fc60c","time_unix_nano":1700000099500000000}]}"#
    return record
  }

  @Test func writesCounters() throws {
    #expect(
      try Self.page([Self.counter]) == #"""
        # HELP c_bytes_total All\nof \\ "it".
        # TYPE c_bytes_total counter
        c_bytes_total{instance="i-1",job="game/svc-a",map="a\"b\\c\nd"} 7

        """#)
    #expect(
      try Self.page([Self.counter], .openMetrics) == #"""
        # HELP c_bytes All\nof \\ \"it\".
        # TYPE c_bytes counter
        # UNIT c_bytes bytes
        c_bytes_total{instance="i-1",job="game/svc-a",map="a\"b\\c\nd"} 7 \#
        # {trace_id="5b8efff798038103d269b633813fc60c"} 1 1700000099.5
        # EOF

        """#)
  }

  @Test func writesHistogramsAndSummaries() throws {
    var summary = PromRecord(name: "s", type: .summary, data: #"{"count":2,"sum":3.5}"#)
    summary.ext = #"{"quantiles":[{"quantile":0.5,"value":1.0},{"quantile":1.0,"value":2.5}]}"#
    summary.resource = "{}"
    var histogram = PromRecord.histogram([1, 2, 3], [0.5, 5], sum: 9.25, at: 100)
    histogram.resource = "{}"
    #expect(
      try Self.page([summary, histogram], .openMetrics) == """
        # TYPE h histogram
        h_bucket{le="0.5"} 1
        h_bucket{le="5.0"} 3
        h_bucket{le="+Inf"} 6
        h_sum 9.25
        h_count 6
        # TYPE s summary
        s{quantile="0.5"} 1
        s{quantile="1.0"} 2.5
        s_sum 3.5
        s_count 2
        # EOF

        """)
    #expect(try Self.page([histogram]).contains("h_bucket{le=\"5\"} 3\n"))
  }

  @Test func tellsOfTargets() throws {
    var record = PromRecord.gauge(.infinity, at: 100)
    record.resource = #"{"service.name":"s","host.name":"h"}"#
    let lines = try Self.page([record], .openMetrics)
    #expect(lines.contains("# TYPE target info\n"))
    #expect(lines.contains("target_info{host_name=\"h\",job=\"s\"} 1\n"))
    #expect(lines.contains("m{job=\"s\"} +Inf\n"))
    #expect(try Self.page([record]).contains("# TYPE target_info gauge\n"))
  }

  @Test func showsOnlyTheNewestValueAndOnlyForAWhile() throws {
    let page = ScrapePage()
    for (value, time) in [(1.0, 100.0), (2, 120), (3, 110)] {
      PromRecord.gauge(value, at: time).with(id: 1) { _ = page.add($0) }
    }
    func text(_ now: Double) -> String {
      String(decoding: page.page(now: PromRecord.nanoseconds(now), format: .text), as: UTF8.self)
    }
    #expect(text(130).hasSuffix("} 2\n"))
    #expect(!text(419).isEmpty)
    #expect(text(421).isEmpty)
  }

  @Test func leavesOutWhatHasEnded() throws {
    var end = PromRecord.gauge(0, at: 110)
    end.ends = true
    #expect(try Self.page([.gauge(1, at: 100), end]).isEmpty)
  }

  @Test func showsConvertedAndSummedSeries() throws {
    let records: [PromRecord] = [
      .counter(3, at: 100, from: 90, name: "d", delta: true), .counter(4, at: 110, from: 100, name: "d", delta: true),
      .counter(5, at: 101, from: 95, attributes: #"{"player.id":"a"}"#),
      .counter(6, at: 102, from: 95, attributes: #"{"player.id":"b"}"#),
      .exponential(count: 9, sum: 4.5, scale: -9, ext: "", at: 100),
    ]
    let text = try Self.page(records, at: 150)
    #expect(text.contains("d_total{instance=\"i-1\",job=\"game/svc-a\"} 7\n"))
    #expect(text.contains("c_total{instance=\"i-1\",job=\"game/svc-a\"} 11\n"))
    #expect(text.contains("e_bucket{instance=\"i-1\",job=\"game/svc-a\",le=\"+Inf\"} 9\n"))
  }

  /// One TYPE for each name, and no name for two families (EXP-03).
  @Test(arguments: [ScrapePage.Format.text, .openMetrics])
  func dropsAMetricWhoseNameIsTaken(format: ScrapePage.Format) throws {
    let page = ScrapePage()
    let records: [PromRecord] = [
      .counter(1, at: 100, name: "dup"), .gauge(2, at: 100, attributes: #"{"k":"v"}"#, name: "dup_total"),
      .histogram([1], [], at: 100, name: "dist"), .gauge(3, at: 100, attributes: #"{"k":"v"}"#, name: "dist_count"),
      .gauge(4, at: 100, name: "fine"),
    ]
    let takes = records.map { record in record.with(id: 1) { page.add($0) } }
    #expect(takes == [.taken, .refused("unsupported"), .taken, .refused("unsupported"), .taken])
    // Only OpenMetrics has a family without the suffix.
    PromRecord.gauge(5, at: 100, name: "dup").with(id: 1) { #expect(page.add($0) == .taken) }
    let bytes = page.page(now: PromRecord.nanoseconds(110), format: format)
    let read = try PromPageReader(bytes, openMetrics: format == .openMetrics)
    #expect(page.conflicts == (format == .text ? 0 : 1))
    #expect(Set(read.samples.map(\.value)) == (format == .text ? [1, 4, 5] : [1, 4]))
    #expect(read.samples.filter { $0.name.hasPrefix("dist") }.count == 2)
  }

  @Test func quotesNamesForThoseWhoCanReadThem() throws {
    var options = PrometheusOptions()
    options.translation = .none
    var record = PromRecord.gauge(1, at: 100, attributes: #"{"größe":"x"}"#, name: "frame.time")
    record.resource = "{}"
    #expect(try Self.page([record], options: options) == "# TYPE frame_time gauge\nframe_time{gr__e=\"x\"} 1\n")
    #expect(
      try Self.page([record], quotesNames: true, options: options)
        == "# TYPE \"frame.time\" gauge\n{\"frame.time\",\"größe\"=\"x\"} 1\n")
  }

  @Test func goesOnAfterARestart() {
    let page = ScrapePage()
    PromRecord.counter(3, at: 100, from: 90, delta: true).with(id: 1) { _ = page.add($0) }
    let next = ScrapePage()
    #expect(next.restore(page.state()))
    PromRecord.counter(4, at: 110, from: 100, delta: true).with(id: 2) { _ = next.add($0) }
    let text = String(decoding: next.page(now: PromRecord.nanoseconds(120), format: .text), as: UTF8.self)
    #expect(text.hasSuffix("} 7\n"))
  }

  @Test(arguments: [UInt64](1...5), [ScrapePage.Format.text, .openMetrics])
  func writesPagesThatAStrictReaderTakes(seed: UInt64, format: ScrapePage.Format) throws {
    let page = ScrapePage()
    var source = PromRandomRecords(seed: seed)
    for _ in 0..<5_000 { source.next().with(id: 1) { _ = page.add($0) } }
    let bytes = page.page(now: PromRecord.nanoseconds(4_000), format: format)
    let read = try PromPageReader(bytes, openMetrics: format == .openMetrics)
    #expect(read.samples.allSatisfy { !$0.hasTime })
  }

  // MARK: readers

  static let good = [
    "openmetrics/counter_exemplars.om.txt", "openmetrics/counter_unit.om.txt", "openmetrics/empty_help.om.txt",
    "openmetrics/escaping.om.txt", "openmetrics/histogram_exemplars.om.txt", "openmetrics/null_byte.om.txt",
    "openmetrics/simple_histogram.om.txt", "textparse/1histogram.om.txt", "textparse/metrics-test.prom",
  ]
  static let bad = [
    "openmetrics/bad_clashing_names_0.om.txt", "openmetrics/bad_histograms_0.om.txt",
    "openmetrics/bad_repeated_metadata_0.om.txt",
  ]

  @Test(arguments: good)
  func hasAReaderThatTakesGoodPages(file: String) throws {
    _ = try PromPageReader(try PromFixture.read(file), openMetrics: file.hasSuffix(".om.txt"))
  }

  @Test(arguments: bad)
  func hasAReaderThatRefusesBadPages(file: String) throws {
    let page = try PromFixture.read(file)
    #expect(throws: PromPageReader.Failure.self) { try PromPageReader(page, openMetrics: true) }
  }

  static let promtool: String? = {
    let places: [String] = ["/usr/bin/promtool", "/usr/local/bin/promtool"]
    return places.first { access($0, X_OK) == 0 }
  }()

  @Test(.enabled(if: promtool != nil, "promtool is not here"), arguments: [UInt64](1...3))
  func satisfiesPromtool(seed: UInt64) throws {
    let tool = try #require(Self.promtool)
    let page = ScrapePage()
    var source = PromRandomRecords(seed: seed)
    for _ in 0..<1_000 {
      var record = source.next()
      // What it only warns of.
      record.description = "Help."
      record.with(id: 1) { _ = page.add($0) }
    }
    Self.counter.with(id: 1) { _ = page.add($0) }
    let bytes = page.page(now: PromRecord.nanoseconds(2_500), format: .text)
    let pipe = try #require(popen("\(tool) check metrics >/dev/null 2>&1", "w"))
    fwrite(bytes, 1, bytes.count, pipe)
    #expect(pclose(pipe) == 0)
  }
}
