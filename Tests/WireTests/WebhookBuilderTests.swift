import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct WebhookBuilderTests {
  static func lines(
    _ signal: Signal, _ json: String, _ filter: AttributeFilter = AttributeFilter()
  ) throws -> [String] {
    ParcelLab.text(try ParcelLab.parcels(WebhookBuilder(filter), signal, json).first).split(separator: "\n")
      .map(String.init)
  }

  static let resource = "{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"relay\"}}]}"

  @Test func writesALineForALog() throws {
    let lines = try Self.lines(
      .logs,
      """
      {"resourceLogs":[{"resource":\(Self.resource),"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000123456789",\
      "severityNumber":13,"eventName":"relay.game.start","body":{"stringValue":"hi"},"traceId":\
      "5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[\
      {"key":"tick","value":{"intValue":"7"}},{"key":"duration_us","value":{"intValue":"12"}},\
      {"key":"session.id","value":{"stringValue":"s1"}},{"key":"f","value":{"doubleValue":1.0}}]}]}]}]}
      """)
    #expect(
      lines == [
        """
        {"id":1,"signal":"logs","timestamp":"2023-11-14T22:13:20.123456Z","session_id":"s1","component":"relay",\
        "game_module":null,"mod_fingerprint":null,"category":"relay","event":"relay.game.start","severity":"warn",\
        "data":{"body":"hi","tick":7,"duration_us":12,"session.id":"s1","f":1.0},"duration_us":12,"tick":7,\
        "correlation":"5b8efff798038103d269b633813fc60c","resource":{"service.name":"relay"}}
        """
      ])
  }

  /// Columns repeat attributes.
  @Test func keepsBackColumnsOfAttributesThatMayNotLeave() throws {
    func line(_ filter: AttributeFilter, resource: String, attributes: String) throws -> JSONTree {
      let json = """
        {"resourceLogs":[{"resource":{"attributes":[\(resource)]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1000",\
        "attributes":[\(attributes)]}]}]}]}
        """
      return JSONTree(Array(try #require(try Self.lines(.logs, json, filter).first).utf8))
    }
    func text(_ key: String, _ value: String) -> String {
      "{\"key\":\"\(key)\",\"value\":{\"stringValue\":\"\(value)\"}}"
    }
    let resource = [text("service.name", "SECRET"), text("service.instance.id", "SECRET")].joined(separator: ",")
    let attributes = [
      text("game_module", "SECRET"), text("mod_fingerprint", "SECRET"), text("category", "SECRET"),
      text("event.name", "SECRET.a"), text("correlation", "SECRET"),
      "{\"key\":\"tick\",\"value\":{\"intValue\":\"7\"}}",
      "{\"key\":\"duration_us\",\"value\":{\"intValue\":\"9\"}}",
    ].joined(separator: ",")
    let columns = [
      "session_id", "component", "game_module", "mod_fingerprint", "category", "duration_us", "tick", "correlation",
    ]
    let open = try line(AttributeFilter(), resource: resource, attributes: attributes)
    #expect(columns.allSatisfy { open[$0] != .null })
    for filter in [AttributeFilter(deny: ["*"]), AttributeFilter(allow: ["map"])] {
      let closed = try line(filter, resource: resource, attributes: attributes)
      #expect(columns.allSatisfy { closed[$0] == .null }, "\(closed)")
      #expect(closed["event"]?.string == "log")
    }
    let named = try line(
      AttributeFilter(deny: ["service.instance.id"]), resource: resource, attributes: text("session.id", "mine"))
    #expect(named["session_id"]?.string == "mine")
    #expect(named["component"]?.string == "SECRET")
    let unnamed = try line(AttributeFilter(deny: ["service.instance.id"]), resource: resource, attributes: "")
    #expect(unnamed["session_id"] == .null)
  }

  @Test func keepsBackAttributesOfExemplars() throws {
    func exemplar(_ key: String) -> String {
      "{\"timeUnixNano\":\"1\",\"asInt\":\"1\",\"filteredAttributes\":["
        + "{\"key\":\"\(key)\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"map\",\"value\":{\"intValue\":\"2\"}}]}"
    }
    let json = Self.metric(
      "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"2000\",\"asInt\":\"3\",\"exemplars\":["
        + "\(exemplar("secret.a")),\(exemplar("secret.b"))]}]}")
    let line = try #require(try Self.lines(.metrics, json, AttributeFilter(deny: ["secret.*"])).first)
    let exemplars = JSONTree(Array(line.utf8))["data"]?["metric"]?["exemplars"]?.elements ?? []
    #expect(
      exemplars.map { $0["filtered_attributes"] } == [
        .object([.init(key: "map", value: .number("2"))]),
        .object([.init(key: "map", value: .number("2"))]),
      ])
    #expect(exemplars.allSatisfy { $0["value"] != nil && $0["time_unix_nano"] != nil })
    #expect(!line.contains("secret"))
  }

  /// A span event is a row of `telemetry_events` too; it goes with its span.
  @Test func writesSpanEventsBehindTheirSpan() throws {
    let json = """
      {"resourceSpans":[{"resource":\(Self.resource),"scopeSpans":[{"spans":[\
      {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a",\
      "startTimeUnixNano":"1000","endTimeUnixNano":"3500","events":[{"timeUnixNano":"2000","name":"e"},\
      {"timeUnixNano":"2000","name":"f","attributes":[{"key":"k","value":{"boolValue":true}},\
      {"key":"span_id","value":{"intValue":"1"}}]}]},\
      {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","name":"b"}]}]}]}
      """
    let parcel = try #require(try ParcelLab.parcels(WebhookBuilder(), .traces, json).first)
    #expect(parcel.items.map(\.id) == [1, 4])
    let lines = String(decoding: parcel.body(0..<1, form: 0), as: UTF8.self).split(separator: "\n")
      .map { JSONTree(Array($0.utf8)) }
    #expect(lines.map { $0["event"]?.string } == ["a", "e", "f"])
    #expect(lines[0]["duration_us"]?.int == 2)
    #expect(lines[1]["data"] == JSONTree(Array("{\"span_id\":\"eee19b7ec3c1b174\"}".utf8)))
    #expect(
      lines[2]["data"]
        == JSONTree(Array("{\"span_id\":\"eee19b7ec3c1b174\",\"k\":true,\"attributes\":{\"span_id\":1}}".utf8)))
    #expect(lines[2]["correlation"]?.string == "5b8efff798038103d269b633813fc60c")
  }

  static func metric(_ data: String) -> String {
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"unit\":\"ms\",\(data)}]}]}]}"
  }

  @Test(arguments: [
    (
      "\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{\"timeUnixNano\":\"2000\","
        + "\"startTimeUnixNano\":\"500\",\"asDouble\":2,\"attributes\":[{\"key\":\"value\",\"value\":{\"intValue\":1}},"
        + "{\"key\":\"a\",\"value\":{\"intValue\":2}}]}]}",
      "{\"a\":2,\"attributes\":{\"value\":1},\"value\":2.0,\"metric\":{\"type\":\"sum\",\"unit\":\"ms\","
        + "\"temporality\":\"cumulative\",\"monotonic\":true,\"start_time_unix_nano\":500}}"
    ),
    (
      "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"2000\",\"asDouble\":\"NaN\"}]}",
      "{\"value\":{\"$double\":\"NaN\"},\"metric\":{\"type\":\"gauge\",\"unit\":\"ms\"}}"
    ),
    (
      "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"2000\",\"flags\":1}]}",
      "{\"metric\":{\"type\":\"gauge\",\"unit\":\"ms\",\"flags\":1}}"
    ),
    (
      "\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{\"timeUnixNano\":\"2000\",\"count\":\"3\","
        + "\"sum\":4.5,\"bucketCounts\":[\"1\",\"2\"],\"explicitBounds\":[1.5]}]}",
      "{\"count\":3,\"sum\":4.5,\"metric\":{\"type\":\"histogram\",\"unit\":\"ms\",\"temporality\":\"delta\","
        + "\"bounds\":[1.5],\"counts\":[1,2]}}"
    ),
    (
      "\"summary\":{\"dataPoints\":[{\"timeUnixNano\":\"2000\",\"count\":\"1\",\"quantileValues\":["
        + "{\"quantile\":0.5,\"value\":2}]}]}",
      "{\"count\":1,\"sum\":0.0,\"metric\":{\"type\":\"summary\",\"unit\":\"ms\",\"quantiles\":["
        + "{\"quantile\":0.5,\"value\":2.0}]}}"
    ),
  ])
  func putsPointsTogetherAsTheViewDoes(metric: String, data: String) throws {
    let lines = try Self.lines(.metrics, Self.metric(metric))
    #expect(lines.count == 1)
    let tree = JSONTree(Array((lines.first ?? "").utf8))
    #expect(tree["data"] == JSONTree(Array(data.utf8)))
    #expect(tree["event"] == .text("m") && tree["category"] == .text("m"))
  }

  @Test func leavesOutWhatDoesNotLeave() throws {
    let attribute = "[{\"key\":\"player.id\",\"value\":{\"intValue\":1}},{\"key\":\"b\",\"value\":{\"intValue\":2}}]"
    let lines = try Self.lines(
      .logs,
      """
      {"resourceLogs":[{"resource":{"attributes":\(attribute)},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1",\
      "body":{"stringValue":"kept"},"attributes":\(attribute)}]}]}]}
      """, AttributeFilter(deny: ["player.*", "body"]))
    let tree = JSONTree(Array((lines.first ?? "").utf8))
    #expect(tree["data"] == JSONTree(Array("{\"body\":\"kept\",\"b\":2}".utf8)))
    #expect(tree["resource"] == JSONTree(Array("{\"b\":2}".utf8)))
  }

  @Test(arguments: Signal.allCases)
  func splitsAnywhere(signal: Signal) throws {
    var random = SampleRandom(seed: 5)
    for batch in try ParcelLab.samples(signal, 0..<20) {
      let builder = WebhookBuilder()
      let takes = ParcelLab.add(batch, to: builder)
      #expect(takes.allSatisfy { $0 == .taken })
      guard let parcel = builder.cut(laneCount: 1).first else { continue }
      #expect(parcel.items.count == batch.recordCount)
      #expect(ParcelLab.text(parcel).split(separator: "\n").count == batch.rows.count)
      for split in ParcelLab.splits(parcel.items.count, &random) {
        #expect(split.flatMap { parcel.body($0, form: 0) } == ParcelLab.body(parcel))
      }
    }
  }

  @Test(arguments: Signal.allCases)
  func survivesDamage(signal: Signal) throws {
    let result = try ParcelLab.damage({ WebhookBuilder() }, signal, seeds: 0..<10, rounds: 20)
    #expect(result.taken > 100 && result.refused > 50)
  }

  @Test(arguments: [-1, 0, 999, 86_399_999_999_999, 86_400_000_000_000, 1_700_000_000_123_456_789, Int64.max])
  func writesTimesAsTheViewDoes(time: Int64) {
    var record = OTLPRecord(id: 1, kind: .log)
    record.time = time
    let builder = WebhookBuilder()
    #expect(builder.add(record) == .taken)
    let line = ParcelLab.tree(builder.cut(laneCount: 1).first)
    #expect(line["timestamp"]?.string == Timestamp.text(time))
    #expect(line["data"] == .object([]) && line["resource"] == .object([]) && line["session_id"] == .null)
  }

  @Test func namesADelivery() {
    #expect(WebhookDelivery.header(store: "u", destination: "hook", 3...17) == "u:hook:3-17")
    #expect(WebhookDelivery.signed(at: 12, Array("{}".utf8)) == Array("12.{}".utf8))
  }
}
