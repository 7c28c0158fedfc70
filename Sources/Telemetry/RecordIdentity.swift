/// Where a record was stored first, and its id there: what a Garner says of the records that it passes on.
package struct RecordIdentity: Sendable, Hashable {
  /// Uuid in 36 characters; empty: nobody has said.
  package var store: String
  package var id: Int64

  package init(store: String, id: Int64) {
    self.store = store
    self.id = id
  }

  package static let unknown = RecordIdentity(store: "", id: 0)
}
