/// A column of the exporter's tables; a table has some of them. The raw value is its bit in `ClickHouseLayout`.
enum ClickHouseColumn: Int, CaseIterable {
  case timestamp, traceID, spanID, parentSpanID, traceState, traceFlags, severityText, severityNumber, serviceName
  case body, eventName, resourceSchemaURL, resourceAttributes, scopeSchemaURL, scopeName, scopeVersion
  case scopeAttributes, logAttributes, spanName, spanKind, spanAttributes, duration, statusCode, statusMessage
  case eventsTimestamp, eventsName, eventsAttributes, linksTraceID, linksSpanID, linksTraceState, linksAttributes
  case scopeDroppedCount, metricName, metricDescription, metricUnit, attributes, startTime, time, value, flags
  case exemplarsAttributes, exemplarsTime, exemplarsValue, exemplarsSpanID, exemplarsTraceID
  case temporality, isMonotonic, count, sum, bucketCounts, explicitBounds, min, max, scale, zeroCount
  case positiveOffset, positiveCounts, negativeOffset, negativeCounts, quantiles, quantileValues

  /// As the key of a JSON object, with the colon.
  var key: StaticString {
    switch self {
    case .timestamp: "\"Timestamp\":"
    case .traceID: "\"TraceId\":"
    case .spanID: "\"SpanId\":"
    case .parentSpanID: "\"ParentSpanId\":"
    case .traceState: "\"TraceState\":"
    case .traceFlags: "\"TraceFlags\":"
    case .severityText: "\"SeverityText\":"
    case .severityNumber: "\"SeverityNumber\":"
    case .serviceName: "\"ServiceName\":"
    case .body: "\"Body\":"
    case .eventName: "\"EventName\":"
    case .resourceSchemaURL: "\"ResourceSchemaUrl\":"
    case .resourceAttributes: "\"ResourceAttributes\":"
    case .scopeSchemaURL: "\"ScopeSchemaUrl\":"
    case .scopeName: "\"ScopeName\":"
    case .scopeVersion: "\"ScopeVersion\":"
    case .scopeAttributes: "\"ScopeAttributes\":"
    case .logAttributes: "\"LogAttributes\":"
    case .spanName: "\"SpanName\":"
    case .spanKind: "\"SpanKind\":"
    case .spanAttributes: "\"SpanAttributes\":"
    case .duration: "\"Duration\":"
    case .statusCode: "\"StatusCode\":"
    case .statusMessage: "\"StatusMessage\":"
    case .eventsTimestamp: "\"Events.Timestamp\":"
    case .eventsName: "\"Events.Name\":"
    case .eventsAttributes: "\"Events.Attributes\":"
    case .linksTraceID: "\"Links.TraceId\":"
    case .linksSpanID: "\"Links.SpanId\":"
    case .linksTraceState: "\"Links.TraceState\":"
    case .linksAttributes: "\"Links.Attributes\":"
    case .scopeDroppedCount: "\"ScopeDroppedAttrCount\":"
    case .metricName: "\"MetricName\":"
    case .metricDescription: "\"MetricDescription\":"
    case .metricUnit: "\"MetricUnit\":"
    case .attributes: "\"Attributes\":"
    case .startTime: "\"StartTimeUnix\":"
    case .time: "\"TimeUnix\":"
    case .value: "\"Value\":"
    case .flags: "\"Flags\":"
    case .exemplarsAttributes: "\"Exemplars.FilteredAttributes\":"
    case .exemplarsTime: "\"Exemplars.TimeUnix\":"
    case .exemplarsValue: "\"Exemplars.Value\":"
    case .exemplarsSpanID: "\"Exemplars.SpanId\":"
    case .exemplarsTraceID: "\"Exemplars.TraceId\":"
    case .temporality: "\"AggregationTemporality\":"
    case .isMonotonic: "\"IsMonotonic\":"
    case .count: "\"Count\":"
    case .sum: "\"Sum\":"
    case .bucketCounts: "\"BucketCounts\":"
    case .explicitBounds: "\"ExplicitBounds\":"
    case .min: "\"Min\":"
    case .max: "\"Max\":"
    case .scale: "\"Scale\":"
    case .zeroCount: "\"ZeroCount\":"
    case .positiveOffset: "\"PositiveOffset\":"
    case .positiveCounts: "\"PositiveBucketCounts\":"
    case .negativeOffset: "\"NegativeOffset\":"
    case .negativeCounts: "\"NegativeBucketCounts\":"
    case .quantiles: "\"ValueAtQuantiles.Quantile\":"
    case .quantileValues: "\"ValueAtQuantiles.Value\":"
    }
  }

  var name: String { String("\(key)".dropFirst().dropLast(2)) }

  var bit: UInt64 { 1 << UInt64(rawValue) }
}

/// A column as it is created.
struct ClickHouseField {
  var column: ClickHouseColumn
  var type: String
  var codec: String?

  init(_ column: ClickHouseColumn, _ type: String, _ codec: String? = "ZSTD(1)") {
    self.column = column
    self.type = type
    self.codec = codec
  }

  static let map = "Map(LowCardinality(String), String)"
  static let word = "LowCardinality(String)"
  static let nanoseconds = "DateTime64(9)"

  /// The columns of a table. Those with a dot are what ClickHouse makes of the exporter's `Nested` ones.
  static func fields(of table: ClickHouseTable) -> [ClickHouseField] {
    switch table {
    case .logs: logs
    case .traces: traces
    case .gauge: point + [.init(.value, "Float64"), .init(.flags, "UInt32")] + exemplars
    case .sum:
      point + [.init(.value, "Float64"), .init(.flags, "UInt32")] + exemplars
        + [.init(.temporality, "Int32"), .init(.isMonotonic, "Bool", "Delta, ZSTD(1)")]
    case .histogram:
      point + [.init(.count, "UInt64", "Delta, ZSTD(1)"), .init(.sum, "Float64")]
        + [.init(.bucketCounts, "Array(UInt64)"), .init(.explicitBounds, "Array(Float64)")] + exemplars + range
    case .exponentialHistogram:
      point + [.init(.count, "UInt64", "Delta, ZSTD(1)"), .init(.sum, "Float64")]
        + [.init(.scale, "Int32"), .init(.zeroCount, "UInt64")]
        + [.init(.positiveOffset, "Int32"), .init(.positiveCounts, "Array(UInt64)")]
        + [.init(.negativeOffset, "Int32"), .init(.negativeCounts, "Array(UInt64)")] + exemplars + range
    case .summary:
      point + [.init(.count, "UInt64", "Delta, ZSTD(1)"), .init(.sum, "Float64")]
        + [.init(.quantiles, "Array(Float64)"), .init(.quantileValues, "Array(Float64)"), .init(.flags, "UInt32")]
    }
  }

  private static let logs: [ClickHouseField] = [
    .init(.timestamp, nanoseconds, "Delta(8), ZSTD(1)"), .init(.traceID, "String"), .init(.spanID, "String"),
    .init(.traceFlags, "UInt8", nil), .init(.severityText, word), .init(.severityNumber, "UInt8", nil),
    .init(.serviceName, word), .init(.body, "String"), .init(.resourceSchemaURL, word),
    .init(.resourceAttributes, map), .init(.scopeSchemaURL, word), .init(.scopeName, "String"),
    .init(.scopeVersion, word), .init(.scopeAttributes, map), .init(.logAttributes, map),
    .init(.eventName, "String"),
  ]

  private static let traces: [ClickHouseField] = [
    .init(.timestamp, nanoseconds, "Delta(8), ZSTD(1)"), .init(.traceID, "String"), .init(.spanID, "String"),
    .init(.parentSpanID, "String"), .init(.traceState, "String"), .init(.spanName, word), .init(.spanKind, word),
    .init(.serviceName, word), .init(.resourceAttributes, map), .init(.scopeName, "String"),
    .init(.scopeVersion, "String"), .init(.spanAttributes, map), .init(.duration, "UInt64"),
    .init(.statusCode, word), .init(.statusMessage, "String"),
    .init(.eventsTimestamp, "Array(\(nanoseconds))"), .init(.eventsName, "Array(\(word))"),
    .init(.eventsAttributes, "Array(\(map))"), .init(.linksTraceID, "Array(String)"),
    .init(.linksSpanID, "Array(String)"), .init(.linksTraceState, "Array(String)"),
    .init(.linksAttributes, "Array(\(map))"),
  ]

  private static let point: [ClickHouseField] = [
    .init(.resourceAttributes, map), .init(.resourceSchemaURL, "String"), .init(.scopeName, "String"),
    .init(.scopeVersion, "String"), .init(.scopeAttributes, map), .init(.scopeDroppedCount, "UInt32"),
    .init(.scopeSchemaURL, "String"), .init(.serviceName, word), .init(.metricName, "String"),
    .init(.metricDescription, "String"), .init(.metricUnit, "String"), .init(.attributes, map),
    .init(.startTime, nanoseconds, "Delta(8), ZSTD(1)"), .init(.time, nanoseconds, "Delta(8), ZSTD(1)"),
  ]

  private static let exemplars: [ClickHouseField] = [
    .init(.exemplarsAttributes, "Array(\(map))"), .init(.exemplarsTime, "Array(\(nanoseconds))"),
    .init(.exemplarsValue, "Array(Float64)"), .init(.exemplarsSpanID, "Array(String)"),
    .init(.exemplarsTraceID, "Array(String)"),
  ]

  private static let range: [ClickHouseField] = [
    .init(.flags, "UInt32"), .init(.min, "Float64"), .init(.max, "Float64"), .init(.temporality, "Int32"),
  ]
}
