import Door
import Telemetry

extension DoorError {
  /// Overload and disk trouble are 503 with a retry time and a named cause, never 500 (CONFORMANCE HTTP-12, HTTP-13).
  init(_ refusal: Refusal) {
    self = .unavailable(cause: refusal.cause, retryAfterSeconds: refusal.retryAfterSeconds)
  }
}

extension Refusal {
  /// How soon it may be better: a queue empties in moments, a disk does not.
  var retryAfterSeconds: Int {
    switch self {
    case .queueFull: 1
    case .settlingBehind: 3
    case .draining, .directoryGone, .storage: 5
    case .diskReserve: 30
    }
  }
}
