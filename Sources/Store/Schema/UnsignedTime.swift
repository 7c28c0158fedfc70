/// Sums and differences of times from 2^63 nanoseconds on (the year 2262), which SQLite has no type for: integers below, text
/// of digits above (CONFORMANCE DM-11). Terms of SQL over a row `e` of `event`.
enum UnsignedTime {
  /// Start of a metric point, `time - aux`; NULL when it has none.
  static let start = term("-", "e.aux")

  /// `time + aux`: when a log was observed.
  static let observed = term("+", "coalesce(e.aux, 0)")

  /// The usual case is a plain sum; else it is one modulo 2^64, in halves of 32 bits.
  private static func term(_ sign: String, _ aux: String) -> String {
    let plain = "e.time \(sign) \(aux)"
    let low = "((\(bits) & 4294967295) \(sign) (\(aux) & 4294967295))"
    let high = "((\(bits) >> 32) \(sign) (\(aux) >> 32) + (\(low) >> 32) & 4294967295)"
    return """
      CASE WHEN e.time < 9223372036854775807 AND typeof(\(plain)) != 'real' AND \(plain) >= 0 THEN \(plain) \
      WHEN \(aux) IS NOT NULL THEN CASE WHEN \(high) < 2147483648 THEN \(high) << 32 | (\(low) & 4294967295) \
      ELSE \(digits("\(high)", "(\(low) & 4294967295)")) END END
      """
  }

  /// The row's time as 64 bits. A later one is clamped, its digits are in `ext`: less 2^64 they fit.
  private static let bits = """
    CASE WHEN e.ext ->> '$.time' IS NULL THEN e.time \
    ELSE (substr(e.ext ->> '$.time', 1, length(e.ext ->> '$.time') - 9) - 18446744072) * 1000000000 \
    + substr(e.ext ->> '$.time', -9) - 1709551616 END
    """

  /// `high` * 2^32 + `low` as text: each unit of `high` is 4 * 10^9 + 294967296.
  private static func digits(_ high: String, _ low: String) -> String {
    let rest = "(\(high) * 294967296 + \(low))"
    return "(\(high) * 4 + \(rest) / 1000000000) || printf('%09d', \(rest) % 1000000000)"
  }
}
