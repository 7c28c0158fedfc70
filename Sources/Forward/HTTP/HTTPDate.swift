import Telemetry

/// Dates of HTTP (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older forms.
enum HTTPDate {
  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// Seconds since 1970; nil: it is no date.
  static func seconds(_ text: String) -> Int64? {
    var words = text.lowercased().split { $0 == " " || $0 == "," || $0 == "-" }
    guard let first = words.first, first.count >= 3, first.allSatisfy(\.isLetter) else { return nil }
    words.removeFirst()
    if words.last == "gmt" || words.last == "utc" { words.removeLast() }
    guard words.count == 4 else { return nil }
    // The form of C: month, day, time, year.
    if words[0].first?.isLetter == true { words = [words[1], words[0], words[3], words[2]] }
    guard let day = Int64(words[0]), (1...31).contains(day),
      let month = months.firstIndex(of: String(words[1].prefix(3))), var year = Int64(words[2])
    else { return nil }
    if year < 100 { year += year < 70 ? 2_000 : 1_900 }
    let clock = words[3].split(separator: ":").compactMap { Int64($0) }
    guard (1_970...9_999).contains(year), clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
      (0...60).contains(clock[2])
    else { return nil }
    let days = dayNumber(year: year, month: Int64(month + 1), day: day)
    return days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
  }

  /// Days since 1970: years that begin in March, so that leap days come last.
  private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
