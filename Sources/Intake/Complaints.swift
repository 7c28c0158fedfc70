import Logging
import Synchronization
import Telemetry

/// Tells the log that batches are refused: when it begins and every so often, not for each of ten thousand requests.
final class Complaints: Sendable {
  /// As often as a person can take it.
  private static let interval: Duration = .seconds(10)
  // covers: causes and when each was last written; take nothing inside.
  private let last = Mutex<[String: ContinuousClock.Instant]>([:])

  func note(_ refusal: Refusal, _ logger: Logger) {
    let now = ContinuousClock.now
    let due = last.withLock { last in
      if let before = last[refusal.cause], now - before < Self.interval { return false }
      last[refusal.cause] = now
      return true
    }
    guard due else { return }
    var metadata: Logger.Metadata = ["event": "intake.refused", "cause": .string(refusal.cause)]
    // For the log alone: what SQLite or the file system said.
    if case .storage(let text) = refusal { metadata["detail"] = .string(text) }
    logger.error("batches are refused", metadata: metadata)
  }
}
