import Testing

@testable import Forward

@Suite struct GateTests {
  private let start = ContinuousClock.now

  private func gate() -> SendGate {
    var pace = DestinationPace()
    pace.retryInitial = .seconds(1)
    pace.retryMax = .seconds(8)
    return SendGate(pace)
  }

  private func epoch(_ gate: inout SendGate, at moment: ContinuousClock.Instant) -> Int? {
    if case .go(let epoch) = gate.pass(now: moment) { return epoch }
    return nil
  }

  private func next(_ gate: inout SendGate, at moment: ContinuousClock.Instant) throws -> Int {
    let found = epoch(&gate, at: moment)
    return try #require(found)
  }

  @Test func letsOneTryDuringAnOutage() throws {
    var gate = gate()
    let first = try next(&gate, at: start)
    gate.failed(first, now: start, after: nil)
    do {
      let found = epoch(&gate, at: start)
      #expect(found == nil)
    }
    let probe = try next(&gate, at: start + .seconds(1))
    do {
      let found = epoch(&gate, at: start + .seconds(1))
      #expect(found == nil)
    }
    let isOpened = gate.answered(probe)
    #expect(isOpened)
    #expect(gate.state == .open)
  }

  @Test func countsRequestsThatFailTogetherAsOneFailure() throws {
    var gate = gate()
    let epochs = (0..<4).compactMap { _ in epoch(&gate, at: start) }
    #expect(epochs.count == 4)
    for epoch in epochs { gate.failed(epoch, now: start, after: nil) }
    do {
      let found = epoch(&gate, at: start + .seconds(1))
      #expect(found != nil)
    }
  }

  @Test func restsThoughARequestOfBeforeSucceeds() throws {
    var gate = gate()
    let throttled = try next(&gate, at: start)
    let other = try next(&gate, at: start)
    gate.failed(throttled, now: start, after: .seconds(60))
    let isOpened = gate.answered(other)
    #expect(!isOpened)
    do {
      let found = epoch(&gate, at: start + .seconds(59))
      #expect(found == nil)
    }
    do {
      let found = epoch(&gate, at: start + .seconds(60))
      #expect(found != nil)
    }
  }

  @Test func restsForTheLongerOfTwoTimes() throws {
    var gate = gate()
    let one = try next(&gate, at: start)
    let other = try next(&gate, at: start)
    gate.failed(one, now: start, after: .seconds(20))
    gate.failed(other, now: start, after: .seconds(60))
    do {
      let found = epoch(&gate, at: start + .seconds(30))
      #expect(found == nil)
    }
  }

  @Test func restsForTenMinutesAtMost() throws {
    var gate = gate()
    let one = try next(&gate, at: start)
    gate.failed(one, now: start, after: .seconds(100_000))
    do {
      let found = epoch(&gate, at: start + .seconds(600))
      #expect(found != nil)
    }
  }

  @Test func asksLessAndLessOftenWhenItIsStopped() throws {
    var gate = gate()
    var moment = start
    for wait in [5, 10, 20, 40, 80, 160, 300, 300] {
      let probe = try next(&gate, at: moment)
      gate.stopped(probe, now: moment)
      #expect(gate.state == .closed(until: moment + .seconds(wait), isStop: true))
      moment += .seconds(wait)
    }
    gate.reopen(now: moment)
    do {
      let found = epoch(&gate, at: moment)
      #expect(found != nil)
    }
  }

  @Test func backsOffByDoublingUpToItsLimit() {
    var backoff = Backoff(initial: .seconds(1), max: .seconds(30))
    for most in [1.0, 2, 4, 8, 16, 30, 30] {
      let wait = backoff.next()
      #expect(wait >= .seconds(most / 2) && wait <= .seconds(most))
    }
    for _ in 0..<100 { _ = backoff.next() }
    do {
      let wait = backoff.next()
      #expect(wait <= .seconds(30))
    }
    backoff.reset()
    do {
      let wait = backoff.next()
      #expect(wait <= .seconds(1))
    }
  }
}

@Suite struct RateLimiterTests {
  @Test func neverLetsMoreThroughThanItsRate() {
    let start = ContinuousClock.now
    var moment = start
    var limiter = RateLimiter(perSecond: 100, now: start)
    var sent = 0
    for step in 0..<200 {
      let records = step % 7 * 10
      if let wait = limiter.wait(records, now: moment) { moment += wait }
      let seconds = (moment - start) / .seconds(1)
      #expect(Double(sent) <= seconds * 100 + 100)
      sent += records
    }
  }

  @Test func hasNoLimitWhenNoneIsGiven() {
    var limiter = RateLimiter(perSecond: 0)
    let wait = limiter.wait(1_000_000, now: .now)
    #expect(wait == nil)
  }
}
