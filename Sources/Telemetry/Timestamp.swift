/// `YYYY-MM-DDTHH:MM:SS.ffffffZ` from nanoseconds, always six digits, truncated (R56), without Foundation.
package enum Timestamp {
  package static let nanosecondsPerDay: Int64 = 86_400_000_000_000

  /// Days since 1970, rounded down, also before 1970.
  package static func day(_ nanoseconds: Int64) -> Int64 {
    let quotient = nanoseconds / nanosecondsPerDay
    return nanoseconds % nanosecondsPerDay < 0 ? quotient - 1 : quotient
  }

  package struct Civil: Equatable, Sendable {
    package var year: Int64
    package var month: Int64
    package var day: Int64
  }

  /// Gregorian date of a day number: eras of 400 years, years that begin in March, so that leap days come last.
  package static func civil(day: Int64) -> Civil {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return Civil(
      year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
      day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  /// Day number of a Gregorian date; the inverse of `civil(day:)`.
  package static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  package static func text(day: Int64) -> String {
    let date = civil(day: day)
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
  }

  package static func text(_ nanoseconds: Int64) -> String {
    let day = day(nanoseconds)
    let inDay = nanoseconds - day * nanosecondsPerDay
    let seconds = inDay / 1_000_000_000
    return
      "\(text(day: day))T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(inDay / 1000 % 1_000_000, 6))Z"
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
