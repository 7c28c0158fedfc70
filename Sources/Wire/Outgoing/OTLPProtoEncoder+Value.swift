import Telemetry

/// Values with our escapes to `KeyValue` and `AnyValue`.
extension OTLPProtoEncoder {
  // MARK: attributes

  /// The members of an object as repeated `KeyValue`; nothing for no bytes.
  @inline(__always)
  mutating func attributes(_ tag: UInt8, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard var cursor = JSONCursor(json) else { return }
    try keyValues(tag, &cursor, depth: 0)
  }

  /// `depth` 0: these are attributes, which may have to stay.
  mutating func keyValues(_ tag: UInt8, _ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    try c.expect(UInt8(ascii: "{"), .notObject)
    if c.passes(UInt8(ascii: "}")) { return }
    repeat {
      let start = open(tag)
      let length = try key(&c)
      if depth == 0 && rules.isActive && !rules.leaves(out.bytes(out.count - length, length)) {
        out.truncate(to: start - 2)
        _ = try c.storedValue()
        continue
      }
      try anyValue(0x12, &c, depth: depth)
      close(start)
    } while try c.hasMore(UInt8(ascii: "}"))
  }

  /// `KeyValue.key`, and passes the colon. Gives its length; the text is at the end of what is written.
  @inline(__always) mutating func key(_ c: inout JSONCursor) throws(JSONFault) -> Int {
    try c.expect(UInt8(ascii: "\""), .notString)
    let start = open(0x0a)
    try c.text(into: &out)
    try c.expect(UInt8(ascii: ":"))
    var length = out.count &- start
    // A key that begins with `$` was written with a second one.
    if length > 0 && out.base[start] == UInt8(ascii: "$") {
      length -= 1
      UnsafeMutableRawPointer(out.base + start).copyMemory(from: out.base + start + 1, byteCount: length)
      out.count -= 1
    }
    if length > 0 { close(start) } else { out.truncate(to: start - 2) }
    return length
  }

  /// An attribute that no row has.
  mutating func attribute(_ tag: UInt8, _ key: StaticString, _ text: UnsafeRawBufferPointer) {
    let start = open(tag)
    keyText(key)
    let value = open(0x12)
    if text.count > 0 { self.text(0x0a, text) } else { _ = open(0x0a) }
    close(value)
    close(start)
  }

  mutating func attribute(_ tag: UInt8, _ key: StaticString, _ number: Int64) {
    let start = open(tag)
    keyText(key)
    let value = open(0x12)
    varint(0x18, UInt64(bitPattern: number))
    close(value)
    close(start)
  }

  private mutating func keyText(_ key: StaticString) {
    let start = open(0x0a)
    out.append(key)
    close(start)
  }

  // MARK: values

  mutating func anyValue(_ tag: UInt8, _ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    let start = open(tag)
    switch try c.peek() {
    case UInt8(ascii: "\""):
      c.at += 1
      let text = open(0x0a)
      try c.text(into: &out)
      close(text)
    case UInt8(ascii: "t"), UInt8(ascii: "f"): varint(0x10, try c.boolean() ? 1 : 0)
    case UInt8(ascii: "n"): try c.literal("null")
    case UInt8(ascii: "["): try array(&c, depth: depth)
    case UInt8(ascii: "{"): try object(&c, depth: depth)
    default: try number(&c)
    }
    close(start)
  }

  /// `AnyValue.array_value`.
  private mutating func array(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
    let start = open(0x2a)
    c.at += 1
    if !c.passes(UInt8(ascii: "]")) {
      repeat { try anyValue(0x0a, &c, depth: depth + 1) } while try c.hasMore(UInt8(ascii: "]"))
    }
    close(start)
  }

  /// `AnyValue.kvlist_value`, or what the object stands for.
  private mutating func object(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
    if try escaped(&c) { return }
    let start = open(0x32)
    try keyValues(0x0a, &c, depth: depth + 1)
    close(start)
  }

  /// `{"$bytes":"…"}` or `{"$double":"NaN"}`; false, and nothing passed, for an ordinary object.
  private mutating func escaped(_ c: inout JSONCursor) throws(JSONFault) -> Bool {
    // Most objects say with their third byte that they are no such thing.
    if c.left > 2 && c.at[1] == UInt8(ascii: "\"") && c.at[2] != UInt8(ascii: "$") { return false }
    var object = StoredObject(c)
    guard let key = try object.next() else { return false }
    if key.spells("$bytes") {
      let start = open(0x3a)
      object.cursor.skipSpace()
      try object.cursor.base64(into: &out)
      close(start)
    } else if key.spells("$double") {
      fixed64(0x21, try object.cursor.storedDouble().bitPattern)
    } else {
      return false
    }
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    c = object.cursor
    return true
  }

  /// An integer has no fraction and no exponent, a double has one of them.
  @inline(__always) private mutating func number(_ c: inout JSONCursor) throws(JSONFault) {
    if let integer = c.passShortInteger() { return varint(0x18, UInt64(bitPattern: integer)) }
    try longNumber(&c)
  }

  @inline(never) private mutating func longNumber(_ c: inout JSONCursor) throws(JSONFault) {
    var end = c
    try end.passNumber(anyZeros: false)
    let token = UnsafeRawBufferPointer(start: c.at, count: end.at - c.at)
    if token.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
      fixed64(0x21, try c.double().bitPattern)
    } else {
      varint(0x18, UInt64(bitPattern: try c.signed64()))
    }
  }

  // MARK: members of ext

  /// A text member.
  mutating func string(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    try c.expect(UInt8(ascii: "\""), .notString)
    let start = open(tag)
    try c.text(into: &out)
    close(start)
  }

  /// An id; the empty one is left out.
  mutating func hex(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    let start = open(tag)
    c.skipSpace()
    try c.hex(into: &out)
    if out.count == start { out.truncate(to: start - 2) } else { close(start) }
  }

  mutating func unsigned32(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    varint(tag, unlessZero: UInt64(try c.unsigned32()))
  }

  mutating func signed32(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    signed(tag, unlessZero: Int64(try c.signed32()))
  }

  mutating func double(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    fixed64(tag, try c.storedDouble().bitPattern)
  }

  /// A double field without presence: 0 is left out, -0 is not.
  mutating func double(_ tag: UInt8, unlessZero c: inout JSONCursor) throws(JSONFault) {
    fixed64(tag, unlessZero: try c.storedDouble().bitPattern)
  }
}

extension JSONCursor {
  /// A number, or `{"$double":"NaN"}`.
  mutating func storedDouble() throws(JSONFault) -> Double {
    guard try peek() == UInt8(ascii: "{") else { return try double() }
    var object = StoredObject(self)
    guard let key = try object.next(), key.spells("$double") else { throw fault(.notNumber) }
    let number = try object.cursor.double()
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    self = object.cursor
    return number
  }

  /// A bare integer of up to 18 digits; nil, and nothing passed, for everything else.
  @inline(__always) mutating func passShortInteger() -> Int64? {
    var digits = self
    let negative = at < end && at.pointee == UInt8(ascii: "-")
    if negative { digits.at += 1 }
    let first = digits.at
    var value: Int64 = 0
    while digits.at < end && digits.at - first <= 18 {
      let digit = digits.at.pointee &- 0x30
      if digit > 9 { break }
      value = value &* 10 &+ Int64(digit)
      digits.at += 1
    }
    let count = digits.at - first
    guard digits.at < end, count > 0, count <= 18, count == 1 || first.pointee != 0x30,
      Self.endsNumber(digits.at.pointee)
    else { return nil }
    at = digits.at
    return negative ? -value : value
  }
}
