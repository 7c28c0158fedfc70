import Telemetry

/// Values with our escapes to `AnyValue`.
extension OTLPJSONEncoder {
  /// The members of an object as a list of `KeyValue`; left out when it has none. `name` with quotes, colon and
  /// bracket.
  mutating func attributes(_ name: StaticString, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard let cursor = JSONCursor(json) else { return }
    _ = try attributes(name, cursor)
  }

  /// The cursor behind the object.
  mutating func attributes(_ name: StaticString, _ cursor: JSONCursor) throws(JSONFault) -> JSONCursor {
    let start = out.count
    key(name)
    let first = out.count
    let rest = try keyValues(cursor, depth: 0)
    if out.count == first { out.truncate(to: start) } else { out.append("]") }
    return rest
  }

  /// `depth` 0: these are attributes, which may have to stay.
  mutating func keyValues(_ cursor: JSONCursor, depth: Int) throws(JSONFault) -> JSONCursor {
    var object = StoredObject(cursor)
    while let key = try object.next() { try keyValue(key, &object.cursor, depth: depth) }
    return object.cursor
  }

  @inline(__always)
  mutating func keyValue(_ key: UnsafeRawBufferPointer, _ cursor: inout JSONCursor, depth: Int) throws(JSONFault) {
    if depth == 0 && rules.isActive && !rules.leaves(stored: key) {
      _ = try cursor.storedValue()
      return
    }
    comma()
    if key.isEmpty {
      out.append("{\"value\":")
    } else {
      out.append("{\"key\":\"")
      // A key that begins with `$` was written with a second one.
      out.append(key.first == UInt8(ascii: "$") ? UnsafeRawBufferPointer(rebasing: key.dropFirst()) : key)
      out.append("\",\"value\":")
    }
    try anyValue(&cursor, depth: depth)
    out.append("}")
  }

  mutating func anyValue(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "\""):
      out.append("{\"stringValue\":")
      out.append(try c.storedString())
      out.append("}")
    case UInt8(ascii: "t"), UInt8(ascii: "f"):
      out.append(try c.boolean() ? "{\"boolValue\":true}" : "{\"boolValue\":false}")
    case UInt8(ascii: "n"):
      try c.literal("null")
      out.append("{}")
    case UInt8(ascii: "["):
      guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
      out.append("{\"arrayValue\":{\"values\":[")
      var array = StoredArray(c)
      while try array.next() {
        comma()
        try anyValue(&array.cursor, depth: depth + 1)
      }
      c = array.cursor
      out.append("]}}")
    case UInt8(ascii: "{"):
      guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
      if try escaped(&c) { return }
      out.append("{\"kvlistValue\":{\"values\":[")
      c = try keyValues(c, depth: depth + 1)
      out.append("]}}")
    default: try number(&c)
    }
  }

  /// An integer has no fraction and no exponent, a double has one of them.
  private mutating func number(_ c: inout JSONCursor) throws(JSONFault) {
    let start = c.at
    try c.passNumber(anyZeros: false)
    let text = UnsafeRawBufferPointer(start: start, count: c.at - start)
    if text.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
      out.append("{\"doubleValue\":")
      out.append(text)
    } else {
      out.append("{\"intValue\":")
      quoted(digits: text)
    }
    out.append("}")
  }

  /// `{"$bytes":"…"}` or `{"$double":"NaN"}`; false, and nothing passed, for an ordinary object.
  private mutating func escaped(_ c: inout JSONCursor) throws(JSONFault) -> Bool {
    var object = StoredObject(c)
    guard let key = try object.next() else { return false }
    if key.spells("$bytes") {
      out.append("{\"bytesValue\":")
    } else if key.spells("$double") {
      out.append("{\"doubleValue\":")
    } else {
      return false
    }
    out.append(try object.cursor.storedString())
    out.append("}")
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    c = object.cursor
    return true
  }

  /// A double field: a number, or the name of one that is not finite.
  mutating func double(_ c: inout JSONCursor) throws(JSONFault) {
    guard try c.peek() == UInt8(ascii: "{") else { return out.append(try c.storedValue()) }
    var object = StoredObject(c)
    guard let key = try object.next(), key.spells("$double") else { throw c.fault(.notNumber) }
    out.append(try object.cursor.storedString())
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    c = object.cursor
  }

  /// A double field without presence: 0 is left out.
  mutating func double(_ name: StaticString, unlessZero c: inout JSONCursor) throws(JSONFault) {
    let start = out.count
    key(name)
    let value = out.count
    try double(&c)
    if out.bytes(value, out.count - value).spells("0.0") { out.truncate(to: start) }
  }

  /// A list of doubles.
  mutating func doubles(_ name: StaticString, _ c: inout JSONCursor) throws(JSONFault) {
    key(name)
    out.append("[")
    var list = StoredArray(c)
    while try list.next() {
      comma()
      try double(&list.cursor)
    }
    c = list.cursor
    out.append("]")
  }

  /// A list of 64-bit counts, which are texts in OTLP/JSON.
  mutating func counts(_ name: StaticString, _ c: inout JSONCursor) throws(JSONFault) {
    key(name)
    out.append("[")
    var list = StoredArray(c)
    while try list.next() {
      comma()
      quoted(digits: try list.cursor.storedDigits())
    }
    c = list.cursor
    out.append("]")
  }
}
