extension OTLPMessage {
  /// Every field of the message as of OTLP 1.11, by its JSON name (CONFORMANCE JSON-01, Appendix A).
  var fields: [OTLPField] {
    switch self {
    case .tracesRequest: [OTLPField("resourceSpans", 1, .messages, .resourceSpans)]
    case .metricsRequest: [OTLPField("resourceMetrics", 1, .messages, .resourceMetrics)]
    case .logsRequest: [OTLPField("resourceLogs", 1, .messages, .resourceLogs)]
    case .resourceSpans: Self.resourceItems(OTLPField("scopeSpans", 2, .messages, .scopeSpans))
    case .resourceMetrics: Self.resourceItems(OTLPField("scopeMetrics", 2, .messages, .scopeMetrics))
    case .resourceLogs: Self.resourceItems(OTLPField("scopeLogs", 2, .messages, .scopeLogs))
    case .resource: Self.resourceFields
    case .entityRef: Self.entityRefFields
    case .scopeSpans: Self.scopeItems(OTLPField("spans", 2, .messages, .span))
    case .scopeMetrics: Self.scopeItems(OTLPField("metrics", 2, .messages, .metric))
    case .scopeLogs: Self.scopeItems(OTLPField("logRecords", 2, .messages, .logRecord))
    case .scope: Self.scopeFields
    case .span: Self.spanFields
    case .event: Self.eventFields
    case .link: Self.linkFields
    case .status: [OTLPField("message", 2, .text), OTLPField("code", 3, .enumeration)]
    case .logRecord: Self.logRecordFields
    case .metric: Self.metricFields
    case .gauge: [Self.points(.numberPoint)]
    case .sum: [Self.points(.numberPoint), Self.temporality, OTLPField("isMonotonic", 3, .boolean)]
    case .histogram: [Self.points(.histogramPoint), Self.temporality]
    case .exponentialHistogram: [Self.points(.exponentialPoint), Self.temporality]
    case .summary: [Self.points(.summaryPoint)]
    case .numberPoint: Self.numberPointFields
    case .histogramPoint: Self.histogramPointFields
    case .exponentialPoint: Self.exponentialPointFields
    case .summaryPoint: Self.summaryPointFields
    case .buckets: [OTLPField("offset", 1, .zigzag32), OTLPField("bucketCounts", 2, .varints)]
    case .quantile: [OTLPField("quantile", 1, .double), OTLPField("value", 2, .double)]
    case .exemplar: Self.exemplarFields
    case .keyValue:
      [OTLPField("key", 1, .text), OTLPField("value", 2, .value), OTLPField("keyStrindex", 3, .index)]
    case .anyValue: Self.anyValueFields
    case .arrayValue: [OTLPField("values", 1, .values)]
    case .keyValueList: [OTLPField("values", 1, .keyValues)]
    }
  }

  // MARK: envelopes

  private static func resourceItems(_ scopes: OTLPField) -> [OTLPField] {
    [OTLPField("resource", 1, .message, .resource), scopes, OTLPField("schemaUrl", 3, .text)]
  }

  private static func scopeItems(_ items: OTLPField) -> [OTLPField] {
    [OTLPField("scope", 1, .message, .scope), items, OTLPField("schemaUrl", 3, .text)]
  }

  private static var resourceFields: [OTLPField] {
    [
      OTLPField("attributes", 1, .keyValues), OTLPField("droppedAttributesCount", 2, .unsigned32),
      OTLPField("entityRefs", 3, .messages, .entityRef),
    ]
  }

  private static var entityRefFields: [OTLPField] {
    [
      OTLPField("schemaUrl", 1, .text), OTLPField("type", 2, .text), OTLPField("idKeys", 3, .texts),
      OTLPField("descriptionKeys", 4, .texts),
    ]
  }

  private static var scopeFields: [OTLPField] {
    [
      OTLPField("name", 1, .text), OTLPField("version", 2, .text), OTLPField("attributes", 3, .keyValues),
      OTLPField("droppedAttributesCount", 4, .unsigned32),
    ]
  }

  private static var anyValueFields: [OTLPField] {
    [
      OTLPField("stringValue", 1, .text), OTLPField("boolValue", 2, .boolean), OTLPField("intValue", 3, .integer),
      OTLPField("doubleValue", 4, .double), OTLPField("arrayValue", 5, .list, .arrayValue),
      OTLPField("kvlistValue", 6, .list, .keyValueList), OTLPField("bytesValue", 7, .bytes),
      OTLPField("stringValueStrindex", 8, .index),
    ]
  }

  // MARK: traces and logs

  private static var spanFields: [OTLPField] {
    [
      OTLPField("traceId", 1, .id), OTLPField("spanId", 2, .id), OTLPField("traceState", 3, .text),
      OTLPField("parentSpanId", 4, .id), OTLPField("name", 5, .text), OTLPField("kind", 6, .enumeration),
      OTLPField("startTimeUnixNano", 7, .unsigned64), OTLPField("endTimeUnixNano", 8, .unsigned64),
      OTLPField("attributes", 9, .keyValues), OTLPField("droppedAttributesCount", 10, .unsigned32),
      OTLPField("events", 11, .messages, .event), OTLPField("droppedEventsCount", 12, .unsigned32),
      OTLPField("links", 13, .messages, .link), OTLPField("droppedLinksCount", 14, .unsigned32),
      OTLPField("status", 15, .message, .status), OTLPField("flags", 16, .fixed32),
    ]
  }

  private static var eventFields: [OTLPField] {
    [
      OTLPField("timeUnixNano", 1, .unsigned64), OTLPField("name", 2, .text),
      OTLPField("attributes", 3, .keyValues), OTLPField("droppedAttributesCount", 4, .unsigned32),
    ]
  }

  private static var linkFields: [OTLPField] {
    [
      OTLPField("traceId", 1, .id), OTLPField("spanId", 2, .id), OTLPField("traceState", 3, .text),
      OTLPField("attributes", 4, .keyValues), OTLPField("droppedAttributesCount", 5, .unsigned32),
      OTLPField("flags", 6, .fixed32),
    ]
  }

  private static var logRecordFields: [OTLPField] {
    [
      OTLPField("timeUnixNano", 1, .unsigned64), OTLPField("severityNumber", 2, .enumeration),
      OTLPField("severityText", 3, .text), OTLPField("body", 5, .value), OTLPField("attributes", 6, .keyValues),
      OTLPField("droppedAttributesCount", 7, .unsigned32), OTLPField("flags", 8, .fixed32),
      OTLPField("traceId", 9, .id), OTLPField("spanId", 10, .id),
      OTLPField("observedTimeUnixNano", 11, .unsigned64), OTLPField("eventName", 12, .text),
    ]
  }

  // MARK: metrics

  private static var metricFields: [OTLPField] {
    [
      OTLPField("name", 1, .text), OTLPField("description", 2, .text), OTLPField("unit", 3, .text),
      OTLPField("gauge", 5, .message, .gauge), OTLPField("sum", 7, .message, .sum),
      OTLPField("histogram", 9, .message, .histogram),
      OTLPField("exponentialHistogram", 10, .message, .exponentialHistogram),
      OTLPField("summary", 11, .message, .summary), OTLPField("metadata", 12, .keyValues),
    ]
  }

  private static func points(_ point: OTLPMessage) -> OTLPField { OTLPField("dataPoints", 1, .messages, point) }

  private static var temporality: OTLPField { OTLPField("aggregationTemporality", 2, .enumeration) }

  private static var numberPointFields: [OTLPField] {
    [
      OTLPField("startTimeUnixNano", 2, .unsigned64), OTLPField("timeUnixNano", 3, .unsigned64),
      OTLPField("asDouble", 4, .double), OTLPField("exemplars", 5, .messages, .exemplar),
      OTLPField("asInt", 6, .signed64), OTLPField("attributes", 7, .keyValues), OTLPField("flags", 8, .unsigned32),
    ]
  }

  private static var histogramPointFields: [OTLPField] {
    [
      OTLPField("startTimeUnixNano", 2, .unsigned64), OTLPField("timeUnixNano", 3, .unsigned64),
      OTLPField("count", 4, .unsigned64), OTLPField("sum", 5, .double), OTLPField("bucketCounts", 6, .fixed64s),
      OTLPField("explicitBounds", 7, .doubles), OTLPField("exemplars", 8, .messages, .exemplar),
      OTLPField("attributes", 9, .keyValues), OTLPField("flags", 10, .unsigned32), OTLPField("min", 11, .double),
      OTLPField("max", 12, .double),
    ]
  }

  private static var exponentialPointFields: [OTLPField] {
    [
      OTLPField("attributes", 1, .keyValues), OTLPField("startTimeUnixNano", 2, .unsigned64),
      OTLPField("timeUnixNano", 3, .unsigned64), OTLPField("count", 4, .unsigned64), OTLPField("sum", 5, .double),
      OTLPField("scale", 6, .zigzag32), OTLPField("zeroCount", 7, .unsigned64),
      OTLPField("positive", 8, .message, .buckets), OTLPField("negative", 9, .message, .buckets),
      OTLPField("flags", 10, .unsigned32), OTLPField("exemplars", 11, .messages, .exemplar),
      OTLPField("min", 12, .double), OTLPField("max", 13, .double), OTLPField("zeroThreshold", 14, .double),
    ]
  }

  private static var summaryPointFields: [OTLPField] {
    [
      OTLPField("startTimeUnixNano", 2, .unsigned64), OTLPField("timeUnixNano", 3, .unsigned64),
      OTLPField("count", 4, .unsigned64), OTLPField("sum", 5, .double),
      OTLPField("quantileValues", 6, .messages, .quantile), OTLPField("attributes", 7, .keyValues),
      OTLPField("flags", 8, .unsigned32),
    ]
  }

  private static var exemplarFields: [OTLPField] {
    [
      OTLPField("timeUnixNano", 2, .unsigned64), OTLPField("asDouble", 3, .double), OTLPField("spanId", 4, .id),
      OTLPField("traceId", 5, .id), OTLPField("asInt", 6, .signed64), OTLPField("filteredAttributes", 7, .keyValues),
    ]
  }
}
