import Telemetry
import TestSupport
import Testing

@testable import Store

@Suite struct LandingImportedRangesTests {
  private static func ranges(_ ids: [Int64], removed: [Int64] = []) -> ImportedRanges {
    var ranges = ImportedRanges()
    for id in ids { ranges.insert(ImportIdentity(store: "s", id: id)) }
    for id in removed { ranges.remove(ImportIdentity(store: "s", id: id)) }
    return ranges
  }

  @Test(
    arguments: [
      ([1, 2, 3], 2, 1...3), ([3, 2, 1], 1, 1...3), ([1, 3, 2], 3, 1...3), ([5, 1, 9], 5, 5...5),
      ([1, 2, 4, 5, 3], 4, 1...5), ([7, 7, 7], 7, 7...7), ([-3, -2, .max], .max, .max ... .max),
    ] as [([Int64], Int64, ClosedRange<Int64>)])
  func joinsNeighbours(ids: [Int64], asked: Int64, range: ClosedRange<Int64>) {
    var ranges = Self.ranges(ids)
    #expect(ranges.range(ranges.handle("s"), of: asked) == range)
  }

  @Test func knowsExactlyWhatWasInserted() {
    var random = SampleRandom(seed: 4)
    var ranges = ImportedRanges()
    var known: Set<Int64> = []
    for _ in 0..<4000 {
      let id = Int64(random.upTo(200))
      if random.one(in: 3) {
        ranges.remove(ImportIdentity(store: "s", id: id))
        known.remove(id)
      } else {
        ranges.insert(ImportIdentity(store: "s", id: id))
        known.insert(id)
      }
      let asked = Int64(random.upTo(200))
      #expect(ranges.contains(ImportIdentity(store: "s", id: asked)) == known.contains(asked))
    }
    #expect(!ranges.contains(ImportIdentity(store: "other", id: 1)))
  }

  @Test func aSourceWithEndlessRunsForgetsItsOwn() {
    var ranges = ImportedRanges()
    func run(_ number: Int, _ source: String) -> String {
      let digits = String(number, radix: 16)
      return "run:\(String(repeating: "0", count: 16 - digits.count))\(digits):\(source)"
    }
    let relay = ranges.handle(run(0, "relay"))
    ranges.insert(relay, 7...7)
    let first = ranges.handle(run(1, "stranger"))
    ranges.insert(first, 1...1)
    for number in 2..<200_000 {
      let handle = ranges.handle(run(number, "stranger"))
      ranges.insert(handle, 1...1)
    }
    #expect(ranges.contains(relay, 7))
    #expect(!ranges.contains(first, 1) && ranges.store(first) == nil)
    #expect(ranges.contains(ImportIdentity(store: run(199_999, "stranger"), id: 1)))
    #expect(200_000 - ranges.forgotten.count <= ImportedRanges.runCount && ranges.forgotten.first == run(1, "stranger"))
    // What is said of it afterwards harms nobody.
    ranges.insert(first, 2...2)
    ranges.remove(first, 1...1)
    #expect(ranges.range(first, of: 2) == 2...2 && !ranges.contains(first, 2))
  }

  @Test func removesFromTheMiddleOfARange() {
    let ranges = Self.ranges([1, 2, 3, 4, 5], removed: [3])
    #expect((1...5).map { ranges.contains(ImportIdentity(store: "s", id: $0)) } == [true, true, false, true, true])
  }
}

/// Records that say who they are are stored once, whatever request they come in.
@Suite struct LandingIdentityTests {
  @Test func storesAUIDOncePerSource() async throws {
    let store = try ModelStore()
    let first = try await store.append([store.log("a.b", uid: "u1"), store.log("a.b", uid: "u2")])
    #expect(first.stored == 2)
    let second = try await store.append([store.log("a.b", uid: "u2"), store.log("a.b", uid: "u3")])
    #expect(second.stored == 1 && second.deduplicated == 1)
    let other = try await store.append([store.log("a.b", source: "relay-2", uid: "u1")])
    #expect(other.stored == 1)
    try store.settle()
    try store.restart()
    let late = try await store.append([store.log("a.b", uid: "u1"), store.log("a.b", uid: "u3")])
    #expect(late.stored == 0 && late.deduplicated == 2)
    #expect(try store.marks() == [1, 2, 4, 5])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func storesAUIDOnceWithinOneBatch() async throws {
    let store = try ModelStore()
    let receipt = try await store.append([store.log("a.b", uid: "u1"), store.log("a.b", uid: "u1")])
    #expect(receipt.stored == 1 && receipt.deduplicated == 1)
    #expect(try store.marks() == [1])
  }

  @Test func dropsTheSpanEventsOfAKnownSpanWithIt() async throws {
    let store = try ModelStore()
    let span = SampleBatch.Record(
      "job", kind: .span, time: StepClock.noon, data: store.mark(), trace: (1, 2), uid: "u1", spanEvents: 2)
    try await store.append([span], signal: .traces)
    try await store.append([span], signal: .traces)
    #expect(try store.ids().count == 3)
  }

  enum Interlude: CaseIterable, Sendable { case none, reopened, settled, catalogDeleted }

  @Test(arguments: Interlude.allCases)
  func importsARecordOnce(after interlude: Interlude) async throws {
    let store = try ModelStore()
    func identities(_ ids: ClosedRange<Int64>) -> [ImportIdentity] {
      ids.map { ImportIdentity(store: "00000000-0000-4000-8000-000000000000", id: $0) }
    }
    let records = (1...10).map { _ in store.log("a.b") }
    try await store.append(Array(records[0..<6]), identities: identities(1...6))
    switch interlude {
    case .none: break
    case .reopened: try store.restart()
    case .settled: try store.settle()
    case .catalogDeleted:
      try store.settle()
      store.close()
      try FileSystem.remove(store.directory.catalog)
    }
    let receipt = try await store.append(records, identities: identities(1...10))
    #expect(receipt.stored == 4 && receipt.deduplicated == 6)
    #expect(try store.marks() == Array(1...10))
    try store.settle()
    store.close()
    #expect(try store.books().balances)
  }
}

@Suite struct LandingIDTests {
  @Test func idsGoOnWhereTheyStopped() async throws {
    let store = try ModelStore()
    try await store.append([store.log("a.b"), store.log("gui.c")])
    try store.restart()
    try await store.append([store.log("a.b")])
    try store.settle()
    try await store.append([store.log("a.b")])
    try store.restart()
    try await store.append([store.log("a.b")])
    #expect(try store.ids() == [1, 2, 3, 4, 5])
  }

  @Test func idsAreNotGivenAgainAfterEverythingWasPruned() async throws {
    let store = try ModelStore()
    try await store.append((0..<20).map { _ in store.log("a.b") })
    try store.settle()
    store.clock.advance(31 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.files().isEmpty)
    try store.restart()
    try await store.append([store.log("a.b")])
    #expect(try store.ids() == [21])
    #expect(try store.files().allSatisfy { $0.number > 1 })
  }

  @Test func aSecondStoreOnOneDirectoryIsRefused() async throws {
    let store = try ModelStore()
    try store.start()
    let failure = #expect(throws: StoreFailure.self) { try DataStore(store.directory, store.options) }
    #expect(failure?.description.contains("in use by another garner process") == true)
    #expect(failure?.description.contains(store.directory.path) == true)
    store.close()
    try store.start()
  }

  @Test func theLandingFileIsNobodyElsesBusiness() async throws {
    let store = try ModelStore()
    try await store.append([store.log("a.b")])
    let file = try #require(try store.files().first)
    for suffix in ["", "-wal"] { #expect(ModelStore.mode(file.path + suffix) == 0o600) }
  }

  @Test func aRefusedBatchLeavesNoTrace() async throws {
    let store = try ModelStore()
    store.options.queueBytes = 1
    let open = try store.start()
    try await store.append([store.log("a.b")])
    store.close()
    await #expect(throws: Refusal.draining) {
      try await open.writer.append(SampleBatch.make(.logs, []), key: nil, door: "test")
    }
    #expect(try store.marks() == [1])
    #expect(try store.books().balances)
  }
}

@Suite struct NumberedUIDTests {
  @Test func knowsEventNumbersOfARunAgainAfterARestart() async throws {
    let store = try ModelStore()
    func log(_ number: Int64) -> SampleBatch.Record { store.log("a.b", uid: "00000000000000ff:\(number)") }
    try await store.append([log(0), log(1), log(5), log(2)])
    let again = try await store.append([log(1), log(3), log(5), log(4)])
    #expect(again.stored == 2 && again.deduplicated == 2)
    try store.settle()
    try store.restart()
    let late = try await store.append((0...6).map(log))
    #expect(late.stored == 1 && late.deduplicated == 6)
    store.close()
    #expect(try store.books().balances)
  }

  @Test(arguments: [
    ("00000000000000ff:0", true), ("9f3c2a0000000001:8123", true), ("9f3c2a0000000001:9223372036854775807", true),
    ("9f3c2a0000000001:9223372036854775808", false), ("9f3c2a0000000001:01", false), ("9F3C2A0000000001:1", false),
    ("9f3c2a0000000001:", false), ("9f3c2a000000001:1", false), ("9f3c2a0000000001:-1", false), ("", false),
  ])
  func isToldFromOtherTexts(_ text: String, _ isNumbered: Bool) {
    #expect(Array(text.utf8).withUnsafeBytes { NumberedUID($0) != nil } == isNumbered)
  }
}

@Suite struct NumberRangesTests {
  /// Far more ranges than one piece of the set takes.
  @Test func knowsExactlyWhatWasInserted() {
    var random = SampleRandom(seed: 9)
    var ranges = NumberRanges()
    var known: Set<Int64> = []
    for round in 0..<60_000 {
      let number = Int64(random.upTo(20_000))
      if random.one(in: 3) {
        ranges.remove(number...number)
        known.remove(number)
      } else {
        let last = number + Int64(random.upTo(3))
        let range = ranges.insert(number...last)
        known.formUnion(number...last)
        #expect(range.lowerBound <= number && range.upperBound >= last)
      }
      let asked = Int64(random.upTo(20_000))
      #expect(ranges.contains(asked) == known.contains(asked), "round \(round)")
    }
    #expect(ranges.count == Int64(known.count))
    let starts = known.filter { !known.contains($0 - 1) }
    #expect(ranges.rangeCount == starts.count)
  }

  @Test func holdsTheEndsOfAllNumbers() {
    var ranges = NumberRanges()
    for number in [Int64.max, .min, .max - 1, .min + 1] { ranges.insert(number...number) }
    #expect(ranges.rangeCount == 2 && ranges.range(of: .max) == .max - 1 ... .max)
    #expect(ranges.range(of: .min) == .min ... .min + 1 && !ranges.contains(0))
  }

  @Test(arguments: [("run:00000000000000ff:local", false), ("00000000-0000-4000-8000-000000000000", true)])
  func onlyARunForgetsItsOldestNumbers(numbering: String, isWhole: Bool) {
    var ranges = ImportedRanges()
    let handle = ranges.handle(numbering)
    let numbers = (0..<200_000).map { Int64($0) * 2 }
    for number in numbers { ranges.insert(handle, number...number) }
    #expect(numbers.allSatisfy { ranges.contains(handle, $0) } == isWhole)
    #expect(ranges.contains(handle, 399_998) && !ranges.contains(handle, 399_997))
    #expect(ranges.count(handle) == (isWhole ? 200_000 : Int64(ImportedRanges.runLimit)))
  }
}
