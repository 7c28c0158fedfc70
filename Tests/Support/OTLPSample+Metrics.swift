extension OTLPSampleSource {
  private mutating func points(_ make: (inout Self) -> SampleMessage) -> SampleValue {
    .list((0..<random.upTo(3)).map { _ in .message(make(&self)) })
  }

  mutating func metric() -> SampleMessage {
    var message = SampleMessage()
    if !random.one(in: 10) { message.set(1, "name", .text(text())) }
    if random.one(in: 2) { message.set(2, "description", .text(text())) }
    if random.one(in: 2) { message.set(3, "unit", .text(random.pick(["ms", "By", "1", "{players}"]))) }
    var data = SampleMessage()
    switch random.upTo(5) {
    case 0:
      data.set(1, "dataPoints", points { $0.numberPoint() })
      message.set(5, "gauge", .message(data))
    case 1:
      data.set(1, "dataPoints", points { $0.numberPoint() })
      setTemporality(&data)
      if random.one(in: 2) { data.set(3, "isMonotonic", .bool(random.one(in: 2))) }
      message.set(7, "sum", .message(data))
    case 2:
      data.set(1, "dataPoints", points { $0.histogramPoint() })
      setTemporality(&data)
      message.set(9, "histogram", .message(data))
    case 3:
      data.set(1, "dataPoints", points { $0.exponentialPoint() })
      setTemporality(&data)
      message.set(10, "exponentialHistogram", .message(data))
    case 4:
      data.set(1, "dataPoints", points { $0.summaryPoint() })
      message.set(11, "summary", .message(data))
    default: break
    }
    if random.one(in: 4) {
      let metadata = attributes()
      if case .list(let entries) = metadata, !entries.isEmpty { message.set(12, "metadata", metadata) }
    }
    return message
  }

  private mutating func setTemporality(_ data: inout SampleMessage) {
    if !random.one(in: 4) { data.set(2, "aggregationTemporality", .int32(random.pick([0, 1, 2, 9]))) }
  }

  /// Start and time; now and then no time, for which a point is refused.
  private mutating func setTimes(_ point: inout SampleMessage) {
    if !random.one(in: 4) { point.set(2, "startTimeUnixNano", .fixed64(time())) }
    if !random.one(in: 25) { point.set(3, "timeUnixNano", .fixed64(time())) }
  }

  private mutating func setNumber(_ point: inout SampleMessage, double: Int, integer: Int) {
    if random.one(in: 25) { return }
    if random.one(in: 2) {
      point.set(double, "asDouble", .double(self.double()))
    } else {
      point.set(integer, "asInt", .sfixed64(random.pick([0, 1, -5, .max, .min, Int64(random.upTo(1 << 40))])))
    }
  }

  private mutating func numberPoint() -> SampleMessage {
    var point = SampleMessage()
    setTimes(&point)
    setNumber(&point, double: 4, integer: 6)
    point.set(5, "exemplars", points { $0.exemplar() })
    point.set(7, "attributes", attributes())
    if random.one(in: 3) { point.set(8, "flags", .uint32(count())) }
    return point
  }

  private mutating func histogramPoint() -> SampleMessage {
    var point = SampleMessage()
    setTimes(&point)
    var counts: [UInt64] = []
    var bounds: [Double] = []
    if !random.one(in: 5) {
      counts = (0...random.upTo(5)).map { _ in UInt64(random.upTo(100)) }
      bounds = (1..<counts.count).map { Double($0) * 2.5 - 5 }
    }
    let total = counts.reduce(0, +)
    if !counts.isEmpty && random.one(in: 20) { counts[0] += 1 }
    if bounds.count > 1 && random.one(in: 20) { bounds.reverse() }
    point.set(4, "count", .fixed64(counts.isEmpty ? UInt64(random.upTo(9)) : total))
    setSumMinMax(&point, min: 11, max: 12)
    if !counts.isEmpty {
      point.set(6, "bucketCounts", .packed(counts.map { .fixed64($0) }))
      point.set(7, "explicitBounds", .packed(bounds.map { .double($0) }))
    }
    point.set(8, "exemplars", points { $0.exemplar() })
    point.set(9, "attributes", attributes())
    if random.one(in: 3) { point.set(10, "flags", .uint32(count() & ~1)) }
    return point
  }

  private mutating func setSumMinMax(_ point: inout SampleMessage, min: Int, max: Int) {
    if !random.one(in: 3) { point.set(5, "sum", .double(double())) }
    if random.one(in: 2) { point.set(min, "min", .double(double())) }
    if random.one(in: 2) { point.set(max, "max", .double(double())) }
  }

  private mutating func exponentialPoint() -> SampleMessage {
    var point = SampleMessage()
    point.set(1, "attributes", attributes())
    setTimes(&point)
    // Zero and all buckets add up to the count, but for a few points, which are refused.
    var left = UInt64.max
    let zeroCount = random.one(in: 2) ? part(of: &left) : 0
    let positive = random.one(in: 2) ? buckets(&left) : nil
    let negative = random.one(in: 2) ? buckets(&left) : nil
    point.set(4, "count", .fixed64(random.one(in: 20) ? left : .max - left))
    setSumMinMax(&point, min: 12, max: 13)
    if !random.one(in: 5) { point.set(6, "scale", .sint32(random.pick([0, 3, 20, -4, -10, .max, .min]))) }
    if zeroCount > 0 || random.one(in: 9) { point.set(7, "zeroCount", .fixed64(zeroCount)) }
    if let positive { point.set(8, "positive", .message(positive)) }
    if let negative { point.set(9, "negative", .message(negative)) }
    if random.one(in: 3) { point.set(10, "flags", .uint32(count())) }
    point.set(11, "exemplars", points { $0.exemplar() })
    if random.one(in: 3) { point.set(14, "zeroThreshold", .double(random.pick([0, 0.001, 1e-9]))) }
    return point
  }

  private mutating func part(of left: inout UInt64) -> UInt64 {
    let count = min(random.pick([0, 1, 5, 200, 1 << 63, .max]), left)
    left -= count
    return count
  }

  private mutating func buckets(_ left: inout UInt64) -> SampleMessage {
    var buckets = SampleMessage()
    if !random.one(in: 3) { buckets.set(1, "offset", .sint32(random.pick([0, -2, 4, .max, .min]))) }
    let counts = (0..<random.upTo(5)).map { _ in SampleValue.uint64(part(of: &left)) }
    if !counts.isEmpty { buckets.set(2, "bucketCounts", .packed(counts)) }
    return buckets
  }

  private mutating func summaryPoint() -> SampleMessage {
    var point = SampleMessage()
    setTimes(&point)
    point.set(4, "count", .fixed64(UInt64(random.upTo(1000))))
    if !random.one(in: 4) { point.set(5, "sum", .double(double())) }
    let places = random.one(in: 9) ? [0.5, 0.5] : [0, 0.5, 0.9, 1].filter { _ in random.one(in: 2) }
    let quantiles = (random.one(in: 9) ? places + [1.5] : places).map { place in
      var quantile = SampleMessage()
      quantile.set(1, "quantile", .double(place))
      quantile.set(2, "value", .double(double()))
      return SampleValue.message(quantile)
    }
    point.set(6, "quantileValues", .list(quantiles))
    point.set(7, "attributes", attributes())
    if random.one(in: 3) { point.set(8, "flags", .uint32(count())) }
    return point
  }

  private mutating func exemplar() -> SampleMessage {
    var exemplar = SampleMessage()
    if !random.one(in: 4) { exemplar.set(2, "timeUnixNano", .fixed64(time())) }
    setNumber(&exemplar, double: 3, integer: 6)
    if random.one(in: 2) { exemplar.set(4, "spanId", .id(random.bytes(8))) }
    if random.one(in: 2) { exemplar.set(5, "traceId", .id(random.bytes(random.one(in: 9) ? 15 : 16))) }
    if random.one(in: 2) { exemplar.set(7, "filteredAttributes", attributes()) }
    return exemplar
  }
}
