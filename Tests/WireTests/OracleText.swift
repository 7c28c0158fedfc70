import COTLP

/// JSON as `docs/schema.md` describes it, put together from Strings: slow, and nothing in it is shared with the decoder.
enum OracleText {
  /// Bytes as text, one U+FFFD for each byte that belongs to no valid sequence.
  static func text(_ bytes: some Collection<UInt8>) -> String {
    var text = ""
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let scalar = (1...min(4, rest.count)).lazy.compactMap { length in
        String(validating: rest.prefix(length), as: UTF8.self).map { (length, $0) }
      }.first
      text.unicodeScalars += (scalar?.1 ?? "\u{FFFD}").unicodeScalars
      rest = rest.dropFirst(scalar?.0 ?? 1)
    }
    return text
  }

  static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    guard let pointer else { return "" }
    var bytes: [UInt8] = []
    var at = UnsafePointer(pointer)
    while at.pointee != 0 {
      bytes.append(UInt8(bitPattern: at.pointee))
      at += 1
    }
    return text(bytes)
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    data.len == 0 ? [] : Array(UnsafeBufferPointer(start: data.data, count: data.len))
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    bits += Array(repeating: 0, count: (6 - bits.count % 6) % 6)
    var text = ""
    for start in stride(from: 0, to: bits.count, by: 6) {
      text.append(alphabet[Int(bits[start..<start + 6].reduce(0) { $0 << 1 | $1 })])
    }
    return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
  }

  static func double(_ number: Double) -> String {
    if number.isNaN { return "{\"$double\":\"NaN\"}" }
    if number.isInfinite { return number < 0 ? "{\"$double\":\"-Infinity\"}" : "{\"$double\":\"Infinity\"}" }
    return number.description
  }

  static func unsigned(_ number: UInt64) -> String {
    number > UInt64(Int64.max) ? "\"\(number)\"" : String(number)
  }

  /// Members with their values, in order; nil values are left out; nil when nothing is left.
  static func object(_ members: [(String, String?)]) -> String? {
    let texts = members.compactMap { name, value in value.map { "\"\(name)\":\($0)" } }
    return texts.isEmpty ? nil : "{" + texts.joined(separator: ",") + "}"
  }

  // MARK: AnyValue

  static func value(_ value: UnsafeMutablePointer<Otlp__AnyValue>?) -> String {
    guard let value = value?.pointee else { return "null" }
    switch value.value_case {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE: return quoted(text(value.string_value))
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: return value.bool_value != 0 ? "true" : "false"
    case OTLP__ANY_VALUE__VALUE_INT_VALUE: return String(value.int_value)
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: return double(value.double_value)
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE: return "{\"$bytes\":\"\(base64(bytes(value.bytes_value)))\"}"
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
      let array = value.array_value.pointee
      return "[" + all(array.n_values, array.values).map { self.value($0) }.joined(separator: ",") + "]"
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
      return attributes(value.kvlist_value.pointee.n_values, value.kvlist_value.pointee.values)
    default: return "null"
    }
  }

  /// Of equal keys the last wins, in its place. `own` members come first and are never moved; keys in `reserved` move.
  static func attributes(
    _ count: Int, _ values: UnsafeMutablePointer<UnsafeMutablePointer<Otlp__KeyValue>?>?, own: [String] = [],
    reserved: Set<String> = []
  ) -> String {
    var members: [(key: String, text: String)] = []
    for pointer in all(count, values) {
      let key = text(pointer.pointee.key)
      members.removeAll { $0.key.unicodeScalars.elementsEqual(key.unicodeScalars) }
      members.append(
        (key, quoted(key.utf8.first == UInt8(ascii: "$") ? "$" + key : key) + ":" + value(pointer.pointee.value)))
    }
    let moved = members.filter { reserved.contains($0.key) }.map(\.text).joined(separator: ",")
    var texts = own + members.filter { !reserved.contains($0.key) }.map(\.text)
    if !moved.isEmpty { texts.append("\"attributes\":{\(moved)}") }
    return "{" + texts.joined(separator: ",") + "}"
  }

  static func all<T>(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?
  ) -> [UnsafeMutablePointer<T>] {
    guard let pointers else { return [] }
    return (0..<count).compactMap { pointers[$0] }
  }
}
