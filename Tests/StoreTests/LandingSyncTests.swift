import CSQLite
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Store

/// An answer says that the disk has it: committed is not enough.
@Suite struct LandingSyncTests {
  private static let key = ReceiptKey(high: 7, low: 7)

  @Test func nobodyIsAnsweredBeforeTheDiskHasIt() async throws {
    let store = try ModelStore()
    let disk = HaltedDisk()
    ModelFaults.watchSyncs(store.directory.path) { path in
      if path.contains("/landing/") { disk.sync() }
      return .go
    }
    defer { ModelFaults.stop(store.directory.path) }
    let writer = try store.start().writer
    let records = (0..<6).map { _ in store.log("gui.click") }
    let answered = AnswerCount()
    await withTaskGroup(of: Void.self) { group in
      for record in records {
        let batch = SampleBatch.make(.logs, [record])
        group.addTask {
          let receipt = try? await writer.append(batch, key: nil, door: "test", marks: [])
          #expect(receipt?.stored == 1)
          answered.add()
        }
      }
      group.addTask {
        disk.waitForSync()
        #expect(answered.value == 0)
        #expect(writer.vitals.committedRecords.load(ordering: .relaxed) == 0)
        #expect(writer.vitals.lastID.load(ordering: .relaxed) == 0)
        disk.goOn()
      }
    }
    #expect(answered.value == 6)
    #expect(writer.vitals.lastID.load(ordering: .relaxed) == 6)
    // What came while the disk was at work went to it together.
    #expect(disk.syncs < 6)
  }

  @Test func aRetryOfWhatIsOnlyWrittenWaitsForTheDiskToo() async throws {
    let store = try ModelStore()
    let disk = HaltedDisk()
    ModelFaults.watchSyncs(store.directory.path) { path in
      if path.contains("/landing/") { disk.sync() }
      return .go
    }
    defer { ModelFaults.stop(store.directory.path) }
    let writer = try store.start().writer
    let record = store.log("gui.click")
    let answered = AnswerCount()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        let batch = SampleBatch.make(.logs, [record])
        group.addTask {
          let receipt = try? await writer.append(batch, key: Self.key, door: "test", marks: [])
          #expect(receipt?.stored == 1)
          answered.add()
        }
      }
      group.addTask {
        disk.waitForSync()
        #expect(answered.value == 0)
        disk.goOn()
      }
    }
    #expect(try store.marks() == [1])
  }

  @Test func aBodyThatTheDiskDidNotTakeIsTakenWhenItComesAgain() async throws {
    let store = try ModelStore()
    let fails = Atomic<Bool>(false)
    ModelFaults.watchSyncs(store.directory.path) { path in
      path.contains("/landing/") && fails.load(ordering: .relaxed) ? .fail(SQLITE_IOERR) : .go
    }
    defer { ModelFaults.stop(store.directory.path) }
    try await store.append([store.log("chat.message")])
    let record = store.log("gui.click", uid: "click-1")
    fails.store(true, ordering: .relaxed)
    for _ in 0..<3 {
      await #expect(throws: Refusal.self) { try await store.append([record], key: Self.key) }
    }
    fails.store(false, ordering: .relaxed)
    let taken = try await store.append([record], key: Self.key)
    #expect(!taken.duplicate && taken.stored == 1 && taken.deduplicated == 0)
    #expect(try await store.append([record], key: Self.key).duplicate)
    // A log that failed once is not written to again, whatever its next sync says.
    #expect(try store.start().writer.vitals.failures.load(ordering: .relaxed) == 3)
    try store.settle()
    try store.restart()
    #expect(Set(try store.marks()) == [1, 2])
    store.close()
    #expect(try store.books().balances)
  }
}

private final class AnswerCount: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
}

/// A disk that syncs nothing until it is let.
private final class HaltedDisk: Sendable {
  private let bell = Bell()
  private let isHalted = Atomic<Bool>(true)
  private let count = Atomic<Int>(0)

  var syncs: Int { count.load(ordering: .relaxed) }

  func sync() {
    bell.locked {
      count.wrappingAdd(1, ordering: .relaxed)
      bell.ring()
      while isHalted.load(ordering: .relaxed) { bell.wait() }
    }
  }

  func waitForSync() { bell.locked { while syncs == 0 { bell.wait() } } }

  func goOn() {
    bell.locked {
      isHalted.store(false, ordering: .relaxed)
      bell.ring()
    }
  }
}
