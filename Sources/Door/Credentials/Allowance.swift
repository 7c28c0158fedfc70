import Glibc
import Synchronization

/// How much one credential may send: records and bytes a second, each a bucket of two seconds.
///
/// What is larger than a bucket is let in when the bucket is full, and the bucket then stays in debt for as long as it would
/// have taken: such a request would else be refused for ever, and the average holds all the same.
package final class Allowance: Sendable {
  private struct Bucket {
    /// A second; 0: no limit.
    let rate: Double
    var level: Double

    init(_ rate: Int64) {
      self.rate = Double(rate)
      level = Double(rate) * Allowance.seconds
    }

    var capacity: Double { rate * Allowance.seconds }

    mutating func fill(_ elapsed: Double) { level = min(capacity, level + elapsed * rate) }

    /// Seconds until `cost` fits; 0: it does.
    func wait(_ cost: Double) -> Double {
      guard rate > 0 else { return 0 }
      return max(0, (min(cost, capacity) - level) / rate)
    }
  }

  private struct State {
    var records: Bucket
    var bytes: Bucket
    /// Nanoseconds of the monotonic clock.
    var filledAt: Int64
  }

  private static let seconds = 2.0

  package let recordsPerSecond: Int64
  package let bytesPerSecond: Int64
  private let clock: @Sendable () -> Int64
  // covers: both buckets; take nothing inside.
  private let state: Mutex<State>

  /// 0 is no limit. `clock`: nanoseconds that never go back.
  package init(
    recordsPerSecond: Int64, bytesPerSecond: Int64, clock: @escaping @Sendable () -> Int64 = Allowance.monotonic
  ) {
    self.recordsPerSecond = recordsPerSecond
    self.bytesPerSecond = bytesPerSecond
    self.clock = clock
    state = Mutex(State(records: Bucket(recordsPerSecond), bytes: Bucket(bytesPerSecond), filledAt: clock()))
  }

  /// Takes both or nothing. Nil: taken; else the seconds, at least 1, after which it will fit.
  package func take(records: Int, bytes: Int) -> Int? {
    let now = clock()
    return state.withLock { state in
      let elapsed = Double(max(0, now - state.filledAt)) / 1e9
      state.filledAt = max(state.filledAt, now)
      state.records.fill(elapsed)
      state.bytes.fill(elapsed)
      let wait = max(state.records.wait(Double(records)), state.bytes.wait(Double(bytes)))
      // Less than a nanosecond is rounding.
      if wait > 1e-9 { return max(1, Int(wait.rounded(.up))) }
      state.records.level -= Double(records)
      state.bytes.level -= Double(bytes)
      return nil
    }
  }

  /// Whether not even one more record or byte fits; takes nothing. For saying no before a body is read.
  package func wait() -> Int? {
    let now = clock()
    return state.withLock { state in
      let elapsed = Double(max(0, now - state.filledAt)) / 1e9
      state.filledAt = max(state.filledAt, now)
      state.records.fill(elapsed)
      state.bytes.fill(elapsed)
      let wait = max(state.records.wait(1), state.bytes.wait(1))
      return wait > 1e-9 ? max(1, Int(wait.rounded(.up))) : nil
    }
  }

  package static let monotonic: @Sendable () -> Int64 = {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
