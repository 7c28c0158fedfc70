/// The template as an OTLP export request in protobuf.
enum LoadProtobuf {
  static func request(_ shape: LoadShape, records: Int, sender: Int) -> LoadTemplate {
    var scopeItems = LoadTemplate()
    var scope = LoadTemplate()
    scope.text(1, "garner.load")
    scope.text(2, "1.0.0")
    scopeItems.message(1, scope)
    switch shape.signal {
    case .traces:
      for index in 0..<records { scopeItems.message(2, span(shape, index)) }
    case .logs:
      for index in 0..<records { scopeItems.message(2, log(shape, index)) }
    case .metrics:
      for run in LoadSeries.runs(records: records, sender: sender) { scopeItems.message(2, metric(shape, run)) }
    }
    var resource = LoadTemplate()
    resource.attributes(1, LoadShape.resourceAttributes(sender))
    var items = LoadTemplate()
    items.message(1, resource)
    items.message(2, scopeItems)
    var request = LoadTemplate()
    request.message(1, items)
    return request
  }

  private static func span(_ shape: LoadShape, _ index: Int) -> LoadTemplate {
    var span = LoadTemplate()
    span.tag(1, 2)
    span.varint(16)
    span.append(.identifier)
    span.append(.identifier)
    span.identifier(2)
    span.identifier(4)
    span.text(5, shape.name(index))
    span.integer(6, 2)
    span.tag(7, 1)
    span.append(.timeBytes, daysBack: shape.daysBack(index))
    span.tag(8, 1)
    span.append(.endBytes)
    span.attributes(9, shape.attributes(index))
    return span
  }

  private static func log(_ shape: LoadShape, _ index: Int) -> LoadTemplate {
    var log = LoadTemplate()
    log.tag(1, 1)
    log.append(.timeBytes, daysBack: shape.daysBack(index))
    log.integer(2, 9)
    var body = LoadTemplate()
    body.text(1, "order accepted")
    log.message(5, body)
    log.attributes(6, shape.attributes(index))
    log.text(12, shape.name(index))
    return log
  }

  private static func metric(_ shape: LoadShape, _ run: LoadSeries.Run) -> LoadTemplate {
    var points = LoadTemplate()
    for series in run.series {
      var point = LoadTemplate()
      point.tag(3, 1)
      point.append(.timeBytes, daysBack: shape.daysBack(series))
      point.tag(4, 1)
      point.append(.double)
      point.attributes(7, shape.attributes(series))
      points.message(1, point)
    }
    var metric = LoadTemplate()
    metric.text(1, shape.metricName(run.metric))
    metric.text(3, "1")
    metric.message(5, points)
    return metric
  }
}

extension LoadTemplate {
  fileprivate mutating func varint(_ number: Int) {
    var rest = UInt(bitPattern: number)
    while rest >= 0x80 {
      append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(byte: UInt8(rest))
  }

  fileprivate mutating func tag(_ field: Int, _ wireType: Int) { varint(field << 3 | wireType) }

  fileprivate mutating func integer(_ field: Int, _ number: Int) {
    tag(field, 0)
    varint(number)
  }

  fileprivate mutating func text(_ field: Int, _ text: String) {
    tag(field, 2)
    varint(text.utf8.count)
    append(text)
  }

  fileprivate mutating func identifier(_ field: Int) {
    tag(field, 2)
    varint(8)
    append(.identifier)
  }

  fileprivate mutating func message(_ field: Int, _ message: LoadTemplate) {
    tag(field, 2)
    varint(message.bytes.count)
    append(message)
  }

  fileprivate mutating func attributes(_ field: Int, _ attributes: [LoadShape.Attribute]) {
    for attribute in attributes {
      var value = LoadTemplate()
      switch attribute.value {
      case .text(let text): value.text(1, text)
      case .varyingText(let prefix):
        value.tag(1, 2)
        value.varint(prefix.utf8.count + 16)
        value.append(prefix)
        value.append(.hexadecimal)
      case .integer(let number): value.integer(3, number)
      case .varyingInteger:
        value.tag(3, 0)
        value.append(.varint)
      case .varyingDouble:
        value.tag(4, 1)
        value.append(.double)
      }
      var pair = LoadTemplate()
      pair.text(1, attribute.key)
      pair.message(2, value)
      message(field, pair)
    }
  }
}
