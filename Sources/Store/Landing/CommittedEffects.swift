import Synchronization
import Telemetry

/// What a committed transaction adds to the figures once it is durable, and what has to be forgotten when it is not.
struct CommittedEffects: Sendable {
  var rows: Int64 = 0
  var records: Int64 = 0
  var duplicates: Int64 = 0
  /// The last row that is there; 0: it wrote none.
  var lastID: Int64 = 0
  var received: [(source: String, records: Int64, at: Int64)] = []
  var receipts: [ReceiptKey] = []
  var uids: [ReceiptKey] = []
  var numbers: [(handle: Int, numbers: ClosedRange<Int64>)] = []

  func count(in vitals: StoreVitals) {
    for entry in received { vitals.rates.add(entry.source, records: entry.records, at: entry.at) }
    vitals.committedRows.wrappingAdd(rows, ordering: .relaxed)
    vitals.committedRecords.wrappingAdd(records, ordering: .relaxed)
    vitals.duplicates.wrappingAdd(duplicates, ordering: .relaxed)
    if lastID > 0 { vitals.lastID.store(lastID, ordering: .releasing) }
  }
}
