/// Pseudonyms made while one batch is protected: a relay names the same few players in every record.
struct PseudonymCache {
  private struct Entry {
    var value: [UInt8]
    var kind: Pseudonym.Kind
    var text: [UInt8]
  }

  /// A million different ids in one batch must not cost a gigabyte; those beyond are computed each time.
  private static let limit = 4096
  private var entries: [UInt64: Entry] = [:]

  mutating func text(_ kind: Pseudonym.Kind, _ value: [UInt8], _ hash: PseudonymHash) -> [UInt8] {
    let key = KeyMemo.hash(value) ^ (kind == .player ? 0 : 1)
    // The bytes are compared: one player must never stand for another.
    if let known = entries[key], known.kind == kind, known.value == value { return known.text }
    let text = hash.text(kind, value)
    if entries.count < Self.limit { entries[key] = Entry(value: value, kind: kind, text: text) }
    return text
  }
}
