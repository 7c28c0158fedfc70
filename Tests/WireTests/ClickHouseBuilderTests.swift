import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct ClickHouseBuilderTests {
  static func rows(
    _ signal: Signal, _ json: String, _ options: ClickHouseOptions = ClickHouseOptions()
  ) throws -> [(table: ClickHouseTable?, row: JSONTree)] {
    try ParcelLab.parcels(ClickHouseBuilder(options), signal, json).flatMap { parcel in
      ParcelLab.body(parcel).split(separator: 0x0a).map {
        (ClickHouseTable(rawValue: parcel.road), JSONTree(Array($0)))
      }
    }
  }

  static func expect(_ row: JSONTree?, _ json: String) {
    #expect(row.map(ZipkinBuilderTests.sorted) == ZipkinBuilderTests.sorted(JSONTree(Array(json.utf8))))
  }

  @Test func writesALog() throws {
    let rows = try Self.rows(
      .logs,
      """
      {"resourceLogs":[{"schemaUrl":"r","resource":{"attributes":[\
      {"key":"service.name","value":{"stringValue":"relay"}},{"key":"n","value":{"doubleValue":1.0}}]},\
      "scopeLogs":[{"schemaUrl":"s","scope":{"name":"lib","version":"2",\
      "attributes":[{"key":"z","value":{"boolValue":true}}]},"logRecords":[\
      {"timeUnixNano":"1700000000123456789","severityNumber":17,"severityText":"ERR","flags":257,\
      "eventName":"a.b","body":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}}]}},\
      "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",\
      "attributes":[{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"q\\""}]}}}]}]}]}]}
      """)
    #expect(rows.map(\.table) == [.logs])
    Self.expect(
      rows.first?.row,
      """
      {"Timestamp":"2023-11-14T22:13:20.123456789Z","TraceId":"5b8efff798038103d269b633813fc60c",\
      "SpanId":"eee19b7ec3c1b174",\
      "TraceFlags":1,"SeverityText":"ERR","SeverityNumber":17,"ServiceName":"relay","Body":"{\\"k\\":1}",\
      "ResourceSchemaUrl":"r","ResourceAttributes":{"service.name":"relay","n":"1"},"ScopeSchemaUrl":"s",\
      "ScopeName":"lib","ScopeVersion":"2","ScopeAttributes":{"z":"true"},"EventName":"a.b",\
      "LogAttributes":{"l":"[\\"q\\\\\\"\\"]"}}
      """)
  }

  @Test func writesASpanWithItsEventsAndLinks() throws {
    let rows = try Self.rows(
      .traces,
      """
      {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",\
      "spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b175","traceState":"a=b","name":"n","kind":3,\
      "startTimeUnixNano":"1000","endTimeUnixNano":"500","status":{"code":2,"message":"boom"},\
      "attributes":[{"key":"k","value":{"intValue":"1"}}],\
      "events":[{"name":"e","timeUnixNano":"1100","attributes":[{"key":"x","value":{"stringValue":"y"}}]},\
      {"timeUnixNano":"1200"}],\
      "links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b176","traceState":"c=d",\
      "attributes":[{"key":"o","value":{"boolValue":false}}]},\
      {"traceId":"5b8efff798038103d269b633813fc60e","spanId":"eee19b7ec3c1b177"}]}]}]}]}
      """)
    #expect(rows.map(\.table) == [.traces])
    Self.expect(
      rows.first?.row,
      """
      {"Timestamp":"1970-01-01T00:00:00.000001000Z","TraceId":"5b8efff798038103d269b633813fc60c",\
      "SpanId":"eee19b7ec3c1b174",\
      "ParentSpanId":"eee19b7ec3c1b175","TraceState":"a=b","SpanName":"n","SpanKind":"Client","ServiceName":"",\
      "ResourceAttributes":{},"ScopeName":"","ScopeVersion":"","SpanAttributes":{"k":"1"},"Duration":0,\
      "StatusCode":"Error","StatusMessage":"boom","Events.Timestamp":["1970-01-01T00:00:00.000001100Z",\
      "1970-01-01T00:00:00.000001200Z"],"Events.Name":["e",""],\
      "Events.Attributes":[{"x":"y"},{}],\
      "Links.TraceId":["5b8efff798038103d269b633813fc60d","5b8efff798038103d269b633813fc60e"],\
      "Links.SpanId":["eee19b7ec3c1b176","eee19b7ec3c1b177"],"Links.TraceState":["c=d",""],\
      "Links.Attributes":[{"o":"false"},{}]}
      """)
  }

  static let head = """
    "ServiceName":"","ResourceSchemaUrl":"","ResourceAttributes":{},"ScopeSchemaUrl":"","ScopeName":"",\
    "ScopeVersion":"","ScopeAttributes":{},"ScopeDroppedAttrCount":0,"MetricName":"m","MetricDescription":"d",\
    "MetricUnit":"ms","Attributes":{"a":"b"}
    """

  static let times =
    "\"StartTimeUnix\":\"1970-01-01T00:00:00.000000500Z\",\"TimeUnix\":\"1970-01-01T00:00:00.000002000Z\""

  @Test(arguments: [
    (
      ClickHouseTable.gauge, "\"gauge\":{\"dataPoints\":[{", "\"asInt\":\"-9007199254740993\"}]}",
      "\"Value\":-9007199254740993"
    ),
    (.gauge, "\"gauge\":{\"dataPoints\":[{", "\"asDouble\":\"-Infinity\"}]}", "\"Value\":\"-inf\""),
    (.gauge, "\"gauge\":{\"dataPoints\":[{", "\"flags\":1}]}", "\"Value\":0"),
    (
      .sum, "\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{",
      "\"asDouble\":1.5,\"exemplars\":[{\"timeUnixNano\":\"7\",\"asInt\":\"3\","
        + "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
        + "\"filteredAttributes\":[{\"key\":\"f\",\"value\":{\"doubleValue\":2.0}}]},{\"timeUnixNano\":\"8\","
        + "\"asDouble\":2.5}]}]}",
      "\"Value\":1.5,\"AggregationTemporality\":2,\"IsMonotonic\":true,"
        + "\"Exemplars.TimeUnix\":[\"1970-01-01T00:00:00.000000007Z\",\"1970-01-01T00:00:00.000000008Z\"],"
        + "\"Exemplars.Value\":[3,2.5],\"Exemplars.FilteredAttributes\":[{\"f\":\"2\"},{}],"
        + "\"Exemplars.SpanId\":[\"eee19b7ec3c1b174\",\"\"],"
        + "\"Exemplars.TraceId\":[\"5b8efff798038103d269b633813fc60c\",\"\"]"
    ),
    (
      .histogram, "\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{",
      "\"count\":\"3\",\"sum\":4.5,\"min\":0.5,\"max\":3,\"bucketCounts\":[\"1\",\"2\"],\"explicitBounds\":[1.5]}]}",
      "\"AggregationTemporality\":1,\"Count\":3,\"Sum\":4.5,\"Min\":0.5,\"Max\":3.0,\"BucketCounts\":[1,2],"
        + "\"ExplicitBounds\":[1.5]"
    ),
    (
      .exponentialHistogram, "\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{",
      "\"count\":\"6\",\"sum\":1.0,\"scale\":-2,\"zeroCount\":\"1\",\"positive\":{\"offset\":-3,"
        + "\"bucketCounts\":[\"2\",\"3\"]},\"negative\":{\"offset\":1}}]}",
      "\"AggregationTemporality\":2,\"Count\":6,\"Sum\":1.0,\"Scale\":-2,\"ZeroCount\":1,\"PositiveOffset\":-3,"
        + "\"PositiveBucketCounts\":[2,3],\"NegativeOffset\":1,\"NegativeBucketCounts\":[]"
    ),
    (
      .summary, "\"summary\":{\"dataPoints\":[{",
      "\"count\":\"2\",\"sum\":3.0,\"quantileValues\":[{\"quantile\":0.5,\"value\":1.5},"
        + "{\"quantile\":1,\"value\":\"NaN\"}]}]}",
      "\"Count\":2,\"Sum\":3.0,\"ValueAtQuantiles.Quantile\":[0.5,1.0],\"ValueAtQuantiles.Value\":[1.5,\"nan\"]"
    ),
  ])
  func writesAPoint(table: ClickHouseTable, open: String, rest: String, columns: String) throws {
    let rows = try Self.rows(
      .metrics,
      """
      {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","description":"d","unit":"ms",\(open)\
      "timeUnixNano":"2000","startTimeUnixNano":"500","attributes":[{"key":"a","value":{"stringValue":"b"}}],\
      \(rest)}]}]}]}
      """)
    #expect(rows.map(\.table) == [table])
    let flags = rest.contains("\"flags\":1") ? 1 : 0
    Self.expect(
      rows.first?.row, "{\(Self.head),\(Self.times),\"Flags\":\(flags),\(columns)}")
  }

  // MARK: layouts

  @Test func leavesOutColumnsThatATableLacks() throws {
    var options = ClickHouseOptions()
    options.layouts[.logs] = try ClickHouseLayout(
      .logs, named: "otel_logs",
      described: [("Timestamp", "DateTime64(3)"), ("Body", "String"), ("More", "JSON")])
    let json = LokiBuilderTests.request(LokiBuilderTests.record(1_700_000_000_123_456_789, "b"))
    let rows = try Self.rows(.logs, json, options)
    Self.expect(rows.first?.row, "{\"Timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"Body\":\"b\"}")
  }

  @Test(arguments: [
    ("LogAttributes", "JSON"), ("Timestamp", "String"), ("Body", "UInt8"), ("SeverityNumber", "String"),
  ])
  func refusesColumnsOfAnotherType(column: String, type: String) {
    #expect(throws: ClickHouseMisfit.self) {
      try ClickHouseLayout(.logs, named: "otel_logs", described: [(name: column, type: type)])
    }
  }

  @Test func readsADescription() throws {
    let answer = Array("Timestamp\tDateTime64(9, \\'UTC\\')\t\t\t\nBody\tString\t\n".utf8)
    let described = ClickHouseSchema.described(answer)
    #expect(described.map(\.name) == ["Timestamp", "Body"])
    #expect(described.map(\.type) == ["DateTime64(9, 'UTC')", "String"])
    #expect(throws: Never.self) { try ClickHouseLayout(.logs, named: "x", described: described) }
  }

  // MARK: SQL

  @Test func createsTablesThatRememberInsertions() {
    var names = ClickHouseNames()
    names[.traces] = "my`spans"
    let statements = ClickHouseSchema.create(database: "otel", names: names, ttl: 86_400)
    #expect(statements.count == 10)
    #expect(statements[0] == "CREATE DATABASE IF NOT EXISTS `otel`")
    let tables = statements.filter { $0.hasPrefix("CREATE TABLE") }
    #expect(tables.count == 8)
    #expect(tables.allSatisfy { $0.contains("non_replicated_deduplication_window = 1000") })
    #expect(tables.allSatisfy { $0.contains("toIntervalSecond(86400)") })
    #expect(statements.last?.contains("`my\\`spans_trace_id_ts_mv`\nTO `otel`.`my\\`spans_trace_id_ts`") == true)
    #expect(ClickHouseSchema.create(database: "otel").allSatisfy { !$0.contains("TTL") })
    #expect(
      ClickHouseSchema.settings(token: "t").map { "\($0.name)=\($0.value)" } == [
        "async_insert=0", "date_time_input_format=best_effort", "insert_deduplication_token=t",
      ])
    #expect(ClickHouseSchema.insert(database: "a", table: "b") == "INSERT INTO `a`.`b` FORMAT JSONEachRow")
    #expect(
      ClickHouseSchema.token(store: "u", destination: "click", 1...9, table: "otel_logs") == "u:click:1-9:otel_logs")
  }

  // MARK: pieces

  @Test(arguments: Signal.allCases)
  func splitsAnywhere(signal: Signal) throws {
    var random = SampleRandom(seed: 11)
    for batch in try ParcelLab.samples(signal, 0..<20) {
      let builder = ClickHouseBuilder()
      #expect(ParcelLab.add(batch, to: builder).allSatisfy { $0 == .taken })
      #expect(builder.pendingRecords == batch.recordCount)
      let parcels = builder.cut(laneCount: 2)
      #expect(parcels.reduce(0) { $0 + $1.items.count } == batch.recordCount)
      for parcel in parcels {
        let whole = ParcelLab.body(parcel)
        #expect(whole.count { $0 == 0x0a } == parcel.items.count)
        for split in ParcelLab.splits(parcel.items.count, &random) {
          #expect(split.flatMap { parcel.body($0, form: 0) } == whole)
        }
        #expect(parcel.ids(0..<parcel.items.count)?.lowerBound == parcel.items.map(\.id).min())
        #expect(parcel.ids(0..<0) == nil)
      }
    }
  }

  @Test(arguments: Signal.allCases)
  func survivesDamage(signal: Signal) throws {
    let result = try ParcelLab.damage({ ClickHouseBuilder() }, signal, seeds: 0..<10, rounds: 20)
    #expect(result.taken > 100 && result.refused > 50)
  }
}
