import Console
import Forward
import Telemetry

extension MetricsPage {
  /// What destinations tell about themselves (FORWARD §9). Reads some rows of each that is behind; blocks.
  mutating func add(_ runs: [RunFigures], _ source: StoreRecords, heldBytes: (String) -> Int64) {
    if runs.isEmpty { return }
    addRecords(runs)
    family("garner_forward_requests_total", .counter, "Requests by answer.")
    for run in runs {
      for (code, count) in run.vitals.requests.sorted(by: { $0.key < $1.key }) {
        sample("garner_forward_requests_total", labels(run) + [("code", code)], count)
      }
    }
    family("garner_forward_retries_total", .counter, "Requests that were or will be sent again.")
    for run in runs { sample("garner_forward_retries_total", labels(run), run.vitals.retries) }
    addDurations(runs)
    let unsent = runs.map { UnsentCount($0, source, limit: UnsentCount.metricsLimit) }
    family(
      "garner_forward_lag_records", .gauge,
      "Records that are to be sent; beyond \(UnsentCount.metricsLimit) rows an upper bound.")
    for (run, unsent) in zip(runs, unsent) { sample("garner_forward_lag_records", labels(run), unsent.lag) }
    family("garner_forward_lag_seconds", .gauge, "Age of the oldest record that is to be sent, since it arrived.")
    for (run, unsent) in zip(runs, unsent) {
      sample("garner_forward_lag_seconds", labels(run), seconds: unsent.seconds)
    }
    family("garner_forward_waiting_records", .gauge, "Records that a delay holds back, or a sum of ten seconds.")
    for (run, unsent) in zip(runs, unsent) { sample("garner_forward_waiting_records", labels(run), unsent.waiting) }
    family("garner_forward_held_bytes", .gauge, "Bytes of files that retention leaves because of unsent records.")
    for run in runs where run.kind == "live" {
      sample("garner_forward_held_bytes", labels(run), heldBytes(run.destination))
    }
    add("garner_forward_series", "Time series that are remembered.", runs, \.series)
    add("garner_forward_streams", "Streams that are open.", runs, \.streams)
    family("garner_forward_state", .gauge, "1 for the state that the run is in.")
    for run in runs { sample("garner_forward_state", labels(run) + [("state", run.vitals.state)], 1) }
  }

  /// A destination with a delay has two positions, and each replay one more.
  private func labels(_ run: RunFigures) -> [(String, String)] {
    [("destination", run.destination), ("kind", run.kind)] + (run.id.map { [("replay", String($0))] } ?? [])
  }

  private mutating func addRecords(_ runs: [RunFigures]) {
    let counters: [(String, String, KeyPath<SignalBooks, Int64>)] = [
      ("sent", "Records that a far end has taken.", \.sent),
      ("duplicate", "Records that a far end had already.", \.duplicate),
      ("skipped", "Records passed over by command, or not for the destination.", \.skipped),
      ("pruned_unsent", "Records that retention removed before they were sent.", \.prunedUnsent),
      ("erased_unsent", "Records that were erased before they were sent.", \.erasedUnsent),
    ]
    for (name, help, count) in counters {
      family("garner_forward_\(name)_records_total", .counter, help)
      for run in runs {
        for signal in run.options.filter.signals.map(\.name).sorted() {
          let books = run.vitals.books.signals[signal] ?? SignalBooks()
          sample("garner_forward_\(name)_records_total", labels(run) + [("signal", signal)], books[keyPath: count])
        }
      }
    }
    family("garner_forward_refused_records_total", .counter, "Records that a far end, or we before sending, refused.")
    for run in runs {
      for (signal, books) in run.vitals.books.signals.sorted(by: { $0.key < $1.key }) {
        for (reason, records) in books.refused.sorted(by: { $0.key < $1.key }) {
          sample(
            "garner_forward_refused_records_total", labels(run) + [("signal", signal), ("reason", reason)], records)
        }
      }
    }
  }

  private mutating func addDurations(_ runs: [RunFigures]) {
    let name = "garner_forward_request_duration_seconds"
    family(name, .histogram, "Time between requests and their answers.")
    for run in runs {
      let durations = run.vitals.durations
      var sum: Int64 = 0
      for (place, count) in durations.counts.enumerated() {
        sum += count
        let bound =
          place < RequestDurations.bounds.count ? "\(Double(RequestDurations.bounds[place]) / 1_000)" : "+Inf"
        sample("\(name)_bucket", labels(run) + [("le", bound)], sum)
      }
      sample("\(name)_sum", labels(run), seconds: Double(durations.nanoseconds) / 1e9)
      sample("\(name)_count", labels(run), durations.count)
    }
  }

  private mutating func add(
    _ name: String, _ help: String, _ runs: [RunFigures], _ value: KeyPath<RunVitals.Snapshot, Int?>
  ) {
    let known = runs.compactMap { run in run.vitals[keyPath: value].map { (run, $0) } }
    if known.isEmpty { return }
    family(name, .gauge, help)
    for (run, value) in known { sample(name, labels(run), Int64(value)) }
  }
}
