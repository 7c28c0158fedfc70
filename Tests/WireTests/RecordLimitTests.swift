import Telemetry
import Testing
import Wire

/// Records that are too much of something are refused alone.
struct RecordLimitTests {
  static func attribute(_ key: String, _ value: String) -> String {
    #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
  }

  static func decode(
    _ signal: Signal, _ json: String, required: [String] = []
  ) throws -> Batch {
    var options = DecodeOptions(now: 1)
    options.required = required.map { Array($0.utf8) }
    let bytes = Array(json.utf8)
    return try bytes.withUnsafeBytes { body in try OTLPDecoder.decodeJSON(signal, body, options: options) }
  }

  static func log(_ attributes: String, body: String = "") -> String {
    "{\(body.isEmpty ? "" : #""body":{"stringValue":"\#(body)"},"#)\"attributes\":[\(attributes)]}"
  }

  static func logs(_ records: [String], resource: String = "", scope: String = "") -> String {
    #"{"resourceLogs":[{"resource":{"attributes":[\#(resource)]},"scopeLogs":[{"scope":{"attributes":[\#(scope)]},"#
      + #""logRecords":[\#(records.joined(separator: ","))]}]}]}"#
  }

  static func many(_ count: Int) -> String { (0..<count).map { attribute("k\($0)", "v") }.joined(separator: ",") }

  static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var record: String
    var reason: Rejection.Reason?
    var testDescription: String { name }
  }

  @Test(
    arguments: [
      Case(name: "1,024 attributes", record: log(many(1_024)), reason: nil),
      Case(name: "1,025 attributes", record: log(many(1_025)), reason: .tooManyAttributes),
      Case(name: "a key of 1,024 bytes", record: log(attribute(long(1_024), "v")), reason: nil),
      Case(name: "a key of 1,025 bytes", record: log(attribute(long(1_025), "v")), reason: .keyTooLong),
      Case(name: "a value of 1 MiB", record: log(attribute("k", long(1 << 20))), reason: nil),
      Case(name: "a value over 1 MiB", record: log(attribute("k", long(1 << 20) + "x")), reason: .valueTooLong),
      Case(name: "a body of 1 MiB", record: log("", body: long(1 << 20)), reason: nil),
      Case(name: "a body over 1 MiB", record: log("", body: long(1 << 20) + "x"), reason: .valueTooLong),
      Case(
        name: "an array over 1 MiB",
        record: log(
          #"{"key":"k","value":{"arrayValue":{"values":[{"stringValue":"\#(long(600_000))"},{"stringValue":"\#(long(600_000))"}]}}}"#
        ), reason: .valueTooLong),
      Case(
        name: "a long key in a map",
        record: log(
          #"{"key":"k","value":{"kvlistValue":{"values":[{"key":"\#(long(1_025))","value":{"intValue":"1"}}]}}}"#),
        reason: .keyTooLong),
    ])
  func refusesALogAlone(_ example: Case) throws {
    let batch = try Self.decode(.logs, Self.logs([Self.log(Self.attribute("a", "b")), example.record, Self.log("")]))
    #expect(batch.rejections.map(\.reason) == (example.reason.map { [$0] } ?? []))
    #expect(batch.recordCount == (example.reason == nil ? 3 : 2))
    if let rejection = batch.rejections.first {
      #expect(rejection.index == 1)
      #expect(rejection.path == "resourceLogs[0].scopeLogs[0].logRecords[1].attributes")
      #expect(rejection.record.isEmpty)
    }
  }

  @Test func whatAResourceHasTooMuchOfRefusesItsRecordsOnly() throws {
    let bad = Self.logs([Self.log(""), Self.log("")], resource: Self.many(1_025))
    let good = Self.logs([Self.log("")])
    let both = bad.dropLast(2) + "," + good.dropFirst(#"{"resourceLogs":["#.count)
    let batch = try Self.decode(.logs, String(both))
    #expect(batch.rejections.map(\.reason) == [.tooManyAttributes, .tooManyAttributes])
    #expect(batch.recordCount == 1)
  }

  @Test func whatAScopeHasTooMuchOfRefusesItsRecords() throws {
    let batch = try Self.decode(.logs, Self.logs([Self.log("")], scope: Self.attribute(Self.long(1_025), "v")))
    #expect(batch.rejections.map(\.reason) == [.keyTooLong] && batch.recordCount == 0)
  }

  private static func span(_ id: Int, _ more: String) -> String {
    #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"010203040506070\#(id)","name":"a"\#(more)}"#
  }

  @Test(arguments: [
    (#""attributes":[\#(many(1_025))]"#, Rejection.Reason.tooManyAttributes, "attributes"),
    (#""links":[{"attributes":[\#(many(1_025))]}]"#, .tooManyAttributes, "attributes"),
    (#""events":[{"name":"e"},{"name":"f","attributes":[\#(attribute(long(1_025), "v"))]}]"#, .keyTooLong, "events"),
  ])
  func refusesASpanWithItsEvents(more: String, reason: Rejection.Reason, field: String) throws {
    let spans = [Self.span(1, ""), Self.span(2, "," + more), Self.span(3, #","events":[{"name":"e"}]"#)]
    let batch = try Self.decode(
      .traces, #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(spans.joined(separator: ","))]}]}]}"#)
    #expect(batch.rejections.map(\.reason) == [reason])
    #expect(batch.rejections.first?.index == 1)
    #expect(batch.rejections.first?.path == "resourceSpans[0].scopeSpans[0].spans[1].\(field)")
    #expect(batch.rows.map(\.kind) == [.span, .span, .spanEvent])
    #expect(batch.recordCount == 2)
  }

  @Test func refusesAPointAloneAndDropsAnExemplarAlone() throws {
    let points = [
      #"{"timeUnixNano":"1","asInt":"1"}"#, #"{"timeUnixNano":"1","asInt":"2","attributes":[\#(Self.many(1_025))]}"#,
      #"{"timeUnixNano":"1","asInt":"3","exemplars":[{"asInt":"1","filteredAttributes":[\#(Self.many(1_025))]}]}"#,
    ]
    let batch = try Self.decode(
      .metrics,
      #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[\#(points.joined(separator: ","))]}}]}]}]}"#
    )
    #expect(batch.rejections.map(\.reason) == [.tooManyAttributes])
    #expect(
      batch.rejections.first?.path == "resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[1].attributes")
    #expect(batch.rows.map(\.value) == [1, 3])
    #expect(batch.warnings.contains { $0.contains("exemplars") })
  }

  @Test(arguments: [
    ("of its own", attribute("game_id", "g"), "", "", true), ("of its scope", "", attribute("game_id", "g"), "", true),
    ("of its resource", "", "", attribute("game_id", "g"), true), ("nowhere", attribute("game", "g"), "", "", false),
    ("in a map", #"{"key":"m","value":{"kvlistValue":{"values":[\#(attribute("game_id", "g"))]}}}"#, "", "", false),
  ])
  func asksForAttributes(name: String, own: String, scope: String, resource: String, taken: Bool) throws {
    let json = Self.logs([Self.log(own)], resource: resource, scope: scope)
    let batch = try Self.decode(.logs, json, required: ["game_id"])
    #expect(batch.recordCount == (taken ? 1 : 0))
    #expect(batch.rejections.map(\.reason) == (taken ? [] : [.missingRequired]))
    if !taken {
      #expect(batch.rejections.first?.path == "resourceLogs[0].scopeLogs[0].logRecords[0].attributes.game_id")
      #expect(batch.rejections.first?.record.contains("attributes") == true)
    }
  }
}
