import Glibc
import Telemetry
import TestSupport
import Testing

@testable import Store

/// A process that dies while it sets a damaged file aside: the next start has the rows once, and books that agree.
@Suite struct QuarantineCrashTests {
  private static let records = 2000

  private static func expectWhole(_ folder: ModelStore, _ stage: String) throws {
    try folder.start().settleAll()
    let left = try folder.marks()
    #expect(Set(left).count == left.count, "\(stage)")
    folder.close()
    let account = try folder.account()
    #expect(account.balances, "\(stage): \(account)")
    #expect(Int64(left.count) + account.lost == Int64(Self.records), "\(stage): \(account)")
    // Salvaged, not given up: most pages are sound.
    #expect(left.count > Self.records / 2, "\(stage)")
    #expect(try folder.books().unreadable.isEmpty, "\(stage)")
    try folder.start()
    #expect(try folder.marks() == left, "\(stage)")
  }

  /// The directory is copied before every write of SQLite while a settled file is salvaged; from each copy a store starts.
  @Test func ofASettledFile() async throws {
    let store = try ModelStore()
    try await store.append((0..<Self.records).map { _ in store.log("chat.message") })
    try store.settle()
    store.close()
    let shard = try #require(try store.settledFiles().first)
    let length = FileSystem.length(shard.path)
    try ModelStore.truncate(shard.path, to: length * 3 / 4)
    let crashes = ModelCrashes(store.directory.path)
    ModelFaults.watch(store.directory.path) { _ in
      crashes.take()
      return .go
    }
    defer { ModelFaults.stop(store.directory.path) }
    try store.start()
    ModelFaults.stop(store.directory.path)
    #expect(store.diary.quarantined.count == 1)
    store.close()
    #expect(crashes.folders.count > 10)
    for folder in crashes.some(25) {
      try Self.expectWhole(try ModelStore(crash: folder, at: store.directory.path), folder)
    }
  }

  enum Stage: CaseIterable, Sendable { case salvaged, fileGone, allGone, moved }

  /// The steps in which the salvaged landing file takes the place of the damaged one.
  @Test(arguments: Stage.allCases)
  func ofALandingFile(stage: Stage) async throws {
    let store = try ModelStore()
    for _ in 0..<20 { try await store.append((0..<Self.records / 20).map { _ in store.log("chat.message") }) }
    store.close()
    let path = try #require(try store.files().first).path
    let log = try FileSystem.read(path + "-wal", limit: 1 << 30)
    try ModelStore.overwrite(path + "-wal", at: log.count / 2, with: [UInt8](repeating: 0x41, count: 100))
    let damaged = try FileSystem.read(path, limit: 1 << 30)
    let damagedLog = try FileSystem.read(path + "-wal", limit: 1 << 30)
    let catalog = try Catalog(store.directory)
    let outcome = Quarantine.setAside(path, store.directory, store.options, catalog, reason: "noise")
    catalog.close()
    #expect(outcome.isRebuilt)
    if stage != .moved {
      try FileSystem.move(path, path + Quarantine.salvagedSuffix)
      if stage != .allGone { try FileSystem.writeDurably(path + "-wal", damagedLog) }
      if stage == .salvaged { try FileSystem.writeDurably(path, damaged) }
    }
    try Self.expectWhole(store, "\(stage)")
  }
}
