import Telemetry

/// The column `timestamp` as text, and comparisons of that text turned into numbers.
///
/// `YYYY-MM-DDTHH:MM:SS.ffffffZ` has 27 bytes for all times from 1970 to 2262, so the order of the texts is the order of
/// the microseconds, and any text at all (`2027-03-06`, `2027-03-06 19:00:00`, `now`) has its place among them.
struct TimestampText {
  static let length = 27
  /// Last microsecond of a 64-bit count of nanoseconds.
  static let last = Int64.max / 1000

  private var day: Int64 = .min
  private var bytes: InlineArray<27, UInt8> = .init(repeating: UInt8(ascii: "0"))

  init() {
    bytes[4] = UInt8(ascii: "-")
    bytes[7] = UInt8(ascii: "-")
    bytes[10] = UInt8(ascii: "T")
    bytes[13] = UInt8(ascii: ":")
    bytes[16] = UInt8(ascii: ":")
    bytes[19] = UInt8(ascii: ".")
    bytes[26] = UInt8(ascii: "Z")
  }

  /// Writes `microseconds` (not negative) into the text.
  mutating func set(_ microseconds: Int64) {
    let seconds = microseconds / 1_000_000
    let newDay = seconds / 86_400
    if newDay != day {
      day = newDay
      let date = Timestamp.civil(day: newDay)
      put(date.year, at: 0, digits: 4)
      put(date.month, at: 5, digits: 2)
      put(date.day, at: 8, digits: 2)
    }
    let inDay = seconds - newDay * 86_400
    put(inDay / 3600, at: 11, digits: 2)
    put(inDay / 60 % 60, at: 14, digits: 2)
    put(inDay % 60, at: 17, digits: 2)
    put(microseconds % 1_000_000, at: 20, digits: 6)
  }

  @inline(__always) private mutating func put(_ number: Int64, at start: Int, digits: Int) {
    var rest = number
    var at = start + digits - 1
    while at >= start {
      bytes[at] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      at -= 1
    }
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var copy = bytes
    return withUnsafeBytes(of: &copy, body)
  }

  /// Whether the text is before `other`, byte by byte as SQLite's BINARY collation compares.
  private func isBefore(_ other: [UInt8]) -> Bool {
    for index in 0..<min(Self.length, other.count) where bytes[index] != other[index] {
      return bytes[index] < other[index]
    }
    return Self.length < other.count
  }

  private func isEqual(_ other: [UInt8]) -> Bool {
    guard other.count == Self.length else { return false }
    for index in 0..<Self.length where bytes[index] != other[index] { return false }
    return true
  }

  /// The least microsecond whose text is not before `text` (`last + 1`: there is none), and whether it is that text.
  static func place(of text: [UInt8]) -> (microsecond: Int64, isExact: Bool) {
    var low: Int64 = 0
    var high = last + 1
    var probe = TimestampText()
    while low < high {
      let middle = low + (high - low) / 2
      probe.set(middle)
      if probe.isBefore(text) { low = middle + 1 } else { high = middle }
    }
    guard low <= last else { return (low, false) }
    probe.set(low)
    return (low, probe.isEqual(text))
  }
}

/// Nanoseconds of rows that may satisfy all comparisons so far; never too narrow.
struct TimeRange: Equatable {
  /// Inclusive. `Int64.min`: no lower bound.
  var lower: Int64 = .min
  var upper: Int64 = .max

  var isEmpty: Bool { lower > upper }
  var isLimited: Bool { lower != .min || upper != .max }

  mutating func atLeast(microsecond: Int64) {
    if microsecond <= 0 { return }
    let (value, overflow) = microsecond.multipliedReportingOverflow(by: 1000)
    if overflow {
      lower = .max
      upper = .min
    } else {
      lower = max(lower, value)
    }
  }

  mutating func below(microsecond: Int64) {
    let (value, overflow) = microsecond.multipliedReportingOverflow(by: 1000)
    if !overflow { upper = min(upper, value - 1) }
  }

  mutating func narrow(_ operation: QueryOperation, _ text: [UInt8]) {
    switch operation {
    case .like: narrow(prefix: text.prefix { Self.isPlain($0) && $0 != UInt8(ascii: "_") })
    case .glob: narrow(prefix: text.prefix { Self.isPlain($0) || (0x41...0x5a).contains($0) })
    case .equal, .greater, .greaterOrEqual, .less, .lessOrEqual:
      let place = TimestampText.place(of: text)
      let after = place.microsecond + (place.isExact ? 1 : 0)
      switch operation {
      case .greater: atLeast(microsecond: after)
      case .greaterOrEqual: atLeast(microsecond: place.microsecond)
      case .less: below(microsecond: place.microsecond)
      case .lessOrEqual: below(microsecond: after)
      default:
        atLeast(microsecond: place.microsecond)
        below(microsecond: after)
      }
    case .notEqual: break
    }
  }

  /// Bytes that stand for themselves in a pattern of LIKE and have no other case.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: " "): true
    default: false
    }
  }

  private mutating func narrow(prefix: ArraySlice<UInt8>) {
    if prefix.isEmpty { return }
    atLeast(microsecond: TimestampText.place(of: Array(prefix)).microsecond)
    below(microsecond: TimestampText.place(of: Array(prefix) + [0xff]).microsecond)
  }
}
