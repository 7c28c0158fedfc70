/// Waits that double, each between half of itself and itself: many clients of one server that was away do not come back
/// at the same moment.
struct Backoff {
  let initial: Duration
  let max: Duration
  private(set) var failures = 0

  init(initial: Duration, max: Duration) {
    self.initial = initial
    self.max = max
  }

  mutating func next() -> Duration {
    failures += 1
    var wait = initial
    for _ in 1..<Swift.min(failures, 40) where wait < max { wait *= 2 }
    wait = Swift.min(wait, max)
    return wait * Double.random(in: 0.5...1)
  }

  mutating func reset() { failures = 0 }
}
