import Telemetry
import TestSupport
import Testing

@testable import Intake

@Suite struct UDPLedgerTests {
  static let start: Int64 = 1_773_600_000_000_000_000
  static let minute: Int64 = 60_000_000_000

  static func numbers(
    _ boot: UInt64, _ sequence: UInt64, first: UInt64, events: UInt64 = 1, at now: Int64
  ) -> UDPLedger.Numbers {
    UDPLedger.Numbers(
      boot: boot, sequence: sequence, firstEvent: first, events: events, sentMicroseconds: now / 1_000)
  }

  private func balances(_ ledger: UDPLedger, _ now: Int64) -> Bool {
    ledger.figures(now: now).allSatisfy {
      $0.sent == $0.received + $0.refused + $0.lost + $0.pending + $0.before
    }
  }

  /// Marks as the store keeps them: the last one of a key counts.
  private struct Kept {
    var marks: [[UInt8]: [UInt8]] = [:]
    mutating func keep(_ new: [Mark]) { for mark in new { marks[mark.key] = mark.value } }
    var all: [Mark] { marks.map { Mark(key: $0.key, value: $0.value) } }
  }

  /// Restarts of senders, restarts of ours after any commit, loss and refusal: the sum is right after every packet.
  @Test func balancesAfterEveryPacketAndEveryRestart() {
    for seed in 0..<40 {
      var random = SampleRandom(seed: UInt64(seed))
      var ledger = UDPLedger()
      var kept = Kept()
      var now = Self.start
      var boots: [(boot: UInt64, sequence: UInt64, event: UInt64, name: String)] = []
      for _ in 0..<600 {
        now += Int64(random.upTo(300)) * 1_000_000
        if boots.isEmpty || random.one(in: 60) {
          boots.append((random.next(), 0, 0, random.pick(["relay-a", "relay-b"])))
        }
        let index = random.upTo(boots.count - 1)
        // Lost packets, packets sent again, packets from before.
        if random.one(in: 5) {
          boots[index].sequence += 1
          boots[index].event += 3
        }
        let isOld = random.one(in: 6) && boots[index].sequence > 3
        let back: UInt64 = isOld ? UInt64(random.upTo(3)) : 0
        let packet = Self.numbers(
          boots[index].boot, boots[index].sequence - back, first: boots[index].event - 3 * back, events: 3, at: now)
        let source = ledger.source(boots[index].name, isSigned: true)
        if ledger.admit(packet, source: source, now: now) == .admitted {
          ledger.settle(boot: packet.boot, source: source, events: 3, taken: !random.one(in: 8))
        }
        if !isOld {
          boots[index].sequence += 1
          boots[index].event += 3
        }
        #expect(balances(ledger, now), "seed \(seed)")
        if random.one(in: 20) { kept.keep(ledger.takeMarks()) }
        if random.one(in: 50) {
          kept.keep(ledger.takeMarks())
          let restored = UDPLedger(UDPLedger.Options(), marks: kept.all)
          func comparable(_ ledger: UDPLedger) -> [UDPFigures] {
            ledger.figures(now: now).map { figures in
              var figures = figures
              figures.clockSkewMicroseconds = nil
              return figures
            }.sorted { $0.source < $1.source }
          }
          #expect(comparable(restored) == comparable(ledger), "seed \(seed)")
        }
        // What was not committed is gone, and a gap again.
        if random.one(in: 80) { ledger = UDPLedger(UDPLedger.Options(), marks: kept.all) }
      }
    }
  }

  @Test func takesARestartForNoLoss() {
    var ledger = UDPLedger()
    let source = ledger.source("relay", isSigned: true)
    for boot in [UInt64(1), 2, 3] {
      for sequence in 0..<UInt64(10) {
        let packet = Self.numbers(boot, sequence, first: sequence, at: Self.start)
        #expect(ledger.admit(packet, source: source, now: Self.start) == .admitted)
        ledger.settle(boot: boot, source: source, events: 1, taken: true)
      }
    }
    let figures = ledger.figures(now: Self.start)[0]
    #expect(figures.boots == 3 && figures.received == 30 && figures.lost + figures.pending == 0)
  }

  @Test func doesNotBelieveAnUnknownBootWithAWrongClock() {
    var ledger = UDPLedger()
    let source = ledger.source("relay", isSigned: true)
    let late = Self.numbers(1, 0, first: 0, at: Self.start - 10 * Self.minute - 1_000)
    #expect(ledger.admit(late, source: source, now: Self.start) == .refused(.clock))
    #expect(ledger.complaint(about: late, source: source, now: Self.start) == 600_000_001)
    #expect(ledger.complaint(about: late, source: source, now: Self.start + 1) == nil)
    let early = Self.numbers(1, 0, first: 0, at: Self.start + 10 * Self.minute + 1_000)
    #expect(ledger.admit(early, source: source, now: Self.start) == .refused(.clock))
    var extreme = early
    extreme.sentMicroseconds = .min
    #expect(ledger.admit(extreme, source: source, now: Self.start) == .refused(.clock))
    let good = Self.numbers(1, 0, first: 0, at: Self.start - 10 * Self.minute)
    #expect(ledger.admit(good, source: source, now: Self.start) == .admitted)
    // A known boot is not asked again.
    let known = Self.numbers(1, 1, first: 1, at: Self.start - 60 * Self.minute)
    #expect(ledger.admit(known, source: source, now: Self.start) == .admitted)
  }

  @Test func forgetsABootOnlyWhenItsPacketsAreTooOldToComeAgain() {
    var options = UDPLedger.Options()
    options.bootsPerSource = 4
    var ledger = UDPLedger(options)
    let source = ledger.source("relay", isSigned: true)
    var now = Self.start
    func admit(_ boot: UInt64) -> UDPLedger.Verdict {
      let verdict = ledger.admit(Self.numbers(boot, 1, first: 1, at: now), source: source, now: now)
      if verdict == .admitted { ledger.settle(boot: boot, source: source, events: 1, taken: true) }
      return verdict
    }
    for boot in UInt64(1)...4 { #expect(admit(boot) == .admitted) }
    #expect(admit(5) == .refused(.tooManyBoots))
    now += 20 * Self.minute
    #expect(admit(5) == .refused(.tooManyBoots))
    now += 1_000
    #expect(admit(5) == .admitted)
    #expect(ledger.sources[source].streams.count == 4)
    let figures = ledger.figures(now: now)[0]
    #expect(figures.boots == 5 && figures.received == 5 && figures.sent == 10 && balances(ledger, now))
  }

  @Test func keepsStrangersInAFewPlaces() {
    var options = UDPLedger.Options()
    options.unsignedPlaces = 8
    var ledger = UDPLedger(options)
    var kept = Kept()
    for stranger in 0..<UInt64(500) {
      let now = Self.start + Int64(stranger)
      let source = ledger.source("s\(stranger % 50)", isSigned: false)
      if stranger % 3 == 0 {
        ledger.addUnnumbered(source: source, events: 2, taken: true, now: now)
      } else {
        let packet = Self.numbers(stranger, 1, first: 1, at: now)
        #expect(ledger.admit(packet, source: source, now: now) == .admitted)
        ledger.settle(boot: stranger, source: source, events: 1, taken: true)
      }
      if stranger % 7 == 0 { kept.keep(ledger.takeMarks()) }
      #expect(balances(ledger, now))
    }
    kept.keep(ledger.takeMarks())
    #expect(ledger.sources.count <= 10 && ledger.sources.reduce(0) { $0 + $1.streams.count } <= 8)
    let restored = UDPLedger(options, marks: kept.all)
    let now = Self.start + 500
    let sums = [ledger, restored].map { $0.figures(now: now).reduce(0) { $0 + $1.sent } }
    #expect(sums[0] == sums[1] && sums[0] == 333 * 2 + 167 * 2)
  }

  @Test func keepsWhatAKeyHasSentApartFromWhatAnybodySays() {
    var ledger = UDPLedger()
    #expect(ledger.source("a", isSigned: true) != ledger.source("a", isSigned: false))
  }

  @Test func tellsSilenceFromAnEnd() {
    var ledger = UDPLedger()
    let source = ledger.source("relay", isSigned: true)
    var packet = Self.numbers(1, 0, first: 0, at: Self.start)
    #expect(ledger.figures(now: Self.start)[0].state == .neverSeen)
    _ = ledger.admit(packet, source: source, now: Self.start)
    #expect(ledger.figures(now: Self.start)[0].state == .ok)
    #expect(ledger.figures(now: Self.start + 31_000_000_000)[0].state == .silent)
    #expect(ledger.figures(now: Self.start + 31_000_000_000)[0].silentSeconds == 31)
    packet = Self.numbers(1, 1, first: 1, events: 0, at: Self.start)
    packet.isEnd = true
    _ = ledger.admit(packet, source: source, now: Self.start)
    #expect(ledger.figures(now: Self.start + 31_000_000_000)[0].state == .ended)
  }

  @Test func aFarewellIsOneProcesssOnly() {
    var ledger = UDPLedger()
    let source = ledger.source("relay", isSigned: true)
    for boot in [1, 2] as [UInt64] {
      _ = ledger.admit(Self.numbers(boot, 0, first: 0, at: Self.start), source: source, now: Self.start)
    }
    var farewell = Self.numbers(1, 1, first: 1, events: 0, at: Self.start)
    farewell.isEnd = true
    _ = ledger.admit(farewell, source: source, now: Self.start + 1_000_000_000)
    #expect(ledger.figures(now: Self.start + 2_000_000_000)[0].state == .ok)
    #expect(ledger.figures(now: Self.start + 40_000_000_000)[0].state == .ended)
  }

  @Test func whatCrashedBeforeDoesNotSpeakBehindTheFarewellOfItsSuccessor() {
    let second: Int64 = 1_000_000_000
    var ledger = UDPLedger()
    var kept = Kept()
    let source = ledger.source("relay", isSigned: true)
    for (boot, at) in [(1, 0), (2, 5), (3, 6)] as [(UInt64, Int64)] {
      _ = ledger.admit(
        Self.numbers(boot, 0, first: 0, at: Self.start), source: source, now: Self.start + at * second)
    }
    func end(_ boot: UInt64, _ sequence: UInt64, at seconds: Int64) -> UDPFigures.State {
      var farewell = Self.numbers(boot, sequence, first: 1, events: 0, at: Self.start)
      farewell.isEnd = true
      _ = ledger.admit(farewell, source: source, now: Self.start + seconds * second)
      return ledger.figures(now: Self.start + seconds * second)[0].state
    }
    // The first has crashed; the second goes late, when the third is there.
    #expect(end(2, 1, at: 7) == .ok)
    #expect(end(3, 1, at: 8) == .ended)
    kept.keep(ledger.takeMarks())
    let again = UDPLedger(UDPLedger.Options(), marks: kept.all)
    #expect(again.figures(now: Self.start + 8 * second)[0].state == .ended)
  }

  @Test func takesTheSmallestDifferenceOfFiveMinutesForTheSkew() {
    var skew = UDPClockSkew()
    let now = Self.start
    skew.note(arrival: now, sentMicroseconds: now / 1_000 - 500)
    skew.note(arrival: now, sentMicroseconds: now / 1_000 - 20)
    skew.note(arrival: now + Self.minute, sentMicroseconds: (now + Self.minute) / 1_000 - 90)
    #expect(skew.microseconds(now: now + Self.minute) == 20)
    #expect(skew.microseconds(now: now + 5 * Self.minute) == 90)
    #expect(skew.microseconds(now: now + 7 * Self.minute) == nil)
  }
}
