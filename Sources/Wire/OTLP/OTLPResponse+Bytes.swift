/// Just enough protobuf and JSON for answers of a few fields.
extension [UInt8] {
  mutating func appendVarint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  mutating func appendField(_ number: Int, varint value: UInt64) {
    appendVarint(UInt64(number) << 3)
    appendVarint(value)
  }

  mutating func appendField(_ number: Int, bytes: [UInt8]) {
    appendVarint(UInt64(number) << 3 | 2)
    appendVarint(UInt64(bytes.count))
    self += bytes
  }

  mutating func appendField(_ number: Int, text: String) { appendField(number, bytes: Array(text.utf8)) }

  /// A JSON string with its quotes.
  package mutating func appendJSON(_ text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        self += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }
}
