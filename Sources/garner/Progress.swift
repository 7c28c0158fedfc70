import Glibc

/// A line on a terminal's standard error that says how far long work has come; silent elsewhere.
final class Progress {
  private let verb: String
  private let unit: String
  private let isShown = isatty(STDERR_FILENO) == 1

  init(_ verb: String, unit: String) {
    self.verb = verb
    self.unit = unit
  }

  func show(_ count: Int64) {
    if isShown { write("\r\(verb) \(count) \(unit)") }
  }

  func finish() {
    if isShown { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
