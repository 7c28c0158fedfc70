/// UCUM units as words (CONFORMANCE PN-02, Appendix C).
enum PromUnits {
  private static let words: [String: String] = [
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tebibytes", "kBy": "kilobytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
    "TBy": "terabytes", "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "%": "percent", "1": "",
  ]
  /// Behind a slash; `m` is a metre before it and a minute after it.
  private static let rates: [String: String] = [
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
  ]

  struct Words: Equatable {
    /// `bytes`; empty for none.
    var main: String
    /// `second` of `By/s`; empty for none.
    var per: String

    /// As it is told beside the metric: `bytes_per_second`.
    var whole: String {
      if per.isEmpty { return main }
      return main.isEmpty ? "per_\(per)" : "\(main)_per_\(per)"
    }
  }

  static func words(_ unit: String) -> Words {
    let parts = withoutAnnotations(unit).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let main = trimmed(parts.first ?? "")
    let per = parts.count > 1 ? trimmed(parts[1]) : ""
    return Words(main: sanitized(words[main] ?? main), per: sanitized(rates[per] ?? per))
  }

  /// `{request}` says what is counted, not in what unit.
  private static func withoutAnnotations(_ unit: String) -> String {
    var text = ""
    var depth = 0
    for scalar in unit.unicodeScalars {
      switch scalar {
      case "{": depth += 1
      case "}": depth = max(0, depth - 1)
      default: if depth == 0 { text.unicodeScalars.append(scalar) }
      }
    }
    return text
  }

  private static func trimmed(_ text: Substring) -> String {
    let from = text.drop { $0 == " " || $0 == "\t" }
    return String(from.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }

  private static func sanitized(_ text: String) -> String {
    PromNames.tokens(text, colons: false).joined(separator: "_")
  }
}
