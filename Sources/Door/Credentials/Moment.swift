import Telemetry

/// RFC 3339 as it stands in credentials files: `2027-03-01T18:30:00Z`, with a fraction or an offset, or a date alone.
enum Moment {
  /// Nanoseconds since 1970; nil when it is none.
  static func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let dayOfMonth = number(bytes[8..<10]),
      (1...12).contains(month)
    else { return nil }
    let day = Timestamp.day(year: year, month: month, day: dayOfMonth)
    // A date that does not exist comes back as another one.
    let civil = Timestamp.civil(day: day)
    guard civil.year == year, civil.month == month, civil.day == dayOfMonth else { return nil }
    guard bytes.count > 10 else { return scaled(day, 0) }
    guard bytes.count >= 20, bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
      let second = number(bytes[17..<19]), hour < 24, minute < 60, second <= 60
    else { return nil }
    var rest = bytes[19...]
    var nanoseconds: Int64 = 0
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      rest = rest.dropFirst(1 + digits.count)
      nanoseconds = number(digits.prefix(9) + Array(repeating: 0x30, count: max(0, 9 - digits.count))) ?? 0
    }
    guard let offset = offset(rest) else { return nil }
    return scaled(day, (hour * 3600 + minute * 60 + second - offset) * 1_000_000_000 + nanoseconds)
  }

  /// Seconds east of UTC.
  private static func offset(_ rest: ArraySlice<UInt8>) -> Int64? {
    let bytes = Array(rest)
    if bytes.count == 1 { return bytes[0] | 0x20 == UInt8(ascii: "z") ? 0 : nil }
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"), let hours = number(bytes[1..<3]),
      let minutes = number(bytes[4..<6]), hours < 24, minutes < 60
    else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
    case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
    default: return nil
    }
  }

  private static func scaled(_ day: Int64, _ inDay: Int64) -> Int64? {
    let (start, overflow) = day.multipliedReportingOverflow(by: Timestamp.nanosecondsPerDay)
    let (sum, tooFar) = start.addingReportingOverflow(inDay)
    return overflow || tooFar ? nil : sum
  }

  private static func number(_ digits: some Sequence<UInt8>) -> Int64? {
    var number: Int64 = 0
    for digit in digits {
      guard (0x30...0x39).contains(digit) else { return nil }
      number = number * 10 + Int64(digit - 0x30)
    }
    return number
  }
}
