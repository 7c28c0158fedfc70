import Daemon
import Glibc
import Synchronization

/// A line on a terminal's standard error that says how far an import has come; silent elsewhere.
final class ImportProgressLine: Sendable {
  private let isShown = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  /// When the line was last written, and the highest part so far.
  private let state = Mutex((shown: ContinuousClock.now, percent: 0))

  func show(_ progress: ImportProgress) {
    guard isShown else { return }
    let now = ContinuousClock.now
    let percent: Int? = state.withLock { state in
      guard now - state.shown >= .milliseconds(100) else { return nil }
      state.shown = now
      // What is read is ahead of what is stored.
      state.percent = max(state.percent, min(99, Int(progress.fraction * 100)))
      return state.percent
    }
    guard let percent else { return }
    let seconds = (now - start) / .seconds(1)
    let rate = Int(Double(progress.records) / max(seconds, 0.001))
    write("\rimported \(percent) %, \(progress.records) records, \(rate)/s\u{1B}[K")
  }

  func finish() {
    if isShown { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
