/// Names of metrics and labels as Prometheus has them (CONFORMANCE PN-01 to PN-07), by the rules of its own OTLP endpoint.
struct PromNames {
  let translation: PrometheusOptions.Translation

  enum Role { case counter, gauge, other }

  /// Empty when nothing is left of the name.
  func metric(_ name: String, unit: String, role: Role) -> String {
    switch translation {
    case .none: return name
    case .underscoreWithoutSuffixes:
      return Self.safeStart(Self.tokens(name, colons: true).joined(separator: "_"))
    case .underscoreWithSuffixes: return withTokens(name, unit, role)
    case .plainWithSuffixes: return withSuffixes(name, unit, role)
    }
  }

  /// Suffixes are words of the name: one that is there already, wherever, is not added again.
  private func withTokens(_ name: String, _ unit: String, _ role: Role) -> String {
    var tokens = Self.tokens(name, colons: true)
    if tokens.isEmpty { return "" }
    let words = PromUnits.words(unit)
    if !words.main.isEmpty && !tokens.contains(words.main) { tokens.append(words.main) }
    if !words.per.isEmpty && !tokens.contains(words.per) { tokens += ["per", words.per] }
    if role == .counter { tokens = tokens.filter { $0 != "total" } + ["total"] }
    if role == .gauge && unit == "1" { tokens = tokens.filter { $0 != "ratio" } + ["ratio"] }
    return Self.safeStart(tokens.joined(separator: "_"))
  }

  private func withSuffixes(_ name: String, _ unit: String, _ role: Role) -> String {
    if name.isEmpty { return "" }
    var text = name
    func add(_ suffix: String) {
      let end = text.utf8.count - suffix.utf8.count - 1
      if end > 0, text.hasSuffix(suffix) {
        text = String(decoding: text.utf8.prefix(end), as: UTF8.self)
      }
      text += "_" + suffix
    }
    // A suffix is moved behind what comes after it in the order of the suffixes.
    if role == .counter && text.utf8.count > 6 && text.hasSuffix("total") {
      text = String(decoding: text.utf8.prefix(text.utf8.count - 6), as: UTF8.self)
    }
    let words = PromUnits.words(unit)
    if !words.main.isEmpty { add(words.main) }
    if !words.per.isEmpty { add("per_" + words.per) }
    if role == .counter { add("total") }
    if role == .gauge && unit == "1" { add("ratio") }
    return text
  }

  /// Empty for a name that cannot be a label.
  func label(_ name: String) -> String {
    if name == "__name__" || name.isEmpty { return "" }
    guard translation.escapes else { return name }
    var text: [UInt8] = []
    for byte in name.utf8 {
      // One underscore for a character, not for each of its bytes; runs collapse.
      if byte & 0xc0 == 0x80 { continue }
      if Self.isWord(byte) && byte != UInt8(ascii: "_") {
        text.append(byte)
      } else if text.last != UInt8(ascii: "_") {
        text.append(UInt8(ascii: "_"))
      }
    }
    let word = String(decoding: text, as: UTF8.self)
    guard let first = text.first else { return "" }
    if first == UInt8(ascii: "_") { return text.count == 1 ? "" : "key" + word }
    return first &- 0x30 < 10 ? "key_" + word : word
  }

  static func isWord(_ byte: UInt8) -> Bool {
    byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_")
  }

  /// The parts between characters that a name cannot have, and between underscores.
  static func tokens(_ text: String, colons: Bool) -> [String] {
    text.utf8.split { !(isWord($0) && $0 != UInt8(ascii: "_")) && !(colons && $0 == UInt8(ascii: ":")) }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private static func safeStart(_ name: String) -> String {
    guard let first = name.utf8.first, first &- 0x30 < 10 else { return name }
    return "_" + name
  }

  /// Whether every Prometheus can read it without quotes.
  static func isClassicMetric(_ name: some Collection<UInt8>) -> Bool {
    guard let first = name.first, first &- 0x30 >= 10 else { return false }
    return name.allSatisfy { isWord($0) || $0 == UInt8(ascii: ":") }
  }

  static func isClassicLabel(_ name: some Collection<UInt8>) -> Bool {
    guard let first = name.first, first &- 0x30 >= 10 else { return false }
    return name.allSatisfy(isWord)
  }
}
