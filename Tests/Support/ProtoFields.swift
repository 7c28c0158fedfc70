/// The fields of one protobuf message, in the order they are written in.
package struct ProtoFields: Sendable {
  package struct Field: Sendable {
    package var number: Int
    /// Varint, or the bits of a fixed one.
    package var value: UInt64 = 0
    package var bytes: ArraySlice<UInt8> = []

    package var message: ProtoFields { ProtoFields(bytes) }
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A packed list.
    package var varints: [UInt64] {
      var rest = bytes
      var numbers: [UInt64] = []
      while let number = ProtoFields.varint(&rest) { numbers.append(number) }
      return numbers
    }
  }

  package private(set) var all: [Field] = []
  /// False when the bytes end inside of a field.
  package private(set) var isWhole = true

  package init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      guard let tag = Self.varint(&rest), let field = Self.field(tag, &rest) else {
        isWhole = false
        return
      }
      all.append(field)
    }
  }

  /// The last value of a field; 0 when there is none.
  package func number(_ number: Int) -> UInt64 { all.last { $0.number == number }?.value ?? 0 }
  package func text(_ number: Int) -> String { all.last { $0.number == number }?.text ?? "" }

  private static func field(_ tag: UInt64, _ rest: inout ArraySlice<UInt8>) -> Field? {
    var field = Field(number: Int(tag >> 3))
    switch tag & 7 {
    case 0:
      guard let value = varint(&rest) else { return nil }
      field.value = value
    case 1, 5:
      let size = tag & 7 == 1 ? 8 : 4
      guard rest.count >= size else { return nil }
      for byte in rest.prefix(size).reversed() { field.value = field.value << 8 | UInt64(byte) }
      rest = rest.dropFirst(size)
    case 2:
      guard let count = varint(&rest), count <= UInt64(rest.count) else { return nil }
      field.bytes = rest.prefix(Int(count))
      rest = rest.dropFirst(Int(count))
    default: return nil
    }
    return field
  }

  static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst(), shift < 64 {
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }
}
