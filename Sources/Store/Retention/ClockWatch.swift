import Synchronization
import Telemetry

/// Whether the clock may be asked what is old. A computer without a battery starts in 1970, a wrong answer from the network
/// can lead to 2100: what came before such a jump would be gone at the next look, or at the next start. So what is believed
/// is kept in `state.db`.
final class ClockWatch: Sendable {
  private struct State {
    /// The last look that was believed.
    var trusted: Int64?
    var last: Int64 = 0
    /// Not nil while the clock is not believed: for how long a running daemon has seen it go on from where it jumped to.
    var doubted: Int64?
    /// Of the monotonic clock, at the last look of this process.
    var mark: Int64?
    /// The operator has heard of the jump, in this process.
    var isTold = false
    /// What was kept last.
    var kept: Memory?
  }

  /// What one process leaves to the next.
  struct Memory: Equatable {
    var trusted: Int64
    var last: Int64
    var doubted: Int64?

    var text: String { "\(trusted) \(last) \(doubted ?? -1)" }

    init(trusted: Int64, last: Int64, doubted: Int64?) {
      self.trusted = trusted
      self.last = last
      self.doubted = doubted
    }

    init?(_ text: String) {
      let numbers = text.split(separator: " ").map { Int64($0) }
      guard numbers.count == 3, let trusted = numbers[0], let last = numbers[1], let doubted = numbers[2] else {
        return nil
      }
      self.init(trusted: trusted, last: last, doubted: doubted < 0 ? nil : doubted)
    }
  }

  // covers: the state; nothing is taken inside.
  private let state: Mutex<State>

  /// Name of the setting in `state.db`.
  static let setting = "clock"
  /// No shop is closed for longer, and no clock goes wrong by less without somebody's will.
  private static let jump = 30 * Timestamp.nanosecondsPerDay
  /// Nothing was received before: 2020.
  static let earliest = Timestamp.day(year: 2020, month: 1, day: 1) * Timestamp.nanosecondsPerDay

  /// `memory`: what an earlier process left.
  init(_ memory: Memory?) {
    state = Mutex(
      State(trusted: memory?.trusted, last: memory?.last ?? 0, doubted: memory?.doubted, kept: memory))
  }

  var isTrusted: Bool { state.withLock { $0.doubted == nil } }

  /// `newest`: when the newest data came, to compare the first look of all with. `grace`: see `StoreOptions.clockGrace`.
  func look(_ now: Int64, newest: Int64?, grace: Int64, _ report: @Sendable (StoreEvent) -> Void) {
    let jumped: (from: Int64, to: Int64)? = state.withLock { state in
      let monotonic = Monotonic.now()
      let trusted = state.trusted ?? newest.map { max($0, Self.earliest) } ?? now
      defer {
        state.last = now
        state.mark = monotonic
      }
      var doubted: Int64?
      if !Self.isNear(now, trusted) && grace > 0 {
        doubted = 0
        if let before = state.doubted, Self.isNear(now, state.last) {
          doubted = before + (state.mark.map { monotonic - $0 } ?? 0)
        } else {
          state.isTold = false
        }
      }
      if let time = doubted, time >= grace { doubted = nil }
      state.trusted = doubted == nil ? now : trusted
      state.doubted = doubted
      if doubted == nil || state.isTold { return nil }
      state.isTold = true
      return (trusted, now)
    }
    if let jumped { report(.clockJumped(from: jumped.from, to: jumped.to)) }
  }

  /// What should be kept now; nil: what was kept last is good enough. The caller keeps it.
  func takeNews() -> Memory? {
    state.withLock { state in
      guard let trusted = state.trusted else { return nil }
      let memory = Memory(trusted: trusted, last: state.last, doubted: state.doubted)
      if let kept = state.kept, (kept.doubted == nil) == (memory.doubted == nil) {
        // A write costs some fsyncs: an hour more or less is nothing against a jump, a minute nothing against six hours.
        let isRecent = abs(trusted - kept.trusted) < 3_600_000_000_000
        if isRecent && (memory.doubted ?? 0) - (kept.doubted ?? 0) < 60_000_000_000 { return nil }
      }
      state.kept = memory
      return memory
    }
  }

  private static func isNear(_ a: Int64, _ b: Int64) -> Bool {
    let (distance, overflow) = a.subtractingReportingOverflow(b)
    return !overflow && distance.magnitude <= jump.magnitude
  }
}
