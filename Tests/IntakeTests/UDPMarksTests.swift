import Telemetry
import Testing

@testable import Intake

/// What commands read from the marks of the UDP door when no door is there to ask.
@Suite struct UDPMarksTests {
  private static let start = UDPLedgerTests.start
  private static let second: Int64 = 1_000_000_000

  /// Packets 0, 1 and 3 with two events each; 2 is missing.
  private static func marks() -> [Mark] {
    var ledger = UDPLedger()
    let source = ledger.source("relay", isSigned: true)
    for sequence in [0, 1, 3] as [UInt64] {
      let packet = UDPLedgerTests.numbers(7, sequence, first: sequence * 2, events: 2, at: start)
      _ = ledger.admit(packet, source: source, now: start)
      ledger.settle(boot: 7, source: source, events: 2, taken: sequence != 1)
    }
    let late = ledger.source("late", isSigned: true)
    _ = ledger.admit(UDPLedgerTests.numbers(7, 5_000, first: 9_000, at: start), source: late, now: start)
    ledger.settle(boot: 7, source: late, events: 1, taken: true)
    return ledger.takeMarks()
  }

  @Test func figuresAreThoseOfTheDoor() throws {
    let figures = UDPFigures.bySource(
      UDPMarks.figures(Self.marks(), now: Self.start + 5 * Self.second, silentAfter: 60 * Self.second))
    let relay = try #require(figures["relay"])
    #expect(relay.sent == 8 && relay.received == 4 && relay.refused == 2 && relay.lost == 2 && relay.pending == 0)
    #expect(relay.difference == 0 && relay.state == .ok && relay.boots == 1)
    #expect(figures["late"]?.before == 9_000)
  }

  @Test func silenceDependsOnTheTime() {
    let figures = UDPMarks.figures(Self.marks(), now: Self.start + 61 * Self.second, silentAfter: 60 * Self.second)
    #expect(figures.map(\.state) == [.silent, .silent])
  }

  @Test(
    arguments: [
      (0, 5, "used"), (3, 5, "used"), (4, 1, "pending"), (5, 5, "lost"), (7, 5, "used"),
    ] as [(UInt64, Int64, String)])
  func tellsTheFateOfANumber(number: UInt64, seconds: Int64, fate: String) {
    let fates = UDPMarks.fates(Self.marks(), boot: 7, number: number, now: Self.start + seconds * Self.second)
    #expect(fates.filter { $0.source == "relay" }.map(\.kind.rawValue) == [fate])
  }

  @Test func aNumberThatWasNotSentYetHasNoFate() {
    #expect(UDPMarks.fates(Self.marks(), boot: 7, number: 9_001, now: Self.start).isEmpty)
    #expect(UDPMarks.fates(Self.marks(), boot: 8, number: 0, now: Self.start).isEmpty)
    #expect(UDPMarks.fates(Self.marks(), boot: 7, number: 8, now: Self.start).map(\.kind) == [.before])
  }

  @Test func streamsUnderOneNameAddUp() {
    var signed = UDPFigures(source: "a")
    (signed.sent, signed.received, signed.lost, signed.lastSeen, signed.state) = (5, 3, 2, 10, .silent)
    var unsigned = UDPFigures(source: "a")
    (unsigned.isSigned, unsigned.sent, unsigned.received, unsigned.lastSeen, unsigned.state) = (false, 1, 1, 20, .ok)
    for list in [[signed, unsigned], [unsigned, signed]] {
      let sum = UDPFigures.bySource(list)["a"]
      #expect(sum?.sent == 6 && sum?.received == 4 && sum?.lost == 2 && sum?.state == .ok && sum?.difference == 0)
    }
  }
}
