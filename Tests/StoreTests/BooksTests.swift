import Telemetry
import TestSupport
import Testing

@testable import Store

/// For each source what came, what became of it and what is there (promise 3).
@Suite struct BooksTests {
  @Test func balanceForEachSourceThroughItsWholeLife() async throws {
    let store = try ModelStore()
    let refused = Rejection(reason: .zeroTime, index: 0, path: "x[0]", source: "a", record: "")
    try await store.append(
      [store.log("chat.m", source: "a"), store.log("gui.c", source: "b"), store.log("gui.c", source: "a", uid: "u")],
      key: ReceiptKey(high: 1, low: 1), rejections: [refused])
    try await store.append([store.log("gui.c", source: "a", uid: "u")])
    for countFiles in [true, false] {
      let account = try #require(try Books.read(store.directory, countFiles: countFiles).accounts.first)
      #expect(account.source == "a" && account.received == 4 && account.stored == 2 && account.rejected == 1)
      #expect(account.deduplicated == 1 && account.present == 2 && account.balances && account.doors == ["test"])
    }
    try store.settle()
    #expect(try store.books().balances)
    _ = try store.start().clear(Clearing(before: nil, category: "chat"))
    store.clock.advance(15 * StepClock.day)
    try store.start().maintainNow()
    store.close()
    let a = try store.account("a")
    let b = try store.account("b")
    #expect(a.cleared == 1 && a.pruned == 1 && a.present == 0 && a.balances)
    #expect(b.pruned == 1 && b.balances)
    #expect(try store.books().rejects == ["zero_time": 1])
  }

  @Test func nameAFileThatCannotBeRead() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.m")])
    try store.settle()
    store.close()
    let path = try #require(try store.files().first).path
    try ModelStore.overwrite(path, at: 0, with: [UInt8](repeating: 1, count: 4096))
    let books = try store.books()
    #expect(books.unreadable == [path] && !books.balances)
  }

  @Test func countSpanEventsAsNoRecords() async throws {
    let store = try ModelStore()
    try await store.append(
      [SampleBatch.Record("job", kind: .span, time: StepClock.noon, trace: (1, 2), spanEvents: 3)], signal: .traces)
    #expect(try store.account().present == 1)
    try store.settle()
    #expect(try store.account().present == 1)
    #expect(try store.books().balances)
  }

  @Test func canBeReadWhileTheStoreWrites() async throws {
    let store = try ModelStore()
    for _ in 0..<20 {
      try await store.append((0..<10).map { _ in store.log("chat.m") })
      #expect(try store.books().balances)
    }
  }

  @Test func nameAtMostTenThousandSources() async throws {
    let store = try ModelStore()
    for round in 0..<3 {
      try await store.append((0..<4000).map { store.log("chat.m", source: "s\(round * 4000 + $0)") })
    }
    try store.settle()
    let books = try store.books()
    #expect(books.balances && books.accounts.count <= 10_001)
    #expect(books.accounts.first { $0.source == "other" }?.present == 2000)
  }
}
