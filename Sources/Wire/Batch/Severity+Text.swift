import Telemetry

extension Severity {
  /// Level of a severity text that comes without a number, in any case; nil for words that nobody agreed on.
  init?(text: UnsafeRawBufferPointer) {
    var text = text
    // TRACE2 to FATAL4 are the display names of OTLP's steps.
    if let digit = text.last, digit >= 0x32 && digit <= 0x34 {
      text = UnsafeRawBufferPointer(rebasing: text.dropLast())
    }
    guard text.count >= 3 && text.count <= 13 else { return nil }
    if text.isSameWord("info") || text.isSameWord("information") || text.isSameWord("informational")
      || text.isSameWord("notice")
    {
      self = .info
    } else if text.isSameWord("warn") || text.isSameWord("warning") {
      self = .warn
    } else if text.isSameWord("error") || text.isSameWord("err") || text.isSameWord("fatal")
      || text.isSameWord("critical") || text.isSameWord("crit") || text.isSameWord("alert")
      || text.isSameWord("emergency") || text.isSameWord("panic")
    {
      self = .error
    } else if text.isSameWord("debug") {
      self = .debug
    } else if text.isSameWord("trace") || text.isSameWord("verbose") {
      self = .trace
    } else {
      return nil
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Equal but for the case of ASCII letters; `word` is in lower case.
  func isSameWord(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      let byte = self[index]
      let lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
      if lower != word.utf8Start[index] { return false }
    }
    return true
  }
}
