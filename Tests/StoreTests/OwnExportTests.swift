import Telemetry
import TestSupport
import Testing

@testable import Store

/// An export that comes back to its own store brings exactly the rows that are gone, once.
@Suite struct OwnExportTests {
  /// What an export of the store's first records has.
  private struct Export {
    var records: [SampleBatch.Record] = []
    var identities: [ImportIdentity] = []

    func restore(to store: ModelStore, _ places: Range<Int>? = nil) async throws -> Receipt {
      let places = places ?? records.indices
      return try await store.append(Array(records[places]), identities: Array(identities[places]))
    }
  }

  private static let events = ["gui.click", "chat.message", "relay.game.start", "relay.tick.process", "input.key"]

  /// Records of all classes, five an hour, the oldest first.
  private static func fill(_ store: ModelStore, hours: Range<Int64> = -10..<0) async throws -> Export {
    var export = Export()
    for hour in hours {
      let records = events.map { store.log($0, hours: hour) }
      let receipt = try await store.append(records)
      export.records += records
      let id = receipt.firstID
      export.identities += (0..<5).map { ImportIdentity(store: store.open?.storeID ?? "", id: id + $0) }
    }
    return export
  }

  enum Place: CaseIterable, Sendable { case landing, settled, mixed, reopened, catalogDeleted }

  @Test(arguments: Place.allCases)
  func addsNothingWhileItsRowsAreThere(in place: Place) async throws {
    let store = try ModelStore()
    var export = try await Self.fill(store)
    switch place {
    case .landing: break
    case .settled: try store.settle()
    case .mixed:
      try store.settle()
      let late = try await Self.fill(store)
      export.records += late.records
      export.identities += late.identities
    case .reopened: try store.restart()
    case .catalogDeleted:
      try store.settle()
      store.close()
      try FileSystem.remove(store.directory.catalog)
      try store.start()
    }
    let ids = try store.ids()
    let receipt = try await export.restore(to: store)
    #expect(receipt.stored == 0 && receipt.deduplicated == export.records.count)
    #expect(try store.ids() == ids)
    store.close()
    #expect(try store.books().balances)
  }

  private static let clearings: [(Clearing, Int)] = [
    (Clearing(before: nil, category: nil), 50), (Clearing(before: nil, category: "gui"), 10),
    (Clearing(before: nil, category: "relay"), 20),
    (Clearing(before: StepClock.noon - 4 * StepClock.hour, category: nil), 30),
    (Clearing(before: StepClock.noon - 4 * StepClock.hour, category: "chat"), 6),
  ]

  @Test(arguments: clearings)
  func bringsBackWhatWasCleared(clearing: Clearing, count: Int) async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    let marks = try store.marks()
    #expect(try store.start().clear(clearing).rows == Int64(count))
    let before = try store.ids()
    let receipt = try await export.restore(to: store)
    #expect(receipt.stored == count && receipt.deduplicated == 50 - count)
    #expect(try store.marks() == marks)
    #expect(try store.ids().starts(with: before))
    try await Self.addsNothing(export, store)
    #expect(try store.marks() == marks)
    store.close()
    let account = try store.account()
    #expect(account.balances && account.cleared == Int64(count) && account.present == 50)
  }

  /// Here, after a restart and from a settled file.
  private static func addsNothing(_ export: Export, _ store: ModelStore) async throws {
    #expect(try await export.restore(to: store).stored == 0)
    try store.restart()
    #expect(try await export.restore(to: store).stored == 0)
    try store.settle()
    try store.restart()
    #expect(try await export.restore(to: store).stored == 0)
  }

  @Test func bringsBackWhatWasPruned() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    let marks = try store.marks()
    try store.settle()
    store.clock.advance(4 * StepClock.day)
    try store.start().maintainNow()
    let left = try store.marks().count
    #expect(left < 50)
    let receipt = try await export.restore(to: store)
    #expect(receipt.stored == 50 - left && receipt.deduplicated == left)
    #expect(try store.marks() == marks)
    try await Self.addsNothing(export, store)
    store.close()
    let account = try store.account()
    #expect(account.balances && account.pruned == Int64(50 - left) && account.present == 50)
  }

  @Test func whatIsClearedAfterAnImportThatAddedNothingComesBack() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    try await Self.addsNothing(export, store)
    _ = try store.start().clear(Clearing(before: nil, category: "gui"))
    #expect(try await export.restore(to: store).stored == 10)
    store.close()
    #expect(try store.books().balances)
  }

  /// The directory as it lies there while the import is half done.
  @Test func goesOnAfterAKill() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    let marks = try store.marks()
    _ = try store.start().clear(Clearing(before: nil, category: "chat"))
    #expect(try await export.restore(to: store, 0..<23).stored == 5)
    let killed = try ModelStore(copy: store.directory.path)
    #expect(try await export.restore(to: killed).stored == 5)
    #expect(try killed.marks() == marks)
    try await Self.addsNothing(export, killed)
    killed.close()
    #expect(try killed.books().balances)
  }

  @Test func spansComeBackWithTheirEvents() async throws {
    let store = try ModelStore()
    let spans = (0..<20).map { index in
      SampleBatch.Record(
        index % 2 == 0 ? "chat.send" : "store.write", kind: .span, time: store.clock.now, data: store.mark(),
        trace: (1, UInt64(index)), spanEvents: 2)
    }
    try await store.append(spans, signal: .traces)
    let identities = (0..<20).map { ImportIdentity(store: store.open?.storeID ?? "", id: 1 + 3 * $0) }
    _ = try store.start().clear(Clearing(before: nil, category: "chat"))
    for stored in [10, 0] {
      #expect(try await store.append(spans, signal: .traces, identities: identities).stored == stored)
    }
    #expect(try store.ids().count == 60)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aRecordThatIsTwiceInOneImportComesBackOnce() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    _ = try store.start().clear(Clearing(before: nil, category: nil))
    let receipt = try await store.append(
      export.records + export.records, identities: export.identities + export.identities)
    #expect(receipt.stored == 50 && receipt.deduplicated == 50)
  }

  /// Files are settled, merged and rewritten under the eyes of imports.
  @Test func seesEveryRowWhileFilesMove() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store, hours: -20 ..< -10)
    let open = try store.start()
    let clock = store.clock
    let moving = Task {
      for round in 0..<40 {
        let noise = SampleBatch.make(.logs, [SampleBatch.Record("noise.made", time: clock.now)])
        _ = try await open.writer.append(noise, key: nil, door: "test")
        open.settleAll()
        if round % 4 == 0 { _ = try open.clear(Clearing(before: nil, category: "noise")) }
        if round == 20 { clock.advance(StepClock.day) }
        open.maintainNow()
      }
    }
    for _ in 0..<100 { #expect(try await export.restore(to: store).stored == 0) }
    try await moving.value
    #expect(try await export.restore(to: store).stored == 0)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aFileThatCannotBeReadIsToldInsteadOfStoringItsRowsTwice() async throws {
    let store = try ModelStore()
    let export = try await Self.fill(store)
    try store.settle()
    let file = try #require(try store.settledFiles().first)
    try FileSystem.writeDurably(file.path, [UInt8](repeating: 0x5a, count: 8192))
    await #expect(throws: Refusal.self) { try await export.restore(to: store) }
    try FileSystem.remove(file.path)
    #expect(try await export.restore(to: store).stored == Int(file.rows))
  }

  @Test(arguments: [Int64.min, -1, 0, 1_000_000, .max])
  func anIDThatWasNeverGivenIsNew(id: Int64) async throws {
    let store = try ModelStore()
    _ = try await Self.fill(store)
    let identity = ImportIdentity(store: store.open?.storeID ?? "", id: id)
    let record = store.log("chat.message")
    for stored in [1, 0] {
      #expect(try await store.append([record], identities: [identity]).stored == stored)
    }
  }

  @Test(
    arguments: [
      ([], []), ([7], [7...7]), ([3, 1, 2], [1...3]), ([1, 257, 514], [1...257, 514...514]),
      ([.max, .min, 0, .max - 1], [.min ... .min, 0...0, .max - 1 ... .max]),
    ] as [([Int64], [ClosedRange<Int64>])])
  func looksIntoStretchesOfIDs(ids: [Int64], spans: [ClosedRange<Int64>]) {
    #expect(PresentRows.spans(ids) == spans)
  }
}
