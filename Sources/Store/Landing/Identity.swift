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

  /// Some 25 MB. Of the source with the most runs the oldest one is forgotten, so that nobody makes another one's forgotten.
  static let runCount = 65_536

  private struct Numbering {
    var store: String
    var ranges = NumberRanges()
    var limit: Int

    mutating func insert(_ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
      let merged = ranges.insert(added)
      if ranges.rangeCount > limit { ranges.removeFirstRange() }
      return merged
    }
  }

  private var handles: [String: Int] = [:]
  /// By handle, which is never given twice: what is forgotten may still be spoken of.
  private var numberings: [Int: Numbering] = [:]
  private var nextHandle = 0
  /// Handles of the runs of each source, the oldest first, and how many there are.
  private var runs: [Substring: [Int]] = [:]
  private var runTotal = 0
  /// Runs that were forgotten and may still be on the disk.
  var forgotten: [String] = []

  /// Short for the name of a numbering; hot paths keep it.
  mutating func handle(_ store: String) -> Int {
    if let handle = handles[store] { return handle }
    let handle = nextHandle
    nextHandle += 1
    handles[store] = handle
    let isRun = store.hasPrefix(Self.runPrefix)
    numberings[handle] = Numbering(store: store, limit: isRun ? Self.runLimit : Self.importLimit)
    if isRun {
      runs[Self.source(ofRun: store), default: []].append(handle)
      runTotal += 1
      if runTotal > Self.runCount { forgetRuns() }
    }
    return handle
  }

  /// Behind the prefix, the sixteen digits of the run and the colon.
  private static func source(ofRun store: String) -> Substring { store.dropFirst(runPrefix.count + 17) }

  /// An eighth of those of the source with the most, so that it is not looked for with every new run.
  private mutating func forgetRuns() {
    guard let (source, all) = runs.max(by: { $0.value.count < $1.value.count }) else { return }
    let count = max(1, all.count / 8)
    for handle in all.prefix(count) {
      guard let store = numberings.removeValue(forKey: handle)?.store else { continue }
      handles[store] = nil
      forgotten.append(store)
    }
    runs[source] = count == all.count ? nil : Array(all.dropFirst(count))
    runTotal -= count
  }

  /// One of these that its disk says was forgotten.
  mutating func forget(_ store: String) {
    guard let handle = handles.removeValue(forKey: store) else { return }
    numberings[handle] = nil
    let source = Self.source(ofRun: store)
    guard store.hasPrefix(Self.runPrefix), let place = runs[source]?.firstIndex(of: handle) else { return }
    runs[source]?.remove(at: place)
    runTotal -= 1
  }

  /// Nil: it is forgotten.
  func store(_ handle: Int) -> String? { numberings[handle]?.store }

  /// How many of its numbers are here.
  func count(_ handle: Int) -> Int64 { numberings[handle]?.ranges.count ?? 0 }

  func contains(_ identity: ImportIdentity) -> Bool {
    guard let handle = handles[identity.store] else { return false }
    return contains(handle, identity.id)
  }

  func contains(_ handle: Int, _ id: Int64) -> Bool { numberings[handle]?.ranges.contains(id) ?? false }

  /// The range that `id` now belongs to.
  @discardableResult
  mutating func insert(_ identity: ImportIdentity) -> ClosedRange<Int64> {
    insert(handle(identity.store), identity.id...identity.id)
  }

  @discardableResult
  mutating func insert(_ handle: Int, _ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
    guard let merged = numberings[handle]?.insert(added) else { return added }
    return merged
  }

  /// The range around a number that is known.
  func range(_ handle: Int, of id: Int64) -> ClosedRange<Int64> { numberings[handle]?.ranges.range(of: id) ?? id...id }

  mutating func remove(_ identity: ImportIdentity) {
    guard let handle = handles[identity.store] else { return }
    remove(handle, identity.id...identity.id)
  }

  /// `removed` must lie in one range, as what was just inserted does.
  mutating func remove(_ handle: Int, _ removed: ClosedRange<Int64>) { numberings[handle]?.ranges.remove(removed) }

  mutating func load(_ connection: Connection, _ table: String) throws(SQLiteError) {
    let statement = try connection.prepare("SELECT store, first, last FROM \(table) ORDER BY store, first")
    while try statement.step() {
      let first = statement.integer(1)
      if Self.isForgotten(statement.text(0), first, statement.integer(2)) {
        // Before all numbers, so before what came of the same run again.
        forget(statement.text(0))
        continue
      }
      insert(handle(statement.text(0)), first...max(first, statement.integer(2)))
    }
  }
}

extension ImportedRanges {
  /// In the place of the numbers of a run that was forgotten, until its file is settled.
  static let forgottenRange = (first: Int64.min, last: Int64.min)

  static func isForgotten(_ store: String, _ first: Int64, _ last: Int64) -> Bool {
    first == .min && last == .min && store.hasPrefix(runPrefix)
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
