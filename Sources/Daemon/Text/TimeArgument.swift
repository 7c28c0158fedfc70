import Telemetry

/// A point in time as people write it: RFC 3339 (`2027-03-01T18:30:00Z`, `…+01:00`, without zone: UTC), a date
/// (`2027-03-01`: its first moment in UTC), `now`, or how long ago (`2h`, `7d`).
package enum TimeArgument {
  /// Nanoseconds since 1970. `now` is the moment that relative times count from.
  package static func parse(_ text: String, now: Int64) throws(ValueFault) -> Int64 {
    if text == "now" { return now }
    if text.utf8.count >= 10, text.utf8.dropFirst(4).first == UInt8(ascii: "-") { return try absolute(text) }
    let ago: Int64
    do throws(ValueFault) {
      ago = try DurationText.nanoseconds(text)
    } catch {
      throw ValueFault("`\(text)` is no time; write 2027-03-01T18:30:00Z, 2027-03-01, or how long ago: 30m, 2h, 7d")
    }
    let (time, overflow) = now.subtractingReportingOverflow(ago)
    return overflow ? .min : time
  }

  private static func absolute(_ text: String) throws(ValueFault) -> Int64 {
    var reader = Digits(rest: text.utf8[...])
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let dayOfMonth = reader.number(2)
    else { throw fault(text) }
    let day = Timestamp.day(year: year, month: month, day: dayOfMonth)
    // A date that does not exist comes back as another one.
    let civil = Timestamp.civil(day: day)
    guard (1...12).contains(month), civil.year == year, civil.month == month, civil.day == dayOfMonth else {
      throw ValueFault("`\(text)`: there is no such day")
    }
    var nanoseconds: Int64 = 0
    if !reader.rest.isEmpty {
      guard reader.skip("T") || reader.skip("t") || reader.skip(" "), let inDay = reader.timeOfDay(),
        let offset = reader.offset(), reader.rest.isEmpty
      else { throw fault(text) }
      nanoseconds = inDay - offset
    }
    let (start, overflow) = day.multipliedReportingOverflow(by: Timestamp.nanosecondsPerDay)
    let (sum, tooFar) = start.addingReportingOverflow(nanoseconds)
    guard !overflow, !tooFar else { throw ValueFault("`\(text)` is outside the years 1678 to 2261") }
    return sum
  }

  private static func fault(_ text: String) -> ValueFault {
    ValueFault("`\(text)` is no time; write for example 2027-03-01T18:30:00Z or 2027-03-01")
  }
}

/// A walk over the digits of a time.
private struct Digits {
  var rest: Substring.UTF8View

  mutating func skip(_ letter: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: letter) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Exactly `width` digits.
  mutating func number(_ width: Int) -> Int64? {
    let digits = rest.prefix(width)
    guard digits.count == width, digits.allSatisfy(Digits.isDigit) else { return nil }
    rest = rest.dropFirst(width)
    return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
  }

  /// `HH:MM`, `HH:MM:SS` or with a fraction, of which nine digits count; second 60 is the next minute.
  mutating func timeOfDay() -> Int64? {
    guard let hour = number(2), hour < 24, skip(":"), let minute = number(2), minute < 60 else { return nil }
    var nanoseconds = (hour * 60 + minute) * 60_000_000_000
    guard skip(":") else { return nanoseconds }
    guard let second = number(2), second <= 60 else { return nil }
    nanoseconds += second * 1_000_000_000
    guard skip(".") else { return nanoseconds }
    let fraction = rest.prefix(while: Digits.isDigit)
    guard !fraction.isEmpty else { return nil }
    rest = rest.dropFirst(fraction.count)
    var scale: Int64 = 100_000_000
    for digit in fraction.prefix(9) {
      nanoseconds += Int64(digit - UInt8(ascii: "0")) * scale
      scale /= 10
    }
    return nanoseconds
  }

  /// Nothing and `Z` are UTC.
  mutating func offset() -> Int64? {
    if rest.isEmpty || skip("Z") || skip("z") { return 0 }
    let isWest = rest.first == UInt8(ascii: "-")
    guard skip("+") || skip("-"), let hour = number(2), hour < 24, skip(":"), let minute = number(2), minute < 60
    else { return nil }
    return (hour * 60 + minute) * (isWest ? -60_000_000_000 : 60_000_000_000)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
