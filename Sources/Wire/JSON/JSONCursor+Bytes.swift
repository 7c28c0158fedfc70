/// Bytes in strings: ids in hexadecimal, everything else in base64.
extension JSONCursor {
  /// An id of any length into `out`; the empty string is no id (CONFORMANCE JSON-03).
  @inline(__always) mutating func hex(into out: inout Arena) throws(JSONFault) {
    try expect(UInt8(ascii: "\""), .notString)
    // The usual sixteen and eight bytes; what is longer is no id, but whose fault that is is said elsewhere.
    out.reserve(16)
    let to = UnsafeMutableRawPointer(out.base + out.count)
    var count = 0
    while count < 16 && left &- 2 &* count >= 8, let four = JSONHex.bytes(word(2 &* count)) {
      to.storeBytes(of: four.littleEndian, toByteOffset: count, as: UInt32.self)
      count &+= 4
    }
    at += 2 &* count
    out.count &+= count
    if at < end && at.pointee == UInt8(ascii: "\"") {
      at += 1
    } else {
      try hexPairs(into: &out)
    }
  }

  @inline(never) private mutating func hexPairs(into out: inout Arena) throws(JSONFault) {
    while true {
      guard at < end else { throw fault(.truncated) }
      if at.pointee == UInt8(ascii: "\"") { break }
      guard left >= 2 else { throw fault(.truncated) }
      let high = JSONHex.value(at[0])
      let low = JSONHex.value(at[1])
      guard high < 16 && low < 16 else { throw fault(.badHex) }
      out.append(high << 4 | low)
      at += 2
    }
    at += 1
  }

  /// Base64 with the standard or the URL-safe alphabet, padded or not (JSON-10).
  mutating func base64(into out: inout Arena) throws(JSONFault) {
    try expect(UInt8(ascii: "\""), .notString)
    var group: UInt32 = 0
    var digits = 0
    var padding = 0
    while true {
      guard at < end else { throw fault(.truncated) }
      if at.pointee == UInt8(ascii: "\"") { break }
      // Some encoders, Foundation's among them, write every slash as `\/`.
      if at.pointee == UInt8(ascii: "\\") && left >= 2 && at[1] == UInt8(ascii: "/") { at += 1 }
      let byte = at.pointee
      if byte == UInt8(ascii: "=") {
        padding += 1
      } else {
        let value = Self.base64Value(byte)
        guard value < 64 && padding == 0 else { throw fault(.badBase64) }
        group = group << 6 | UInt32(value)
        digits += 1
        if digits & 3 == 0 {
          out.append(UInt8(truncatingIfNeeded: group >> 16))
          out.append(UInt8(truncatingIfNeeded: group >> 8))
          out.append(UInt8(truncatingIfNeeded: group))
          group = 0
        }
      }
      at += 1
    }
    let rest = digits & 3
    guard rest != 1 && (padding == 0 || (rest > 0 && rest + padding == 4)) else { throw fault(.badBase64) }
    if rest >= 2 { out.append(UInt8(truncatingIfNeeded: rest == 2 ? group >> 4 : group >> 10)) }
    if rest == 3 { out.append(UInt8(truncatingIfNeeded: group >> 2)) }
    at += 1
  }

  /// 64 for a byte that is no digit.
  private static func base64Value(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: 64
    }
  }
}

enum JSONHex {
  /// 16 or more for a byte that is no hexadecimal digit.
  @inline(__always) static func value(_ byte: UInt8) -> UInt8 {
    let digit = byte &- 0x30
    if digit < 10 { return digit }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : 16
  }

  /// Four bytes from eight digits in any case, first digit in the lowest byte of `word`; nil if one of them is no digit.
  @inline(__always) static func bytes(_ word: UInt64) -> UInt32? {
    let ones = JSONWord.ones
    let highs = JSONWord.highs
    // Per byte, with the high bit clear: is it 0…9, is it a…f in either case?
    let lower = word | (ones &* 0x20)
    let isDigit = (word &+ (ones &* 0x50)) & ~(word &+ (ones &* 0x46)) & highs
    let isLetter = (lower &+ (ones &* 0x1f)) & ~(lower &+ (ones &* 0x19)) & highs
    guard word & highs == 0 && isDigit | isLetter == highs else { return nil }
    // Letters are 0x61…0x66: their low nibble is one to six.
    let nibbles = (word & (ones &* 0x0f)) &+ ((isLetter >> 7) &* 9)
    let pairs = ((nibbles << 4) | (nibbles >> 8)) & 0x00ff_00ff_00ff_00ff
    let halves = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff
    return UInt32(truncatingIfNeeded: halves | halves >> 16)
  }
}
