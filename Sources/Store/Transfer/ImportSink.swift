package import Telemetry

/// What an import says of a batch beside its records.
package struct ImportTerms: Sendable {
  /// The records come from a store of ours, and say all of their context: also that they have none.
  package var isExport = false
  /// Nanoseconds since 1970; until then age alone takes none of the rows.
  package var keepUntil: Int64?

  package init(isExport: Bool = false, keepUntil: Int64? = nil) {
    self.isExport = isExport
    self.keepUntil = keepUntil
  }
}

/// Where imported batches go: the road of every batch, with the identity that each record had where it comes from.
package protocol ImportSink: BatchSink {
  /// `identities`: one for each record of the batch in its order, or none at all. Records whose identity is known are
  /// deduplicated in the transaction that stores the others, so that an import can be broken off and begun again.
  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark], identities: [ImportIdentity], terms: ImportTerms
  ) async throws(Refusal) -> Receipt
}

extension ImportSink {
  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark] = [], identities: [ImportIdentity],
    terms: ImportTerms = ImportTerms()
  ) async throws(Refusal) -> Receipt {
    try await append(batch, key: key, door: door, marks: marks, identities: identities, terms: terms)
  }
}

extension LandingWriter: ImportSink {}
