import Synchronization

/// Figures of one run for `/metrics` and `forward status`; any thread.
package final class RunVitals: Sendable {
  package struct Snapshot: Sendable {
    package var books = ForwardBooks()
    /// Records that are summed up and go out later.
    package var summed: Int64 = 0
    /// Requests by answer.
    package var requests: [String: Int64] = [:]
    package var retries: Int64 = 0
    package var lastError = ""
    /// Nanoseconds since 1970; 0: never.
    package var lastErrorAt: Int64 = 0
    package var durations = RequestDurations()
    package var position = Position(after: 0)
    /// The row up to which all is settled.
    package var low: Int64 { position.low }
    /// The last row that was read.
    package var readTo: Int64 = 0
    /// As `forward status` says it.
    package var state = "idle"
    /// What the format remembers; nil: it knows no such thing.
    package var series: Int?
    package var streams: Int?
  }

  private let held = Mutex(Snapshot())

  package var snapshot: Snapshot { held.withLock { $0 } }
  package var position: Position { held.withLock { $0.position } }

  func count(_ code: String) { held.withLock { $0.requests[code, default: 0] += 1 } }
  func retried() { held.withLock { $0.retries += 1 } }
  func took(_ time: Duration) { held.withLock { $0.durations.add(time) } }

  func set(_ state: RunState) {
    held.withLock {
      $0.books = state.books
      $0.summed = max(0, state.summed ?? 0)
      $0.position = state.position
    }
  }

  func set(readTo id: Int64) { held.withLock { $0.readTo = id } }
  func set(state word: String) { held.withLock { $0.state = word } }

  func set(series: Int?, streams: Int?) {
    held.withLock {
      $0.series = series
      $0.streams = streams
    }
  }

  func note(error: String, at moment: Int64) {
    held.withLock {
      $0.lastError = error
      $0.lastErrorAt = moment
    }
  }
}

/// How long answers took.
package struct RequestDurations: Sendable, Equatable {
  /// Upper ends, in milliseconds: an answer on loopback takes one, the longest timeout that is usual is a minute.
  package static let bounds: [Int64] = [
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
  ]

  /// Of each bound alone; the last is beyond all of them.
  package private(set) var counts = [Int64](repeating: 0, count: bounds.count + 1)
  package private(set) var nanoseconds: Int64 = 0

  package var count: Int64 { counts.reduce(0, +) }

  mutating func add(_ time: Duration) {
    let (seconds, attoseconds) = time.components
    let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    self.nanoseconds += nanoseconds
    counts[Self.bounds.firstIndex { nanoseconds <= $0 * 1_000_000 } ?? Self.bounds.count] += 1
  }
}
