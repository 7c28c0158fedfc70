import Synchronization

/// How many records each source sent in the last minute, in slices of five seconds. Bounded like the sources themselves.
package final class SourceRates: Sendable {
  package static let minute: Int64 = 60_000_000_000
  private static let slice: Int64 = 5_000_000_000
  private static let slices = Int(minute / slice)
  /// As many as have names.
  private static let limit = 10_001

  private struct Window {
    /// Records by number of the slice modulo their count.
    var counts = [Int64](repeating: 0, count: SourceRates.slices)
    /// Number of the newest slice.
    var newest: Int64 = .min
  }

  // covers: the windows; take nothing inside.
  private let windows = Mutex<[String: Window]>([:])

  /// `now`: nanoseconds since 1970.
  func add(_ source: String, records: Int64, at now: Int64) {
    let number = Self.number(now)
    windows.withLock { windows in
      if windows.count >= Self.limit && windows[source] == nil { return }
      var window = windows[source] ?? Window()
      Self.advance(&window, to: number)
      window.counts[Self.place(number)] += records
      windows[source] = window
    }
  }

  /// Clamped, so that a clock at either end of time adds up to nothing worse than a wrong rate.
  private static func number(_ now: Int64) -> Int64 { max(now, 0) / slice }

  /// Slices before 1970 have places too: a window reaches back a minute.
  private static func place(_ number: Int64) -> Int {
    let remainder = Int(number % Int64(slices))
    return remainder < 0 ? remainder + slices : remainder
  }

  private static func advance(_ window: inout Window, to number: Int64) {
    guard number > window.newest else { return }
    let passed = window.newest == .min ? Int64(slices) : min(number - window.newest, Int64(slices))
    for step in 0..<passed { window.counts[place(number - step)] = 0 }
    window.newest = number
  }

  /// Records a second over the last minute; sources that sent nothing are left out.
  package func perSecond(now: Int64) -> [String: Double] {
    let number = Self.number(now)
    return windows.withLock { windows in
      windows.compactMapValues { window in
        var window = window
        Self.advance(&window, to: number)
        let sum = window.counts.reduce(0, +)
        return sum == 0 ? nil : Double(sum) / Double(Self.minute / 1_000_000_000)
      }
    }
  }
}
