/// Identity of an imported record: the store it was first stored in, and its id there.
package struct ImportIdentity: Sendable, Hashable {
  package var store: String
  package var id: Int64

  package init(store: String, id: Int64) {
    self.store = store
    self.id = id
  }
}

/// Which ids of foreign stores are here already, as closed ranges: an import comes in id order, so they stay few.
struct ImportedRanges {
  private var ranges: [String: [ClosedRange<Int64>]] = [:]

  func contains(_ identity: ImportIdentity) -> Bool {
    guard let list = ranges[identity.store] else { return false }
    let index = Self.upperBound(list, identity.id)
    return index > 0 && list[index - 1].contains(identity.id)
  }

  /// First index whose range begins after `id`.
  private static func upperBound(_ list: [ClosedRange<Int64>], _ id: Int64) -> Int {
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle].lowerBound <= id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The range that `id` now belongs to.
  @discardableResult
  mutating func insert(_ identity: ImportIdentity) -> ClosedRange<Int64> {
    insert(store: identity.store, identity.id...identity.id)
  }

  @discardableResult
  mutating func insert(store: String, _ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
    // Taken out of the dictionary, or the list would be copied whole for every record.
    var list = ranges.removeValue(forKey: store) ?? []
    var index = Self.upperBound(list, added.lowerBound)
    if index > 0 && list[index - 1].upperBound &+ 1 >= added.lowerBound { index -= 1 }
    var merged = added
    var end = index
    while end < list.count && list[end].lowerBound <= merged.upperBound &+ 1 {
      merged = min(merged.lowerBound, list[end].lowerBound)...max(merged.upperBound, list[end].upperBound)
      end += 1
    }
    list.replaceSubrange(index..<end, with: [merged])
    ranges[store] = list
    return merged
  }

  /// The range around an identity that is known.
  func range(of identity: ImportIdentity) -> ClosedRange<Int64> {
    let list = ranges[identity.store] ?? []
    let index = Self.upperBound(list, identity.id)
    return index > 0 && list[index - 1].contains(identity.id) ? list[index - 1] : identity.id...identity.id
  }

  mutating func remove(_ identity: ImportIdentity) {
    guard var list = ranges.removeValue(forKey: identity.store) else { return }
    defer { ranges[identity.store] = list }
    let index = Self.upperBound(list, identity.id) - 1
    guard index >= 0, list[index].contains(identity.id) else { return }
    let whole = list[index]
    var parts: [ClosedRange<Int64>] = []
    if whole.lowerBound < identity.id { parts.append(whole.lowerBound...(identity.id - 1)) }
    if whole.upperBound > identity.id { parts.append((identity.id + 1)...whole.upperBound) }
    list.replaceSubrange(index...index, with: parts)
  }

  mutating func load(_ connection: Connection, _ table: String) throws(SQLiteError) {
    let statement = try connection.prepare("SELECT store, first, last FROM \(table) ORDER BY store, first")
    while try statement.step() {
      let first = statement.integer(1)
      insert(store: statement.text(0), first...max(first, statement.integer(2)))
    }
  }
}
