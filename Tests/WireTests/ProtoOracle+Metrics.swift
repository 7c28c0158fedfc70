import COTLP
import Telemetry

extension OracleLines {
  private typealias Attributes = UnsafeMutablePointer<UnsafeMutablePointer<Otlp__KeyValue>?>

  mutating func add(_ metric: Otlp__Metric) {
    let name = Texts.text(metric.name)
    let metadata = metric.n_metadata == 0 ? "" : Texts.attributes(metric.n_metadata, metric.metadata)
    let texts = "\(name) \(Texts.text(metric.unit)) \(Texts.text(metric.description)) \(metadata)"
    switch metric.data_case {
    case OTLP__METRIC__DATA_GAUGE:
      let gauge = metric.gauge.pointee
      for point in Texts.all(gauge.n_data_points, gauge.data_points) {
        add(point.pointee, name, "gauge \(texts) 0 false")
      }
    case OTLP__METRIC__DATA_SUM:
      let sum = metric.sum.pointee
      let kind = "\(Int32(bitPattern: sum.aggregation_temporality.rawValue)) \(sum.is_monotonic != 0)"
      for point in Texts.all(sum.n_data_points, sum.data_points) { add(point.pointee, name, "sum \(texts) \(kind)") }
    case OTLP__METRIC__DATA_HISTOGRAM:
      let histogram = metric.histogram.pointee
      let kind = "\(Int32(bitPattern: histogram.aggregation_temporality.rawValue)) false"
      for point in Texts.all(histogram.n_data_points, histogram.data_points) {
        add(point.pointee, name, "histogram \(texts) \(kind)")
      }
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
      let histogram = metric.exponential_histogram.pointee
      let kind = "\(Int32(bitPattern: histogram.aggregation_temporality.rawValue)) false"
      for point in Texts.all(histogram.n_data_points, histogram.data_points) {
        add(point.pointee, name, "exponentialHistogram \(texts) \(kind)")
      }
    case OTLP__METRIC__DATA_SUMMARY:
      let summary = metric.summary.pointee
      for point in Texts.all(summary.n_data_points, summary.data_points) {
        add(point.pointee, name, "summary \(texts) 0 false")
      }
    default: break
    }
  }

  /// The part that all points share.
  private func line(_ kind: RowKind, _ name: String, _ time: UInt64, _ start: UInt64, _ flags: UInt32) -> OracleRow {
    var line = row(kind, name, fallback: "metric")
    line.setTime(time)
    if start != 0 { line.auxiliary = Int64(bitPattern: time &- start) }
    line.bits |= Int64(flags) << 8
    return line
  }

  private mutating func keep(_ line: OracleRow, _ series: String, _ count: Int, _ attributes: Attributes?) {
    var line = line
    line.series = "\(series) \(Texts.attributes(count, attributes))"
    rows.append(line.text)
    recordIndex += 1
  }

  // MARK: number points

  private mutating func add(_ point: Otlp__NumberDataPoint, _ name: String, _ series: String) {
    if point.time_unix_nano == 0 { return reject(.zeroTime) }
    if point.value_case == OTLP__NUMBER_DATA_POINT__VALUE__NOT_SET && point.flags & 1 == 0 { return reject(.noValue) }
    var line = line(.number, name, point.time_unix_nano, point.start_time_unix_nano, point.flags)
    var special: String?
    switch point.value_case {
    case OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE:
      line.value = Int64(bitPattern: point.as_double.bitPattern)
      line.isDouble = true
      if !point.as_double.isFinite { special = Texts.double(point.as_double) }
    case OTLP__NUMBER_DATA_POINT__VALUE_AS_INT: line.value = point.as_int
    default: break
    }
    line.ext = Texts.object([
      ("value", special), ("exemplars", Self.exemplars(point.n_exemplars, point.exemplars)),
      ("time", Self.lateTime(point.time_unix_nano)),
    ])
    keep(line, series, point.n_attributes, point.attributes)
  }

  private static func exemplars(
    _ count: Int, _ exemplars: UnsafeMutablePointer<UnsafeMutablePointer<Otlp__Exemplar>?>?
  ) -> String? {
    let texts = Texts.all(count, exemplars).compactMap { pointer -> String? in
      let exemplar = pointer.pointee
      guard exemplar.value_case != OTLP__EXEMPLAR__VALUE__NOT_SET, [0, 16].contains(exemplar.trace_id.len),
        [0, 8].contains(exemplar.span_id.len)
      else { return nil }
      let isDouble = exemplar.value_case == OTLP__EXEMPLAR__VALUE_AS_DOUBLE
      return Texts.object([
        ("time_unix_nano", exemplar.time_unix_nano == 0 ? nil : Texts.unsigned(exemplar.time_unix_nano)),
        ("value", isDouble ? Texts.double(exemplar.as_double) : String(exemplar.as_int)),
        ("trace_id", member(exemplar.trace_id)), ("span_id", member(exemplar.span_id)),
        (
          "filtered_attributes",
          exemplar.n_filtered_attributes == 0
            ? nil : Texts.attributes(exemplar.n_filtered_attributes, exemplar.filtered_attributes)
        ),
      ])
    }
    return texts.isEmpty ? nil : "[" + texts.joined(separator: ",") + "]"
  }

  // MARK: distributions

  private mutating func add(_ point: Otlp__HistogramDataPoint, _ name: String, _ series: String) {
    if point.time_unix_nano == 0 { return reject(.zeroTime) }
    let counts = Array(UnsafeBufferPointer(start: point.bucket_counts, count: point.n_bucket_counts))
    let bounds = Array(UnsafeBufferPointer(start: point.explicit_bounds, count: point.n_explicit_bounds))
    var hasBuckets = true
    if !counts.isEmpty || !bounds.isEmpty {
      let rises = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && !bounds.contains { $0.isNaN }
      var total = (low: UInt64(0), overflow: false)
      for count in counts {
        let (sum, over) = total.low.addingReportingOverflow(count)
        total = (sum, total.overflow || over)
      }
      let adds = point.flags & 1 == 1 || (!total.overflow && total.low == point.count)
      hasBuckets = rises && counts.count == bounds.count + 1 && adds
      if !hasBuckets && point.flags & 1 == 0 { return reject(.badHistogram) }
    }
    var line = line(.distribution, name, point.time_unix_nano, point.start_time_unix_nano, point.flags)
    line.data = Texts.object([
      ("count", Texts.unsigned(point.count)), ("sum", point.has_sum != 0 ? Texts.double(point.sum) : nil),
      ("min", point.has_min != 0 ? Texts.double(point.min) : nil),
      ("max", point.has_max != 0 ? Texts.double(point.max) : nil),
    ])
    line.ext = Texts.object([
      ("bounds", bounds.isEmpty || !hasBuckets ? nil : "[" + bounds.map(Texts.double).joined(separator: ",") + "]"),
      ("counts", counts.isEmpty || !hasBuckets ? nil : "[" + counts.map(Texts.unsigned).joined(separator: ",") + "]"),
      ("exemplars", Self.exemplars(point.n_exemplars, point.exemplars)),
      ("time", Self.lateTime(point.time_unix_nano)),
    ])
    keep(line, series, point.n_attributes, point.attributes)
  }

  private mutating func add(_ point: Otlp__ExponentialHistogramDataPoint, _ name: String, _ series: String) {
    if point.time_unix_nano == 0 { return reject(.zeroTime) }
    let all = [point.positive, point.negative].flatMap { buckets in
      buckets.map { Array(UnsafeBufferPointer(start: $0.pointee.bucket_counts, count: $0.pointee.n_bucket_counts)) }
        ?? []
    }
    let total = all.reduce((low: point.zero_count, overflow: false)) { sum, count in
      let (low, over) = sum.low.addingReportingOverflow(count)
      return (low, sum.overflow || over)
    }
    if point.flags & 1 == 0 && (total.overflow || total.low != point.count) { return reject(.badHistogram) }
    var line = line(.distribution, name, point.time_unix_nano, point.start_time_unix_nano, point.flags)
    line.data = Texts.object([
      ("count", Texts.unsigned(point.count)), ("sum", point.has_sum != 0 ? Texts.double(point.sum) : nil),
      ("min", point.has_min != 0 ? Texts.double(point.min) : nil),
      ("max", point.has_max != 0 ? Texts.double(point.max) : nil),
    ])
    let buckets = { (pointer: UnsafeMutablePointer<Otlp__ExponentialBuckets>?) -> String? in
      guard let buckets = pointer?.pointee else { return nil }
      let counts = UnsafeBufferPointer(start: buckets.bucket_counts, count: buckets.n_bucket_counts)
      return "{\"offset\":\(buckets.offset),\"counts\":[\(counts.map(Texts.unsigned).joined(separator: ","))]}"
    }
    line.ext = Texts.object([
      ("scale", String(point.scale)), ("zero_count", point.zero_count == 0 ? nil : Texts.unsigned(point.zero_count)),
      ("zero_threshold", point.zero_threshold.bitPattern == 0 ? nil : Texts.double(point.zero_threshold)),
      ("positive", buckets(point.positive)), ("negative", buckets(point.negative)),
      ("exemplars", Self.exemplars(point.n_exemplars, point.exemplars)),
      ("time", Self.lateTime(point.time_unix_nano)),
    ])
    keep(line, series, point.n_attributes, point.attributes)
  }

  private mutating func add(_ point: Otlp__SummaryDataPoint, _ name: String, _ series: String) {
    if point.time_unix_nano == 0 { return reject(.zeroTime) }
    let quantiles = Texts.all(point.n_quantile_values, point.quantile_values).map(\.pointee)
    let isValid =
      quantiles.allSatisfy { $0.quantile >= 0 && $0.quantile <= 1 }
      && zip(quantiles, quantiles.dropFirst()).allSatisfy { $0.quantile < $1.quantile }
    if !isValid && point.flags & 1 == 0 { return reject(.badSummary) }
    var line = line(.distribution, name, point.time_unix_nano, point.start_time_unix_nano, point.flags)
    line.data = "{\"count\":\(Texts.unsigned(point.count)),\"sum\":\(Texts.double(point.sum))}"
    let texts = quantiles.map {
      "{\"quantile\":\(Texts.double($0.quantile)),\"value\":\(Texts.double($0.value))}"
    }
    line.ext = Texts.object([
      ("quantiles", texts.isEmpty || !isValid ? nil : "[" + texts.joined(separator: ",") + "]"),
      ("time", Self.lateTime(point.time_unix_nano)),
    ])
    keep(line, series, point.n_attributes, point.attributes)
  }
}
