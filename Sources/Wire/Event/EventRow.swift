import Telemetry

/// A row of the source schema's `telemetry_events`, as another program wrote it; columns by their names.
package struct EventRow: Sendable, Equatable {
  /// Nanoseconds since 1970; nil: the column cannot be read, the arrival counts.
  package var time: Int64?
  package var sessionID = ""
  package var component = ""
  package var gameModule: String?
  package var modFingerprint: String?
  package var category = ""
  package var event = ""
  package var severity = "info"
  package var data: [UInt8]?
  package var durationMicroseconds: Int64?
  package var tick: Int64?
  package var correlation: String?
  /// Identity within its source; nil: none.
  package var uid: String?

  package init() {}
}

/// An ISO 8601 time of the column `timestamp`, e.g. `2026-02-03T04:05:06.789012Z`, to nanoseconds since 1970.
package enum EventTime {
  /// `T` or a blank between date and time, one to nine digits of a second or none, `Z`, an offset or nothing (UTC).
  package static func nanoseconds(_ text: some StringProtocol) -> Int64? {
    var rest = Array(text.utf8)[...]
    guard let year = number(&rest, 4), passes(&rest, "-"), let month = number(&rest, 2), passes(&rest, "-"),
      let day = number(&rest, 2), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let days = Timestamp.day(year: year, month: month, day: day)
    var seconds = days * 86_400
    var fraction: Int64 = 0
    if !rest.isEmpty {
      guard passes(&rest, "T") || passes(&rest, " ") || passes(&rest, "t"), let hour = number(&rest, 2),
        passes(&rest, ":"), let minute = number(&rest, 2), hour <= 24, minute <= 59
      else { return nil }
      seconds += hour * 3600 + minute * 60
      if passes(&rest, ":") {
        guard let second = number(&rest, 2), second <= 60 else { return nil }
        seconds += second
        if passes(&rest, ".") || passes(&rest, ",") {
          guard let digits = Self.fraction(&rest) else { return nil }
          fraction = digits
        }
      }
      guard let offset = offset(&rest) else { return nil }
      seconds -= offset
    }
    let (whole, over) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overSum) = whole.addingReportingOverflow(fraction)
    return over || overSum || !rest.isEmpty ? nil : sum
  }

  private static func passes(_ rest: inout ArraySlice<UInt8>, _ letter: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: letter) else { return false }
    rest.removeFirst()
    return true
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ digits: Int) -> Int64? {
    guard rest.count >= digits else { return nil }
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let byte = rest.popFirst(), byte &- 0x30 < 10 else { return nil }
      value = value * 10 + Int64(byte &- 0x30)
    }
    return value
  }

  private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    var value: Int64 = 0
    var scale: Int64 = 1_000_000_000
    guard let first = rest.first, first &- 0x30 < 10 else { return nil }
    while let byte = rest.first, byte &- 0x30 < 10 {
      rest.removeFirst()
      scale /= 10
      value += Int64(byte &- 0x30) * scale
    }
    return value
  }

  /// Seconds east of UTC.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if rest.isEmpty || passes(&rest, "Z") || passes(&rest, "z") { return 0 }
    let east = passes(&rest, "+")
    guard east || passes(&rest, "-"), let hours = number(&rest, 2) else { return nil }
    _ = passes(&rest, ":")
    let minutes = rest.isEmpty ? 0 : number(&rest, 2)
    guard let minutes, hours <= 18, minutes <= 59 else { return nil }
    return (hours * 3600 + minutes * 60) * (east ? 1 : -1)
  }
}
