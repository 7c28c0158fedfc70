import Telemetry

/// A table of the OpenTelemetry Collector's ClickHouse exporter that rows are inserted into. The raw value is the road
/// of its parcels.
package enum ClickHouseTable: Int, Sendable, CaseIterable {
  case logs, traces, gauge, sum, histogram, exponentialHistogram, summary

  package var defaultName: String {
    switch self {
    case .logs: "otel_logs"
    case .traces: "otel_traces"
    case .gauge: "otel_metrics_gauge"
    case .sum: "otel_metrics_sum"
    case .histogram: "otel_metrics_histogram"
    case .exponentialHistogram: "otel_metrics_exponential_histogram"
    case .summary: "otel_metrics_summary"
    }
  }

  /// The table for a row; nil for a span event, which lies in its span.
  init?(_ record: OTLPRecord) {
    switch record.kind {
    case .log: self = .logs
    case .span: self = .traces
    case .spanEvent: return nil
    case .number, .distribution:
      switch record.metric.type {
      case .gauge: self = .gauge
      case .sum: self = .sum
      case .histogram: self = .histogram
      case .exponentialHistogram: self = .exponentialHistogram
      case .summary: self = .summary
      }
    }
  }
}

/// Names of the tables, where they are not the usual ones.
package struct ClickHouseNames: Sendable, Equatable {
  private var names: [ClickHouseTable: String] = [:]

  package init() {}

  package subscript(table: ClickHouseTable) -> String {
    get { names[table] ?? table.defaultName }
    set { names[table] = newValue }
  }

  /// First and last time of each trace, kept by a view.
  package var traceTimes: String { self[.traces] + "_trace_id_ts" }
  package var traceTimesView: String { self[.traces] + "_trace_id_ts_mv" }
}
