import Telemetry
import TestSupport
import Testing
import Wire

/// Which attributes leave, and what Jaeger wants of them.
@Suite struct OTLPParcelFilterTests {
  private static let both = [OTLPParcelOptions.Encoding.protobuf, .json]

  /// `secret` and `open` at one place.
  private static func pair(_ place: String) -> String {
    "[{\"key\":\"secret.\(place)\",\"value\":{\"stringValue\":\"hidden\"}},"
      + "{\"key\":\"open.\(place)\",\"value\":{\"intValue\":\"1\"}}]"
  }

  private static let resource =
    "\"resource\":{\"attributes\":\(pair("resource")),\"entityRefs\":["
    + "{\"type\":\"a\",\"idKeys\":[\"open.resource\"]},{\"type\":\"b\",\"idKeys\":[\"secret.resource\"]}]}"
  private static let scope = "\"scope\":{\"name\":\"s\",\"attributes\":\(pair("scope"))}"

  private static let traces =
    "{\"resourceSpans\":[{\(resource),\"scopeSpans\":[{\(scope),\"spans\":[{"
    + "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\",\"startTimeUnixNano\":\"5\","
    + "\"attributes\":\(pair("span")),\"events\":[{\"timeUnixNano\":\"6\",\"name\":\"e\","
    + "\"attributes\":\(pair("event"))}],\"links\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\","
    + "\"spanId\":\"eee19b7ec3c1b174\",\"attributes\":\(pair("link"))}]}]}]}]}"
  private static let logs =
    "{\"resourceLogs\":[{\(resource),\"scopeLogs\":[{\(scope),\"logRecords\":[{\"timeUnixNano\":\"5\","
    + "\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"inside\",\"value\":{\"boolValue\":true}}]}},"
    + "\"attributes\":\(pair("log"))}]}]}]}"
  private static let exemplars =
    "\"exemplars\":[{\"timeUnixNano\":\"4\",\"asInt\":\"1\",\"filteredAttributes\":\(pair("exemplar"))}]"
  private static let metrics =
    "{\"resourceMetrics\":[{\(resource),\"scopeMetrics\":[{\(scope),\"metrics\":[{\"name\":\"m\","
    + "\"metadata\":\(pair("metadata")),\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"5\",\"asInt\":\"1\","
    + "\"attributes\":\(pair("point")),\(exemplars)}]}},{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{"
    + "\"timeUnixNano\":\"5\",\"count\":\"1\",\"attributes\":\(pair("histogram")),\(exemplars)}]}}]}]}]}"

  private static func request(_ signal: Signal) -> (json: String, places: [String]) {
    switch signal {
    case .traces: (traces, ["resource", "scope", "span", "event", "link"])
    case .metrics: (metrics, ["resource", "scope", "metadata", "point", "histogram", "exemplar"])
    case .logs: (logs, ["resource", "scope", "log"])
    }
  }

  private static func arena(_ batch: Batch) -> String { String(decoding: batch.arena, as: UTF8.self) }

  @Test(arguments: Signal.allCases, both)
  func whatIsDeniedLeavesNowhere(signal: Signal, encoding: OTLPParcelOptions.Encoding) throws {
    let (json, places) = Self.request(signal)
    let filters = [AttributeFilter(deny: ["secret.*"]), AttributeFilter(allow: ["open.*"])]
    for filter in filters {
      let options = OTLPParcelLab.options(encoding) { $0.attributes = filter }
      let text = Self.arena(try OTLPParcelLab.sent(signal, json, options))
      #expect(!text.contains("secret") && !text.contains("hidden"))
      for place in places { #expect(text.contains("\"open.\(place)\":1"), "\(place)") }
      // The entity whose identity may not leave stays behind.
      #expect(text.contains("[{\"type\":\"a\",\"id_keys\":[\"open.resource\"]}]"))
      if signal == .logs { #expect(text.contains("\"body\":{\"inside\":true}")) }
    }
    let whole = Self.arena(try OTLPParcelLab.sent(signal, json, OTLPParcelLab.options(encoding)))
    for place in places { #expect(whole.contains("\"secret.\(place)\":\"hidden\""), "\(place)") }
  }

  @Test(arguments: both)
  func aKeyIsComparedAsItWasSent(encoding: OTLPParcelOptions.Encoding) throws {
    let keys = ["$money", "a \\\"quoted\\\" one", "body", "attributes", "tab\\t"]
    let attributes = keys.map { "{\"key\":\"\($0)\",\"value\":{\"intValue\":\"1\"}}" }.joined(separator: ",")
    let json = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"attributes\":[\(attributes)]}]}]}]}"
    for (pattern, left) in [
      ("$money", 4), ("$$money", 5), ("a \"quoted\" one", 4), ("body", 4), ("attributes", 4), ("tab\t", 4),
    ] {
      let options = OTLPParcelLab.options(encoding) { $0.attributes = AttributeFilter(deny: [pattern]) }
      let sent = try OTLPParcelLab.sent(.logs, json, options)
      #expect(sent.data(0).split(separator: ":1").count - 1 == left, "\(pattern): \(sent.data(0))")
    }
  }

  /// A column that came from no attribute is one on the way out.
  @Test(arguments: both)
  func columnsOfALogRecordLeaveUnlessDenied(encoding: OTLPParcelOptions.Encoding) throws {
    func sent(_ filter: AttributeFilter) throws -> Batch {
      let builder = OTLPParcelBuilder(OTLPParcelLab.options(encoding) { $0.attributes = filter })
      var record = OTLPRecord(id: 9, kind: .log)
      record.time = 5
      record.tick = 77
      record.duration = 3_000
      record.bits = Bits.logObservedWasZero
      let texts = ["match", "relay.game.start", "c-1", "u-1"].map { Array($0.utf8) }
      texts[0].withUnsafeBytes { category in
        texts[1].withUnsafeBytes { event in
          texts[2].withUnsafeBytes { correlation in
            texts[3].withUnsafeBytes { uid in
              record.category = category
              record.event = event
              record.correlation = correlation
              record.uid = uid
              #expect(builder.add(record) == .taken)
            }
          }
        }
      }
      let body = builder.cut(laneCount: 1).first.map(OTLPParcelLab.body) ?? []
      return try OTLPParcelLab.decoded(.logs, body, encoding)
    }
    #expect(
      try sent(AttributeFilter()).data(0) == "{\"tick\":77,\"duration_us\":3,\"category\":\"match\","
        + "\"event.name\":\"relay.game.start\",\"correlation\":\"c-1\",\"log.record.uid\":\"u-1\"}")
    #expect(try sent(AttributeFilter(allow: ["tick"])).data(0) == "{\"tick\":77}")
  }

  // MARK: Jaeger

  private static let serviceNames: [(attribute: String, isUnknown: Bool)] = [
    ("", true), ("{\"key\":\"service.name\",\"value\":{\"stringValue\":\"\"}}", true),
    ("{\"key\":\"service.name\",\"value\":{\"intValue\":\"4\"}}", true),
    ("{\"key\":\"service.name\",\"value\":{}}", true),
    ("{\"key\":\"service.name\",\"value\":{\"stringValue\":\"relay\"}}", false),
  ]

  @Test(arguments: serviceNames, both)
  func jaegerGetsAServiceName(
    _ resource: (attribute: String, isUnknown: Bool), encoding: OTLPParcelOptions.Encoding
  ) throws {
    let others = resource.attribute.isEmpty ? "" : ","
    let json =
      "{\"resourceLogs\":[{\"resource\":{\"attributes\":[\(resource.attribute)\(others)"
      + "{\"key\":\"x\",\"value\":{\"boolValue\":true}}]},"
      + "\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"5\"}]}]}]}"
    let sent = try OTLPParcelLab.sent(.logs, json, OTLPParcelLab.options(encoding) { $0.serviceNameRequired = true })
    let attributes = sent.text(sent.resources[0].attributes)
    #expect(
      attributes
        == (resource.isUnknown
          ? "{\"x\":true,\"service.name\":\"unknown_service\"}" : "{\"service.name\":\"relay\",\"x\":true}"))
    let plain = try OTLPParcelLab.sent(.logs, json, OTLPParcelLab.options(encoding))
    #expect(!plain.text(plain.resources[0].attributes).contains("unknown"))
  }

  @Test(arguments: both)
  func aServiceNameThatMayNotLeaveIsUnknown(encoding: OTLPParcelOptions.Encoding) throws {
    let json =
      "{\"resourceLogs\":[{\"resource\":{\"attributes\":"
      + "[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"r\"}}]},"
      + "\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"5\"}]}]}]}"
    let options = OTLPParcelLab.options(encoding) {
      $0.serviceNameRequired = true
      $0.attributes = AttributeFilter(deny: ["service.*"])
    }
    let sent = try OTLPParcelLab.sent(.logs, json, options)
    #expect(sent.text(sent.resources[0].attributes) == "{\"service.name\":\"unknown_service\"}")
  }
}
