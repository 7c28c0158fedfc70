package import Store
import Synchronization

extension MetricsPage {
  /// What the store tells about itself.
  package mutating func add(_ vitals: StoreVitals) {
    func value(_ atomic: borrowing Atomic<Int64>) -> Int64 { atomic.load(ordering: .relaxed) }
    counter("garner_store_committed_records_total", "Records committed and fsynced.", value(vitals.committedRecords))
    counter("garner_store_committed_rows_total", "Rows committed, span events included.", value(vitals.committedRows))
    counter("garner_store_commits_total", "Transactions, one fsync each.", value(vitals.commits))
    family("garner_store_commit_seconds_total", .counter, "Time spent in transactions.")
    sample("garner_store_commit_seconds_total", seconds: Double(value(vitals.commitNanoseconds)) / 1e9)
    counter("garner_store_commit_failures_total", "Transactions that failed.", value(vitals.failures))
    counter("garner_store_duplicate_requests_total", "Requests known by their receipt.", value(vitals.duplicates))
    gauge("garner_store_queue_bytes", "Bytes of batches that wait for the writer.", value(vitals.queueBytes))
    gauge("garner_store_landing_bytes", "Bytes of the landing file being written.", value(vitals.landingBytes))
    gauge("garner_store_settling_backlog_files", "Landing files that wait for settling.", value(vitals.backlog))
    counter("garner_store_settled_files_total", "Landing files settled.", value(vitals.settledFiles))
    counter("garner_store_settled_rows_total", "Rows settled.", value(vitals.settledRows))
    family("garner_store_settle_seconds_total", .counter, "Time spent settling.")
    sample("garner_store_settle_seconds_total", seconds: Double(value(vitals.settleNanoseconds)) / 1e9)
    counter("garner_store_pruned_files_total", "Files unlinked by retention.", value(vitals.prunedFiles))
    counter("garner_store_pruned_rows_total", "Rows in files unlinked by retention.", value(vitals.prunedRows))
    counter(
      "garner_store_quarantined_files_total", "Files set aside because they could not be read.",
      value(vitals.quarantined))
    gauge(
      "garner_store_quarantine_bytes", "Bytes in quarantine/, which count against the cap.",
      value(vitals.quarantineBytes))
    gauge("garner_store_bytes", "Bytes on disk, as du counts.", value(vitals.bytesOnDisk))
    gauge("garner_store_free_bytes", "Free bytes of the file system.", value(vitals.freeBytes))
    gauge("garner_store_reserve_bytes", "Bytes of the file system that stay free.", value(vitals.reserveBytes))
    gauge(
      "garner_store_intake_stopped", "1 while cap or reserve cannot be kept and intake answers 503.",
      vitals.overCap.load(ordering: .relaxed) ? 1 : 0)
    gauge("garner_store_last_id", "Largest committed row id.", value(vitals.lastID))
  }
}
