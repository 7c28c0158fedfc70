import Synchronization
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Forward

/// A far end of many moods and a daemon that is killed: whatever happens, no record is lost and the books add up.
@Suite(.timeLimit(.minutes(2))) struct ChaosTests {
  private struct Ledger: Sendable {
    var random: SampleRandom
    var accepted: Set<Int64> = []
    /// Records that no far end would ever take.
    let bad: Set<Int64>
    var isKind = false

    mutating func reply(_ ids: [Int64]) -> ScriptedServer.Reply {
      if !isKind {
        switch random.upTo(9) {
        case 0: return .answer([429, 503, 502, 504][random.upTo(3)])
        case 1: return .answer(429, [("Retry-After", "0")])
        case 2: return .close
        case 3: return .garbage
        case 4: return .answer(413)
        case 5:
          // Taken, and the answer is lost.
          if bad.isDisjoint(with: ids) { accepted.formUnion(ids) }
          return .close
        default: break
        }
      }
      if !bad.isDisjoint(with: ids) { return .answer(400) }
      accepted.formUnion(ids)
      return random.upTo(3) == 0 ? .half(200) : .ok
    }
  }

  @Test(arguments: 1...6) func losesNoRecord(_ seed: Int) async throws {
    var random = SampleRandom(seed: UInt64(seed))
    let bad = Set((0..<12).map { _ in Int64(random.upTo(2_000)) })
    let ledger = Mutex(Ledger(random: random, bad: bad))
    let copies = Mutex<[MemoryStorage.Contents]>([])
    var lab = try await ForwardLab { request, _ in ledger.withLock { $0.reply(request.ids) } }
    let keep: @Sendable (MemoryStorage.Contents) -> Void = { contents in copies.withLock { $0.append(contents) } }
    lab.storage = MemoryStorage(onSave: keep)
    var builder = LinesBuilder.Options()
    let isLaned = seed % 2 == 0
    builder.lane = { isLaned ? UInt64($0 % 5) : nil }
    let destination = lab.lines(builder: builder) {
      $0.pace.records = 1 + seed * 7
      $0.pace.concurrency = 1 + seed % 4
    }
    var last: Int64 = 0
    for round in 0..<6 {
      last = lab.records.append(
        (0..<100).map { _ in TestRow(id: last + 1) }.enumerated().map { place, row in
          // Gaps now and then.
          TestRow(id: row.id + Int64(place) + (place > 50 ? 7 : 0))
        })
      let forwarder = lab.forwarder()
      try forwarder.start([destination])
      let wanted = last - Int64(random.upTo(150))
      await lab.storage.until("d/live") { $0.position.low >= wanted }
      await forwarder.stop(patience: .zero)
      // Killed: one of the states of late is what the next start finds.
      let found = copies.withLock { copies in
        defer { copies = [] }
        return copies.suffix(3).first
      }
      if round % 2 == 1, let found { lab.storage = MemoryStorage(found, onSave: keep) }
    }
    ledger.withLock { $0.isKind = true }
    let end = last
    try await lab.run([destination]) { $0.position.low == end }
    let state = try lab.state()
    let refused = Set(state.books.refused.values.flatMap(\.ranges).flatMap { Array($0[0]...$0[1]) })
    let accepted = ledger.withLock { $0.accepted }
    for id in lab.records.allIDs {
      #expect(accepted.contains(id) || refused.contains(id), "\(id) is nowhere")
    }
    #expect(state.position.settled.isEmpty)
    #expect(state.books.settled == Int64(lab.records.allIDs.count))
    await lab.stop()
  }
}
