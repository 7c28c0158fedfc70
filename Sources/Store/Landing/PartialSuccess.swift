import Telemetry

extension Batch {
  /// English text for `partial_success.error_message` (CONFORMANCE RSP-03, RSP-07); empty when there is nothing to say.
  func partialSuccessMessage() -> String {
    var parts: [String] = []
    if rejectedCount > 0 {
      var byReason: [String: Int] = [:]
      for (tally, count) in rejectionCounts { byReason[tally.reason.rawValue, default: 0] += count }
      let reasons = byReason.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      parts.append("\(rejectedCount) of \(recordCount + rejectedCount) records refused: \(reasons)")
      if let first = rejections.first { parts.append("first at \(first.path)") }
    }
    parts += warnings
    return parts.joined(separator: "; ")
  }
}
