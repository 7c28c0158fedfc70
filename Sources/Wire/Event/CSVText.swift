/// Records and fields of RFC 4180; a lone line feed ends a record too.
package enum CSVText {
  package struct Field: Sendable, Equatable {
    package var bytes: [UInt8]
    /// An empty field without quotes is NULL, with quotes the empty text.
    package var isQuoted: Bool

    package init(_ bytes: [UInt8], isQuoted: Bool) {
      self.bytes = bytes
      self.isQuoted = isQuoted
    }

    package var isNull: Bool { bytes.isEmpty && !isQuoted }
    package var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  package struct Fault: Error, Sendable, Equatable {
    package var reason: String
    /// In the record.
    package var offset: Int
  }

  private static let quote = UInt8(ascii: "\"")
  private static let comma = UInt8(ascii: ",")
  private static let lineFeed: UInt8 = 0x0a
  private static let carriageReturn: UInt8 = 0x0d

  /// Offset behind the record that begins at `start`, its line end included; nil: its end is not among the bytes.
  package static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var at = start
    var isFieldStart = true
    var isQuoted = false
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if isQuoted {
        // A doubled quote closes and opens again.
        if byte == quote {
          if at < bytes.count && bytes[at] == quote { at += 1 } else { isQuoted = false }
        }
      } else if byte == lineFeed {
        return at
      } else if byte == quote && isFieldStart {
        isQuoted = true
        isFieldStart = false
      } else {
        isFieldStart = byte == comma
      }
    }
    return nil
  }

  /// Fields of one record, with its line end or without.
  package static func fields(_ record: UnsafeRawBufferPointer) throws(Fault) -> [Field] {
    var end = record.count
    if end > 0 && record[end - 1] == lineFeed { end -= 1 }
    if end > 0 && record[end - 1] == carriageReturn { end -= 1 }
    var fields: [Field] = []
    var at = 0
    while true {
      var field = Field([], isQuoted: false)
      if at < end && record[at] == quote {
        try quoted(record, end, &at, &field)
      } else {
        while at < end && record[at] != comma {
          if record[at] == quote { throw Fault(reason: "a quote inside a field without quotes", offset: at) }
          field.bytes.append(record[at])
          at += 1
        }
      }
      fields.append(field)
      if at >= end { return fields }
      at += 1
    }
  }

  private static func quoted(
    _ record: UnsafeRawBufferPointer, _ end: Int, _ at: inout Int, _ field: inout Field
  ) throws(Fault) {
    let start = at
    field.isQuoted = true
    at += 1
    while at < end {
      if record[at] == quote {
        if at + 1 < end && record[at + 1] == quote {
          at += 1
        } else {
          at += 1
          if at < end && record[at] != comma { throw Fault(reason: "text behind a closing quote", offset: at) }
          return
        }
      }
      field.bytes.append(record[at])
      at += 1
    }
    throw Fault(reason: "a quote is not closed", offset: start)
  }
}
