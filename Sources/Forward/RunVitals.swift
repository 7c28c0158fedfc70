import Synchronization

/// Figures of one run for `/metrics` and `forward status`; any thread.
package final class RunVitals: Sendable {
  package struct Snapshot: Sendable {
    package var books = ForwardBooks()
    /// Requests by answer.
    package var requests: [String: Int64] = [:]
    package var retries: Int64 = 0
    package var lastError = ""
    /// Nanoseconds since 1970; 0: never.
    package var lastErrorAt: Int64 = 0
    /// Of answered requests, nanoseconds in all.
    package var requestNanoseconds: Int64 = 0
    package var position = Position(after: 0)
    /// The row up to which all is settled.
    package var low: Int64 { position.low }
    /// As `forward status` says it.
    package var state = "idle"
  }

  private let held = Mutex(Snapshot())

  package var snapshot: Snapshot { held.withLock { $0 } }
  package var position: Position { held.withLock { $0.position } }

  func count(_ code: String) { held.withLock { $0.requests[code, default: 0] += 1 } }
  func retried() { held.withLock { $0.retries += 1 } }
  func took(_ time: Duration) {
    held.withLock {
      $0.requestNanoseconds += time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
    }
  }
  func set(_ state: RunState) {
    held.withLock {
      $0.books = state.books
      $0.position = state.position
    }
  }

  func set(state word: String) { held.withLock { $0.state = word } }

  func note(error: String, at moment: Int64) {
    held.withLock {
      $0.lastError = error
      $0.lastErrorAt = moment
    }
  }
}
