/// The template as an OTLP export request in JSON, with the names and the text forms of the protocol.
enum LoadJSON {
  static func request(_ shape: LoadShape, records: Int, sender: Int) -> LoadTemplate {
    var out = LoadTemplate()
    let (resources, scopes, items) =
      switch shape.signal {
      case .traces: ("resourceSpans", "scopeSpans", "spans")
      case .logs: ("resourceLogs", "scopeLogs", "logRecords")
      case .metrics: ("resourceMetrics", "scopeMetrics", "metrics")
      }
    out.append("{\"\(resources)\":[{\"resource\":{")
    out.attributes(LoadShape.resourceAttributes(sender))
    out.append("},\"\(scopes)\":[{\"scope\":{\"name\":\"garner.load\",\"version\":\"1.0.0\"},\"\(items)\":[")
    switch shape.signal {
    case .traces: out.list(0..<records) { $0.span(shape, $1) }
    case .logs: out.list(0..<records) { $0.log(shape, $1) }
    case .metrics: out.list(LoadSeries.runs(records: records, sender: sender)) { $0.metric(shape, $1) }
    }
    out.append("]}]}]}")
    return out
  }
}

extension LoadTemplate {
  fileprivate mutating func list<Items: Sequence>(_ items: Items, _ append: (inout Self, Items.Element) -> Void) {
    var isFirst = true
    for item in items {
      if !isFirst { self.append(",") }
      isFirst = false
      append(&self, item)
    }
  }

  fileprivate mutating func span(_ shape: LoadShape, _ index: Int) {
    append("{\"traceId\":\"")
    append(.hexadecimal)
    append(.hexadecimal)
    append("\",\"spanId\":\"")
    append(.hexadecimal)
    append("\",\"parentSpanId\":\"")
    append(.hexadecimal)
    append("\",\"name\":\"\(shape.name(index))\",\"kind\":2,\"startTimeUnixNano\":\"")
    append(.timeDigits, daysBack: shape.daysBack(index))
    append("\",\"endTimeUnixNano\":\"")
    append(.endDigits)
    append("\",")
    attributes(shape.attributes(index))
    append("}")
  }

  fileprivate mutating func log(_ shape: LoadShape, _ index: Int) {
    append("{\"timeUnixNano\":\"")
    append(.timeDigits, daysBack: shape.daysBack(index))
    append("\",\"severityNumber\":9,\"body\":{\"stringValue\":\"order accepted\"},")
    attributes(shape.attributes(index))
    append(",\"eventName\":\"\(shape.name(index))\"}")
  }

  fileprivate mutating func metric(_ shape: LoadShape, _ run: LoadSeries.Run) {
    append("{\"name\":\"\(shape.metricName(run.metric))\",\"unit\":\"1\",\"gauge\":{\"dataPoints\":[")
    list(run.series) { out, series in
      out.append("{\"timeUnixNano\":\"")
      out.append(.timeDigits, daysBack: shape.daysBack(series))
      out.append("\",\"asDouble\":")
      out.append(.decimal)
      out.append(",")
      out.attributes(shape.attributes(series))
      out.append("}")
    }
    append("]}}")
  }

  fileprivate mutating func attributes(_ attributes: [LoadShape.Attribute]) {
    append("\"attributes\":[")
    list(attributes) { out, attribute in
      out.append("{\"key\":\"\(attribute.key)\",\"value\":{")
      switch attribute.value {
      case .text(let text): out.append("\"stringValue\":\"\(text)\"")
      case .varyingText(let prefix):
        out.append("\"stringValue\":\"\(prefix)")
        out.append(.hexadecimal)
        out.append("\"")
      case .integer(let number): out.append("\"intValue\":\"\(number)\"")
      case .varyingInteger:
        out.append("\"intValue\":\"")
        out.append(.digits)
        out.append("\"")
      case .varyingDouble:
        out.append("\"doubleValue\":")
        out.append(.decimal)
      }
      out.append("}}")
    }
    append("]")
  }
}
