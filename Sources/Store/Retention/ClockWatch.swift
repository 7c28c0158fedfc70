import Synchronization
import Telemetry

/// Whether the clock may be asked what is old. A computer without a battery starts in 1970, a wrong answer from the network
/// can lead to 2100: what came before such a jump would be gone at the next look.
final class ClockWatch: Sendable {
  private struct State {
    /// The last look that was believed.
    var trusted: Int64?
    var last: Int64 = 0
    /// Of the monotonic clock, while it is not believed.
    var since: Int64?
  }

  // covers: the state; nothing is taken inside.
  private let state = Mutex(State())

  /// No shop is closed for longer, and no clock goes wrong by less without somebody's will.
  private static let jump = 30 * Timestamp.nanosecondsPerDay
  /// Nothing was received before: 2020.
  static let earliest = Timestamp.day(year: 2020, month: 1, day: 1) * Timestamp.nanosecondsPerDay

  var isTrusted: Bool { state.withLock { $0.since == nil } }

  /// `newest`: when the newest data came, to compare the first look with. `grace`: see `StoreOptions.clockGrace`.
  func look(_ now: Int64, newest: Int64?, grace: Int64, _ report: @Sendable (StoreEvent) -> Void) {
    let jumped: (from: Int64, to: Int64)? = state.withLock { state in
      let monotonic = Monotonic.now()
      let trusted = state.trusted ?? newest.map { max($0, Self.earliest) } ?? now
      defer { state.last = now }
      if Self.isNear(now, trusted) {
        state.trusted = now
        state.since = nil
        return nil
      }
      if let since = state.since, Self.isNear(now, state.last) {
        if monotonic - since >= grace {
          state.trusted = now
          state.since = nil
        }
        return nil
      }
      if grace <= 0 {
        state.trusted = now
        return nil
      }
      state.trusted = trusted
      state.since = monotonic
      return (trusted, now)
    }
    if let jumped { report(.clockJumped(from: jumped.from, to: jumped.to)) }
  }

  private static func isNear(_ a: Int64, _ b: Int64) -> Bool {
    let (distance, overflow) = a.subtractingReportingOverflow(b)
    return !overflow && distance.magnitude <= jump.magnitude
  }
}
