/// What whoever fetches a page wants, by its `Accept` (CONFORMANCE EXP-01): of what can be written what weighs most, and
/// between equals OpenMetrics. Text of 0.0.4 for those that want neither.
package struct ScrapeAccept: Sendable, Equatable {
  package private(set) var format = ScrapePage.Format.text
  /// Names may have any characters.
  package private(set) var quotesNames = false

  package init(_ header: String) {
    var best = 0.0
    for entry in header.lowercased().split(separator: ",") {
      let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
      guard let type = parts.first, let format = Self.format(type, version: Self.value("version", parts)) else {
        continue
      }
      let weight = Self.value("q", parts).map { Double($0) ?? 0 } ?? 1
      guard weight > best || (weight == best && weight > 0 && self.format == .text && format == .openMetrics) else {
        continue
      }
      best = weight
      self.format = format
      quotesNames = Self.value("escaping", parts) == "allow-utf-8"
    }
  }

  private static func value(_ name: String, _ parts: [String]) -> String? {
    parts.dropFirst().first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
  }

  private static func format(_ type: String, version: String?) -> ScrapePage.Format? {
    switch type {
    case "application/openmetrics-text": version == nil || version == "1.0.0" ? .openMetrics : nil
    case "text/plain": version == nil || version == "0.0.4" || version == "1.0.0" ? .text : nil
    case "text/*", "*/*": .text
    default: nil
    }
  }
}
