/// JSON of a stranger into the JSON that is kept (`docs/schema.md`): the value that an OTLP attribute of the same content
/// would have. Keys that begin with `$` get another one, doubles are written the shortest way.
extension BatchBuilder {
  mutating func copyValue(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "{"):
      guard depth < options.depthLimit else { throw c.fault(.tooDeep) }
      let start = arena.count
      var mark = beginObject()
      var input = StoredObject(c)
      while let key = try input.next() {
        copyKey(key, in: &mark)
        try copyValue(&input.cursor, depth: depth + 1)
      }
      c = input.cursor
      _ = endObject(mark)
      measureValue(arena.count &- start)
    case UInt8(ascii: "["):
      guard depth < options.depthLimit else { throw c.fault(.tooDeep) }
      let start = arena.count
      arena.append(UInt8(ascii: "["))
      var first = true
      var input = StoredArray(c)
      while try input.next() {
        if !first { arena.append(UInt8(ascii: ",")) }
        first = false
        try copyValue(&input.cursor, depth: depth + 1)
      }
      c = input.cursor
      arena.append(UInt8(ascii: "]"))
      measureValue(arena.count &- start)
    case UInt8(ascii: "\""): try copyText(&c)
    case UInt8(ascii: "-"), 0x30...0x39: try copyNumber(&c)
    default: arena.append(try c.storedValue())
    }
  }

  /// `key` as `StoredObject` gives it: between its quotes, escapes and all.
  mutating func copyKey(
    _ key: UnsafeRawBufferPointer, in mark: inout ObjectMark, reserved: ReservedKeys = .none
  ) {
    guard key.contains(UInt8(ascii: "\\")) else {
      measureKey(key.count)
      return self.key(key, in: &mark, reserved: reserved)
    }
    var plain = Arena(capacity: key.count + 8)
    plain.appendUnescaped(key)
    measureKey(plain.count)
    self.key(plain.bytes(0, plain.count), in: &mark, reserved: reserved)
  }

  /// A string, escaped anew where it has to be.
  private mutating func copyText(_ c: inout JSONCursor) throws(JSONFault) {
    let text = try c.storedString()
    let inside = UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1])
    guard inside.contains(UInt8(ascii: "\\")) else {
      measureValue(inside.count)
      arena.append(text)
      return
    }
    var plain = Arena(capacity: inside.count + 8)
    plain.appendUnescaped(inside)
    measureValue(plain.count)
    arena.appendJSONString(plain.bytes(0, plain.count))
  }

  /// Whole numbers of 64 bits stay exact: from 2^63 on as text, like everywhere. All others are doubles.
  private mutating func copyNumber(_ c: inout JSONCursor) throws(JSONFault) {
    let start = c
    let text = try c.storedValue()
    let isDouble = text.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    if !isDouble {
      var digits = start
      if let number = try? digits.signed64(), digits.at == c.at {
        arena.appendInteger(number)
        return
      }
      digits = start
      if let number = try? digits.unsigned64(), digits.at == c.at {
        arena.appendUnsigned(number)
        return
      }
    }
    arena.appendDouble(Double(String(decoding: text, as: UTF8.self)) ?? .nan)
  }
}

extension Arena {
  /// The text of a JSON string that was checked, given without its quotes; the byte behind it must be readable.
  mutating func appendUnescaped(_ inside: UnsafeRawBufferPointer) {
    guard let start = inside.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    // The cursor needs the closing quote, which is the next byte.
    var cursor = JSONCursor(at: start, end: start + inside.count + 1)
    try? cursor.text(into: &self)
  }
}
