/// A message as a tree that can be written as protobuf and as OTLP/JSON, so that a test can send both and compare.
package struct SampleMessage: Sendable {
  package struct Field: Sendable {
    package var number: Int
    /// lowerCamelCase
    package var name: String
    package var value: SampleValue
  }

  /// In the order of the wire.
  package var fields: [Field] = []

  package init() {}

  package mutating func set(_ number: Int, _ name: String, _ value: SampleValue) {
    fields.append(Field(number: number, name: name, value: value))
  }

  package subscript(_ name: String) -> SampleValue? { fields.last { $0.name == name }?.value }
}

/// The value of a field, named for how protobuf writes it where JSON does not care.
package indirect enum SampleValue: Sendable {
  case text(String)
  /// Hexadecimal in JSON.
  case id([UInt8])
  /// Base64 in JSON.
  case bytes([UInt8])
  case bool(Bool)
  case double(Double)
  /// int32, int64, uint32 and enums, as varint; 64-bit ones are strings in JSON.
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case sint32(Int32)
  case fixed32(UInt32)
  case fixed64(UInt64)
  case sfixed64(Int64)
  case message(SampleMessage)
  /// Repeated texts or messages.
  case list([SampleValue])
  /// Repeated numbers.
  case packed([SampleValue])
}

// MARK: protobuf

extension SampleMessage {
  package var protobuf: [UInt8] {
    var out: [UInt8] = []
    for field in fields { field.value.encode(field.number, into: &out) }
    return out
  }
}

extension SampleValue {
  fileprivate func encode(_ number: Int, into out: inout [UInt8]) {
    if case .list(let values) = self {
      for value in values { value.encode(number, into: &out) }
      return
    }
    Self.varint(UInt64(number) << 3 | wireType, into: &out)
    encodePayload(into: &out)
  }

  private var wireType: UInt64 {
    switch self {
    case .bool, .int32, .uint32, .int64, .uint64, .sint32: 0
    case .double, .fixed64, .sfixed64: 1
    case .text, .id, .bytes, .message, .list, .packed: 2
    case .fixed32: 5
    }
  }

  private func encodePayload(into out: inout [UInt8]) {
    switch self {
    case .text(let text): Self.sized(Array(text.utf8), into: &out)
    case .id(let bytes), .bytes(let bytes): Self.sized(bytes, into: &out)
    case .bool(let flag): out.append(flag ? 1 : 0)
    case .double(let number): Self.fixed(number.bitPattern, into: &out)
    case .int32(let number): Self.varint(UInt64(bitPattern: Int64(number)), into: &out)
    case .uint32(let number): Self.varint(UInt64(number), into: &out)
    case .int64(let number): Self.varint(UInt64(bitPattern: number), into: &out)
    case .uint64(let number): Self.varint(number, into: &out)
    case .sint32(let number): Self.varint(UInt64(UInt32(bitPattern: number << 1 ^ number >> 31)), into: &out)
    case .fixed32(let number): Self.fixed(number, into: &out)
    case .fixed64(let number): Self.fixed(number, into: &out)
    case .sfixed64(let number): Self.fixed(number, into: &out)
    case .message(let message): Self.sized(message.protobuf, into: &out)
    case .list: break
    case .packed(let values):
      var inside: [UInt8] = []
      for value in values { value.encodePayload(into: &inside) }
      Self.sized(inside, into: &out)
    }
  }

  private static func varint(_ number: UInt64, into out: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    out.append(UInt8(rest))
  }

  private static func fixed(_ number: some FixedWidthInteger, into out: inout [UInt8]) {
    var little = number.littleEndian
    withUnsafeBytes(of: &little) { out += $0 }
  }

  private static func sized(_ bytes: [UInt8], into out: inout [UInt8]) {
    varint(UInt64(bytes.count), into: &out)
    out += bytes
  }
}

// MARK: JSON

extension SampleMessage {
  package var json: [UInt8] {
    var text = ""
    write(into: &text)
    return Array(text.utf8)
  }

  fileprivate func write(into text: inout String) {
    text += "{"
    for (index, field) in fields.enumerated() {
      text += index == 0 ? "\"\(field.name)\":" : ",\"\(field.name)\":"
      field.value.write(into: &text)
    }
    text += "}"
  }
}

extension SampleValue {
  fileprivate func write(into text: inout String) {
    switch self {
    case .text(let string): Self.quote(string, into: &text)
    case .id(let bytes):
      text += "\""
      for byte in bytes { text += Self.hex(byte >> 4) + Self.hex(byte & 15) }
      text += "\""
    case .bytes(let bytes): text += "\"\(Self.base64(bytes))\""
    case .bool(let flag): text += flag ? "true" : "false"
    case .double(let number):
      if number.isFinite {
        text += number.description
      } else {
        text += number.isNaN ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\""
      }
    case .int32(let number), .sint32(let number): text += String(number)
    case .uint32(let number), .fixed32(let number): text += String(number)
    case .int64(let number), .sfixed64(let number): text += "\"\(number)\""
    case .uint64(let number), .fixed64(let number): text += "\"\(number)\""
    case .message(let message): message.write(into: &text)
    case .list(let values), .packed(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(into: &text)
      }
      text += "]"
    }
  }

  private static func hex(_ nibble: UInt8) -> String { String(nibble, radix: 16) }

  private static func quote(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\u{0}"..<"\u{20}": text += "\\u00" + hex(UInt8(scalar.value >> 4)) + hex(UInt8(scalar.value & 15))
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let group = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - part.count))
      for digit in 0..<4 {
        text += digit <= part.count ? String(alphabet[Int(group >> (18 - 6 * UInt32(digit)) & 63)]) : "="
      }
    }
    return text
  }
}
