import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Store

/// Files go by age, for the cap and never before `min_age`; the books know where.
@Suite struct RetentionTests {
  private static let events = [
    "relay.game.start", "gui.click", "relay.tick.process", "chat.message", "relay.suspicion",
  ]

  @Test(
    arguments: [
      (2, 5), (4, 4), (15, 3), (31, 2), (399, 2), (401, 0),
    ] as [(Int64, Int)])
  func eachClassHasItsAge(days: Int64, left: Int) async throws {
    let store = try ModelStore()
    try await store.append(Self.events.map { store.log($0) })
    try store.settle()
    store.clock.advance(days * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.settledFiles().count == left)
    store.close()
    let account = try store.account()
    #expect(account.pruned == 5 - Int64(left) && account.balances)
    #expect(store.diary.pruned.allSatisfy { $0.hasSuffix(" age") })
  }

  @Test(arguments: [-495_000, -24 * 400, 24 * 365 * 74] as [Int64])
  func ageCountsFromArrival(hours: Int64) async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message", hours: hours)])
    try store.settle()
    try store.start().maintainNow()
    #expect(try store.marks() == [1])
    store.clock.advance(31 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks().isEmpty)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aWeekGoesByAndTheDirectoryStaysInItsBounds() async throws {
    let store = try ModelStore()
    for _ in 0..<40 {
      try await store.append(Self.events.map { store.log($0) })
      store.clock.advance(StepClock.day / 2)
      try store.settle()
      try store.start().maintainNow()
    }
    let firehose = try store.settledFiles().filter { $0.className == "firehose" }
    #expect(firehose.reduce(0) { $0 + $1.rows } <= 8)
    store.close()
    #expect(try store.account().balances)
    #expect(try store.account().received == 200)
  }

  private static func big(_ store: ModelStore, _ event: String) -> [SampleBatch.Record] {
    (0..<200).map { _ in
      var record = store.log(event)
      record.data = "{\"n\":\(store.nextNumber()),\"pad\":\"\(String(repeating: "x", count: 2000))\"}"
      return record
    }
  }

  @Test func theCapHoldsInRealBytes() async throws {
    let store = try ModelStore()
    store.options.maxBytes = 6 << 20
    store.options.minAge = 0
    for round in 0..<20 {
      try await store.append(Self.big(store, round % 2 == 0 ? "relay.tick.process" : "relay.game.start"))
      store.clock.advance(1)
      try store.settle()
      try store.start().maintainNow()
      #expect(FileSystem.allocatedBelow(store.directory.path) <= 6 << 20)
    }
    store.close()
    let account = try store.account()
    #expect(account.pruned > 0 && account.present > 0 && account.balances)
    #expect(store.diary.pruned.allSatisfy { $0.hasSuffix(" cap") })
    // The class with the shortest age went first.
    #expect(store.diary.pruned.first == "firehose cap")
  }

  private final class HighWater: Sendable {
    let highest = Atomic<Int64>(0)
    let isDone = Atomic<Bool>(false)

    func watch(_ directory: DataDirectory) async {
      while !isDone.load(ordering: .relaxed) {
        highest.max(FileSystem.allocatedBelow(directory.path), ordering: .relaxed)
        await Task.yield()
      }
    }
  }

  /// Also between two looks, and while files are settled: what landed counts, and so does that it lies there twice.
  @Test(arguments: [6, 24] as [Int64])
  func aFloodStaysUnderTheCapAtEveryMoment(megabytes: Int64) async throws {
    let store = try ModelStore()
    store.options.maxBytes = megabytes << 20
    store.options.minAge = 0
    let directory = store.directory
    let level = HighWater()
    let opened = try store.start()
    async let watch: Void = level.watch(directory)
    for round in 0..<150 {
      store.clock.advance(1)
      let batch = SampleBatch.make(.logs, Self.big(store, round % 2 == 0 ? "relay.tick.process" : "chat.message"))
      _ = try? await opened.writer.append(batch, key: nil, door: "test")
    }
    level.isDone.store(true, ordering: .relaxed)
    await watch
    #expect(level.highest.load(ordering: .relaxed) <= megabytes << 20)
    store.close()
    let account = try store.account()
    #expect(account.balances && account.received > 25_000 && account.pruned > 0)
  }

  @Test func nothingYoungGoesForTheCapAndIntakeWaits() async throws {
    let store = try ModelStore()
    store.options.maxBytes = 6 << 20
    store.options.minAge = StepClock.hour
    try store.start()
    var refusal: Refusal?
    for _ in 0..<20 where refusal == nil {
      do {
        _ = try await store.start().writer.append(
          SampleBatch.make(.logs, Self.big(store, "chat.message")), key: nil, door: "test")
        store.clock.advance(1)
        try store.settle()
        try store.start().maintainNow()
      } catch let error as Refusal {
        refusal = error
      } catch { Issue.record(error) }
    }
    #expect(refusal == .diskReserve)
    #expect(try store.start().writer.admit(byteCount: 1) == .diskReserve)
    #expect(store.diary.pruned.isEmpty)
    store.clock.advance(2 * StepClock.hour)
    try store.start().maintainNow()
    #expect(!store.diary.pruned.isEmpty)
    #expect(try store.start().writer.admit(byteCount: 1) == nil)
    try await store.append([store.log("chat.message")])
    store.close()
    #expect(try store.books().balances)
  }
}

/// `garner clear` takes what it was told to, nothing else, and says so in the books.
@Suite struct RetentionClearTests {
  @Test func takesWholeFilesAway() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message", hours: -24), store.log("chat.message")])
    try store.settle()
    let outcome = try store.start().clear(
      Clearing(before: store.clock.now - 12 * StepClock.hour, category: nil))
    #expect(outcome == Clearing.Outcome(rows: 1, files: 1))
    #expect(try store.marks() == [2])
    store.close()
    #expect(try store.account().cleared == 1)
    #expect(try store.books().balances)
  }

  @Test func rewritesAFileThatIsOnlyTouched() async throws {
    let store = try ModelStore()
    try await store.append((-5...4).map { store.log("chat.message", hours: $0) })
    let clearing = Clearing(before: store.clock.now, category: nil)
    #expect(try clearing.count(store.directory).rows == 5)
    #expect(try store.start().clear(clearing).rows == 5)
    #expect(try store.marks() == [6, 7, 8, 9, 10])
    #expect(try store.ids() == [6, 7, 8, 9, 10])
    #expect(try store.start().clear(clearing).rows == 0)
    try store.restart()
    #expect(try store.marks() == [6, 7, 8, 9, 10])
    store.close()
    #expect(try store.account().cleared == 5)
    #expect(try store.books().balances)
  }

  @Test func takesOneCategory() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message"), store.log("cheat.report"), store.log("chat.message")])
    #expect(try store.start().clear(Clearing(before: nil, category: "chat")).rows == 2)
    #expect(try store.texts("SELECT event FROM telemetry_events") == ["cheat.report"])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aSpanTakesItsEventsWithIt() async throws {
    let store = try ModelStore()
    let spans = ["chat.send", "store.write"].enumerated().map { index, name in
      SampleBatch.Record(
        name, kind: .span, time: store.clock.now, data: store.mark(), trace: (1, UInt64(index) * 2), spanEvents: 2)
    }
    try await store.append(spans, signal: .traces)
    let clearing = Clearing(before: nil, category: "chat")
    #expect(try clearing.count(store.directory).rows == 3)
    #expect(try store.start().clear(clearing).rows == 3)
    #expect(try store.ids() == [4, 5, 6])
    #expect(try store.start().clear(Clearing(before: nil, category: "exception")).rows == 0)
    store.close()
    #expect(try store.books().balances)
  }

  @Test(arguments: ["'", "a'b", "\"", "; DROP TABLE event; --", "x' OR '1'='1"])
  func aCategoryIsOnlyText(category: String) async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message")])
    #expect(try store.start().clear(Clearing(before: nil, category: category)).rows == 0)
    #expect(try store.marks() == [1])
  }

  @Test func everythingMayGo() async throws {
    let store = try ModelStore()
    try await store.append((0..<5).map { store.log("chat.message", hours: $0 * -30) })
    #expect(try store.start().clear(Clearing(before: nil, category: nil)).rows == 5)
    #expect(try store.files().isEmpty)
    try store.restart()
    try await store.append([store.log("chat.message")])
    #expect(try store.ids() == [6])
    store.close()
    #expect(try store.account().cleared == 5)
    #expect(try store.books().balances)
  }
}
