import Glibc
import Telemetry
import TestSupport
import Testing

@testable import Store

/// Noise in the write-ahead log of a landing file: SQLite would stop before it and say nothing. Every record that was
/// acknowledged is there or counted as lost.
@Suite struct LogDamageTests {
  /// A landing file of twelve commits from two sources in four classes; closed.
  private struct Filled {
    let store: ModelStore
    let log: [UInt8]
    let path: String
    static let records: Int64 = 12 * 16

    init() async throws {
      let store = try ModelStore()
      for commit in 0..<12 {
        let source = commit % 2 == 0 ? "local" : "relay"
        let records = (0..<8).flatMap { _ in
          ["relay.game.start", "chat.message"].map { store.log($0, source: source) }
        }
        try await store.append(records, key: ReceiptKey(high: 7, low: UInt64(commit)))
      }
      store.close()
      self.store = store
      path = try #require(try store.files().first).path
      log = try FileSystem.read(path + "-wal", limit: 1 << 30)
    }

    var frameLength: Int { 24 + 8192 }
    var frames: Int { (log.count - 32) / frameLength }
    func start(of frame: Int) -> Int { 32 + frame * frameLength }
  }

  /// Starts a copy with `bytes` over its log at `offset`, settles, counts.
  private static func expectNoSilentLoss(_ filled: Filled, at offset: Int, _ bytes: [UInt8]) async throws {
    let store = try ModelStore(copy: filled.store.directory.path)
    let path = store.directory.landingFile(1)
    let place = "\(bytes.count) bytes at \(offset), frame \((offset - 32) / filled.frameLength)"
    try ModelStore.overwrite(path + "-wal", at: offset, with: bytes)
    try store.start().settleAll()
    let left = try store.marks()
    #expect(Set(left).count == left.count, "\(place)")
    #expect(left.allSatisfy { $0 > 0 && $0 <= Filled.records }, "\(place)")
    let receipt = try await store.append([store.log("chat.message")])
    #expect(receipt.stored == 1)
    store.close()
    let books = try store.books()
    let lost = books.accounts.reduce(0) { $0 + $1.lost }
    // Noise over all of the last commit takes with it how much that was; then at least the operator is told.
    let isLastCommit = offset + bytes.count > filled.log.count - 10 * filled.frameLength
    let counted = Int64(left.count) + lost
    #expect(
      counted == Filled.records || isLastCommit && bytes.count > filled.frameLength && counted >= Filled.records - 16,
      "\(place): \(left.count) present, \(lost) lost")
    #expect(books.balances, "\(place): \(books.accounts)")
    #expect(try Set(store.ids()).count == left.count + 1, "\(place)")
    if lost > 0 || left.count < Int(Filled.records) {
      #expect(store.diary.quarantined.count == 1, "\(place)")
      #expect(store.quarantine.contains { $0.contains("landing-1.db") && $0.contains("-wal") }, "\(place)")
    }
  }

  /// Where in a frame: its page number, the size after its commit, a salt, a sum, the page's head, middle and end.
  @Test(arguments: [3, 7, 11, 18, 24 + 3, 24 + 4000, 24 + 8190])
  func aFlippedByteLosesNothingUncounted(within: Int) async throws {
    let filled = try await Filled()
    // A quarter of the frames for each place, all of the last commit.
    for frame in 0..<filled.frames where frame % 4 == within % 4 || frame > filled.frames - 6 {
      let offset = filled.start(of: frame) + within
      try await Self.expectNoSilentLoss(filled, at: offset, [filled.log[offset] ^ 0x55])
    }
  }

  @Test(arguments: [64, 4096, 20_000])
  func aPatchOfNoiseLosesNothingUncounted(width: Int) async throws {
    let filled = try await Filled()
    var random = SampleRandom(seed: UInt64(width))
    for offset in stride(from: 0, to: filled.log.count - width, by: 29_001) {
      let noise = (0..<width).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      try await Self.expectNoSilentLoss(filled, at: offset, noise)
    }
  }
}
