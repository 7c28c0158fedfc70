/// Stored values as text, for formats that know nothing else (CONFORMANCE DM-10): texts as they are, numbers as JSON,
/// bytes as base64, nothing for empty; `NaN` and `Infinity` bare, but quoted within arrays and maps.
///
/// A value is what `StoredAttributes` or `storedValue` gave: JSON that has been checked.
extension Arena {
  typealias Bytes = UnsafeRawBufferPointer

  /// The text itself.
  mutating func appendText(_ value: Bytes) throws(JSONFault) {
    switch value.first {
    case UInt8(ascii: "\"")?: try appendUnquoted(value)
    case UInt8(ascii: "n")?, nil: break
    case UInt8(ascii: "t")?, UInt8(ascii: "f")?: append(value)
    case UInt8(ascii: "[")?: try appendPlainJSON(value)
    case UInt8(ascii: "{")?:
      if let special = try Self.special(value) {
        append(Bytes(rebasing: special.dropFirst().dropLast()))
      } else {
        try appendPlainJSON(value)
      }
    default: appendPlainNumber(value)
    }
  }

  /// The text as a JSON string, with its quotes. `scratch` is written behind its end, and left as it was.
  mutating func appendTextString(_ value: Bytes, _ scratch: inout Arena) throws(JSONFault) {
    switch value.first {
    case UInt8(ascii: "\"")?: append(value)
    case UInt8(ascii: "n")?, nil: append("\"\"")
    case UInt8(ascii: "[")?, UInt8(ascii: "{")?:
      if value[0] == UInt8(ascii: "{"), let special = try Self.special(value) { return append(special) }
      let start = scratch.count
      try scratch.appendPlainJSON(value)
      appendJSONString(scratch.bytes(start, scratch.count - start))
      scratch.truncate(to: start)
    default:
      append(UInt8(ascii: "\""))
      try appendText(value)
      append(UInt8(ascii: "\""))
    }
  }

  /// The inside of a JSON string as UTF-8; `string` with its quotes.
  @inline(__always) mutating func appendUnquoted(_ string: Bytes) throws(JSONFault) {
    let inside = Bytes(rebasing: string[1..<max(1, string.count - 1)])
    if inside.hasBackslash {
      guard var cursor = JSONCursor(Bytes(rebasing: string.dropFirst())) else { return }
      try cursor.text(into: &self)
    } else {
      append(inside)
    }
  }

  // MARK: JSON without escapes of ours

  mutating func appendPlainJSON(_ value: Bytes) throws(JSONFault) {
    guard var cursor = JSONCursor(value) else { return append("null") }
    try appendPlainJSON(&cursor, depth: 0)
  }

  private mutating func appendPlainJSON(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
    switch try c.peek() {
    case UInt8(ascii: "["):
      append("[")
      var list = StoredArray(c)
      var isFirst = true
      while try list.next() {
        if !isFirst { append(",") }
        isFirst = false
        try appendPlainJSON(&list.cursor, depth: depth + 1)
      }
      c = list.cursor
      append("]")
    case UInt8(ascii: "{"): try appendPlainObject(&c, depth: depth)
    case UInt8(ascii: "\""): append(try c.storedString())
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): append(try c.storedValue())
    default: appendPlainNumber(try c.storedValue())
    }
  }

  private mutating func appendPlainObject(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    var object = StoredObject(c)
    let start = count
    append("{")
    var isFirst = true
    while let key = try object.next() {
      if isFirst && (key.spells("$bytes") || key.spells("$double")) {
        truncate(to: start)
        append(try object.cursor.storedString())
        guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
        c = object.cursor
        return
      }
      append(isFirst ? "\"" : ",\"")
      isFirst = false
      append(key.withoutEscape)
      append("\":")
      try appendPlainJSON(&object.cursor, depth: depth + 1)
    }
    c = object.cursor
    append("}")
  }

  /// The text in `{"$bytes":"…"}` or `{"$double":"NaN"}` with its quotes; nil for an ordinary object.
  static func special(_ value: Bytes) throws(JSONFault) -> Bytes? {
    guard value.count > 2, value[1] == UInt8(ascii: "\""), value[2] == UInt8(ascii: "$"),
      var object = StoredObject(value), let key = try object.next()
    else { return nil }
    guard key.spells("$bytes") || key.spells("$double") else { return nil }
    let text = try object.cursor.storedString()
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    return text
  }
}

extension UnsafeRawBufferPointer {
  /// A stored key that begins with `$` was written with a second one.
  @inline(__always) var withoutEscape: UnsafeRawBufferPointer {
    first == UInt8(ascii: "$") ? UnsafeRawBufferPointer(rebasing: dropFirst()) : self
  }

  @inline(__always) var hasBackslash: Bool {
    var at = 0
    while at &+ 8 <= count {
      let slashes = loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ (JSONWord.ones &* 0x5c)
      if (slashes &- JSONWord.ones) & ~slashes & JSONWord.highs != 0 { return true }
      at &+= 8
    }
    while at < count {
      if self[at] == 0x5c { return true }
      at &+= 1
    }
    return false
  }

  /// Of at most `limit` bytes, and no character cut in two.
  func cut(to limit: Int) -> UnsafeRawBufferPointer {
    guard count > limit else { return self }
    var end = limit
    while end > 0 && self[end] & 0xc0 == 0x80 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[..<end])
  }
}
