/// Numbers as JSON has them outside: stored doubles always have a fraction or an exponent, so that they stay doubles.
extension Arena {
  /// As ECMAScript and Go write it: `1.0` is `1`, `1e-05` is `0.00001`, exponents from 10^21 and below 10^-6.
  mutating func appendPlainNumber(_ text: Bytes) {
    var hasPoint = false
    for byte in text {
      if byte | 0x20 == UInt8(ascii: "e") { return appendExponential(text) }
      if byte == UInt8(ascii: ".") { hasPoint = true }
    }
    if hasPoint && text.count > 2 && text[text.count - 1] == 0x30 && text[text.count - 2] == UInt8(ascii: ".") {
      append(Bytes(rebasing: text.dropLast(2)))
    } else {
      append(text)
    }
  }

  /// `text` has an exponent. Its digits are gathered behind the end and then put in their place.
  private mutating func appendExponential(_ text: Bytes) {
    var digits: [UInt8] = []
    // Where the point is, counted from the first digit.
    var place = 0
    var exponent = 0
    var isNegative = false
    var part = 0
    for byte in text {
      switch byte {
      case UInt8(ascii: "-"): if part == 2 { isNegative = true } else { append(byte) }
      case UInt8(ascii: "+"): break
      case UInt8(ascii: "."): part = 1
      case UInt8(ascii: "e"), UInt8(ascii: "E"): part = 2
      case _ where part == 2: exponent = min(exponent * 10 + Int(byte & 15), 100_000)
      default:
        if digits.isEmpty && byte == 0x30 {
          if part == 1 { place -= 1 }
          continue
        }
        digits.append(byte)
        if part == 0 { place += 1 }
      }
    }
    while digits.last == 0x30 { digits.removeLast() }
    guard !digits.isEmpty else { return append("0") }
    place += isNegative ? -exponent : exponent
    switch place {
    case digits.count...21:
      append(digits[...])
      for _ in 0..<(place - digits.count) { append("0") }
    case 1...21:
      append(digits[..<place])
      append(".")
      append(digits[place...])
    case -5...0:
      append("0.")
      for _ in 0..<(-place) { append("0") }
      append(digits[...])
    default:
      append(digits[..<1])
      if digits.count > 1 {
        append(".")
        append(digits[1...])
      }
      append(place > 0 ? "e+" : "e-")
      appendInteger(Int64(abs(place - 1)))
    }
  }

  mutating func append(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { append($0) } }
}
