import Telemetry

/// JSON of another program into the JSON that this store keeps: members in order, numbers as they are unless they
/// would not be read back (`docs/schema.md`), blanks gone.
extension EventDecoder {
  mutating func data(_ json: [UInt8]?, _ promoted: inout Promoted, _ row: inout Row) -> Slice {
    let start = builder.arena.count
    let firstKey = builder.keyHashes.count
    guard let json, !json.isEmpty else { return builder.emptyObject() }
    let slice: Slice? = json.withUnsafeBytes { bytes in
      guard let cursor = JSONCursor(bytes) else { return nil }
      do throws(JSONFault) {
        return try object(cursor, &promoted, &row)
      } catch {
        return nil
      }
    }
    if let slice { return slice }
    builder.arena.truncate(to: start)
    builder.keyHashes.truncate(to: firstKey)
    builder.tooMuch = nil
    promoted = Promoted()
    row.bits &= ~Bits.attributesMoved
    return body(json)
  }

  /// What is no object: a value, or just a text.
  private mutating func body(_ json: [UInt8]) -> Slice {
    let start = builder.arena.count
    builder.arena.append("{\"body\":")
    let value = builder.arena.count
    let firstKey = builder.keyHashes.count
    json.withUnsafeBytes { bytes in
      if var cursor = JSONCursor(bytes) {
        do throws(JSONFault) {
          try self.value(&cursor, depth: 0)
          cursor.skipSpace()
          if cursor.left == 0 { return }
        } catch {
          // Not JSON: the text itself.
        }
      }
      builder.arena.truncate(to: value)
      builder.keyHashes.truncate(to: firstKey)
      builder.tooMuch = nil
      builder.measureValue(bytes.count)
      builder.arena.appendJSONString(bytes)
    }
    builder.arena.append("}")
    return Slice(start: start, count: builder.arena.count - start)
  }

  /// Nil when it is an object of the escapes, which is a value.
  private mutating func object(
    _ cursor: JSONCursor, _ promoted: inout Promoted, _ row: inout Row
  ) throws(JSONFault) -> Slice? {
    var c = cursor
    guard try c.peek() == UInt8(ascii: "{") else { return nil }
    var mark = builder.beginObject()
    try bodyFirst(c, &mark)
    var input = StoredObject(c)
    while let key = try input.next() {
      if key.spells("body") {
        _ = try input.cursor.storedValue()
        continue
      }
      let isObject = try input.cursor.peek() == UInt8(ascii: "{")
      // Attributes that were moved once stay where they are.
      if key.spells("attributes") && isObject { row.bits |= Bits.attributesMoved }
      writeKey(key, &mark, keepsAttributes: isObject)
      let start = builder.arena.count
      try value(&input.cursor, depth: 0)
      promoted.note(key, Slice(start: start, count: builder.arena.count - start))
    }
    c = input.cursor
    c.skipSpace()
    guard c.left == 0 else { throw c.fault(.trailing) }
    builder.measureAttributes(mark)
    let (slice, moved) = builder.endAttributes(mark, reserved: .log)
    if moved { row.bits |= Bits.attributesMoved }
    return slice
  }

  /// The body leads the object, wherever it stood; of several the last.
  private mutating func bodyFirst(_ cursor: JSONCursor, _ mark: inout ObjectMark) throws(JSONFault) {
    var input = StoredObject(cursor)
    var body: JSONCursor?
    while let key = try input.next() {
      if key.spells("body") { body = input.cursor }
      _ = try input.cursor.storedValue()
    }
    guard var body else { return }
    builder.ownKey("body", in: &mark)
    try value(&body, depth: 0)
  }

  private mutating func writeKey(
    _ key: UnsafeRawBufferPointer, _ mark: inout ObjectMark, keepsAttributes: Bool
  ) {
    let plain = unescapedKey(key)
    builder.measureKey(plain.count)
    plain.withUnsafeBytes { builder.key($0, in: &mark, reserved: keepsAttributes ? .none : .log) }
  }

  /// The key as bytes, without the `$` that escapes it: `BatchBuilder.key` puts it back.
  private func unescapedKey(_ key: UnsafeRawBufferPointer) -> [UInt8] {
    var text = Arena(capacity: key.count + 2)
    // The cursor needs the closing quote, which is the next byte.
    if let start = key.baseAddress?.assumingMemoryBound(to: UInt8.self) {
      var cursor = JSONCursor(at: start, end: start + key.count + 1)
      try? cursor.text(into: &text)
    }
    var bytes = [UInt8](text.bytes(0, text.count))
    if isEscaped && bytes.starts(with: Array("$$".utf8)) { bytes.removeFirst() }
    return bytes
  }

  // MARK: values

  private mutating func value(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "{"):
      guard depth < builder.options.depthLimit else { throw c.fault(.tooDeep) }
      if isEscaped, try escape(&c) { return }
      let start = builder.arena.count
      var mark = builder.beginObject()
      var input = StoredObject(c)
      while let key = try input.next() {
        writeKey(key, &mark, keepsAttributes: true)
        try value(&input.cursor, depth: depth + 1)
      }
      c = input.cursor
      _ = builder.endObject(mark)
      builder.measureValue(builder.arena.count - start)
    case UInt8(ascii: "["):
      guard depth < builder.options.depthLimit else { throw c.fault(.tooDeep) }
      let start = builder.arena.count
      builder.arena.append(UInt8(ascii: "["))
      var first = true
      var input = StoredArray(c)
      while try input.next() {
        if !first { builder.arena.append(",") }
        first = false
        try value(&input.cursor, depth: depth + 1)
      }
      c = input.cursor
      builder.arena.append("]")
      builder.measureValue(builder.arena.count - start)
    case UInt8(ascii: "\""):
      var text = Arena(capacity: 64)
      c.at += 1
      try c.text(into: &text)
      builder.measureValue(text.count)
      builder.arena.appendJSONString(text.bytes(0, text.count))
    case UInt8(ascii: "-"), 0x30...0x39: try number(&c)
    default: builder.arena.append(try c.storedValue())
    }
  }

  /// `{"$bytes":"…"}` and `{"$double":"…"}` as a store of ours writes them, and nothing else: everything behind the decoder
  /// passes them over as values without a text.
  private mutating func escape(_ c: inout JSONCursor) throws(JSONFault) -> Bool {
    var ahead = c
    _ = try ahead.storedValue()
    var object = StoredObject(c)
    guard let key = try object.next(), key.spells("$bytes") || key.spells("$double") else { return false }
    let value = try object.cursor.storedValue()
    guard try object.next() == nil, value.count >= 2, value.first == UInt8(ascii: "\"") else { return false }
    let inside = UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)])
    let isValue =
      key.spells("$bytes")
      ? Self.isBase64(inside) : ["NaN", "Infinity", "-Infinity"].contains { inside.elementsEqual($0.utf8) }
    guard isValue else { return false }
    // Without blanks, by which privacy would not know it.
    builder.arena.append(key.spells("$bytes") ? "{\"$bytes\":" : "{\"$double\":")
    builder.arena.append(value)
    builder.arena.append("}")
    c = ahead
    return true
  }

  /// Groups of four digits, the last one padded.
  private static func isBase64(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count % 4 == 0 else { return false }
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    return text.dropLast(padding).allSatisfy { byte in
      byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
    }
  }

  /// Whole numbers beyond 64 bits are doubles.
  private mutating func number(_ c: inout JSONCursor) throws(JSONFault) {
    let text = try c.storedValue()
    let word = String(decoding: text, as: UTF8.self)
    let isDouble = text.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    if !isDouble && Int64(word) != nil {
      builder.arena.append(text)
    } else if isDouble, let number = Double(word), number.isFinite {
      builder.arena.append(text)
    } else {
      builder.arena.appendDouble(Double(word) ?? .nan)
    }
  }
}
