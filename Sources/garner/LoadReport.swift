import Daemon

/// The figures of a load as one row; as a table for people, one line a figure.
struct LoadReport {
  let plan: LoadPlan
  let tally: LoadTally
  /// From the first request to the last acknowledgement.
  let seconds: Double

  private var figures: [(name: String, value: TableValue)] {
    let statuses = tally.refusals.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return [
      ("signal", .text(plan.signals.count > 1 ? "mixed" : plan.signals.first?.rawValue ?? "")),
      ("encoding", .text(plan.encoding.rawValue)), ("connections", .integer(Int64(plan.connections))),
      ("batch", .integer(Int64(plan.batch))), ("seconds", .real(rounded(seconds))),
      ("records", .integer(Int64(tally.records))),
      ("records_per_s", .integer(seconds > 0 ? Int64(Double(tally.records) / seconds) : 0)),
      ("requests", .integer(Int64(tally.requests))), ("bytes", .integer(Int64(tally.bytes))),
      ("p50_ms", latency(50)), ("p90_ms", latency(90)), ("p99_ms", latency(99)), ("max_ms", latency(100)),
      ("refused", .integer(Int64(tally.refused))),
      ("refusals", statuses.isEmpty ? .null : .text(statuses.joined(separator: ", "))),
      ("rejected", .integer(Int64(tally.rejected))), ("failed", .integer(Int64(tally.failures))),
    ]
  }

  func write(_ listing: ListingArguments) throws {
    if listing.format == .table {
      try listing.write(["what", "value"], figures.map { [.text($0.name), $0.value] })
    } else {
      try listing.write(figures.map(\.name), [figures.map(\.value)])
    }
  }

  private func latency(_ percentile: Double) -> TableValue {
    tally.latency(percentile).map { .real(rounded($0)) } ?? .null
  }

  private func rounded(_ number: Double) -> Double { (number * 1_000).rounded() / 1_000 }
}
