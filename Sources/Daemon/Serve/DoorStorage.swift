import Store
import Telemetry

/// The store as the doors of OTLP see it: what another Garner has stored before is known by its identity there.
struct DoorStorage: BatchSink {
  let writer: LandingWriter

  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark]
  ) async throws(Refusal) -> Receipt {
    try await writer.append(batch, key: key, door: door, marks: marks)
  }

  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, identities: [RecordIdentity]
  ) async throws(Refusal) -> Receipt {
    try await writer.append(
      batch, key: key, door: door, marks: [],
      identities: identities.map { ImportIdentity(store: $0.store, id: $0.id) }, terms: ImportTerms())
  }

  func admit(byteCount: Int) -> Refusal? { writer.admit(byteCount: byteCount) }
}
