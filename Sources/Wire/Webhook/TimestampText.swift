import Telemetry

/// `Timestamp.text` into an arena, without a `String`: the day's text is kept, for the next record is mostly of it too.
struct TimestampText {
  private var day = Int64.min
  private var date: [UInt8] = []

  /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, or with nine digits behind the point.
  mutating func write(_ nanoseconds: Int64, _ out: inout Arena, isExact: Bool = false) {
    let day = Timestamp.day(nanoseconds)
    if day != self.day {
      self.day = day
      date = Array((Timestamp.text(day: day) + "T").utf8)
    }
    out.append(date[...])
    // The first day of all begins before the first nanosecond.
    let (midnight, isBefore) = day.multipliedReportingOverflow(by: Timestamp.nanosecondsPerDay)
    let inDay = isBefore ? nanoseconds &- Int64.min : nanoseconds &- midnight
    let seconds = UInt64(inDay / 1_000_000_000)
    let fraction = UInt64(inDay % 1_000_000_000)
    out.appendPadded(seconds / 3_600, 2)
    out.append(UInt8(ascii: ":"))
    out.appendPadded(seconds / 60 % 60, 2)
    out.append(UInt8(ascii: ":"))
    out.appendPadded(seconds % 60, 2)
    out.append(UInt8(ascii: "."))
    if isExact { out.appendPadded(fraction, 9) } else { out.appendPadded(fraction / 1_000, 6) }
    out.append(UInt8(ascii: "Z"))
  }
}

extension Arena {
  /// `number` has at most `width` digits.
  fileprivate mutating func appendPadded(_ number: UInt64, _ width: Int) {
    reserve(width)
    var rest = number
    for place in stride(from: width - 1, through: 0, by: -1) {
      base[count + place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count &+= width
  }
}
