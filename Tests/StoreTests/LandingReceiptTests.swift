import Telemetry
import TestSupport
import Testing

@testable import Store

@Suite struct LandingReceiptBookTests {
  private static let key = ReceiptKey(high: 1, low: 2)

  private static func receipt(_ id: Int64) -> Receipt {
    Receipt(received: 3, stored: 2, rejected: 1, firstID: id, message: "one refused")
  }

  @Test func givesBackWhatWasDecided() {
    var book = ReceiptBook(window: 100, limit: 10)
    book.insert(Self.key, Self.receipt(7), at: 1000)
    var expected = Self.receipt(7)
    expected.duplicate = true
    #expect(book.find(Self.key, now: 1050) == expected)
    #expect(book.find(ReceiptKey(high: 1, low: 3), now: 1050) == nil)
  }

  @Test(arguments: [(1099, true), (1100, false), (900, true)] as [(Int64, Bool)])
  func knowsAKeyWithinItsWindow(now: Int64, known: Bool) {
    var book = ReceiptBook(window: 100, limit: 10)
    book.insert(Self.key, Self.receipt(7), at: 1000)
    #expect((book.find(Self.key, now: now) != nil) == known)
  }

  @Test func forgetsTheOldestOverItsLimit() {
    var book = ReceiptBook(window: 1_000_000, limit: 3)
    for n in 1...5 { book.insert(ReceiptKey(high: 0, low: UInt64(n)), Self.receipt(Int64(n)), at: Int64(n)) }
    #expect(book.count == 3)
    #expect((1...5).map { book.find(ReceiptKey(high: 0, low: $0), now: 6) != nil } == [false, false, true, true, true])
  }

  @Test func keepsAKeyThatCameAgainAfterItsWindow() {
    var book = ReceiptBook(window: 100, limit: 10)
    book.insert(Self.key, Self.receipt(7), at: 1000)
    book.insert(Self.key, Self.receipt(9), at: 2000)
    #expect(book.find(Self.key, now: 2050)?.firstID == 9)
  }

  @Test func remembersNothingWithoutAWindow() {
    var book = ReceiptBook(window: 0, limit: 10)
    book.insert(Self.key, Self.receipt(7), at: 1000)
    #expect(book.find(Self.key, now: 1000) == nil)
    #expect(book.count == 0)
  }

  @Test func staysSmallOverManyKeys() {
    var book = ReceiptBook(window: 10, limit: 1000)
    for n in 0..<50_000 { book.insert(ReceiptKey(high: 0, low: UInt64(n)), Self.receipt(1), at: Int64(n)) }
    #expect(book.count <= 11)
  }
}

/// One body sent more than once is stored once, and every answer is the first answer.
@Suite struct LandingReceiptTests {
  private static let key = ReceiptKey(high: 11, low: 22)

  private static func records(_ store: ModelStore) -> [SampleBatch.Record] {
    [store.log("relay.game.start"), store.log("gui.click"), store.log("chat.message")]
  }

  @Test func storesABodyOnceThatComesAHundredTimes() async throws {
    let store = try ModelStore()
    let records = Self.records(store)
    let first = try await store.append(records, key: Self.key)
    #expect(!first.duplicate && first.stored == 3)
    for _ in 1..<100 {
      let again = try await store.append(records, key: Self.key)
      #expect(again.duplicate && again.stored == 3 && again.firstID == first.firstID)
    }
    #expect(try store.marks() == [1, 2, 3])
    store.close()
    let account = try store.account()
    #expect(account.received == 300 && account.stored == 3 && account.deduplicated == 297 && account.balances)
  }

  @Test func storesABodyOnceThatComesEightTimesAtTheSameMoment() async throws {
    let store = try ModelStore()
    let writer = try store.start().writer
    let records = Self.records(store)
    let receipts = await withTaskGroup(of: Receipt?.self) { group in
      for _ in 0..<8 {
        let batch = SampleBatch.make(.logs, records)
        group.addTask { try? await writer.append(batch, key: Self.key, door: "test") }
      }
      var receipts: [Receipt] = []
      for await receipt in group { if let receipt { receipts.append(receipt) } }
      return receipts
    }
    #expect(receipts.count == 8)
    #expect(receipts.filter { !$0.duplicate }.count == 1)
    #expect(Set(receipts.map(\.firstID)).count == 1)
    #expect(try store.marks() == [1, 2, 3])
  }

  enum Interlude: CaseIterable, Sendable {
    case reopened, settled, settledAndReopened, catalogDeleted, keptWithoutClosing
  }

  @Test(arguments: Interlude.allCases)
  func knowsABodyAgain(after interlude: Interlude) async throws {
    var store = try ModelStore()
    let records = Self.records(store)
    let first = try await store.append(records, key: Self.key)
    switch interlude {
    case .reopened: try store.restart()
    case .settled: try store.settle()
    case .settledAndReopened:
      try store.settle()
      try store.restart()
    case .catalogDeleted:
      try store.settle()
      store.close()
      try FileSystem.remove(store.directory.catalog)
      try store.start()
    case .keptWithoutClosing:
      store = try ModelStore(copy: store.directory.path)
    }
    let again = try await store.append(records, key: Self.key)
    #expect(again.duplicate && again.firstID == first.firstID && again.stored == 3)
    #expect(try store.marks() == [1, 2, 3])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func storesABodyAgainAfterTheWindow() async throws {
    let store = try ModelStore()
    let records = Self.records(store)
    try await store.append(records, key: Self.key)
    store.clock.advance(store.options.receiptWindow + 1)
    #expect(try await !store.append(records, key: Self.key).duplicate)
    #expect(try store.marks() == [1, 1, 2, 2, 3, 3])
  }

  @Test func answersRejectionsOfARetryAgain() async throws {
    let store = try ModelStore()
    let rejection = Rejection(reason: .zeroTime, index: 1, path: "x[1]", source: "local", record: "")
    let records = Self.records(store)
    let first = try await store.append(records, key: Self.key, rejections: [rejection])
    let again = try await store.append(records, key: Self.key, rejections: [rejection])
    #expect(first.rejected == 1 && again.rejected == 1 && !first.message.isEmpty && again.message == first.message)
    store.close()
    let account = try store.account()
    #expect(account.received == 8 && account.rejected == 1 && account.deduplicated == 4 && account.balances)
  }
}
