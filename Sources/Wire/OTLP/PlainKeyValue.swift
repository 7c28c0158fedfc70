/// The common form of an attribute, `{"key":"…","value":{"stringValue":"…"}}` or with a number or a boolean, without white
/// space, escapes or anything but ASCII, and of less than 128 bytes: taken by whole words, with both places in registers.
/// Every other form is read key by key; nothing here decides what is valid.
struct PlainKeyValue {
  /// Behind the last element that was taken.
  private(set) var from: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  /// Behind what was written. There is room for what is left of the input and 16 bytes.
  private(set) var to: UnsafeMutablePointer<UInt8>

  @inline(__always) init(from: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, to: UnsafeMutablePointer<UInt8>) {
    self.from = from
    self.end = end
    self.to = to
  }

  /// Passes `,{`, but for the brace.
  @inline(__always) mutating func passesComma() -> Bool {
    guard end - from >= 2 && from[0] == UInt8(ascii: ",") && from[1] == UInt8(ascii: "{") else { return false }
    from += 1
    return true
  }

  /// One element as a KeyValue in protobuf. False: it is of another form; nothing has changed.
  @inline(__always) mutating func rewrite(_ tag: UInt8) -> Bool {
    var input = Input(at: from, end: end)
    // Tag and length of the KeyValue, tag and length of the key.
    guard input.left >= 64 && input.word(0) == JSONCursor.word("{\"key\":\"", 0) else { return false }
    input.at += 8
    to[0] = tag
    to[2] = 0x0a
    guard let key = input.text(to + 4), key < 0x80 else { return false }
    to[3] = UInt8(truncatingIfNeeded: key)
    // Tag and length of the value, and the tag inside of it.
    let value = to + (4 &+ key)
    guard input.left >= 40 && input.word(0) == JSONCursor.word(",\"value\"", 0) else { return false }
    let length: Int
    switch input.word(8) {
    case JSONCursor.word(":{\"stringValue", 0):
      guard input.word(16) == JSONCursor.word("gValue\":", 0) && input.at[24] == UInt8(ascii: "\"") else {
        return false
      }
      input.at += 25
      guard let text = input.text(value + 4), text < 0x80 else { return false }
      value[2] = 0x0a
      value[3] = UInt8(truncatingIfNeeded: text)
      length = text &+ 2
    case JSONCursor.word(":{\"intValue", 0):
      guard input.word(13) == JSONCursor.word("intValue\":", 2) else { return false }
      input.at += 21
      guard let number = input.integer() else { return false }
      value[2] = 0x18
      length = 1 &+ Self.varint(number, value + 3)
    case JSONCursor.word(":{\"boolValue", 0):
      guard input.word(14) == JSONCursor.word("boolValue\":", 3) else { return false }
      input.at += 22
      guard let flag = input.boolean() else { return false }
      value[2] = 0x10
      value[3] = flag ? 1 : 0
      length = 2
    case JSONCursor.word(":{\"doubleValue", 0):
      guard input.word(16) == JSONCursor.word("eValue\":", 0) else { return false }
      var cursor = JSONCursor(at: input.at + 24, end: end)
      guard let number = try? cursor.double() else { return false }
      input.at = cursor.at
      value[2] = 0x21
      UnsafeMutableRawPointer(value + 3).storeBytes(of: number.bitPattern.littleEndian, as: UInt64.self)
      length = 9
    default: return false
    }
    guard input.left >= 2 && input.at[0] == UInt8(ascii: "}") && input.at[1] == UInt8(ascii: "}") else { return false }
    let total = key &+ length &+ 4
    guard total < 0x80 else { return false }
    value[0] = 0x12
    value[1] = UInt8(truncatingIfNeeded: length)
    to[1] = UInt8(truncatingIfNeeded: total)
    from = input.at + 2
    to = value + (2 &+ length)
    return true
  }

  @inline(__always) private static func varint(_ number: UInt64, _ to: UnsafeMutablePointer<UInt8>) -> Int {
    var rest = number
    var count = 0
    while rest >= 0x80 {
      to[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest >>= 7
      count &+= 1
    }
    to[count] = UInt8(truncatingIfNeeded: rest)
    return count &+ 1
  }

  private struct Input {
    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>

    @inline(__always) init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
      self.at = at
      self.end = end
    }

    @inline(__always) var left: Int { end - at }

    @inline(__always) func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: UnsafeRawPointer(at + offset).loadUnaligned(as: UInt64.self))
    }

    /// Copies up to the closing quote and passes it. Nil for anything but plain ASCII.
    @inline(__always) mutating func text(_ to: UnsafeMutablePointer<UInt8>) -> Int? {
      var count = 0
      while left &- count >= 8 {
        let word = word(count)
        UnsafeMutableRawPointer(to + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        let stops = JSONWord.stops(word)
        if stops == 0 {
          count &+= 8
          continue
        }
        count &+= stops.trailingZeroBitCount >> 3
        guard at[count] == UInt8(ascii: "\"") else { return nil }
        at += count &+ 1
        return count
      }
      return nil
    }

    /// At most 18 digits, bare or in quotes, followed by a brace; 40 bytes are left before the member, 19 from here.
    @inline(__always) mutating func integer() -> UInt64? {
      let quoted = at[0] == UInt8(ascii: "\"")
      var digits = quoted ? at + 1 : at
      let negative = digits[0] == UInt8(ascii: "-")
      if negative { digits += 1 }
      var number: UInt64 = 0
      var count = 0
      while count < 18 && end - digits > count &+ 1 {
        let digit = digits[count] &- 0x30
        if digit > 9 { break }
        number = number &* 10 &+ UInt64(digit)
        count &+= 1
      }
      // A leading zero is legal only in quotes or alone: the careful way decides.
      guard count > 0 && (count == 1 || digits[0] != 0x30) else { return nil }
      digits += count
      if quoted {
        guard digits[0] == UInt8(ascii: "\"") else { return nil }
        digits += 1
      } else if digits[0] != UInt8(ascii: "}") {
        return nil
      }
      at = digits
      return negative ? 0 &- number : number
    }

    @inline(__always) mutating func boolean() -> Bool? {
      guard left >= 8 else { return nil }
      if word(0) & 0xffff_ffff == JSONCursor.word("true    ", 0) & 0xffff_ffff {
        at += 4
        return true
      }
      guard word(0) & 0xff_ffff_ffff == JSONCursor.word("false   ", 0) & 0xff_ffff_ffff else { return nil }
      at += 5
      return false
    }
  }
}
