extension OTLPJSONDecoder {
  /// One field: its tag and its value.
  @inline(__always)
  mutating func value(
    _ field: UnsafePointer<OTLPField>, _ c: inout JSONCursor, depth: Int
  ) throws(JSONFault) {
    switch field.pointee.kind {
    case .text: try text(field, &c)
    case .id:
      let mark = begin(field)
      try c.hex(into: &out)
      endShort(mark)
    case .unsigned64: fixed64(field, try c.unsigned64())
    case .signed64: fixed64(field, UInt64(bitPattern: try c.signed64()))
    case .enumeration: varint(field, UInt64(bitPattern: Int64(try c.enumeration())))
    case .double: fixed64(field, try c.double().bitPattern)
    case .fixed32:
      let number = try c.unsigned32()
      tag(field)
      out.appendFixed32(number)
    case .unsigned32: varint(field, UInt64(try c.unsigned32()))
    case .zigzag32:
      let number = try c.signed32()
      varint(field, UInt64(UInt32(bitPattern: number << 1 ^ number >> 31)))
    case .integer: varint(field, UInt64(bitPattern: try c.signed64()))
    case .index: varint(field, UInt64(bitPattern: Int64(try c.signed32())))
    case .boolean: varint(field, try c.boolean() ? 1 : 0)
    case .keyValues: try keyValues(field, &c, depth: depth)
    case .message, .messages, .value, .values, .list: try structured(field, &c, depth: depth)
    case .bytes, .texts, .fixed64s, .doubles, .varints: try rare(field, &c)
    }
  }

  private mutating func text(_ field: UnsafePointer<OTLPField>, _ c: inout JSONCursor) throws(JSONFault) {
    try c.expect(UInt8(ascii: "\""), .notString)
    let mark = begin(field)
    try c.text(into: &out)
    endShort(mark)
  }

  // MARK: messages

  @inline(never)
  private mutating func structured(
    _ field: UnsafePointer<OTLPField>, _ c: inout JSONCursor, depth: Int
  ) throws(JSONFault) {
    switch field.pointee.kind {
    case .value:
      let mark = begin(field, field.pointee.room)
      try anyValue(&c, depth: depth)
      end(mark, field.pointee.room)
    case .list:
      guard depth < depthLimit else { throw c.fault(.tooDeep) }
      let mark = begin(field, field.pointee.room)
      try message(field.pointee.child, &c, depth: depth + 1)
      end(mark, field.pointee.room)
    case .message:
      let mark = begin(field, field.pointee.room)
      try message(field.pointee.child, &c, depth: depth)
      end(mark, field.pointee.room)
    default:
      try c.expect(UInt8(ascii: "["), .notArray)
      if c.passes(UInt8(ascii: "]")) { return }
      let isValue = field.pointee.kind == .values
      repeat {
        let mark = begin(field, field.pointee.room)
        // A null among values is an empty value and keeps its place (CONFORMANCE JSON-08, DM-03).
        if isValue {
          if try !c.passesNull() { try anyValue(&c, depth: depth) }
        } else {
          try message(field.pointee.child, &c, depth: depth)
        }
        end(mark, field.pointee.room)
      } while try c.hasMore(UInt8(ascii: "]"))
    }
  }

  /// Attributes, or the members of a map.
  @inline(never)
  private mutating func keyValues(
    _ field: UnsafePointer<OTLPField>, _ cursor: inout JSONCursor, depth: Int
  ) throws(JSONFault) {
    var c = cursor
    try c.expect(UInt8(ascii: "["), .notArray)
    if c.passes(UInt8(ascii: "]")) {
      cursor = c
      return
    }
    // Outermost elements are small. What nests may be large, and each level would move all that is in it.
    let room = depth > 0 ? 5 : 1
    repeat {
      c.skipSpace()
      if room == 1 && plainKeyValues(field.pointee.tag, &c) { continue }
      let mark = begin(field, room)
      try message(.keyValue, &c, depth: depth)
      end(mark, room)
    } while try c.hasMore(UInt8(ascii: "]"))
    cursor = c
  }

  /// As many elements as have the common form (see `PlainKeyValue`); the cursor is then behind one of them. False: there
  /// was none.
  @inline(__always)
  private mutating func plainKeyValues(_ tag: UInt8, _ c: inout JSONCursor) -> Bool {
    // An element of that form never becomes longer.
    out.reserve(c.left &+ 16)
    var plain = PlainKeyValue(from: c.at, end: c.end, to: out.base + out.count)
    var any = false
    while plain.rewrite(tag) {
      any = true
      c.at = plain.from
      out.count = plain.to - out.base
      guard plain.passesComma() else { break }
    }
    return any
  }

  /// The content of an AnyValue; texts, which most are, by whole words.
  private mutating func anyValue(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    if c.continues("{\"stringValue\":\"") {
      let first = c.at
      let start = out.count
      c.at += 16
      let mark = begin(tag: 0x0a)
      try c.text(into: &out)
      endShort(mark)
      if c.left > 0 && c.at.pointee == UInt8(ascii: "}") {
        c.at += 1
        return
      }
      c.at = first
      out.truncate(to: start)
    }
    try message(.anyValue, &c, depth: depth)
  }

  // MARK: arrays of scalars, bytes

  @inline(never)
  private mutating func rare(_ field: UnsafePointer<OTLPField>, _ cursor: inout JSONCursor) throws(JSONFault) {
    if field.pointee.kind == .bytes {
      let mark = begin(field)
      try cursor.base64(into: &out)
      endShort(mark)
      return
    }
    var c = cursor
    try c.expect(UInt8(ascii: "["), .notArray)
    if c.passes(UInt8(ascii: "]")) {
      cursor = c
      return
    }
    if field.pointee.kind == .texts {
      repeat { try text(field, &c) } while try c.hasMore(UInt8(ascii: "]"))
    } else {
      let mark = begin(field, 5)
      switch field.pointee.kind {
      case .fixed64s: repeat { out.appendFixed64(try c.unsigned64()) } while try c.hasMore(UInt8(ascii: "]"))
      case .doubles: repeat { out.appendFixed64(try c.double().bitPattern) } while try c.hasMore(UInt8(ascii: "]"))
      default: repeat { out.appendVarint(try c.unsigned64()) } while try c.hasMore(UInt8(ascii: "]"))
      }
      end(mark, 5)
    }
    cursor = c
  }

  // MARK: tags and lengths

  @inline(__always) private mutating func tag(_ field: UnsafePointer<OTLPField>) {
    out.append(field.pointee.tag)
    if field.pointee.tag >= 0x80 { out.append(field.pointee.tagTail) }
  }

  @inline(__always) private mutating func varint(_ field: UnsafePointer<OTLPField>, _ number: UInt64) {
    tag(field)
    out.appendVarint(number)
  }

  @inline(__always) private mutating func fixed64(_ field: UnsafePointer<OTLPField>, _ number: UInt64) {
    tag(field)
    out.appendFixed64(number)
  }

  /// Tag, and room for a length that is not known yet.
  @inline(__always) private mutating func begin(_ field: UnsafePointer<OTLPField>, _ room: Int = 1) -> Int {
    tag(field)
    out.reserve(room)
    out.count &+= room
    return out.count &- room
  }

  @inline(__always) private mutating func begin(tag: UInt8) -> Int {
    out.append(tag)
    out.append(0)
    return out.count &- 1
  }

  @inline(__always) private mutating func endShort(_ mark: Int) {
    let length = out.count &- mark &- 1
    if length < 0x80 { out.base[mark] = UInt8(truncatingIfNeeded: length) } else { out.endMessage(mark, 1) }
  }

  @inline(__always) private mutating func end(_ mark: Int, _ room: Int) {
    if room == 1 { endShort(mark) } else { out.endMessage(mark, room) }
  }
}

extension Arena {
  @inline(__always) mutating func appendVarint(_ number: UInt64) {
    reserve(10)
    var rest = number
    while rest >= 0x80 {
      base[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count &+= 1
      rest >>= 7
    }
    base[count] = UInt8(truncatingIfNeeded: rest)
    count &+= 1
  }

  @inline(__always) mutating func appendFixed64(_ number: UInt64) {
    reserve(8)
    UnsafeMutableRawPointer(base + count).storeBytes(of: number.littleEndian, as: UInt64.self)
    count &+= 8
  }

  @inline(__always) mutating func appendFixed32(_ number: UInt32) {
    reserve(4)
    UnsafeMutableRawPointer(base + count).storeBytes(of: number.littleEndian, as: UInt32.self)
    count &+= 4
  }

  /// Writes the length of what lies behind `mark` and `room` bytes kept for it, padded or, if it needs more, after a move.
  fileprivate mutating func endMessage(_ mark: Int, _ room: Int) {
    let length = count &- mark &- room
    var bytes = room
    while length >> (7 &* bytes) > 0 { bytes &+= 1 }
    if bytes > room {
      reserve(bytes &- room)
      (base + mark + bytes).update(from: base + mark + room, count: length)
      count &+= bytes &- room
    }
    var rest = length
    for index in 0..<bytes {
      base[mark &+ index] = UInt8(truncatingIfNeeded: rest & 0x7f) | (index < bytes &- 1 ? 0x80 : 0)
      rest >>= 7
    }
  }
}
