import Telemetry
import TestSupport
import Testing

@testable import Store

/// A damaged file is set aside and named; what can be read of it stays, and the books count what cannot.
@Suite struct QuarantineTests {
  /// One settled file of 3,000 rows in many pages, and a landing file beside it; closed.
  private static func filled() async throws -> (ModelStore, shard: DataFile) {
    let store = try ModelStore()
    try await store.append((0..<3000).map { _ in store.log("chat.message") })
    try store.settle()
    try await store.append([store.log("gui.click")])
    store.close()
    return (store, try #require(try store.settledFiles().first))
  }

  enum Damage: CaseIterable, Sendable { case halved, emptied, newHeader, allNoise }

  @Test(arguments: Damage.allCases)
  func aDamagedShardDoesNotStopTheStart(damage: Damage) async throws {
    let (store, shard) = try await Self.filled()
    let length = FileSystem.length(shard.path)
    switch damage {
    case .halved: try ModelStore.truncate(shard.path, to: length / 2)
    case .emptied: try ModelStore.truncate(shard.path, to: 0)
    case .newHeader: try ModelStore.overwrite(shard.path, at: 0, with: [UInt8](repeating: 0x41, count: 100))
    case .allNoise: try ModelStore.overwrite(shard.path, at: 0, with: [UInt8](repeating: 0x41, count: Int(length)))
    }
    try store.start()
    #expect(store.diary.quarantined.map(\.path) == [shard.path])
    #expect(store.quarantine.contains { $0.hasPrefix("standard-2026-07-01-1-1.db") })
    #expect(store.quarantine.contains { $0.hasSuffix(".why.txt") })
    let left = try store.marks()
    #expect(left.contains(3001))
    #expect(Set(left).count == left.count)
    if damage == .halved { #expect(left.count > 250) }
    try await store.append([store.log("chat.message")])
    #expect(try store.ids().last == 3002)
    store.close()
    let account = try store.account()
    #expect(account.lost == 3001 - Int64(left.count) && account.balances)
    #expect(try store.books().unreadable.isEmpty)
    try store.start()
    #expect(store.diary.quarantined.count == 1)
  }

  @Test func landedRowsBeforeTheDamageStay() async throws {
    let store = try ModelStore()
    for _ in 0..<20 { try await store.append((0..<50).map { _ in store.log("chat.message") }) }
    store.close()
    let path = try #require(try store.files().first).path
    // As a disk that lost its last writes: SQLite goes back to the last whole commit.
    try ModelStore.truncate(path + "-wal", to: FileSystem.length(path + "-wal") / 2)
    try store.start()
    let left = try store.marks()
    #expect(left.count % 50 == 0 && left == Array(1...Int64(left.count)) && left.count > 100)
    try store.settle()
    #expect(try store.marks() == left)
    store.close()
    #expect(try store.books().balances)
  }

  enum LandingDamage: CaseIterable, Sendable { case logHeader, logGone, file, fileAndLog }

  @Test(arguments: LandingDamage.allCases)
  func aLandingFileOfNoiseIsSetAside(damage: LandingDamage) async throws {
    let store = try ModelStore()
    try await store.append([store.log("gui.click")])
    try store.settle()
    try await store.append((0..<500).map { _ in store.log("chat.message") })
    store.close()
    let path = try #require(try store.files().first { $0.isLanding }).path
    let noise = [UInt8](repeating: 0x41, count: 4096)
    if damage == .logHeader || damage == .fileAndLog { try ModelStore.overwrite(path + "-wal", at: 0, with: noise) }
    if damage == .logGone { try FileSystem.remove(path + "-wal") }
    if damage == .file || damage == .fileAndLog { try ModelStore.overwrite(path, at: 0, with: noise) }
    try store.start().settleAll()
    let left = try store.marks()
    #expect(left.first == 1)
    if damage != .logGone && left.count < 501 { #expect(!store.quarantine.isEmpty) }
    let receipt = try await store.append([store.log("chat.message")])
    #expect(receipt.stored == 1)
    // Ids of rows that cannot be read are not given again.
    if damage != .logGone { #expect(receipt.firstID > 501) }
    try store.settle()
    #expect(try store.marks() == left + [502])
    store.close()
    let books = try store.books()
    #expect(books.balances && books.unreadable.isEmpty)
  }

  @Test func noiseInALandingFileThatWasCheckpointedIsSalvaged() async throws {
    let store = try ModelStore()
    try await store.append((0..<3000).map { _ in store.log("chat.message") })
    store.close()
    let path = try #require(try store.files().first).path
    let foreign = try Connection(path, .readWrite)
    _ = try foreign.integer("SELECT count(*) FROM event")
    foreign.close()
    // Rows lie behind the tables' descriptions, which a file cannot be read without.
    let middle = Int(FileSystem.length(path)) / 16_384 * 3 * 4096
    try ModelStore.overwrite(path, at: middle, with: [UInt8](repeating: 0xff, count: 8192))
    try store.start().settleAll()
    let left = try store.marks()
    #expect(left.count > 500 && left.count < 3000)
    #expect(store.diary.quarantined.count == 1)
    #expect(try store.files().allSatisfy { !$0.isLanding })
    store.close()
    let account = try store.account()
    #expect(account.lost == 3000 - Int64(left.count) && account.balances)
  }
}
