import Console
import Intake

extension MetricsPage {
  /// What the drop folder tells about itself; its records are in the books like those of every door.
  mutating func add(_ vitals: DropVitals) {
    family("garner_drop_files_total", .counter, "Dropped files by where they went.")
    for result in DropVitals.Result.allCases {
      sample("garner_drop_files_total", [("result", result.rawValue)], Int64(vitals.files(result)))
    }
    counter("garner_drop_bytes_total", "Bytes of dropped files as they lay there.", Int64(vitals.bytes.value))
    family("garner_drop_records_total", .counter, "Records of dropped files by what became of them.")
    for (outcome, count) in [
      ("received", vitals.received), ("stored", vitals.stored), ("rejected", vitals.rejected),
      ("deduplicated", vitals.deduplicated),
    ] {
      sample("garner_drop_records_total", [("outcome", outcome)], Int64(count.value))
    }
  }
}
