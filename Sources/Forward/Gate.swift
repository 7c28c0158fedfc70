/// Whether a destination may be sent to at the moment (FORWARD §2, §4): during an outage one lane tries, the others
/// wait; a time that the far end named stops all.
struct SendGate {
  enum State: Equatable {
    case open
    /// Nobody answers, or the far end wants rest: from the moment on one lane tries.
    case closed(until: ContinuousClock.Instant, isStop: Bool)
    case probing(isStop: Bool)
  }

  enum Pass {
    /// `epoch` comes back with the answer.
    case go(epoch: Int)
    case wait(until: ContinuousClock.Instant?)
  }

  private(set) var state = State.open
  /// Counts how often it was closed: an answer to a request of an earlier epoch tells nothing about the present one.
  private var epoch = 0
  private var backoff: Backoff
  private var stopWait = Self.firstStopWait

  /// Longest wait that a far end may ask for.
  static let longestRest = Duration.seconds(600)
  static let firstStopWait = Duration.seconds(5)
  static let longestStopWait = Duration.seconds(300)

  init(_ pace: DestinationPace) { backoff = Backoff(initial: pace.retryInitial, max: pace.retryMax) }

  /// `go` makes the caller the one who tries.
  mutating func pass(now: ContinuousClock.Instant) -> Pass {
    switch state {
    case .open: return .go(epoch: epoch)
    case .closed(let until, let isStop):
      guard now >= until else { return .wait(until: until) }
      state = .probing(isStop: isStop)
      return .go(epoch: epoch)
    case .probing: return .wait(until: nil)
    }
  }

  /// The far end is there. False: it was closed since the request was sent, and stays so.
  mutating func answered(_ epoch: Int) -> Bool {
    guard epoch == self.epoch else { return false }
    state = .open
    backoff.reset()
    stopWait = Self.firstStopWait
    return true
  }

  /// Nobody answered, or rest was asked for: `after`, at most ten minutes. Several requests that fail together are one
  /// failure.
  mutating func failed(_ epoch: Int, now: ContinuousClock.Instant, after: Duration?) {
    let rest = min(after ?? .zero, Self.longestRest)
    if epoch == self.epoch {
      close(now + max(backoff.next(), rest), isStop: false)
    } else if case .closed(let until, let isStop) = state {
      state = .closed(until: max(until, now + rest), isStop: isStop)
    }
  }

  /// The destination is at fault: from 5 s to 5 min between tries.
  mutating func stopped(_ epoch: Int, now: ContinuousClock.Instant) {
    guard epoch == self.epoch else { return }
    close(now + stopWait, isStop: true)
    stopWait = min(stopWait * 2, Self.longestStopWait)
  }

  private mutating func close(_ until: ContinuousClock.Instant, isStop: Bool) {
    state = .closed(until: until, isStop: isStop)
    epoch += 1
  }

  mutating func reopen(now: ContinuousClock.Instant) {
    if case .closed(_, let isStop) = state { state = .closed(until: now, isStop: isStop) }
    stopWait = Self.firstStopWait
  }
}
