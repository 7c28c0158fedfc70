/// Numbers as Prometheus writes them.
enum PromNumber {
  /// A bound or quantile as a label: the shortest digits that read back equal, never an exponent (CONFORMANCE PT-05).
  static func label(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
    return plain(number.description)
  }

  /// A value on a page: whole numbers without fraction as long as they are exact (PT-12).
  static func value(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
    if number.magnitude < 0x1p53 && number == number.rounded(.towardZero) {
      return number == 0 ? "0" : String(Int64(number))
    }
    return number.description
  }

  /// `1e-05` and `2.5e+20` written out; `5.0` as `5`.
  private static func plain(_ text: String) -> String {
    let halves = text.split(separator: "e")
    let sign = text.utf8.first == UInt8(ascii: "-") ? "-" : ""
    let parts = halves[0].drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    let exponent = halves.count > 1 ? Int(halves[1].drop { $0 == "+" }) ?? 0 : 0
    var whole = String(parts[0])
    var fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
    if exponent > 0 {
      let moved = fraction.prefix(exponent)
      fraction = String(fraction.dropFirst(exponent))
      whole += moved + String(repeating: "0", count: exponent - moved.count)
    } else if exponent < 0 {
      fraction = String(repeating: "0", count: -exponent - 1) + whole + fraction
      whole = "0"
    }
    return sign + whole + (fraction.isEmpty ? "" : "." + fraction)
  }
}
