/// Strings: checked, unescaped and copied in one pass, eight bytes at a time while they are plain ASCII.
extension JSONCursor {
  /// The text of a string into `out`, as UTF-8; the cursor is behind the opening quote, and behind the closing one afterwards.
  @inline(__always) mutating func text(into out: inout Arena) throws(JSONFault) {
    while true {
      // Words are written whole; what is behind a stop is overwritten by what comes next.
      let room = 64
      out.reserve(room)
      let to = UnsafeMutableRawPointer(out.base + out.count)
      var count = 0
      var stops: UInt64 = 0
      while stops == 0 && count < room && left &- count >= 8 {
        let word = word(count)
        to.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        stops = JSONWord.stops(word)
        count &+= stops == 0 ? 8 : stops.trailingZeroBitCount >> 3
      }
      at += count
      out.count &+= count
      if at < end && at.pointee == UInt8(ascii: "\"") {
        at += 1
        return
      }
      if stops != 0 || left < 8 { try unusual(into: &out) }
    }
  }

  /// One character that is not plain ASCII, or is near the end of the input.
  @inline(never) private mutating func unusual(into out: inout Arena) throws(JSONFault) {
    guard at < end else { throw fault(.truncated) }
    switch at.pointee {
    case UInt8(ascii: "\\"):
      at += 1
      try escape(into: &out)
    case 0..<0x20: throw fault(.control)
    case 0x80...:
      let length = try sequenceLength()
      out.append(UnsafeRawBufferPointer(start: at, count: length))
      at += length
    default:
      out.append(at.pointee)
      at += 1
    }
  }

  private func sequenceLength() throws(JSONFault) -> Int {
    let length = UTF8Text.sequenceLength(UnsafeRawBufferPointer(start: at, count: Swift.min(left, 4)), 0)
    guard length > 0 else { throw fault(.badUTF8) }
    return length
  }

  // MARK: escapes

  private mutating func escape(into out: inout Arena) throws(JSONFault) {
    guard at < end else { throw fault(.truncated) }
    let letter = at.pointee
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(letter)
    case UInt8(ascii: "n"): out.append(0x0a)
    case UInt8(ascii: "r"): out.append(0x0d)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0c)
    case UInt8(ascii: "u"): out.append(scalar: try scalar())
    default:
      at -= 1
      throw fault(.badEscape)
    }
  }

  /// The scalar behind `\u`, with its second half when it is a pair (CONFORMANCE JSON-12).
  private mutating func scalar() throws(JSONFault) -> UInt32 {
    let start = self
    let first = try codeUnit()
    guard first & 0xf800 == 0xd800 else { return first }
    guard first < 0xdc00, left >= 2, at[0] == UInt8(ascii: "\\"), at[1] == UInt8(ascii: "u") else {
      throw start.fault(.loneSurrogate)
    }
    at += 2
    let second = try codeUnit()
    guard second & 0xfc00 == 0xdc00 else { throw start.fault(.loneSurrogate) }
    return 0x1_0000 + (first & 0x3ff) << 10 + second & 0x3ff
  }

  private mutating func codeUnit() throws(JSONFault) -> UInt32 {
    guard left >= 4 else { throw fault(.truncated) }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      let nibble = JSONHex.value(at.pointee)
      guard nibble < 16 else { throw fault(.badEscape) }
      unit = unit << 4 | UInt32(nibble)
      at += 1
    }
    return unit
  }

  // MARK: passing

  /// Passes a string without keeping it; the cursor is behind the opening quote.
  mutating func passText() throws(JSONFault) {
    while true {
      while left >= 8 {
        let stops = JSONWord.stops(word())
        if stops == 0 {
          at += 8
        } else {
          at += stops.trailingZeroBitCount >> 3
          break
        }
      }
      guard at < end else { throw fault(.truncated) }
      switch at.pointee {
      case UInt8(ascii: "\""):
        at += 1
        return
      case UInt8(ascii: "\\"):
        at += 1
        try passEscape()
      case 0..<0x20: throw fault(.control)
      case 0x80...: at += try sequenceLength()
      default: at += 1
      }
    }
  }

  private mutating func passEscape() throws(JSONFault) {
    guard at < end else { throw fault(.truncated) }
    let letter = at.pointee
    at += 1
    switch letter {
    case UInt8(ascii: "u"): _ = try scalar()
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "n"), UInt8(ascii: "r"),
      UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "f"):
      break
    default:
      at -= 1
      throw fault(.badEscape)
    }
  }
}

extension Arena {
  fileprivate mutating func append(scalar: UInt32) {
    func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift) & 0x3f }
    switch scalar {
    case 0..<0x80: append(UInt8(scalar))
    case 0x80..<0x800:
      append(0xc0 | UInt8(scalar >> 6))
      append(tail(0))
    case 0x800..<0x1_0000:
      append(0xe0 | UInt8(scalar >> 12))
      append(tail(6))
      append(tail(0))
    default:
      append(0xf0 | UInt8(truncatingIfNeeded: scalar >> 18))
      append(tail(12))
      append(tail(6))
      append(tail(0))
    }
  }
}
