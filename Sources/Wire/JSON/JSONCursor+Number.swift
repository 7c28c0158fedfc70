/// Numbers as OTLP/JSON has them: bare or in quotes. Whole numbers never pass through a `Double` (CONFORMANCE JSON-05).
extension JSONCursor {
  /// An integer without its sign.
  struct Whole {
    var magnitude: UInt64
    var negative: Bool
  }

  // MARK: whole numbers

  @inline(__always) mutating func unsigned64() throws(JSONFault) -> UInt64 {
    let start = self
    let number = try whole()
    guard !number.negative || number.magnitude == 0 else { throw start.fault(.outOfRange) }
    return number.magnitude
  }

  @inline(__always) mutating func signed64() throws(JSONFault) -> Int64 {
    let start = self
    let number = try whole()
    if number.negative {
      guard number.magnitude <= 1 << 63 else { throw start.fault(.outOfRange) }
      return Int64(bitPattern: 0 &- number.magnitude)
    }
    guard number.magnitude < 1 << 63 else { throw start.fault(.outOfRange) }
    return Int64(bitPattern: number.magnitude)
  }

  mutating func unsigned32() throws(JSONFault) -> UInt32 {
    let start = self
    guard let number = UInt32(exactly: try unsigned64()) else { throw start.fault(.outOfRange) }
    return number
  }

  mutating func signed32() throws(JSONFault) -> Int32 {
    let start = self
    guard let number = Int32(exactly: try signed64()) else { throw start.fault(.outOfRange) }
    return number
  }

  /// An enum: a number of any value, never a name (CONFORMANCE JSON-04).
  mutating func enumeration() throws(JSONFault) -> Int32 {
    if try peek() == UInt8(ascii: "\"") { throw fault(.enumName) }
    return try signed32()
  }

  @inline(__always) mutating func whole() throws(JSONFault) -> Whole {
    skipSpace()
    let quoted = at < end && at.pointee == UInt8(ascii: "\"")
    var digits = self
    if quoted { digits.at += 1 }
    let negative = digits.at < end && digits.at.pointee == UInt8(ascii: "-")
    if negative { digits.at += 1 }
    let first = digits.at
    var value: UInt64 = 0
    // Sixteen digits by eights, three more one by one: 19 digits always fit.
    while digits.at - first < 16 && digits.left >= 8, let eight = JSONWord.digits(digits.word()) {
      value = value &* 100_000_000 &+ eight
      digits.at += 8
    }
    while digits.at < end && digits.at - first < 19 {
      let digit = digits.at.pointee &- 0x30
      guard digit < 10 else { break }
      value = value &* 10 &+ UInt64(digit)
      digits.at += 1
    }
    let count = digits.at - first
    guard digits.at < end && count > 0 else { return try carefulWhole() }
    if quoted {
      guard digits.at.pointee == UInt8(ascii: "\"") else { return try carefulWhole() }
      at = digits.at + 1
    } else {
      guard Self.endsNumber(digits.at.pointee) && (first.pointee != 0x30 || count == 1) else {
        return try carefulWhole()
      }
      at = digits.at
    }
    return Whole(magnitude: value, negative: negative)
  }

  @inline(__always) static func endsNumber(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= 0x20
  }

  /// Every legal form: also 19 and 20 digits, fractions and exponents as long as the number is whole (`1.0`, `1e3`).
  @inline(never) private mutating func carefulWhole() throws(JSONFault) -> Whole {
    let token = try numberToken()
    var negative = false
    var value: UInt64 = 0
    // Zeros count only once another digit follows.
    var zeros = 0
    var fraction = 0
    var exponent = 0
    var exponentNegative = false
    var part = 0
    for byte in token {
      switch byte {
      case UInt8(ascii: "-"): if part == 2 { exponentNegative = true } else { negative = true }
      case UInt8(ascii: "+"): break
      case UInt8(ascii: "."): part = 1
      case UInt8(ascii: "e"), UInt8(ascii: "E"): part = 2
      default:
        let digit = UInt64(byte &- 0x30)
        if part == 2 {
          exponent = Swift.min(exponent * 10 + Int(digit), 1 << 30)
          continue
        }
        if part == 1 { fraction += 1 }
        if digit == 0 {
          if value > 0 { zeros += 1 }
          continue
        }
        guard let shifted = Self.scaled(value, zeros + 1) else { throw fault(.outOfRange) }
        let (sum, over) = shifted.addingReportingOverflow(digit)
        if over { throw fault(.outOfRange) }
        value = sum
        zeros = 0
      }
    }
    if value == 0 { return Whole(magnitude: 0, negative: negative) }
    let scale = zeros - fraction + (exponentNegative ? -exponent : exponent)
    guard scale >= 0 else { throw fault(.notIntegral) }
    guard let number = Self.scaled(value, scale) else { throw fault(.outOfRange) }
    return Whole(magnitude: number, negative: negative)
  }

  /// `value` · 10^`power`, nil if that has more than 64 bits.
  private static func scaled(_ value: UInt64, _ power: Int) -> UInt64? {
    if value == 0 { return 0 }
    guard power <= 20 else { return nil }
    var value = value
    for _ in 0..<power {
      let (product, over) = value.multipliedReportingOverflow(by: 10)
      if over { return nil }
      value = product
    }
    return value
  }

  // MARK: tokens

  /// Passes a number, bare or in quotes, and returns it without quotes; its grammar is checked.
  private mutating func numberToken() throws(JSONFault) -> UnsafeBufferPointer<UInt8> {
    let quoted = passes(UInt8(ascii: "\""))
    let start = at
    try passNumber(anyZeros: quoted)
    let token = UnsafeBufferPointer(start: start, count: at - start)
    if quoted {
      guard at < end && at.pointee == UInt8(ascii: "\"") else { throw fault(orTruncated: .notNumber) }
      at += 1
    }
    return token
  }

  /// `-? digits (. digits)? ([eE] [+-]? digits)?`; leading zeros only in quotes.
  mutating func passNumber(anyZeros: Bool) throws(JSONFault) {
    if at < end && at.pointee == UInt8(ascii: "-") { at += 1 }
    let first = at
    try passDigits()
    if first.pointee == 0x30 && at - first > 1 && !anyZeros { throw fault(.notNumber) }
    if at < end && at.pointee == UInt8(ascii: ".") {
      at += 1
      try passDigits()
    }
    if at < end && at.pointee | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < end && (at.pointee == UInt8(ascii: "+") || at.pointee == UInt8(ascii: "-")) { at += 1 }
      try passDigits()
    }
  }

  private mutating func passDigits() throws(JSONFault) {
    let first = at
    while at < end && at.pointee &- 0x30 < 10 { at += 1 }
    if at == first { throw fault(orTruncated: .notNumber) }
  }

  // MARK: doubles

  /// A number, a numeric string, or `"NaN"`, `"Infinity"`, `"-Infinity"`; too large a number is refused (JSON-09).
  mutating func double() throws(JSONFault) -> Double {
    if let quick = passQuickDouble() { return quick }
    if try peek() == UInt8(ascii: "\""), let special = passSpecialDouble() { return special }
    let token = try numberToken()
    let number = Double(String(decoding: token, as: UTF8.self))
    guard let number, number.isFinite else { throw fault(.outOfRange) }
    return number
  }

  private mutating func passSpecialDouble() -> Double? {
    let text = UnsafeRawBufferPointer(start: at, count: Swift.min(left, 11))
    func begins(_ word: StaticString) -> Bool {
      text.count >= word.utf8CodeUnitCount
        && UnsafeRawBufferPointer(rebasing: text[..<word.utf8CodeUnitCount]).spells(word)
    }
    if begins("\"NaN\"") {
      at += 5
      return .nan
    }
    if begins("\"Infinity\"") {
      at += 10
      return .infinity
    }
    if begins("\"-Infinity\"") {
      at += 11
      return -.infinity
    }
    return nil
  }

  /// `-?digits(.digits)?` of at most 18 digits. Digits up to 2^53 and a power of ten up to 10^22 are exact, so that one
  /// rounding is all there is (Clinger 1990). Nil for other numbers, also for wrong ones; nothing is passed then.
  @inline(__always) private mutating func passQuickDouble() -> Double? {
    skipSpace()
    var digits = self
    let negative = at < end && at.pointee == UInt8(ascii: "-")
    if negative { digits.at += 1 }
    let first = digits.at
    var mantissa: UInt64 = 0
    digits.passDigits(&mantissa)
    let whole = digits.at - first
    guard whole > 0 && (whole == 1 || first.pointee != 0x30) && digits.left > 0 else { return nil }
    var fraction = 0
    if digits.at.pointee == UInt8(ascii: ".") {
      digits.at += 1
      let start = digits.at
      digits.passDigits(&mantissa)
      fraction = digits.at - start
      guard fraction > 0 && digits.left > 0 else { return nil }
    }
    guard Self.endsNumber(digits.at.pointee) && whole &+ fraction <= 18 && mantissa <= 1 << 53 else { return nil }
    at = digits.at
    var number = Double(mantissa)
    if fraction > 0 {
      var divisor = 10.0
      for _ in 1..<fraction { divisor *= 10 }
      number /= divisor
    }
    return negative ? -number : number
  }

  @inline(__always) private mutating func passDigits(_ number: inout UInt64) {
    while at < end {
      let digit = at.pointee &- 0x30
      if digit > 9 { break }
      number = number &* 10 &+ UInt64(digit)
      at += 1
    }
  }
}
