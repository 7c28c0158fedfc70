/// Identity of an imported record: the store it was first stored in, and its id there.
package struct ImportIdentity: Sendable, Hashable {
  package var store: String
  package var id: Int64

  package init(store: String, id: Int64) {
    self.store = store
    self.id = id
  }

  /// `<store>:<id>`: such a uid tells nothing that the identity does not.
  func isName(_ uid: UnsafeRawBufferPointer) -> Bool {
    let length = store.utf8.count
    guard length > 0, uid.count > length, uid[length] == UInt8(ascii: ":") else { return false }
    return uid[..<length].elementsEqual(store.utf8)
  }
}

/// Which numbers of a numbering came in from outside: ids of a foreign store, those of our own whose rows were brought back,
/// event numbers of one run of a game. They come nearly in order, so ranges stay few.
struct ImportedRanges {
  /// Before the name of a run of a game: whoever may send can leave holes in its numbers.
  static let runPrefix = "run:"
  /// A run with more holes than this forgets its oldest ones' neighbours: memory is bounded, whatever is sent.
  static let runLimit = 65_536
  /// An import has a stored record for every range: a hole for each record that stayed, or span that had events. 64 MiB.
  static let importLimit = 1 << 22

  private var handles: [String: Int] = [:]
  private var stores: [String] = []
  private var ranges: [NumberRanges] = []
  private var limits: [Int] = []

  /// Short for the name of a numbering; hot paths keep it.
  mutating func handle(_ store: String) -> Int {
    if let handle = handles[store] { return handle }
    handles[store] = stores.count
    stores.append(store)
    ranges.append(NumberRanges())
    limits.append(store.hasPrefix(Self.runPrefix) ? Self.runLimit : Self.importLimit)
    return stores.count - 1
  }

  func store(_ handle: Int) -> String { stores[handle] }

  /// How many of its numbers are here.
  func count(_ handle: Int) -> Int64 { ranges[handle].count }

  func contains(_ identity: ImportIdentity) -> Bool {
    guard let handle = handles[identity.store] else { return false }
    return contains(handle, identity.id)
  }

  func contains(_ handle: Int, _ id: Int64) -> Bool { ranges[handle].contains(id) }

  /// The range that `id` now belongs to.
  @discardableResult
  mutating func insert(_ identity: ImportIdentity) -> ClosedRange<Int64> {
    insert(handle(identity.store), identity.id...identity.id)
  }

  @discardableResult
  mutating func insert(_ handle: Int, _ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
    let merged = ranges[handle].insert(added)
    if ranges[handle].rangeCount > limits[handle] { ranges[handle].removeFirstRange() }
    return merged
  }

  /// The range around a number that is known.
  func range(_ handle: Int, of id: Int64) -> ClosedRange<Int64> { ranges[handle].range(of: id) ?? id...id }

  mutating func remove(_ identity: ImportIdentity) {
    guard let handle = handles[identity.store] else { return }
    remove(handle, identity.id...identity.id)
  }

  /// `removed` must lie in one range, as what was just inserted does.
  mutating func remove(_ handle: Int, _ removed: ClosedRange<Int64>) { ranges[handle].remove(removed) }

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
