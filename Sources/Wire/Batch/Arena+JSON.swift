/// JSON text into an arena. The escapes of values that JSON does not know are those of `docs/schema.md`.
extension Arena {
  /// A JSON string of `bytes`; invalid UTF-8 becomes U+FFFD (CONFORMANCE PB-07). False if something was replaced.
  @inline(__always) @discardableResult
  mutating func appendJSONString(_ bytes: UnsafeRawBufferPointer) -> Bool {
    reserve(bytes.count &+ 2)
    base[count] = UInt8(ascii: "\"")
    count &+= 1
    let clean = appendEscaped(bytes)
    append(UInt8(ascii: "\""))
    return clean
  }

  /// `"key":`, with a comma before it if need be. A key that begins with `$` gets a second one.
  @inline(__always) mutating func appendKey(_ key: UnsafeRawBufferPointer, comma: Bool) -> Bool {
    reserve(key.count &+ 5)
    if comma {
      base[count] = UInt8(ascii: ",")
      count &+= 1
    }
    base[count] = UInt8(ascii: "\"")
    count &+= 1
    if key.count > 0 && key[0] == UInt8(ascii: "$") {
      base[count] = UInt8(ascii: "$")
      count &+= 1
    }
    let clean = appendEscaped(key)
    reserve(2)
    base[count] = UInt8(ascii: "\"")
    base[count &+ 1] = UInt8(ascii: ":")
    count &+= 2
    return clean
  }

  /// The inside of a JSON string. Copied eight bytes at a time while they are plain ASCII without quote, backslash and
  /// control; the last eight overlap what is written.
  @inline(__always) mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let source = bytes.baseAddress else { return true }
    let length = bytes.count
    reserve(length)
    let target = UnsafeMutableRawPointer(base + count)
    var at = 0
    if length >= 8 {
      while at &+ 8 <= length {
        let word = source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        if Self.needsCare(word) { return appendEscapedSlowly(bytes, from: at) }
        target.storeBytes(of: word, toByteOffset: at, as: UInt64.self)
        at &+= 8
      }
      let last = length &- 8
      let word = source.loadUnaligned(fromByteOffset: last, as: UInt64.self)
      if Self.needsCare(word) { return appendEscapedSlowly(bytes, from: at) }
      target.storeBytes(of: word, toByteOffset: last, as: UInt64.self)
    } else if length >= 4 {
      let last = length &- 4
      let first = source.loadUnaligned(as: UInt32.self)
      let second = source.loadUnaligned(fromByteOffset: last, as: UInt32.self)
      if Self.needsCare(UInt64(first) | UInt64(second) << 32) { return appendEscapedSlowly(bytes, from: 0) }
      target.storeBytes(of: first, as: UInt32.self)
      target.storeBytes(of: second, toByteOffset: last, as: UInt32.self)
    } else {
      while at < length {
        let byte = bytes[at]
        if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { return appendEscapedSlowly(bytes, from: at) }
        target.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
        at &+= 1
      }
    }
    count &+= length
    return true
  }

  /// Whether one of the eight bytes is a quote, a backslash, a control or not ASCII.
  @inline(__always) private static func needsCare(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let slash = word ^ (ones &* 0x5c)
    let suspicious =
      word | (word &- (ones &* 0x20)) | ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)
    return suspicious & 0x8080_8080_8080_8080 != 0
  }

  @inline(never) private mutating func appendEscapedSlowly(_ bytes: UnsafeRawBufferPointer, from: Int) -> Bool {
    count &+= from
    var at = from
    var clean = true
    while at < bytes.count {
      let byte = bytes[at]
      switch byte {
      case 0x22: append("\\\"")
      case 0x5c: append("\\\\")
      case 0x0a: append("\\n")
      case 0x0d: append("\\r")
      case 0x09: append("\\t")
      case 0..<0x20:
        append("\\u00")
        append(Self.hexDigit(byte >> 4))
        append(Self.hexDigit(byte & 15))
      case 0x20..<0x80: append(byte)
      default:
        let length = UTF8Text.sequenceLength(bytes, at)
        if length == 0 {
          append("\u{FFFD}")
          clean = false
        } else {
          append(UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
          at += length
          continue
        }
      }
      at += 1
    }
    return clean
  }

  @inline(__always) static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble
  }

  mutating func appendHex(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      append(Self.hexDigit(byte >> 4))
      append(Self.hexDigit(byte & 15))
    }
  }

  @inline(__always) mutating func appendInteger(_ number: Int64) {
    if number < 0 {
      append(UInt8(ascii: "-"))
      appendInteger(UInt64(bitPattern: 0 &- number))
    } else {
      appendInteger(UInt64(number))
    }
  }

  @inline(__always) mutating func appendInteger(_ number: UInt64) {
    reserve(20)
    if number < 10 {
      base[count] = 0x30 &+ UInt8(truncatingIfNeeded: number)
      count &+= 1
      return
    }
    var rest = number
    var digits = 2
    var limit: UInt64 = 100
    while digits < 20 && number >= limit {
      limit &*= 10
      digits &+= 1
    }
    var at = count &+ digits
    count = at
    while rest > 0 {
      at &-= 1
      base[at] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }

  /// Shortest text that reads back equal, always with a fraction or exponent, so that it never turns into an integer.
  mutating func appendDouble(_ number: Double) {
    if appendShortDouble(number) { return }
    if number.isFinite {
      append(number.description)
    } else if number.isNaN {
      append("{\"$double\":\"NaN\"}")
    } else {
      append(number < 0 ? "{\"$double\":\"-Infinity\"}" : "{\"$double\":\"Infinity\"}")
    }
  }

  /// Numbers of up to 15 digits of which six or fewer are behind the point: most of what is measured, in a third of the
  /// time. A decimal of so few digits that reads back equal is the shortest there is, as no two of them are one double.
  @inline(__always) private mutating func appendShortDouble(_ number: Double) -> Bool {
    let magnitude = number.magnitude
    guard magnitude < 1e9 && (magnitude >= 1e-4 || number.bitPattern == 0) else { return false }
    let millionths = (magnitude * 1e6).rounded(.toNearestOrEven)
    guard millionths / 1e6 == magnitude else { return false }
    let scaled = UInt64(millionths)
    if number < 0 { append(UInt8(ascii: "-")) }
    appendInteger(scaled / 1_000_000)
    append(UInt8(ascii: "."))
    var rest = scaled % 1_000_000
    var place: UInt64 = 100_000
    repeat {
      append(0x30 &+ UInt8(truncatingIfNeeded: rest / place))
      rest %= place
      place /= 10
    } while rest > 0
    return true
  }

  /// An integer, or text above 2^63, which SQLite could only hold as a rounded double.
  mutating func appendUnsigned(_ number: UInt64) {
    if number <= UInt64(Int64.max) {
      appendInteger(number)
    } else {
      append(UInt8(ascii: "\""))
      appendInteger(number)
      append(UInt8(ascii: "\""))
    }
  }

  mutating func appendBytesValue(_ bytes: UnsafeRawBufferPointer) {
    append("{\"$bytes\":\"")
    appendBase64(bytes)
    append("\"}")
  }

  /// Standard alphabet, padded.
  mutating func appendBase64(_ bytes: UnsafeRawBufferPointer) {
    reserve((bytes.count + 2) / 3 * 4)
    var at = 0
    while at < bytes.count {
      let left = bytes.count - at
      let b0 = UInt32(bytes[at])
      let b1 = left > 1 ? UInt32(bytes[at + 1]) : 0
      let b2 = left > 2 ? UInt32(bytes[at + 2]) : 0
      let group = b0 << 16 | b1 << 8 | b2
      append(Self.base64Digit(group >> 18))
      append(Self.base64Digit(group >> 12 & 63))
      append(left > 1 ? Self.base64Digit(group >> 6 & 63) : UInt8(ascii: "="))
      append(left > 2 ? Self.base64Digit(group & 63) : UInt8(ascii: "="))
      at += 3
    }
  }

  private static func base64Digit(_ value: UInt32) -> UInt8 {
    let v = UInt8(truncatingIfNeeded: value)
    switch v {
    case 0..<26: return 65 + v
    case 26..<52: return 71 + v
    case 52..<62: return v - 4
    case 62: return UInt8(ascii: "+")
    default: return UInt8(ascii: "/")
    }
  }
}

enum UTF8Text {
  /// Length of the valid sequence that begins with the non-ASCII byte at `at`, 0 if it is not valid (RFC 3629).
  static func sequenceLength(_ b: UnsafeRawBufferPointer, _ at: Int) -> Int {
    func tail(_ offset: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xbf) -> Bool {
      at + offset < b.count && b[at + offset] >= low && b[at + offset] <= high
    }
    switch b[at] {
    case 0xc2...0xdf: return tail(1) ? 2 : 0
    case 0xe0: return tail(1, 0xa0) && tail(2) ? 3 : 0
    case 0xed: return tail(1, 0x80, 0x9f) && tail(2) ? 3 : 0
    case 0xe1...0xef: return tail(1) && tail(2) ? 3 : 0
    case 0xf0: return tail(1, 0x90) && tail(2) && tail(3) ? 4 : 0
    case 0xf1...0xf3: return tail(1) && tail(2) && tail(3) ? 4 : 0
    case 0xf4: return tail(1, 0x80, 0x8f) && tail(2) && tail(3) ? 4 : 0
    default: return 0
    }
  }
}
