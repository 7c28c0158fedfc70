import Telemetry
import Testing
import Wire

/// What a request means: columns, `data`, `ext`, and what is refused alone.
@Suite struct ProtoDecoderTests {
  private typealias P = ProtoBytes

  private func attributes(_ field: UInt64, _ texts: KeyValuePairs<String, String>) -> [UInt8] {
    texts.flatMap { P.field(field, P.keyValue($0.key, text: $0.value)) }
  }

  // MARK: values

  @Test(arguments: [
    (P.field(1, ""), "\"\""), (P.field(1, "a\"\\\n\u{1}é🎮"), "\"a\\\"\\\\\\n\\u0001é🎮\""),
    (P.field(2, varint: 1), "true"),
    (P.field(2, varint: 0), "false"), (P.field(3, varint: 0), "0"),
    (P.field(3, varint: UInt64(bitPattern: .min)), "-9223372036854775808"),
    (P.field(3, varint: 1 << 53 + 1), "9007199254740993"),
    (P.field(4, fixed: 0), "0.0"), (P.field(4, fixed: (-0.0).bitPattern), "-0.0"),
    (P.field(4, fixed: 3.0.bitPattern), "3.0"),
    (P.field(4, fixed: 16.67.bitPattern), "16.67"), (P.field(4, fixed: (0.1 + 0.2).bitPattern), "0.30000000000000004"),
    (P.field(4, fixed: (-0.000125).bitPattern), "-0.000125"), (P.field(4, fixed: 1e300.bitPattern), "1e+300"),
    (P.field(4, fixed: Double.nan.bitPattern), "{\"$double\":\"NaN\"}"),
    (P.field(4, fixed: (-Double.infinity).bitPattern), "{\"$double\":\"-Infinity\"}"),
    (P.field(5, []), "[]"), (P.field(6, []), "{}"), (P.field(7, [0xff, 0xfe]), "{\"$bytes\":\"//4=\"}"), ([], "null"),
    (P.field(5, P.field(1, []) + P.field(1, P.field(3, varint: 1))), "[null,1]"),
    (
      P.field(6, P.field(1, P.keyValue("$bytes", text: "x")) + P.field(1, P.field(1, "k"))),
      "{\"$$bytes\":\"x\",\"k\":null}"
    ),
    (P.field(8, varint: 4), "null"),
  ])
  func writesEveryKindOfValue(value: [UInt8], expected: String) throws {
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(9, P.keyValue("v", value)))))
    #expect(batch.data(0) == "{\"v\":\(expected)}")
  }

  /// The short way of writing a double gives what the long one gives.
  @Test func writesDoublesAsTheirShortestText() throws {
    var numbers: [Double] = [
      1e9, 999_999_999.999999, 1e-4, 0.00009999, 4_294_967_296.5, 123_456_789.123456, 1e15, 0.1 + 0.7,
    ]
    numbers +=
      (0..<500).map { Double($0) / 7 } + (0..<500).map { Double($0) / 1000 } + (0..<500).map { Double($0) * 1e-7 }
    for number in numbers {
      let body = P.request(P.span(P.field(9, P.keyValue("v", P.field(4, fixed: number.bitPattern)))))
      #expect(try Batch.decoded(.traces, body).data(0) == "{\"v\":\(number.description)}")
    }
  }

  @Test func replacesWhatIsNoUTF8() throws {
    let text = P.field(1, Array("ab".utf8) + [0xff, 0xc3] + Array("z".utf8))
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(9, P.keyValue("v", text)))))
    #expect(batch.data(0) == "{\"v\":\"ab\u{FFFD}\u{FFFD}z\"}")
    #expect(batch.warnings.count == 1)
  }

  @Test(arguments: [3, 40])
  func letsTheLastOfEqualKeysWin(keys: Int) throws {
    let pairs = (0..<keys).map { P.field(9, P.keyValue("k\($0)", text: "old")) }
    let batch = try Batch.decoded(
      .traces,
      P.request(P.span(pairs.flatMap { $0 } + attributes(9, ["k1": "new", "session.id": "s", "k1": "newest"]))))
    #expect(batch.data(0).hasSuffix("\"session.id\":\"s\",\"k1\":\"newest\"}"))
    #expect(!batch.data(0).contains("\"k1\":\"old\""))
    // What was promoted does not move when the object is written again.
    #expect(batch.text(batch.context(0).session) == "s")
  }

  @Test func ignoresStringIndexesOutsideProfiles() throws {
    let pairs =
      P.field(9, P.field(3, varint: 3) + P.field(2, P.field(1, "v")))
      + P.field(9, P.keyValue("k", P.field(8, varint: 4)))
    let batch = try Batch.decoded(.traces, P.request(P.span(pairs)))
    #expect(batch.data(0) == "{\"\":\"v\",\"k\":null}")
    #expect(batch.warnings == ["string indexes mean nothing outside profiles; 2 were ignored"])
  }

  // MARK: spans

  @Test func putsASpanIntoItsColumns() throws {
    let link =
      P.field(1, P.traceID) + P.field(2, P.spanID) + P.field(3, "a=b") + P.field(4, P.keyValue("k", text: "v"))
      + P.field(5, varint: 4) + P.field(6, fixed32: 1)
    let more =
      P.field(3, "x=y") + P.field(4, P.spanID) + P.field(6, varint: 3) + attributes(9, ["a": "1"])
      + P.field(10, varint: 1)
      + P.field(12, varint: 2) + P.field(13, link) + attributes(9, ["b": "2"]) + P.field(14, varint: 3)
      + P.field(15, P.field(2, "broken") + P.field(3, varint: 2)) + P.field(16, fixed32: 0x301)
    let batch = try Batch.decoded(.traces, P.request(P.span(more)))
    let row = batch.rows[0]
    #expect(batch.data(0) == "{\"a\":\"1\",\"b\":\"2\"}")
    #expect(
      batch.ext(0) == """
        {"status_message":"broken","trace_state":"x=y","links":[{"trace_id":"0102030405060708090a0b0c0d0e0f10",\
        "span_id":"0102030405060708","trace_state":"a=b","flags":1,"attributes":{"k":"v"},"dropped_attributes_count":4}],\
        "dropped_attributes_count":1,"dropped_events_count":2,"dropped_links_count":3}
        """)
    #expect(row.time == 1_000_000_000 && row.duration == 1_000_000_000)
    #expect(row.bits == 3 | 2 << Bits.spanStatusShift | 0x301 << Bits.flagsShift)
    #expect(row.severity == .error && row.parent == row.span && row.present.contains(.parent))
  }

  @Test func keepsNumbersThatNobodyKnows() throws {
    let minusOne = UInt64(bitPattern: -1)
    let batch = try Batch.decoded(
      .traces,
      P.request(
        P.span(P.field(6, varint: 15) + P.field(15, P.field(3, varint: 3))), P.span(P.field(6, varint: minusOne))))
    #expect(batch.ext(0) == "{\"kind\":15,\"status\":3}")
    #expect(batch.ext(1) == "{\"kind\":-1}")
    #expect(batch.rows[0].bits == Bits.spanKindInExt | Bits.spanStatusInExt << Bits.spanStatusShift)
  }

  @Test func keepsTimesThatNoSignedNumberHolds() throws {
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(7, fixed: 1 << 63) + P.field(8, fixed: 5))))
    #expect(batch.rows[0].time == .max)
    #expect(batch.ext(0) == "{\"time\":\"9223372036854775808\"}")
    #expect(batch.rows[0].bits & Bits.timeInExt != 0)
    #expect(UInt64(bitPattern: batch.rows[0].duration) &+ 1 << 63 == 5)
  }

  @Test func takesAZeroParentForNone() throws {
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(4, Array(repeating: 0, count: 8)))))
    #expect(!batch.rows[0].present.contains(.parent))
  }

  @Test func makesRowsOfSpanEventsBehindTheirSpan() throws {
    let event =
      P.field(1, fixed: P.second + 5) + P.field(2, "hit") + attributes(3, ["span_id": "mine", "k": "v"])
      + P.field(4, varint: 6)
    let span = P.span(
      attributes(9, ["session.id": "s-9", "uid": "x"]) + P.field(11, event) + P.field(11, P.field(1, fixed: 1)))
    let batch = try Batch.decoded(.traces, P.request(span, P.span()))
    #expect(batch.rows.map(\.kind) == [.span, .spanEvent, .spanEvent, .span])
    #expect(batch.recordCount == 2)
    #expect(batch.rows[0].bits >> Bits.spanEventCountShift == 2)
    #expect(batch.name(1) == "hit" && batch.name(2) == "span")
    #expect(batch.data(1) == "{\"k\":\"v\",\"attributes\":{\"span_id\":\"mine\"}}")
    #expect(batch.rows[1].bits == Bits.attributesMoved)
    #expect(batch.ext(1) == "{\"dropped_attributes_count\":6}")
    #expect(batch.rows[1].auxiliary == 5 && batch.rows[2].auxiliary == 1 - 1_000_000_000)
    #expect(batch.rows[1].trace == batch.rows[0].trace && batch.rows[1].span == batch.rows[0].span)
    // An event belongs to whom its span belongs to.
    #expect(batch.text(batch.context(1).session) == "s-9")
    #expect(batch.text(batch.context(3).session) == "anon-local")
  }

  @Test(arguments: [
    (P.field(1, []), Rejection.Reason.zeroTraceID, "traceId"),
    (P.field(1, Array(repeating: 0, count: 16)), .zeroTraceID, "traceId"),
    (P.field(1, [1]), .badTraceID, "traceId"), (P.field(2, []), .zeroSpanID, "spanId"),
    (P.field(2, Array(repeating: 0, count: 8)), .zeroSpanID, "spanId"), (P.field(2, P.traceID), .badSpanID, "spanId"),
    (P.field(4, [1, 2]), .badSpanID, "parentSpanId"),
  ])
  func refusesSpansWithBadIDsAlone(change: [UInt8], reason: Rejection.Reason, field: String) throws {
    let event = P.field(11, P.field(2, "lost"))
    let batch = try Batch.decoded(
      .traces, P.request(P.span(), P.span(attributes(9, ["k": "v"]) + change + event), P.span()))
    #expect(batch.recordCount == 2 && batch.rows.count == 2)
    #expect(batch.rejections.map(\.reason) == [reason])
    #expect(batch.rejections[0].index == 1)
    #expect(batch.rejections[0].path == "resourceSpans[0].scopeSpans[0].spans[1].\(field)")
    #expect(batch.rejections[0].record.hasPrefix("{\"name\":\"op\","))
    #expect(batch.rejections[0].record.hasSuffix("\"attributes\":{\"k\":\"v\"}}"))
    #expect(!batch.names.contains { batch.text($0.event) == "lost" })
  }

  // MARK: logs

  @Test func putsALogIntoItsColumns() throws {
    let more =
      attributes(6, ["k": "v"]) + P.field(2, varint: 17) + P.field(3, "ERR") + P.field(5, P.field(1, "text"))
      + P.field(7, varint: 2)
      + P.field(8, fixed32: 1) + P.field(9, P.traceID) + P.field(10, P.spanID) + P.field(11, fixed: P.second + 3)
      + P.field(12, "match.start")
    let batch = try Batch.decoded(.logs, P.request(P.log(more)))
    #expect(batch.data(0) == "{\"body\":\"text\",\"k\":\"v\"}")
    #expect(batch.ext(0) == "{\"severity_text\":\"ERR\",\"dropped_attributes_count\":2}")
    #expect(batch.name(0) == "match.start" && batch.text(batch.names[0].category) == "match")
    let row = batch.rows[0]
    #expect(row.bits == 17 | 1 << Bits.flagsShift | Bits.logHasEventName)
    #expect(row.severity == .error && row.auxiliary == 3)
    #expect(row.present.isSuperset(of: [.trace, .span, .auxiliary, .data, .ext]))
  }

  /// Time, observed time; row time, bits, whether the difference is there.
  @Test(arguments: [
    (UInt64(5), UInt64(9), Int64(5), Int64(0), true), (5, 0, 5, Bits.logObservedWasZero, false),
    (0, 9, 9, Bits.logTimeWasZero, false), (0, 0, 42, Bits.logTimeWasZero | Bits.logObservedWasZero, false),
    (.max, 9, .max, Bits.timeInExt, true),
  ])
  func choosesTheTimeOfALog(time: UInt64, observed: UInt64, rowTime: Int64, bits: Int64, difference: Bool) throws {
    let batch = try Batch.decoded(.logs, P.request(P.field(1, fixed: time) + P.field(11, fixed: observed)))
    #expect(batch.rows[0].time == rowTime)
    #expect(batch.rows[0].bits == bits)
    #expect(batch.rows[0].present.contains(.auxiliary) == difference)
  }

  @Test func movesAttributesThatAreNamedLikeTheBody() throws {
    let body = P.field(5, P.field(1, "text"))
    let batch = try Batch.decoded(
      .logs, P.request(P.log(body + attributes(6, ["body": "mine", "session.id": "s", "attributes": "too"]))))
    #expect(
      batch.data(0)
        == "{\"body\":\"text\",\"session.id\":\"s\",\"attributes\":{\"body\":\"mine\",\"attributes\":\"too\"}}")
    #expect(batch.rows[0].bits & Bits.attributesMoved != 0)
    #expect(batch.text(batch.context(0).session) == "s")
  }

  @Test func tellsAnEmptyBodyFromNone() throws {
    let batch = try Batch.decoded(.logs, P.request(P.log(P.field(5, [])), P.log()))
    #expect(batch.data(0) == "{\"body\":null}" && batch.data(1) == "{}")
  }

  @Test func namesALogAfterItsAttributeOrItsKind() throws {
    let batch = try Batch.decoded(.logs, P.request(P.log(attributes(6, ["event.name": "gui.open"])), P.log()))
    #expect(batch.name(0) == "gui.open" && batch.name(1) == "log")
    #expect(batch.rows[0].bits & Bits.logHasEventName == 0)
  }

  @Test(arguments: [
    (0, "WARNING", Severity.warn), (0, "fatal", .error), (0, "TRACE3", .trace), (0, "odd", .info), (0, "", .info),
    (24, "info", .error),
    (30, "debug", .debug),
  ])
  func takesTheSeverityFromItsTextWithoutANumber(number: UInt64, text: String, expected: Severity) throws {
    let batch = try Batch.decoded(.logs, P.request(P.log(P.field(2, varint: number) + P.field(3, text))))
    #expect(batch.rows[0].severity == expected)
  }

  @Test func keepsLogsWhoseIDsCannotBe() throws {
    let batch = try Batch.decoded(.logs, P.request(P.log(P.field(9, [1]) + P.field(10, Array(repeating: 0, count: 8)))))
    #expect(batch.recordCount == 1)
    #expect(batch.rows[0].present == .data)
  }

  // MARK: metrics

  @Test func putsNumberPointsIntoTheirColumns() throws {
    let exemplar =
      P.field(2, fixed: 9) + P.field(6, fixed: 4) + P.field(4, P.spanID) + P.field(5, P.traceID)
      + P.field(7, P.keyValue("f", text: "x"))
    let points = [
      P.point(
        P.field(2, fixed: 1) + P.field(6, fixed: UInt64(bitPattern: -3)) + attributes(7, ["k": "v"])
          + P.field(8, varint: 2)),
      P.point(P.field(4, fixed: 0) + P.field(5, exemplar) + P.field(5, P.field(2, fixed: 1))),
      P.point(P.field(4, fixed: Double.nan.bitPattern) + attributes(7, ["k": "v"])), P.point(P.field(8, varint: 1)),
    ]
    let metric = P.metric(
      7, points[0], points[1], points[2], points[3], more: P.field(2, varint: 2) + P.field(3, varint: 1))
    let described =
      metric + P.field(2, "words") + P.field(3, "ms") + P.field(12, P.keyValue("prometheus.type", text: "counter"))
    let batch = try Batch.decoded(.metrics, P.request(described))
    #expect(batch.recordCount == 4 && batch.metrics.count == 1 && batch.series.count == 2)
    let kept = batch.metrics[0]
    #expect(kept.type == .sum && kept.temporality == 2 && kept.monotonic)
    #expect(
      [kept.name, kept.unit, kept.description, kept.metadata].map(batch.text) == [
        "m", "ms", "words", "{\"prometheus.type\":\"counter\"}",
      ])
    let rows = batch.rows
    #expect(rows[0].value == -3 && rows[0].present == [.integer, .auxiliary] && rows[0].auxiliary == 999_999_999)
    #expect(rows[0].bits == 2 << Bits.flagsShift)
    #expect(rows[1].present == [.double, .ext])
    #expect(
      batch.ext(1) == """
        {"exemplars":[{"time_unix_nano":9,"value":4,"trace_id":"0102030405060708090a0b0c0d0e0f10",\
        "span_id":"0102030405060708","filtered_attributes":{"f":"x"}}]}
        """)
    #expect(batch.ext(2) == "{\"value\":{\"$double\":\"NaN\"}}")
    #expect(rows[3].present == [] && rows[3].bits == 1 << Bits.flagsShift)
    #expect(rows.map(\.series) == [0, 1, 0, 1])
    #expect(batch.series(0) == "{\"k\":\"v\"}" && batch.series(1) == "{}")
    #expect(batch.warnings.count == 1)
  }

  /// A known series gives back the text of its attributes, but not when a column points into it.
  @Test func keepsWhatAPointsAttributesPromote() throws {
    let point = P.point(
      P.field(6, fixed: 1) + attributes(7, ["session.id": "s-1", "category": "net"]) + P.field(5, P.field(6, fixed: 7)))
    let batch = try Batch.decoded(
      .metrics, P.request(P.metric(5, point, point, point), P.metric(5, P.point(P.field(6, fixed: 1)), point)))
    #expect(batch.series.count == 2)
    for row in [0, 1, 2, 4] {
      #expect(batch.text(batch.context(row).session) == "s-1")
      #expect(batch.text(batch.names[Int(batch.rows[row].name)].category) == "net")
      #expect(batch.name(row) == "m")
    }
    #expect(batch.metrics.map { batch.text($0.name) } == ["m"])
  }

  @Test func putsDistributionsIntoDataAndExt() throws {
    let exponential =
      P.field(4, fixed: 1) + P.field(5, fixed: 0) + P.field(6, varint: 5) + P.field(7, fixed: 1) + P.field(9, [])
      + P.field(12, fixed: 0)
      + P.field(14, fixed: 0.5.bitPattern)
    let quantile = P.field(1, fixed: 0.5.bitPattern) + P.field(2, fixed: 2.0.bitPattern)
    let batch = try Batch.decoded(
      .metrics,
      P.request(
        P.metric(9, P.point(P.field(4, fixed: .max))), P.metric(10, P.point(exponential)),
        P.metric(11, P.point(P.field(4, fixed: 1) + P.field(6, quantile)))))
    #expect(batch.data(0) == "{\"count\":\"18446744073709551615\"}" && batch.ext(0) == nil)
    #expect(batch.data(1) == "{\"count\":1,\"sum\":0.0,\"min\":0.0}")
    #expect(
      batch.ext(1) == "{\"scale\":-3,\"zero_count\":1,\"zero_threshold\":0.5,\"negative\":{\"offset\":0,\"counts\":[]}}"
    )
    #expect(batch.data(2) == "{\"count\":1,\"sum\":0.0}")
    #expect(batch.ext(2) == "{\"quantiles\":[{\"quantile\":0.5,\"value\":2.0}]}")
    #expect(batch.rows.allSatisfy { $0.kind == .distribution })
  }

  @Test func hasNoRowForMetricsWithoutPoints() throws {
    let batch = try Batch.decoded(.metrics, P.request(P.field(1, "none"), P.metric(5), P.metric(9)))
    #expect(batch.rows.isEmpty && batch.metrics.isEmpty && batch.rejectedCount == 0)
  }

  @Test(arguments: [
    (
      UInt64(5), P.field(3, fixed: 0) + P.field(6, fixed: 1), Rejection.Reason.zeroTime,
      "gauge.dataPoints[0].timeUnixNano"
    ),
    (7, [], .noValue, "sum.dataPoints[0]"),
    (9, P.field(6, fixed: 1) + P.field(7, fixed: 0), .badHistogram, "histogram.dataPoints[0].bucketCounts"),
    (9, P.field(4, fixed: 2) + P.field(6, fixed: 1), .badHistogram, "histogram.dataPoints[0].bucketCounts"),
    (9, P.field(7, fixed: 0), .badHistogram, "histogram.dataPoints[0].bucketCounts"),
    (10, P.field(3, fixed: 0), .zeroTime, "exponentialHistogram.dataPoints[0].timeUnixNano"),
    (10, P.field(4, fixed: 2) + P.field(7, fixed: 1), .badHistogram, "exponentialHistogram.dataPoints[0].bucketCounts"),
    (
      10, P.field(4, fixed: 1) + P.field(7, fixed: 2) + P.field(8, P.field(2, P.varint(.max))), .badHistogram,
      "exponentialHistogram.dataPoints[0].bucketCounts"
    ),
    (
      11, P.field(6, P.field(1, fixed: 0.5.bitPattern)) + P.field(6, P.field(1, fixed: 0.5.bitPattern)), .badSummary,
      "summary.dataPoints[0].quantileValues"
    ),
    (11, P.field(6, P.field(1, fixed: 1.5.bitPattern)), .badSummary, "summary.dataPoints[0].quantileValues"),
    (11, P.field(6, P.field(1, fixed: Double.nan.bitPattern)), .badSummary, "summary.dataPoints[0].quantileValues"),
  ])
  func refusesPointsAlone(kind: UInt64, change: [UInt8], reason: Rejection.Reason, path: String) throws {
    let good = P.metric(5, P.point(P.field(6, fixed: 1) + attributes(7, ["k": "v"])))
    let batch = try Batch.decoded(.metrics, P.request(good, P.metric(kind, P.point(change)), good))
    #expect(batch.recordCount == 2)
    #expect(batch.rejections.map(\.reason) == [reason])
    #expect(batch.rejections[0].path == "resourceMetrics[0].scopeMetrics[0].metrics[1].\(path)")
    #expect(batch.rejections[0].record == "{\"name\":\"m\",\"attributes\":{}}")
    #expect(batch.series(1) == "{\"k\":\"v\"}")
  }

  @Test func takesBucketsWithOneCountAndNoBounds() throws {
    let batch = try Batch.decoded(
      .metrics, P.request(P.metric(9, P.point(P.field(4, fixed: 7) + P.field(6, fixed: 7)))))
    #expect(batch.ext(0) == "{\"counts\":[7]}")
  }

  @Test func keepsAtMostAThousandRejectionsAndCountsAll() throws {
    let spans = Array(repeating: P.field(2, P.field(5, "op")), count: 1500).flatMap { $0 }
    let batch = try Batch.decoded(.traces, P.field(1, P.field(2, spans)))
    #expect(batch.rejections.count == Rejection.limitPerBatch && batch.rejectedCount == 1500)
    #expect(batch.rejections.last?.index == Rejection.limitPerBatch - 1)
  }

  @Test func keepsEntityReferences() throws {
    let entity = P.field(1, "https://e") + P.field(2, "host") + P.field(3, "a") + P.field(3, "b") + P.field(4, "c")
    let batch = try Batch.decoded(
      .traces, P.request(P.span(), resource: P.field(2, varint: 8) + P.field(3, entity) + P.field(3, P.field(2, "x"))))
    #expect(
      batch.text(batch.resources[0].entityRefs) == """
        [{"schema_url":"https://e","type":"host","id_keys":["a","b"],"description_keys":["c"]},{"type":"x"}]
        """)
    #expect(batch.resources[0].droppedAttributes == 8)
  }

  @Test func keepsNoResourceAndNoScopeWithoutRows() throws {
    let empty = P.field(1, P.field(2, []) + P.field(2, P.field(2, P.field(5, "refused"))))
    let batch = try Batch.decoded(.traces, empty + P.request(P.span()) + empty)
    #expect(batch.resources.count == 1 && batch.streams.count == 1)
    #expect(batch.rows[0].stream == 0 && batch.streams[0].resource == 0)
    #expect(batch.rejections.map(\.path).last == "resourceSpans[2].scopeSpans[1].spans[0].traceId")
  }

  @Test(arguments: [
    (Signal.traces, P.span(), 3, 2), (.traces, P.span(P.field(11, [])), 1, 4), (.logs, P.log(), 3, 2),
    (.metrics, P.metric(5, P.point(P.field(6, fixed: 1))), 3, 2),
  ])
  func refusesRecordsForWhichThereIsNoRoom(signal: Signal, item: [UInt8], kept: Int, refused: Int) throws {
    let batch = try Batch.decoded(signal, P.request(item, item, item, item, item)) { $0.rowLimit = 3 }
    #expect(batch.recordCount == kept && batch.rows.count <= 3)
    #expect(batch.rejections.map(\.reason) == Array(repeating: .tooLarge, count: refused))
    #expect(batch.rejections[0].index == kept)
  }
}
