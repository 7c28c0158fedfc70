import Intake
import Store
import Telemetry

/// The store as the drop folder sees it.
struct DropStorage: DropStore {
  let store: DataStore

  func append(
    _ batch: Batch, identities: [DropIdentity], isExport: Bool, marks: [Mark]
  ) async throws(Refusal) -> Receipt {
    try await store.writer.append(
      batch, key: nil, door: "drop", marks: marks,
      identities: identities.map { ImportIdentity(store: $0.store, id: $0.id) },
      terms: ImportTerms(isExport: isExport && !identities.isEmpty))
  }

  func admit(byteCount: Int) -> Refusal? { store.writer.admit(byteCount: byteCount) }

  func mark(_ key: [UInt8]) throws -> [UInt8]? { try store.mark(key) }

  func database(at path: String, named name: String) throws(DropFault) -> any DropSource {
    try DatabasePieces(path, named: name)
  }
}
