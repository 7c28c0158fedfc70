package import Telemetry

/// Where imported batches go: the road of every batch, with the identity that each record had where it comes from.
package protocol ImportSink: BatchSink {
  /// `identities`: one for each record of the batch in its order, or none at all. Records whose identity is known are
  /// deduplicated in the transaction that stores the others, so that an import can be broken off and begun again.
  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark], identities: [ImportIdentity]
  ) async throws(Refusal) -> Receipt
}

extension ImportSink {
  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, identities: [ImportIdentity]
  ) async throws(Refusal) -> Receipt {
    try await append(batch, key: key, door: door, marks: [], identities: identities)
  }
}

extension LandingWriter: ImportSink {}
