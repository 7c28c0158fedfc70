import Telemetry

/// The metric whose points are being read.
struct ProtoMetric {
  /// Index in the batch's metrics.
  var index: Int32
  /// Index in the batch's names, for points without a category of their own.
  var name: Int32
  var nameText: Slice
  var type: MetricType
  /// Position of the point among those of its metric, for the path in a rejection.
  var point = 0
}

extension ProtoDecoder {
  /// Metrics: field 2 of ScopeMetrics.
  mutating func metrics(_ items: ProtoCursor) throws(ProtoFault) {
    var cursor = items
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 2 {
        try metric(try cursor.range(tag))
        itemIndex &+= 1
      } else {
        try cursor.skip(tag)
      }
    }
  }

  /// Metric: name 1, description 2, unit 3, metadata 12, and one of gauge 5, sum 7, histogram 9, exponential_histogram 10,
  /// summary 11, of which the last wins.
  private mutating func metric(_ message: ProtoCursor) throws(ProtoFault) {
    var name = ProtoOnce(message)
    var description = ProtoOnce(message)
    var unit = ProtoOnce(message)
    var metadata = ProtoRun(message)
    var kind: UInt32 = 0
    var data = ProtoOnce(message)
    var run = message.at
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: name.note(try cursor.range(tag))
      case 2: description.note(try cursor.range(tag))
      case 3: unit.note(try cursor.range(tag))
      case 5, 7, 9, 10, 11:
        if kind != tag.field {
          kind = tag.field
          run = start
          data.count = 0
        }
        data.note(try cursor.range(tag))
      case 12:
        _ = try cursor.range(tag)
        metadata.note(start, cursor.at)
      default: try cursor.skip(tag)
      }
    }
    let start = builder.arena.count
    limits.fault = limits.ofScope
    var metric = Batch.Metric()
    if metadata.count > 0 { metric.metadata = try plainAttributes(metadata, 12) }
    switch kind {
    case 5: metric.type = .gauge
    case 7: metric.type = .sum
    case 9: metric.type = .histogram
    case 10: metric.type = .exponentialHistogram
    case 11: metric.type = .summary
    default: return builder.arena.truncate(to: start)
    }
    let points = try self.points(
      try joined(data, kind, of: ProtoCursor(at: run, end: message.end)), &metric)
    // Without points there is nothing to store and nothing to refuse (CONFORMANCE MET-12).
    guard points.count > 0 else { return builder.arena.truncate(to: start) }
    metric.unit = builder.appendText(unit.last.bytes)
    metric.description = builder.appendText(description.last.bytes)
    let nameIndex = builder.internName(
      event: builder.appendText(name.last.bytes), promoted: Promoted(), fallback: "metric")
    if !name.last.isAtEnd { metric.name = builder.names[Int(nameIndex)].event }
    var current = ProtoMetric(
      index: builder.internMetric(metric), name: nameIndex, nameText: metric.name, type: metric.type)
    let faultOfMetric = limits.fault
    cursor = points.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 1 else {
        try cursor.skip(tag)
        continue
      }
      let point = try cursor.range(tag)
      if isFull() {
        rejectForSize()
        continue
      }
      limits.fault = faultOfMetric
      switch current.type {
      case .gauge, .sum: try numberPoint(point, current)
      case .histogram: try histogramPoint(point, current)
      case .exponentialHistogram: try exponentialPoint(point, current)
      case .summary: try summaryPoint(point, current)
      }
      current.point &+= 1
    }
  }

  /// Gauge, Sum and siblings: data_points 1, aggregation_temporality 2 and, of sums, is_monotonic 3.
  private func points(_ message: ProtoCursor, _ metric: inout Batch.Metric) throws(ProtoFault) -> ProtoRun {
    let hasTemporality = metric.type != .gauge && metric.type != .summary
    var points = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1:
        _ = try cursor.range(tag)
        points.note(start, cursor.at)
      case 2 where hasTemporality: metric.temporality = try cursor.int32(tag)
      case 3 where metric.type == .sum: metric.monotonic = try cursor.varint(tag) != 0
      default: try cursor.skip(tag)
      }
    }
    return points
  }

  // MARK: number points

  /// NumberDataPoint: start 2, time 3, as_double 4, exemplars 5, as_int 6, attributes 7, flags 8.
  private mutating func numberPoint(_ message: ProtoCursor, _ metric: ProtoMetric) throws(ProtoFault) {
    var attributes = ProtoRun(message)
    var exemplars = ProtoRun(message)
    var start: UInt64 = 0
    var time: UInt64 = 0
    var value: UInt64 = 0
    var kind: UInt32 = 0
    var flags: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 2: start = try cursor.fixed64(tag)
      case 3: time = try cursor.fixed64(tag)
      case 4, 6:
        value = try cursor.fixed64(tag)
        kind = tag.field
      case 5:
        _ = try cursor.range(tag)
        exemplars.note(at, cursor.at)
      case 7:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      case 8: flags = try cursor.uint32(tag)
      default: try cursor.skip(tag)
      }
    }
    var reason: Rejection.Reason?
    if time == 0 {
      reason = .zeroTime
    } else if kind == 0 && flags & 1 == 0 {
      reason = .noValue
    }
    var row = Row()
    row.kind = .number
    row.setPointTimes(time, start: start)
    row.bits = Int64(flags) << Bits.flagsShift
    var promoted = Promoted()
    let first = builder.arena.count
    let attributesText = try self.attributes(attributes, 7, &promoted).slice
    reason = reason ?? refusal(attributesText)
    if reason == nil {
      row.series = builder.internSeries(metric: metric.index, attributes: attributesText, promoted: promoted)
    }
    let ext = builder.arena.count
    if kind != 0 {
      row.value = Int64(bitPattern: value)
      row.present.insert(kind == 4 ? .double : .integer)
      if kind == 4 && !Double(bitPattern: value).isFinite {
        builder.extKey("\"value\":", ext)
        builder.arena.appendDouble(Double(bitPattern: value))
      }
    }
    try self.exemplars(exemplars, 5, ext)
    builder.extTime(time, &row, ext)
    builder.endExt(&row, ext)
    if let reason { return rejectPoint(reason, metric, attributesText, from: first) }
    append(&row, promoted, metric)
  }

  @inline(__always)
  mutating func append(_ row: inout Row, _ promoted: Promoted, _ metric: ProtoMetric) {
    row.name =
      promoted.category == nil
      ? metric.name : builder.internName(event: metric.nameText, promoted: promoted, fallback: "metric")
    builder.append(&row, promoted: promoted)
  }

  // MARK: exemplars

  /// The member `exemplars`, if one of them is left.
  mutating func exemplars(_ run: ProtoRun, _ field: UInt32, _ ext: Int) throws(ProtoFault) {
    guard run.count > 0 else { return }
    let start = builder.arena.count
    builder.extKey("\"exemplars\":[", ext)
    var first = true
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == field else {
        try cursor.skip(tag)
        continue
      }
      let before = builder.arena.count
      if !first { builder.arena.append(UInt8(ascii: ",")) }
      if try exemplar(try cursor.range(tag)) {
        first = false
      } else {
        droppedExemplars &+= 1
        builder.arena.truncate(to: before)
      }
    }
    if first { builder.arena.truncate(to: start) } else { builder.arena.append(UInt8(ascii: "]")) }
  }

  /// Exemplar: time 2, as_double 3, span_id 4, trace_id 5, as_int 6, filtered_attributes 7. False: it is invalid, what was
  /// written of it has to go (CONFORMANCE MET-09).
  private mutating func exemplar(_ message: ProtoCursor) throws(ProtoFault) -> Bool {
    var spanID = ProtoOnce(message)
    var traceID = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var time: UInt64 = 0
    var value: UInt64 = 0
    var kind: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 2: time = try cursor.fixed64(tag)
      case 3, 6:
        value = try cursor.fixed64(tag)
        kind = tag.field
      case 4: spanID.note(try cursor.range(tag))
      case 5: traceID.note(try cursor.range(tag))
      case 7:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      default: try cursor.skip(tag)
      }
    }
    let start = builder.arena.count
    if time != 0 {
      builder.extKey("\"time_unix_nano\":", start)
      builder.arena.appendUnsigned(time)
    }
    builder.extKey("\"value\":", start)
    if kind == 3 {
      builder.arena.appendDouble(Double(bitPattern: value))
    } else {
      builder.arena.appendInteger(Int64(bitPattern: value))
    }
    extID("\"trace_id\":", traceID.last, start)
    extID("\"span_id\":", spanID.last, start)
    let faultOfPoint = limits.fault
    limits.fault = nil
    if attributes.count > 0 {
      builder.extKey("\"filtered_attributes\":", start)
      _ = try plainAttributes(attributes, 7)
    }
    let isWithinLimits = limits.fault == nil
    limits.fault = faultOfPoint
    builder.arena.append(UInt8(ascii: "}"))
    return isWithinLimits && kind != 0 && (traceID.last.isAtEnd || traceID.last.count == 16)
      && (spanID.last.isAtEnd || spanID.last.count == 8)
  }

  // MARK: refusal

  /// Refuses the point that was written from `start` on, which is given back.
  @inline(never)
  mutating func rejectPoint(
    _ reason: Rejection.Reason, _ metric: ProtoMetric, _ attributes: Slice, from start: Int
  ) {
    var path = ""
    var record = ""
    if builder.rejections.count < Rejection.limitPerBatch {
      let isOurs = reason.isLimit || reason == .missingRequired
      let field = isOurs ? "." + limitField(reason) : reason.pointField
      path = "resourceMetrics[\(resourceIndex)].scopeMetrics[\(scopeIndex)].metrics[\(itemIndex)]"
      path += ".\(metric.type.jsonName).dataPoints[\(metric.point)]\(field)"
    }
    if !path.isEmpty && !reason.isLimit {
      let object = builder.arena.count
      let name = builder.arena.bytes(Int(metric.nameText.start), Int(metric.nameText.count))
      let nameText = [UInt8](name)
      builder.extKey("\"name\":", object)
      nameText.withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
      record = rejectedText(attributes, object)
    }
    builder.arena.truncate(to: start)
    builder.reject(reason, path: path, record: record)
  }
}

extension MetricType {
  /// Member of `Metric` in OTLP/JSON.
  var jsonName: String {
    switch self {
    case .gauge: "gauge"
    case .sum: "sum"
    case .histogram: "histogram"
    case .exponentialHistogram: "exponentialHistogram"
    case .summary: "summary"
    }
  }
}

extension Rejection.Reason {
  /// What of a point is wrong, as the end of a path.
  fileprivate var pointField: String {
    switch self {
    case .zeroTime: ".timeUnixNano"
    case .badHistogram: ".bucketCounts"
    case .badSummary: ".quantileValues"
    default: ""
    }
  }
}

extension Row {
  /// `auxiliary` is absent when the start is unknown.
  mutating func setPointTimes(_ time: UInt64, start: UInt64) {
    setTime(time)
    if start != 0 {
      auxiliary = Int64(bitPattern: time &- start)
      present.insert(.auxiliary)
    }
  }
}
