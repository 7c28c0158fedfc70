import Logging
import Synchronization
import Telemetry

/// Tells the log that batches are refused: when it begins and every so often, not for each of ten thousand requests.
final class Complaints: Sendable {
  /// As often as a person can take it.
  private static let interval: Duration = .seconds(10)
  // covers: causes and when each was last written; take nothing inside.
  private let last = Mutex<[String: ContinuousClock.Instant]>([:])

  /// Something else that stays wrong until somebody helps.
  func note(_ message: Logger.Message, _ event: String, _ detail: String, _ logger: Logger) {
    guard isDue(event) else { return }
    logger.error(message, metadata: ["event": "\(event)", "detail": "\(detail)"])
  }

  private func isDue(_ cause: String) -> Bool {
    let now = ContinuousClock.now
    return last.withLock { last in
      if let before = last[cause], now - before < Self.interval { return false }
      last[cause] = now
      return true
    }
  }

  func note(_ refusal: Refusal, _ logger: Logger) {
    guard isDue(refusal.cause) else { return }
    var metadata: Logger.Metadata = ["event": "intake.refused", "cause": .string(refusal.cause)]
    // For the log alone: what SQLite or the file system said.
    if case .storage(let text) = refusal { metadata["detail"] = .string(text) }
    logger.error("batches are refused", metadata: metadata)
  }
}
