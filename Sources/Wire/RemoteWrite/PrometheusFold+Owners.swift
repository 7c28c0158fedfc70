import Telemetry

/// Sources whose series have the same labels: resources with one job and instance, sessions of a game above all.
///
/// What follows another is a process that was started again. What is beside another is summed up, or, where there is
/// nothing to add, refused: two lines in one series would be a line of neither.
extension PrometheusFold {
  enum Way { case direct, sum, refused, skipped }

  @inline(__always) func way(_ record: OTLPRecord, _ stream: PromStream) -> Way {
    if stream.isSummed { return .sum }
    guard let known = stream.series ?? series[stream.key] else { return .direct }
    if known.isSum { return .sum }
    return known.owner == nil || known.owner == stream.sourceKey ? .direct : contest(record, stream.sourceKey, known)
  }

  /// Nanoseconds of arrivals without a point after which a gauge is free for others.
  static let silence: Int64 = 300 * 1_000_000_000
  /// Owners of a gauge one after the other, before they are taken for several at a time.
  private static let formerLimit = 8

  @inline(never) private func contest(_ record: OTLPRecord, _ source: ReceiptKey, _ known: Series) -> Way {
    // It has no part in what it would end.
    if Self.endsSeries(record) { return .skipped }
    switch record.metric.type {
    case .sum, .histogram, .exponentialHistogram:
      // A run that began when the other was over: readers of counters know what to make of it.
      let start = Self.start(record)
      return start != 0 && Self.milliseconds(start) >= known.newest ? .direct : .sum
    case .gauge, .summary:
      if clock - known.active > Self.silence {
        known.formers = []
        return .direct
      }
      let isNew = known.formers.count < Self.formerLimit && !known.formers.contains(source)
      return isNew && Self.milliseconds(record.time) > known.newest ? .direct : .refused
    }
  }

  /// A point of `stream` went into its series.
  @inline(__always) func own(_ record: OTLPRecord, _ stream: PromStream) {
    guard let series = stream.series else { return }
    if series.owner != stream.sourceKey || Self.endsSeries(record) { changeOwner(record, series, stream.sourceKey) }
  }

  @inline(never) private func changeOwner(_ record: OTLPRecord, _ series: Series, _ source: ReceiptKey) {
    let isLine = record.metric.type == .gauge || record.metric.type == .summary
    if isLine, let former = series.owner, former != source { series.formers.append(former) }
    // What has ended leaves its place.
    series.owner = isLine && Self.endsSeries(record) ? nil : source
    if series.owner == nil { series.formers = [] }
  }
}
