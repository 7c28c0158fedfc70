import Console
import Forward

extension MetricsPage {
  /// What destinations tell about themselves (FORWARD §9).
  mutating func add(_ runs: [RunFigures]) {
    if runs.isEmpty { return }
    func labels(_ run: RunFigures) -> [(String, String)] { [("destination", run.destination), ("kind", run.kind)] }
    let counters: [(String, String, (ForwardBooks) -> Int64)] = [
      ("sent", "Records that a far end has taken.", { $0.sent }),
      ("duplicate", "Records that a far end had already.", { $0.duplicate }),
      ("skipped", "Records passed over by command, or not for the destination.", { $0.skipped }),
      ("pruned_unsent", "Records that retention removed before they were sent.", { $0.prunedUnsent }),
    ]
    for (name, help, value) in counters {
      family("garner_forward_\(name)_records_total", .counter, help)
      for run in runs { sample("garner_forward_\(name)_records_total", labels(run), value(run.vitals.books)) }
    }
    family("garner_forward_refused_records_total", .counter, "Records that a far end, or we before sending, refused.")
    for run in runs {
      for (reason, records) in run.vitals.books.refused.sorted(by: { $0.key < $1.key }) {
        sample("garner_forward_refused_records_total", labels(run) + [("reason", reason)], records.count)
      }
    }
    family("garner_forward_requests_total", .counter, "Requests by answer.")
    for run in runs {
      for (code, count) in run.vitals.requests.sorted(by: { $0.key < $1.key }) {
        sample("garner_forward_requests_total", labels(run) + [("code", code)], count)
      }
    }
    family("garner_forward_retries_total", .counter, "Requests that were or will be sent again.")
    for run in runs { sample("garner_forward_retries_total", labels(run), run.vitals.retries) }
    family("garner_forward_request_seconds_total", .counter, "Time between requests and their answers.")
    for run in runs {
      sample("garner_forward_request_seconds_total", labels(run), seconds: Double(run.vitals.requestNanoseconds) / 1e9)
    }
    family("garner_forward_lag_rows", .gauge, "Rows behind the position, of all kinds.")
    for run in runs { sample("garner_forward_lag_rows", labels(run), run.rowsBehind) }
    family("garner_forward_state", .gauge, "1 for the state that the run is in.")
    for run in runs { sample("garner_forward_state", labels(run) + [("state", run.vitals.state)], 1) }
  }
}
