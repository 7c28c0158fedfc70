import Telemetry
import TestSupport
import Testing

@testable import Intake

@Suite struct UDPStreamTests {
  static let second: Int64 = 1_000_000_000

  /// What one sender sent, and what of it came; counted the slow way.
  private struct Model {
    struct Packet {
      var sequence: UInt64
      var first: UInt64
      var events: UInt64
    }

    var arrived: [UInt64: Int64] = [:]
    var received: UInt64 = 0
    var refused: UInt64 = 0
    var duplicates: UInt64 = 0
    var reordered: UInt64 = 0
    var late: UInt64 = 0
    /// When each missing packet was first missed.
    var missed: [UInt64: Int64] = [:]
    var highest: UInt64?

    mutating func take(_ packet: Packet, taken: Bool, now: Int64) {
      if arrived[packet.sequence] != nil {
        duplicates += 1
        return
      }
      let next = highest.map { $0 + 1 } ?? 0
      if packet.sequence >= next {
        for sequence in next..<packet.sequence { missed[sequence] = now }
        highest = packet.sequence
      } else if let opened = missed.removeValue(forKey: packet.sequence) {
        if now - opened <= 2 * UDPStreamTests.second { reordered += 1 } else { late += 1 }
      }
      arrived[packet.sequence] = now
      if taken { received += packet.events } else { refused += packet.events }
    }
  }

  /// Random loss, duplication, reordering and refusal against a model that keeps everything.
  @Test func agreesWithAModelThatKeepsEveryPacket() {
    for seed in 0..<60 {
      var random = SampleRandom(seed: UInt64(seed))
      var packets: [Model.Packet] = []
      var first: UInt64 = 0
      for sequence in 0..<UInt64(random.upTo(900) + 1) {
        let events = UInt64(random.upTo(5))
        packets.append(Model.Packet(sequence: sequence, first: first, events: events))
        first += events
      }
      var wire = packets.filter { _ in !random.one(in: 7) }
      for packet in packets where random.one(in: 9) { wire.append(packet) }
      // Most come in order, some a little later, some very late.
      var timed = wire.map { (at: Double($0.sequence) + (random.one(in: 4) ? Double(random.upTo(40)) : 0), packet: $0) }
      for index in timed.indices where random.one(in: 30) { timed[index].at += 500 }
      timed.sort { ($0.at, $0.packet.sequence) < ($1.at, $1.packet.sequence) }

      var stream = UDPStream()
      var model = Model()
      for (at, packet) in timed {
        let now = Int64(at * 0.1 * Double(Self.second))
        let taken = !random.one(in: 10)
        let order = stream.place(
          sequence: packet.sequence, firstEvent: packet.first, events: packet.events, now: now)
        switch order {
        case .next, .reordered, .late: stream.settle(events: packet.events, taken: taken)
        default: break
        }
        model.take(packet, taken: taken, now: now)
        let missing = stream.missing(now: now)
        #expect(
          stream.nextEvent == stream.received + stream.refused + missing.lost + missing.pending + stream.before,
          "seed \(seed)")
        var lost: UInt64 = 0
        var pending: UInt64 = 0
        for (sequence, opened) in model.missed {
          let events = packets[Int(sequence)].events
          if now - opened > 2 * Self.second { lost += events } else { pending += events }
        }
        #expect(missing.lost == lost && missing.pending == pending, "seed \(seed)")
        if missing.lost != lost { return }
        if random.one(in: 50) {
          let restored = Self.restored(stream)
          #expect(restored.gaps == stream.gaps && restored.encoded == stream.encoded, "seed \(seed)")
          stream = restored
        }
      }
      #expect(stream.received == model.received && stream.refused == model.refused, "seed \(seed)")
      #expect(stream.duplicatePackets == model.duplicates, "seed \(seed)")
      #expect(stream.reorderedPackets == model.reordered && stream.latePackets == model.late, "seed \(seed)")
    }
  }

  private static func restored(_ stream: UDPStream) -> UDPStream {
    guard var copy = UDPStream(stream.encoded) else { return UDPStream() }
    for gap in stream.gaps {
      if let gap = UDPStream.Gap(sequence: gap.sequence, gap.encoded) { copy.restore(gap) }
    }
    return copy
  }

  @Test func countsALatePacketAsLateOnlyAfterTwoSeconds() {
    for (delay, order) in [(2 * Self.second, UDPStream.Order.reordered), (2 * Self.second + 1, .late)] {
      var stream = UDPStream()
      #expect(stream.place(sequence: 0, firstEvent: 0, events: 3, now: 0) == .next)
      #expect(stream.place(sequence: 2, firstEvent: 5, events: 1, now: 10) == .next)
      #expect(stream.place(sequence: 1, firstEvent: 3, events: 2, now: 10 + delay) == order)
      #expect(stream.gaps.isEmpty && stream.nextEvent == 6)
    }
  }

  @Test func doesNotBlameASenderForWhatItSentBeforeWeCame() {
    var stream = UDPStream()
    #expect(stream.place(sequence: 4711, firstEvent: 8123, events: 3, now: 0) == .next)
    #expect(stream.before == 8123 && stream.gaps.isEmpty)
    #expect(stream.place(sequence: 4710, firstEvent: 8120, events: 3, now: 0) == .tooOld)
    #expect(stream.place(sequence: 4711, firstEvent: 8123, events: 3, now: 0) == .duplicate)
  }

  @Test func countsFromZeroWhenTheFirstPacketIsYoung() {
    var stream = UDPStream()
    #expect(stream.place(sequence: 1024, firstEvent: 2048, events: 1, now: 0) == .next)
    #expect(stream.missing(now: 0).pending == 2048 && stream.before == 0)
    #expect(stream.place(sequence: 0, firstEvent: 0, events: 2, now: 0) == .reordered)
  }

  @Test(arguments: [
    (UInt64(12), UInt64(19)), (11, 21), (11 + (1 << 24) + 1, 100), (.max, 20), (11, .max), (5, 3), (5, 20),
  ])
  func refusesNumbersThatCannotFit(sequence: UInt64, first: UInt64) {
    var stream = UDPStream()
    _ = stream.place(sequence: 3, firstEvent: 5, events: 5, now: 0)
    _ = stream.place(sequence: 9, firstEvent: 18, events: 2, now: 0)
    _ = stream.place(sequence: 10, firstEvent: 20, events: 0, now: 0)
    let before = stream.gaps
    #expect(stream.place(sequence: sequence, firstEvent: first, events: 1, now: 0) == .badNumber)
    #expect(stream.gaps == before && stream.nextSequence == 11)
  }

  @Test func closesTheOldestOfTooManyGaps() {
    var stream = UDPStream()
    for index in 0...UInt64(UDPStream.gapLimit) {
      _ = stream.place(sequence: 2 * index + 1, firstEvent: 2 * index + 1, events: 1, now: 0)
      stream.settle(events: 1, taken: true)
    }
    #expect(stream.gaps.count == UDPStream.gapLimit && stream.finalLostEvents == 1)
    #expect(stream.place(sequence: 0, firstEvent: 0, events: 1, now: 0) == .tooOld)
    #expect(stream.place(sequence: 2, firstEvent: 2, events: 1, now: 0) == .reordered)
    stream.settle(events: 1, taken: true)
    let missing = stream.missing(now: 0)
    #expect(stream.nextEvent == stream.received + missing.lost + missing.pending)
  }

  @Test func refusesAForeignState() {
    #expect(UDPStream([]) == nil)
    #expect(UDPStream([9, 1, 2]) == nil)
    #expect(UDPStream(Array(UDPStream().encoded.dropLast(2))) == nil)
  }
}
