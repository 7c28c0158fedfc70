/// Identity of an imported record: the store it was first stored in, and its id there.
package struct ImportIdentity: Sendable, Hashable {
  package var store: String
  package var id: Int64

  package init(store: String, id: Int64) {
    self.store = store
    self.id = id
  }
}

/// Which numbers of a numbering that is not ours are here already, as closed ranges: ids of a foreign store, event numbers of
/// one run of a game. They come nearly in order, so ranges stay few.
struct ImportedRanges {
  /// A numbering with more holes than this forgets its oldest ones' neighbours: memory is bounded, whatever is sent.
  static let limit = 65_536

  private var handles: [String: Int] = [:]
  private var stores: [String] = []
  private var ranges: [[ClosedRange<Int64>]] = []

  /// Short for the name of a numbering; hot paths keep it.
  mutating func handle(_ store: String) -> Int {
    if let handle = handles[store] { return handle }
    handles[store] = stores.count
    stores.append(store)
    ranges.append([])
    return stores.count - 1
  }

  func store(_ handle: Int) -> String { stores[handle] }

  /// How many of its numbers are here.
  func count(_ handle: Int) -> Int64 { ranges[handle].reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 } }

  func contains(_ identity: ImportIdentity) -> Bool {
    guard let handle = handles[identity.store] else { return false }
    return contains(handle, identity.id)
  }

  func contains(_ handle: Int, _ id: Int64) -> Bool {
    guard let last = ranges[handle].last, id <= last.upperBound else { return false }
    let index = Self.upperBound(ranges[handle], id)
    return index > 0 && ranges[handle][index - 1].contains(id)
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
    insert(handle(identity.store), identity.id...identity.id)
  }

  @discardableResult
  mutating func insert(_ handle: Int, _ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
    // By far the most frequent: the next number.
    if let last = ranges[handle].last, last.upperBound < .max, last.upperBound + 1 == added.lowerBound {
      let longer = last.lowerBound...added.upperBound
      ranges[handle][ranges[handle].count - 1] = longer
      return longer
    }
    var index = Self.upperBound(ranges[handle], added.lowerBound)
    if index > 0 && ranges[handle][index - 1].upperBound &+ 1 >= added.lowerBound { index -= 1 }
    var merged = added
    var end = index
    while end < ranges[handle].count && ranges[handle][end].lowerBound <= merged.upperBound &+ 1 {
      let other = ranges[handle][end]
      merged = min(merged.lowerBound, other.lowerBound)...max(merged.upperBound, other.upperBound)
      end += 1
    }
    ranges[handle].replaceSubrange(index..<end, with: [merged])
    if ranges[handle].count > Self.limit { ranges[handle].removeFirst() }
    return merged
  }

  /// The range around a number that is known.
  func range(_ handle: Int, of id: Int64) -> ClosedRange<Int64> {
    let index = Self.upperBound(ranges[handle], id)
    return index > 0 && ranges[handle][index - 1].contains(id) ? ranges[handle][index - 1] : id...id
  }

  mutating func remove(_ identity: ImportIdentity) {
    guard let handle = handles[identity.store] else { return }
    remove(handle, identity.id...identity.id)
  }

  /// `removed` must lie in one range, as what was just inserted does.
  mutating func remove(_ handle: Int, _ removed: ClosedRange<Int64>) {
    let index = Self.upperBound(ranges[handle], removed.lowerBound) - 1
    guard index >= 0, ranges[handle][index].contains(removed.lowerBound) else { return }
    let whole = ranges[handle][index]
    var parts: [ClosedRange<Int64>] = []
    if whole.lowerBound < removed.lowerBound { parts.append(whole.lowerBound...(removed.lowerBound - 1)) }
    if whole.upperBound > removed.upperBound { parts.append((removed.upperBound + 1)...whole.upperBound) }
    ranges[handle].replaceSubrange(index...index, with: parts)
  }

  mutating func load(_ connection: Connection, _ table: String) throws(SQLiteError) {
    let statement = try connection.prepare("SELECT store, first, last FROM \(table) ORDER BY store, first")
    while try statement.step() {
      let first = statement.integer(1)
      insert(handle(statement.text(0)), first...max(first, statement.integer(2)))
    }
  }
}

/// A uid of the form that datagrams have: 16 lower-case hexadecimal digits of a run, a colon, a number without leading zeros.
struct NumberedUID {
  var run: UnsafeRawBufferPointer
  var number: Int64

  init?(_ uid: UnsafeRawBufferPointer) {
    guard uid.count > 17, uid.count <= 36, uid[16] == UInt8(ascii: ":") else { return nil }
    for index in 0..<16 {
      switch uid[index] {
      case 0x30...0x39, 0x61...0x66: break
      default: return nil
      }
    }
    if uid[17] == UInt8(ascii: "0") && uid.count > 18 { return nil }
    var number: Int64 = 0
    for index in 17..<uid.count {
      let digit = uid[index] &- 0x30
      if digit > 9 { return nil }
      let (product, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = product.addingReportingOverflow(Int64(digit))
      if over || overSum { return nil }
      number = sum
    }
    run = UnsafeRawBufferPointer(rebasing: uid[0..<16])
    self.number = number
  }
}
