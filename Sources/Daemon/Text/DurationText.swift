/// Durations as people write them: `500ms`, `30s`, `10m`, `1h30m`, `7d`, `8w`; a bare `0` needs no unit.
package enum DurationText {
  /// Longest first, as they are written.
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("w", 604_800_000_000_000), ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
    ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]

  package static func parse(_ text: String) throws(ValueFault) -> Duration { .nanoseconds(try nanoseconds(text)) }

  /// At most 292 years, the reach of 63 bits of nanoseconds.
  package static func nanoseconds(_ text: String) throws(ValueFault) -> Int64 {
    if text == "0" { return 0 }
    var rest = Substring(text)
    var sum: Int64 = 0
    guard !rest.isEmpty else { throw fault(text) }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      let letters = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(digits.count + letters.count)
      guard !digits.isEmpty, let unit = units.first(where: { $0.name == letters }) else { throw fault(text) }
      guard let count = Int64(digits) else { throw ValueFault("`\(text)` is longer than 292 years") }
      let (part, overflow) = count.multipliedReportingOverflow(by: unit.nanoseconds)
      let (total, tooLong) = sum.addingReportingOverflow(part)
      guard !overflow, !tooLong else { throw ValueFault("`\(text)` is longer than 292 years") }
      sum = total
    }
    return sum
  }

  /// The shortest exact text in one unit, days before weeks: `400d`, `90m`, `1h`.
  package static func text(_ duration: Duration) -> String { text(nanoseconds: duration.nanoseconds) }

  package static func text(nanoseconds: Int64) -> String {
    guard nanoseconds != 0 else { return "0" }
    for unit in units where unit.name != "w" && nanoseconds % unit.nanoseconds == 0 {
      return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
    return "\(nanoseconds)ns"
  }

  private static func fault(_ text: String) -> ValueFault {
    if !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) {
      return ValueFault("`\(text)` lacks a unit; write \(text)s, \(text)m, \(text)h or \(text)d")
    }
    return ValueFault("`\(text)` is no duration; write for example 30s, 10m, 2h or 7d")
  }
}

extension Duration {
  /// Saturates at 292 years.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, tooLong) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || tooLong ? (seconds < 0 ? .min : .max) : sum
  }
}
