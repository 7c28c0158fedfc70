import Telemetry
import TestSupport
import Testing

@testable import Store

/// Whatever happened to the two small databases and to the files between two runs: a start works and loses nothing it can keep.
@Suite struct RecoveryTests {
  private static func filled() async throws -> ModelStore {
    let store = try ModelStore()
    try await store.append(["chat.a", "relay.game.start", "gui.click"].map { store.log($0) })
    try store.settle()
    try await store.append(["chat.a", "relay.game.start"].map { store.log($0) })
    store.close()
    return store
  }

  private static let garbage = [UInt8](repeating: 0x5a, count: 20_000)

  @Test func aDeletedCatalogIsMadeAgainFromTheFiles() async throws {
    let store = try await Self.filled()
    let before = try store.files()
    try FileSystem.remove(store.directory.catalog)
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    #expect(try store.files() == before)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aCatalogOfNoiseIsSetAsideAndMadeAgain() async throws {
    let store = try await Self.filled()
    try FileSystem.writeDurably(store.directory.catalog, Self.garbage)
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    #expect(store.quarantine.contains { $0.hasPrefix("catalog.db") })
    store.close()
    #expect(try store.books().balances)
  }

  @Test(arguments: [4096, 8192, 12_288])
  func aCatalogWithNoiseInTheMiddleIsMadeAgain(offset: Int) async throws {
    let store = try await Self.filled()
    try ModelStore.overwrite(store.directory.catalog, at: offset, with: [UInt8](repeating: 0xff, count: 4096))
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    try store.settle()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aStateOfNoiseComesBackFromItsCopy() async throws {
    let store = try ModelStore()
    let key = ReceiptKey(high: 1, low: 1)
    try await store.append([store.log("chat.a")], key: key)
    try store.settle()
    store.clock.advance(60_000_000_000)
    try store.start().maintainNow()
    store.close()
    #expect(FileSystem.exists(store.directory.stateCopy))
    let identity = try Catalog(store.directory).setting("store_id")
    try FileSystem.writeDurably(store.directory.state, Self.garbage)
    try store.start()
    #expect(try store.start().storeID == identity)
    #expect(try store.marks() == [1])
    #expect(store.quarantine.contains { $0.hasPrefix("state.db") })
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aStateOfNoiseWithoutACopyCostsTheBooksTheirPastOnly() async throws {
    let store = try await Self.filled()
    try? FileSystem.remove(store.directory.stateCopy)
    try FileSystem.writeDurably(store.directory.state, Self.garbage)
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    #expect(store.quarantine.contains { $0.hasPrefix("state.db") })
    try await store.append([store.log("chat.a")])
    #expect(try store.ids() == [1, 2, 3, 4, 5, 6])
    try store.settle()
    store.close()
    let account = try store.account()
    #expect(account.present == 6 && account.balances)
  }

  @Test func anOldCopyOfTheStateStillBalances() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.a")])
    try store.settle()
    try store.start().maintainNow()
    for _ in 0..<3 {
      try await store.append([store.log("gui.click"), store.log("chat.a")])
      try store.settle()
    }
    store.clock.advance(15 * StepClock.day)
    store.close()
    // The copy knows nothing of what came and went since.
    try FileSystem.writeDurably(store.directory.state, Self.garbage)
    try store.start().maintainNow()
    #expect(try store.marks() == [1, 2, 3, 4, 5, 6, 7])
    #expect(try Checkup(store.directory).findings().filter { !$0.isGood }.map(\.check) == ["state", "quarantine"])
    #expect(try store.start().acceptState())
    try store.start().maintainNow()
    #expect(try store.marks() == [1, 3, 5, 7])
    try await store.append([store.log("chat.a")])
    #expect(try store.ids().last == 8)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func bothDatabasesMayBeGone() async throws {
    let store = try await Self.filled()
    try FileSystem.remove(store.directory.catalog)
    try FileSystem.remove(store.directory.state)
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    try await store.append([store.log("chat.a")])
    #expect(try store.ids() == [1, 2, 3, 4, 5, 6])
    store.close()
    #expect(try store.account().balances)
  }

  @Test func aFileThatVanishedIsBookedAsLost() async throws {
    let store = try await Self.filled()
    let gone = try #require(try store.settledFiles().first { $0.className == "detail" })
    try FileSystem.remove(gone.path)
    try store.start()
    #expect(try store.marks() == [1, 2, 4, 5])
    store.close()
    let account = try store.account()
    #expect(account.lost == 1 && account.balances)
  }

  @Test func leftoversOfAnInterruptedSettlingAreMadeAgain() async throws {
    let store = try await Self.filled()
    let landing = try #require(try store.files().first { $0.isLanding })
    let shard = try #require(try store.settledFiles().first)
    // A crash after the first rename and before the commit leaves parts that nothing knows of.
    let orphan = store.directory.shardFile(class: "standard", day: 20_000, number: landing.number, part: 1)
    try FileSystem.createFolders(store.directory.shardFolder(class: "standard", day: 20_000))
    try FileSystem.writeDurably(orphan, try FileSystem.read(shard.path, limit: 1 << 30))
    try store.start().settleAll()
    #expect(!FileSystem.exists(orphan))
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aLandingFileThatNeverGotItsTablesIsNoTrouble() async throws {
    let store = try await Self.filled()
    try FileSystem.writeDurably(store.directory.landingFile(9), [])
    try store.start().settleAll()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    #expect(try store.files().allSatisfy { !$0.isLanding })
    #expect(store.quarantine.isEmpty)
    try await store.append([store.log("chat.a")])
    #expect(try store.files().last?.number == 10)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aStrangeFileAmongTheShardsIsSetAside() async throws {
    let store = try await Self.filled()
    let path = store.directory.shardFile(class: "standard", day: 20_000, number: 77, part: 1)
    try FileSystem.createFolders(store.directory.shardFolder(class: "standard", day: 20_000))
    try FileSystem.writeDurably(path, Self.garbage)
    try store.start()
    #expect(try store.marks() == [1, 2, 3, 4, 5])
    #expect(store.diary.quarantined.map(\.path) == [path])
    #expect(!FileSystem.exists(path))
  }
}
