import Telemetry

/// Points that become samples of a series of their own.
extension PrometheusFold {
  func direct(_ record: OTLPRecord, _ stream: PromStream) throws(JSONFault) -> ParcelTake {
    if record.kind == .number {
      if !record.ext.isEmpty { try reader.read(record) }
      return try number(record, stream)
    }
    try reader.read(record)
    switch record.metric.type {
    case .histogram: return try histogram(record, stream)
    case .exponentialHistogram: return try exponential(record, stream)
    case .summary: return summary(record, stream)
    case .gauge, .sum: throw JSONFault(kind: .unexpected, address: 0)
    }
  }

  private func number(_ record: OTLPRecord, _ stream: PromStream) throws(JSONFault) -> ParcelTake {
    guard let series = adopt(stream, weight: 1) else { return .refused("series_limit") }
    let special = record.ext.isEmpty ? nil : reader.special
    let given = RunningNumber(record.number, special: special)
    let index: Int
    if Self.isDelta(record) {
      if let refusal = checkDelta(record, series) { return refusal }
      if record.metric.monotonic ? !given.isFinite || given.double < 0 : !given.isFinite {
        return .refused("unsupported")
      }
      guard let placed = place(series, time: convertedTime(record, series), isNative: false) else {
        return .duplicate
      }
      index = placed
      beginRun(record, series)
      if !Self.endsSeries(record) { series.number.add(given) }
      fill(index, record, start: series.start)
      points[index].value = series.number.double
    } else {
      guard let placed = place(series, time: Self.milliseconds(record.time), isNative: false) else {
        return .duplicate
      }
      index = placed
      fill(index, record, start: record.metric.monotonic ? Self.start(record) : 0)
      points[index].value = given.double
      // Where it stands, for when another source of the same labels makes a sum of it.
      if record.metric.monotonic && given.isFinite && !Self.endsSeries(record) { series.number = given }
    }
    points[index].payload = .number
    series.active = record.receivedAt
    if record.metric.type == .sum && record.metric.monotonic && !record.ext.isEmpty { try addExemplars(index) }
    close(index)
    return .taken
  }

  // MARK: delta to cumulative

  static func isDelta(_ record: OTLPRecord) -> Bool { record.metric.temporality == 1 && record.metric.type != .gauge }

  /// Nil: it can be added (CONFORMANCE D2C-2, D2C-3, D2C-7).
  func checkDelta(_ record: OTLPRecord, _ series: Series) -> ParcelTake? {
    let start = Self.start(record)
    if record.time <= series.time {
      return record.time == series.time && start == series.pointStart ? .duplicate : .refused("out_of_order")
    }
    if start != 0 && series.start != 0 && start < series.start && !isIdle(series) { return .refused("out_of_order") }
    return nil
  }

  func isIdle(_ series: Series) -> Bool {
    series.active != .min && clock &- series.active > options.deltaWindow
  }

  /// A converted series never stands still, however close its points are: its value counts all of them.
  func convertedTime(_ record: OTLPRecord, _ series: Series) -> Int64 {
    max(Self.milliseconds(record.time), series.newestCut == .min ? .min : series.newestCut + 1)
  }

  /// The first point, and the first after a long silence, begin at their own start (D2C-1, D2C-5).
  func beginRun(_ record: OTLPRecord, _ series: Series) {
    let start = Self.start(record)
    if series.time == .min || isIdle(series) {
      // A silence ends a run, so the new one cannot have begun before its last point.
      series.start = series.time == .min ? start : max(start, series.time)
      series.number = RunningNumber()
      series.classic = nil
      series.exponential = nil
    }
    series.time = record.time
    series.pointStart = start
  }

  // MARK: histograms

  private func histogram(_ record: OTLPRecord, _ stream: PromStream) throws(JSONFault) -> ParcelTake {
    let buckets = max(reader.counts.count - 1, 0)
    let isStale = Self.endsSeries(record)
    guard reader.bounds.count == buckets else { return .refused("invalid") }
    let samples = buckets + 3
    if let text = stream.text, samples * text.byteCount > options.bytesPerRequest { return .refused("too_large") }
    guard let series = adopt(stream, weight: samples) else { return .refused("series_limit") }
    let index: Int
    if Self.isDelta(record) {
      if let refusal = checkDelta(record, series) { return refusal }
      guard let placed = place(series, time: convertedTime(record, series), isNative: false) else {
        return .duplicate
      }
      index = placed
      beginRun(record, series)
      if !isStale { addDelta(series, series.pointStart) }
      fill(index, record, start: series.start)
      if let totals = series.classic { write(totals, index) } else { writeReader(index) }
    } else {
      guard let placed = place(series, time: Self.milliseconds(record.time), isNative: false) else {
        return .duplicate
      }
      index = placed
      fill(index, record, start: Self.start(record))
      // A marker has to end what was there, not only what its own point names.
      if isStale, reader.counts.isEmpty, let shape = series.classic {
        write(shape, index)
      } else {
        rememberShape(series, reader.bounds)
        writeReader(index)
      }
    }
    if series.weight != samples && !isStale { resize(series, weight: samples) }
    series.active = record.receivedAt
    if !reader.exemplars.isEmpty { try addExemplars(index) }
    close(index)
    return .taken
  }

  /// Other bounds begin a new run (D2C-4).
  private func addDelta(_ series: Series, _ start: Int64) {
    let delta = reader.classic
    if let totals = series.classic, totals.hasBounds(of: delta) {
      totals.add(delta)
    } else {
      if series.classic != nil { series.start = start }
      series.classic = delta
    }
  }

  func rememberShape(_ series: Series, _ bounds: [Double]) {
    if let shape = series.classic {
      shape.hasSum = reader.hasSum
      if shape.bounds != bounds { shape.bounds = Array(bounds) }
    } else {
      series.classic = ClassicTotals(bounds: Array(bounds), counts: [], count: 0, sum: 0, hasSum: reader.hasSum)
    }
  }

  /// Counts of all up to each bound, as `_bucket` has them.
  private func writeReader(_ index: Int) {
    points[index].payload = .classic
    points[index].words = Int32(words.count)
    words.append(reader.count)
    words.append(reader.sum.bitPattern)
    words.append(reader.hasSum ? 1 : 0)
    words.append(UInt64(reader.bounds.count))
    for bound in reader.bounds { words.append(bound.bitPattern) }
    var total: UInt64 = 0
    for count in reader.counts.dropLast() {
      total &+= count
      words.append(total)
    }
  }

  func write(_ totals: ClassicTotals, _ index: Int) {
    points[index].payload = .classic
    points[index].words = Int32(words.count)
    words += [totals.count, totals.sum.bitPattern, totals.hasSum ? 1 : 0, UInt64(totals.bounds.count)]
    for bound in totals.bounds { words.append(bound.bitPattern) }
    var total: UInt64 = 0
    for place in totals.bounds.indices {
      total &+= place < totals.counts.count ? totals.counts[place] : 0
      words.append(total)
    }
  }

  // MARK: exponential histograms

  private func exponential(_ record: OTLPRecord, _ stream: PromStream) throws(JSONFault) -> ParcelTake {
    let isStale = Self.endsSeries(record)
    let isNative = exponential == .native
    guard isStale || !isNative || (reader.hasSum && reader.scale >= ExponentialTotals.leastScale) else {
      return .refused("unsupported")
    }
    guard let series = adopt(stream, weight: isNative ? 1 : 3) else { return .refused("series_limit") }
    // Nothing is remembered of a point that cannot be sent.
    var sent = exponentialPoint()
    let isDelta = Self.isDelta(record)
    if isDelta {
      if let refusal = checkDelta(record, series) { return refusal }
      if isNative && !isStale && !sent.makeNative() { return .refused("unsupported") }
      if let totals = series.exponential, !isIdle(series) {
        let merged = totals.copy
        if !isStale { merged.add(sent) }
        sent = merged
      }
      if isNative && !isStale && sent.scale < ExponentialTotals.leastScale { return .refused("unsupported") }
    } else if isNative && !isStale && !sent.makeNative() {
      return .refused("unsupported")
    }
    if isNative, let text = stream.text,
      text.byteCount + (sent.positive.counts.count + sent.negative.counts.count) * 10 > options.bytesPerRequest
    {
      return .refused("too_large")
    }
    let time = isDelta ? convertedTime(record, series) : Self.milliseconds(record.time)
    guard let index = place(series, time: time, isNative: isNative) else { return .duplicate }
    if isDelta {
      beginRun(record, series)
      if !isStale { series.exponential = sent.copy }
    }
    fill(index, record, start: isDelta ? series.start : Self.start(record))
    if isNative { writeNative(sent, index) } else { writeTotals(sent, hasSum: reader.hasSum, index) }
    series.active = record.receivedAt
    if !reader.exemplars.isEmpty { try addExemplars(index) }
    close(index)
    return .taken
  }

  /// The point that was read; where only its totals are shown, nothing else of it is kept.
  func exponentialPoint() -> ExponentialTotals {
    let point = reader.exponential
    if exponential != .native {
      point.scale = 0
      point.zeroCount = 0
      point.zeroThreshold = 0
      point.positive = ExponentialBuckets()
      point.negative = ExponentialBuckets()
    }
    return point
  }

  func writeNative(_ totals: ExponentialTotals, _ index: Int) {
    _ = totals.makeNative()
    points[index].payload = .native
    points[index].words = Int32(words.count)
    words += [
      totals.count, totals.sum.bitPattern, UInt64(bitPattern: Int64(totals.scale)), totals.zeroThreshold.bitPattern,
      totals.zeroCount, UInt64(bitPattern: totals.positive.offset), UInt64(totals.positive.counts.count),
      UInt64(bitPattern: totals.negative.offset), UInt64(totals.negative.counts.count),
    ]
    words += totals.positive.counts
    words += totals.negative.counts
  }

  func writeTotals(_ totals: ExponentialTotals, hasSum: Bool, _ index: Int) {
    points[index].payload = .classic
    points[index].words = Int32(words.count)
    words += [totals.count, totals.sum.bitPattern, hasSum ? 1 : 0, 0]
  }

  // MARK: summaries

  private func summary(_ record: OTLPRecord, _ stream: PromStream) -> ParcelTake {
    let isStale = Self.endsSeries(record)
    let samples = reader.quantiles.count + 2
    if let text = stream.text, samples * text.byteCount > options.bytesPerRequest { return .refused("too_large") }
    guard let series = adopt(stream, weight: samples) else { return .refused("series_limit") }
    guard let index = place(series, time: Self.milliseconds(record.time), isNative: false) else {
      return .duplicate
    }
    fill(index, record, start: Self.start(record))
    points[index].payload = .summary
    points[index].words = Int32(words.count)
    if isStale, reader.quantiles.isEmpty, let shape = series.classic {
      words += [0, 0, UInt64(shape.bounds.count)]
      words += shape.bounds.map(\.bitPattern)
      words += repeatElement(0, count: shape.bounds.count)
    } else {
      rememberShape(series, reader.quantiles)
      words += [reader.count, reader.sum.bitPattern, UInt64(reader.quantiles.count)]
      for quantile in reader.quantiles { words.append(quantile.bitPattern) }
      for value in reader.values { words.append(value.bitPattern) }
    }
    if series.weight != samples && !isStale { resize(series, weight: samples) }
    series.active = record.receivedAt
    close(index)
    return .taken
  }
}
