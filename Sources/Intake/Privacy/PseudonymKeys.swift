/// The keys that pseudonyms are made with. One is active; the others are of events, named by credentials, or of the past.
package struct PseudonymKeys: Sendable {
  package struct Entry: Sendable, Equatable {
    package var id: String
    package var key: [UInt8]
    /// ISO 8601, for people.
    package var created: String
    package var active: Bool

    package init(id: String, key: [UInt8], created: String, active: Bool) {
      self.id = id
      self.key = key
      self.created = created
      self.active = active
    }
  }

  package let entries: [Entry]
  /// The last active one, else the last.
  package let active: Entry

  /// Nil for no entries.
  package init?(_ entries: [Entry]) {
    guard let active = entries.last(where: \.active) ?? entries.last else { return nil }
    self.entries = entries
    self.active = active
  }

  /// One key, for tests and for runs that store nothing.
  package init(key: [UInt8]) {
    let entry = Entry(id: "only", key: key, created: "", active: true)
    entries = [entry]
    active = entry
  }

  package func contains(id: String) -> Bool { entries.contains { $0.id == id } }
}
