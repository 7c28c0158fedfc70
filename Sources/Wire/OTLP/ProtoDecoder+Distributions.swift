import Telemetry

/// What the three kinds of distribution points have in common. `data` gets count, sum, min and max, `ext` the rest.
private struct ProtoDistribution {
  var attributes: ProtoRun
  var exemplars: ProtoRun
  var start: UInt64 = 0
  var time: UInt64 = 0
  var count: UInt64 = 0
  var sum: Double?
  var min: Double?
  var max: Double?
  var flags: UInt32 = 0

  /// Without a recorded value: it says that its series ended, and its numbers mean nothing (CONFORMANCE MET-08).
  var isEnd: Bool { flags & 1 == 1 }

  init(_ message: ProtoCursor) {
    attributes = ProtoRun(message)
    exemplars = ProtoRun(message)
  }
}

extension ProtoDecoder {
  // MARK: histogram

  /// HistogramDataPoint: start 2, time 3, count 4, sum 5, bucket_counts 6, explicit_bounds 7, exemplars 8,
  /// attributes 9, flags 10, min 11, max 12.
  mutating func histogramPoint(_ message: ProtoCursor, _ metric: ProtoMetric) throws(ProtoFault) {
    var point = ProtoDistribution(message)
    var counts = ProtoRun(message)
    var bounds = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 2: point.start = try cursor.fixed64(tag)
      case 3: point.time = try cursor.fixed64(tag)
      case 4: point.count = try cursor.fixed64(tag)
      case 5: point.sum = try cursor.double(tag)
      case 6:
        try cursor.skipNumbers(tag, .fixed64)
        counts.note(at, cursor.at)
      case 7:
        try cursor.skipNumbers(tag, .fixed64)
        bounds.note(at, cursor.at)
      case 8:
        _ = try cursor.range(tag)
        point.exemplars.note(at, cursor.at)
      case 9:
        _ = try cursor.range(tag)
        point.attributes.note(at, cursor.at)
      case 10: point.flags = try cursor.uint32(tag)
      case 11: point.min = try cursor.double(tag)
      case 12: point.max = try cursor.double(tag)
      default: try cursor.skip(tag)
      }
    }
    let isValid = try isHistogram(counts, bounds, of: point)
    var first = ProtoNumbers(counts, 6, .fixed64)
    let hasBuckets = try first.next() != nil
    var draft = try begin(point, 9, metric, isValid || point.isEnd ? nil : .badHistogram)
    let ext = builder.arena.count
    if isValid {
      if bounds.count > 0 { try doubles("\"bounds\":", ProtoNumbers(bounds, 7, .fixed64), ext) }
      if hasBuckets { try self.counts("\"counts\":", ProtoNumbers(counts, 6, .fixed64), ext) }
    }
    try exemplars(point.exemplars, 8, ext)
    end(&draft, point, metric, ext)
  }

  /// CONFORMANCE MET-04: bounds rise strictly; one count more than bounds, or neither; the counts add up to `count`. A
  /// point without a recorded value has no count to add up to.
  private func isHistogram(
    _ counts: ProtoRun, _ bounds: ProtoRun, of point: ProtoDistribution
  ) throws(ProtoFault) -> Bool {
    var boundCount = 0
    var rising = true
    var previous = -Double.infinity
    var numbers = ProtoNumbers(bounds, 7, .fixed64)
    while let bits = try numbers.next() {
      let bound = Double(bitPattern: bits)
      if !(bound > previous) && !(boundCount == 0 && bound == previous) { rising = false }
      previous = bound
      boundCount += 1
    }
    var countCount = 0
    var total: UInt64 = 0
    var overflows = false
    numbers = ProtoNumbers(counts, 6, .fixed64)
    while let count = try numbers.next() {
      let (sum, over) = total.addingReportingOverflow(count)
      total = sum
      overflows = overflows || over
      countCount += 1
    }
    if countCount == 0 && boundCount == 0 { return true }
    return rising && countCount == boundCount + 1 && (point.isEnd || (!overflows && total == point.count))
  }

  // MARK: exponential histogram

  /// ExponentialHistogramDataPoint: attributes 1, start 2, time 3, count 4, sum 5, scale 6, zero_count 7, positive 8,
  /// negative 9, flags 10, exemplars 11, min 12, max 13, zero_threshold 14.
  mutating func exponentialPoint(_ message: ProtoCursor, _ metric: ProtoMetric) throws(ProtoFault) {
    var point = ProtoDistribution(message)
    var positive = ProtoOnce(message)
    var negative = ProtoOnce(message)
    var scale: Int32 = 0
    var zeroCount: UInt64 = 0
    var zeroThreshold = 0.0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1:
        _ = try cursor.range(tag)
        point.attributes.note(at, cursor.at)
      case 2: point.start = try cursor.fixed64(tag)
      case 3: point.time = try cursor.fixed64(tag)
      case 4: point.count = try cursor.fixed64(tag)
      case 5: point.sum = try cursor.double(tag)
      case 6: scale = try cursor.sint32(tag)
      case 7: zeroCount = try cursor.fixed64(tag)
      case 8: positive.note(try cursor.range(tag))
      case 9: negative.note(try cursor.range(tag))
      case 10: point.flags = try cursor.uint32(tag)
      case 11:
        _ = try cursor.range(tag)
        point.exemplars.note(at, cursor.at)
      case 12: point.min = try cursor.double(tag)
      case 13: point.max = try cursor.double(tag)
      case 14: zeroThreshold = try cursor.double(tag)
      default: try cursor.skip(tag)
      }
    }
    let positives = try joined(positive, 8, of: message)
    let negatives = try joined(negative, 9, of: message)
    let isSum = try adds(zeroCount, positives, negatives, upTo: point.count)
    let isValid = isSum || point.isEnd
    var draft = try begin(point, 1, metric, isValid ? nil : .badHistogram)
    let ext = builder.arena.count
    builder.extKey("\"scale\":", ext)
    builder.arena.appendInteger(Int64(scale))
    if zeroCount != 0 {
      builder.extKey("\"zero_count\":", ext)
      builder.arena.appendUnsigned(zeroCount)
    }
    // Not `!= 0`: -0.0 is no default.
    if zeroThreshold.bitPattern != 0 {
      builder.extKey("\"zero_threshold\":", ext)
      builder.arena.appendDouble(zeroThreshold)
    }
    if positive.count > 0 { try buckets("\"positive\":", positives, ext) }
    if negative.count > 0 { try buckets("\"negative\":", negatives, ext) }
    try exemplars(point.exemplars, 11, ext)
    end(&draft, point, metric, ext)
  }

  /// CONFORMANCE MET-06: the count is that of zero and of all buckets.
  private func adds(
    _ zeroCount: UInt64, _ positives: ProtoCursor, _ negatives: ProtoCursor, upTo count: UInt64
  ) throws(ProtoFault) -> Bool {
    var left = count
    var fits = zeroCount <= left
    left &-= zeroCount
    for buckets in [positives, negatives] {
      var counts = ProtoRun(buckets)
      var cursor = buckets
      while !cursor.isAtEnd {
        let at = cursor.at
        let tag = try cursor.tag()
        if tag.field == 2 {
          try cursor.skipNumbers(tag, .varint)
          counts.note(at, cursor.at)
        } else {
          try cursor.skip(tag)
        }
      }
      var numbers = ProtoNumbers(counts, 2, .varint)
      while let number = try numbers.next() {
        fits = fits && number <= left
        left &-= number
      }
    }
    return fits && left == 0
  }

  /// Buckets: offset 1 (zigzag), bucket_counts 2 (varints).
  private mutating func buckets(_ name: StaticString, _ message: ProtoCursor, _ ext: Int) throws(ProtoFault) {
    var counts = ProtoRun(message)
    var offset: Int32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: offset = try cursor.sint32(tag)
      case 2:
        try cursor.skipNumbers(tag, .varint)
        counts.note(at, cursor.at)
      default: try cursor.skip(tag)
      }
    }
    builder.extKey(name, ext)
    let start = builder.arena.count
    builder.extKey("\"offset\":", start)
    builder.arena.appendInteger(Int64(offset))
    try self.counts("\"counts\":", ProtoNumbers(counts, 2, .varint), start)
    builder.arena.append(UInt8(ascii: "}"))
  }

  // MARK: summary

  /// SummaryDataPoint: start 2, time 3, count 4, sum 5, quantile_values 6, attributes 7, flags 8.
  mutating func summaryPoint(_ message: ProtoCursor, _ metric: ProtoMetric) throws(ProtoFault) {
    var point = ProtoDistribution(message)
    // Not optional in a summary: absent is 0.
    point.sum = 0
    var quantiles = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 2: point.start = try cursor.fixed64(tag)
      case 3: point.time = try cursor.fixed64(tag)
      case 4: point.count = try cursor.fixed64(tag)
      case 5: point.sum = try cursor.double(tag)
      case 6:
        _ = try cursor.range(tag)
        quantiles.note(at, cursor.at)
      case 7:
        _ = try cursor.range(tag)
        point.attributes.note(at, cursor.at)
      case 8: point.flags = try cursor.uint32(tag)
      default: try cursor.skip(tag)
      }
    }
    let isValid = try hasQuantiles(quantiles)
    var draft = try begin(point, 7, metric, isValid || point.isEnd ? nil : .badSummary)
    let ext = builder.arena.count
    if quantiles.count > 0 && isValid {
      builder.extKey("\"quantiles\":[", ext)
      var first = true
      cursor = quantiles.cursor
      while !cursor.isAtEnd {
        let tag = try cursor.tag()
        guard tag.field == 6 else {
          try cursor.skip(tag)
          continue
        }
        if !first { builder.arena.append(UInt8(ascii: ",")) }
        first = false
        let (quantile, value) = try quantile(try cursor.range(tag))
        builder.arena.append("{\"quantile\":")
        builder.arena.appendDouble(quantile)
        builder.arena.append(",\"value\":")
        builder.arena.appendDouble(value)
        builder.arena.append(UInt8(ascii: "}"))
      }
      builder.arena.append(UInt8(ascii: "]"))
    }
    end(&draft, point, metric, ext)
  }

  /// Whether all quantiles lie in 0…1 and rise (CONFORMANCE MET-07).
  private func hasQuantiles(_ run: ProtoRun) throws(ProtoFault) -> Bool {
    var cursor = run.cursor
    var isRising = true
    var previous = -Double.infinity
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 6 else {
        try cursor.skip(tag)
        continue
      }
      let quantile = try quantile(try cursor.range(tag)).quantile
      isRising = isRising && quantile > previous && quantile >= 0 && quantile <= 1
      previous = quantile
    }
    return isRising
  }

  /// ValueAtQuantile: quantile 1, value 2.
  private func quantile(_ message: ProtoCursor) throws(ProtoFault) -> (quantile: Double, value: Double) {
    var quantile = 0.0
    var value = 0.0
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      switch tag.field {
      case 1: quantile = try cursor.double(tag)
      case 2: value = try cursor.double(tag)
      default: try cursor.skip(tag)
      }
    }
    return (quantile, value)
  }

  // MARK: common

  /// A row that is written but may yet be refused. Refused ones are written all the same, because a malformed exemplar
  /// refuses the request, whatever point it is in.
  private struct Draft {
    var row = Row()
    var promoted = Promoted()
    var reason: Rejection.Reason?
    var attributes: Slice
    var start: Int
  }

  /// Series and `data`.
  private mutating func begin(
    _ point: ProtoDistribution, _ field: UInt32, _ metric: ProtoMetric, _ reason: Rejection.Reason?
  ) throws(ProtoFault) -> Draft {
    var draft = Draft(attributes: .empty, start: builder.arena.count)
    draft.reason = point.time == 0 ? .zeroTime : reason
    draft.attributes = try attributes(point.attributes, field, &draft.promoted).slice
    draft.reason = draft.reason ?? refusal(draft.attributes)
    draft.row.kind = .distribution
    draft.row.setPointTimes(point.time, start: point.start)
    draft.row.bits = Int64(point.flags) << Bits.flagsShift
    if draft.reason == nil {
      draft.row.series = builder.internSeries(
        metric: metric.index, attributes: draft.attributes, promoted: draft.promoted)
    }
    let data = builder.arena.count
    builder.arena.append("{\"count\":")
    builder.arena.appendUnsigned(point.count)
    double("\"sum\":", point.sum, data)
    double("\"min\":", point.min, data)
    double("\"max\":", point.max, data)
    builder.arena.append(UInt8(ascii: "}"))
    draft.row.data = Slice(start: data, count: builder.arena.count - data)
    draft.row.present.insert(.data)
    return draft
  }

  private mutating func end(
    _ draft: inout Draft, _ point: ProtoDistribution, _ metric: ProtoMetric, _ ext: Int
  ) {
    builder.extTime(point.time, &draft.row, ext)
    builder.endExt(&draft.row, ext)
    if let reason = draft.reason {
      rejectPoint(reason, metric, draft.attributes, from: draft.start)
    } else {
      append(&draft.row, draft.promoted, metric)
    }
  }

  private mutating func double(_ name: StaticString, _ number: Double?, _ start: Int) {
    guard let number else { return }
    builder.extKey(name, start)
    builder.arena.appendDouble(number)
  }

  private mutating func doubles(_ name: StaticString, _ numbers: ProtoNumbers, _ start: Int) throws(ProtoFault) {
    var numbers = numbers
    var first = true
    while let bits = try numbers.next() {
      if first {
        builder.extKey(name, start)
        builder.arena.append(UInt8(ascii: "["))
      } else {
        builder.arena.append(UInt8(ascii: ","))
      }
      first = false
      builder.arena.appendDouble(Double(bitPattern: bits))
    }
    if !first { builder.arena.append(UInt8(ascii: "]")) }
  }

  private mutating func counts(_ name: StaticString, _ numbers: ProtoNumbers, _ start: Int) throws(ProtoFault) {
    var numbers = numbers
    builder.extKey(name, start)
    builder.arena.append(UInt8(ascii: "["))
    var first = true
    while let number = try numbers.next() {
      if !first { builder.arena.append(UInt8(ascii: ",")) }
      first = false
      builder.arena.appendUnsigned(number)
    }
    builder.arena.append(UInt8(ascii: "]"))
  }
}
