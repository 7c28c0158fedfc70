import Telemetry

/// Walks the JSON that our own decoders wrote into `data`, `ext` and the dictionaries (`docs/schema.md`). Everything is
/// checked all the same: a damaged data file must fail here and nowhere later.
///
/// `next` gives the key as written, without quotes, and leaves `cursor` before the value; the caller passes the value.
struct StoredObject {
  var cursor: JSONCursor
  private var isFirst = true

  /// Deepest nesting that any reader of stored JSON goes into; above what any configuration lets in.
  static let depthLimit = 1_000

  init(_ cursor: JSONCursor) { self.cursor = cursor }

  /// Nil for no bytes: the column is NULL.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let cursor = JSONCursor(bytes) else { return nil }
    self.init(cursor)
  }

  mutating func next() throws(JSONFault) -> UnsafeRawBufferPointer? {
    if isFirst {
      isFirst = false
      try cursor.expect(UInt8(ascii: "{"), .notObject)
      if cursor.passes(UInt8(ascii: "}")) { return nil }
    } else if try !cursor.hasMore(UInt8(ascii: "}")) {
      return nil
    }
    try cursor.expect(UInt8(ascii: "\""), .notString)
    let start = cursor.at
    try cursor.passText()
    let key = UnsafeRawBufferPointer(start: start, count: cursor.at - start - 1)
    try cursor.expect(UInt8(ascii: ":"))
    return key
  }
}

/// The same for an array: `next` is true while there is an element before `cursor`.
struct StoredArray {
  var cursor: JSONCursor
  private var isFirst = true

  init(_ cursor: JSONCursor) { self.cursor = cursor }

  mutating func next() throws(JSONFault) -> Bool {
    if isFirst {
      isFirst = false
      try cursor.expect(UInt8(ascii: "["), .notArray)
      return !cursor.passes(UInt8(ascii: "]"))
    }
    return try cursor.hasMore(UInt8(ascii: "]"))
  }
}

extension JSONCursor {
  /// Nil for no bytes.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else { return nil }
    self.init(at: start, end: start + bytes.count)
  }

  /// Passes any value and gives its text.
  mutating func storedValue() throws(JSONFault) -> UnsafeRawBufferPointer {
    skipSpace()
    let start = at
    try skipValue(depthLimit: StoredObject.depthLimit)
    return UnsafeRawBufferPointer(start: start, count: at - start)
  }

  /// Passes a string and gives its text with quotes.
  mutating func storedString() throws(JSONFault) -> UnsafeRawBufferPointer {
    skipSpace()
    let start = at
    try expect(UInt8(ascii: "\""), .notString)
    try passText()
    return UnsafeRawBufferPointer(start: start, count: at - start)
  }

  /// Passes an integer, in quotes or not, and gives its digits.
  mutating func storedDigits() throws(JSONFault) -> UnsafeRawBufferPointer {
    let text = try storedValue()
    let digits = text.first == UInt8(ascii: "\"") ? UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()) : text
    guard digits.first.map({ $0 == UInt8(ascii: "-") || $0 &- 0x30 < 10 }) ?? false else { throw fault(.notNumber) }
    return digits
  }

  /// Passes an unsigned integer, in quotes or not.
  mutating func storedUnsigned() throws(JSONFault) -> UInt64 {
    var number: UInt64 = 0
    for byte in try storedDigits() {
      let (product, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = product.addingReportingOverflow(UInt64(byte &- 0x30))
      guard byte &- 0x30 < 10, !over, !overSum else { throw fault(.outOfRange) }
      number = sum
    }
    return number
  }
}
