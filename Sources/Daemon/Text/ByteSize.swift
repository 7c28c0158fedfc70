/// Sizes as people write them: `512MB` is 512,000,000 bytes, `512MiB` is 512 × 2^20; digits alone are bytes.
package enum ByteSize {
  private static let units: [(name: String, bytes: Int64)] = [
    ("B", 1), ("KB", 1_000), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// Fractions are exact: `1.5GiB` is 1,610,612,736 bytes, `0.3B` is refused.
  package static func parse(_ text: String) throws(ValueFault) -> Int64 {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unitName = text.dropFirst(number.count).drop { $0 == " " }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    let unit = unitName.isEmpty ? 1 : units.first { $0.name == unitName }?.bytes
    guard let unit, parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), !parts.isEmpty else {
      throw ValueFault("`\(text)` is no size; write for example 512MB, 512MiB or a number of bytes")
    }
    let fraction = parts.count == 2 ? parts[1] : ""
    guard fraction.utf8.count <= 6, let digits = Int64(parts[0] + fraction) else {
      throw ValueFault("`\(text)` has too many digits")
    }
    let (scaled, overflow) = digits.multipliedReportingOverflow(by: unit)
    var divisor: Int64 = 1
    for _ in fraction.utf8 { divisor *= 10 }
    guard !overflow else { throw ValueFault("`\(text)` is over 8 EiB") }
    guard scaled % divisor == 0 else { throw ValueFault("`\(text)` is no whole number of bytes") }
    return scaled / divisor
  }

  /// The shortest exact text: `64MiB`, `500MB`, `1000001`.
  package static func text(_ bytes: Int64) -> String {
    guard bytes > 0 else { return String(bytes) }
    let exact = units.filter { $0.bytes > 1 && $0.name != "kB" && bytes % $0.bytes == 0 }
    guard let unit = exact.min(by: { bytes / $0.bytes < bytes / $1.bytes }) else { return String(bytes) }
    return "\(bytes / unit.bytes)\(unit.name)"
  }
}
