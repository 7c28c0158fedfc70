import Console
import Door
import Intake
import Telemetry

extension MetricsPage {
  /// What became of the lines of `rejected/`.
  mutating func add(_ rejects: RejectLog) {
    let name = "garner_intake_reject_log_lines_total"
    family(name, .counter, "Lines for rejected/, by whether the day had room for them.")
    sample(name, [("result", "written")], Int64(rejects.written.value))
    sample(name, [("result", "dropped")], Int64(rejects.dropped.value))
  }

  /// What the doors for OTLP tell about themselves.
  mutating func add(_ doors: [IntakeVitals], budget: Budget) {
    family("garner_intake_requests_total", .counter, "Requests by signal and class of the answer's status.")
    for vitals in doors {
      for signal in Signal.allCases {
        for status in 2...5 {
          sample(
            "garner_intake_requests_total",
            [("door", vitals.door), ("signal", signal.name), ("status", "\(status)xx")],
            Int64(vitals.requests(signal, statusClass: status)))
        }
      }
    }
    addRecords(doors)
    family("garner_intake_refused_requests_total", .counter, "Requests refused whole, by reason.")
    for vitals in doors {
      for reason in IntakeVitals.reasons {
        sample(
          "garner_intake_refused_requests_total", [("door", vitals.door), ("reason", reason)],
          Int64(vitals.refused(cause: reason)))
      }
    }
    func total(_ counter: (IntakeVitals) -> Counter) -> Int64 { doors.reduce(0) { $0 + Int64(counter($1).value) } }
    counter("garner_intake_undecodable_requests_total", "Bodies that could not be decoded.", total({ $0.undecodable }))
    counter(
      "garner_intake_duplicate_requests_total", "Retries answered with their first receipt.", total({ $0.duplicates }))
    counter("garner_intake_wire_bytes_total", "Bytes of bodies as sent.", total({ $0.wireBytes }))
    counter("garner_intake_body_bytes_total", "Bytes of bodies after decompression.", total({ $0.bodyBytes }))
    addDurations(doors)
    gauge("garner_intake_inflight_bytes", "Bytes of bodies and batches in flight.", Int64(budget.usedBytes))
  }

  private mutating func addRecords(_ doors: [IntakeVitals]) {
    family("garner_intake_accepted_records_total", .counter, "Records taken in good requests.")
    for vitals in doors {
      for signal in Signal.allCases {
        sample(
          "garner_intake_accepted_records_total", [("door", vitals.door), ("signal", signal.name)],
          Int64(vitals.accepted(signal)))
      }
    }
    family("garner_intake_rejected_records_total", .counter, "Records refused alone, by reason.")
    for vitals in doors {
      for signal in Signal.allCases {
        for reason in Rejection.Reason.allCases {
          let count = vitals.rejected(signal, reason)
          if count > 0 {
            sample(
              "garner_intake_rejected_records_total",
              [("door", vitals.door), ("signal", signal.name), ("reason", reason.rawValue)], Int64(count))
          }
        }
      }
    }
  }

  private mutating func addDurations(_ doors: [IntakeVitals]) {
    let name = "garner_intake_request_duration_seconds"
    family(name, .histogram, "Time from head to answer.")
    for vitals in doors {
      var total: Int64 = 0
      for (bound, count) in zip(IntakeVitals.durationBounds, vitals.durations) {
        total += Int64(count)
        sample(name + "_bucket", [("door", vitals.door), ("le", "\(Double(bound) / 1e9)")], total)
      }
      if vitals.durations.count > IntakeVitals.durationBounds.count { total += Int64(vitals.durations.last ?? 0) }
      sample(name + "_bucket", [("door", vitals.door), ("le", "+Inf")], total)
      sample(name + "_sum", [("door", vitals.door)], seconds: Double(vitals.durationSum.value) / 1e9)
      sample(name + "_count", [("door", vitals.door)], total)
    }
  }
}
