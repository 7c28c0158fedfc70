/// Reads protobuf without a schema, for expectations in tests: trusting, slow, and nothing in it is shared with Wire.
package struct ProtoReader {
  package enum Value: Equatable, Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes([UInt8])
  }

  package struct Field: Equatable, Sendable {
    package var number: Int
    package var value: Value
  }

  /// In the order of the message; nil when it is malformed.
  package let fields: [Field]

  package init?(_ message: [UInt8]) {
    var fields: [Field] = []
    var at = 0
    while at < message.count {
      guard let tag = Self.varint(message, &at) else { return nil }
      let number = Int(tag >> 3)
      switch tag & 7 {
      case 0:
        guard let value = Self.varint(message, &at) else { return nil }
        fields.append(Field(number: number, value: .varint(value)))
      case 1:
        guard message.count - at >= 8 else { return nil }
        let value = message[at..<at + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        fields.append(Field(number: number, value: .fixed64(value)))
        at += 8
      case 2:
        guard let length = Self.varint(message, &at), length <= UInt64(message.count - at) else { return nil }
        fields.append(Field(number: number, value: .bytes(Array(message[at..<at + Int(length)]))))
        at += Int(length)
      case 5:
        guard message.count - at >= 4 else { return nil }
        let value = message[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        fields.append(Field(number: number, value: .fixed32(value)))
        at += 4
      default: return nil
      }
    }
    self.fields = fields
  }

  private static func varint(_ message: [UInt8], _ at: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < message.count && shift < 64 {
      let byte = message[at]
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  // MARK: fields by number

  package func values(_ number: Int) -> [Value] { fields.filter { $0.number == number }.map(\.value) }

  package func bytes(_ number: Int) -> [UInt8]? {
    if case .bytes(let bytes)? = values(number).last { bytes } else { nil }
  }

  package func text(_ number: Int) -> String? { bytes(number).map { String(decoding: $0, as: UTF8.self) } }

  package func number(_ number: Int) -> UInt64? {
    if case .varint(let value)? = values(number).last { value } else { nil }
  }

  /// Messages inside, those that can be read.
  package func messages(_ number: Int) -> [ProtoReader] {
    values(number).compactMap { value in
      if case .bytes(let bytes) = value { ProtoReader(bytes) } else { nil }
    }
  }
}
