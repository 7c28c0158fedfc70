/// Names of labels and metadata as Loki's own mapping of OTLP makes them: every character that is no letter, digit or
/// underscore becomes an underscore; a leading digit, and a single leading underscore, get `key` before them.
enum LokiName {
  typealias Bytes = UnsafeRawBufferPointer

  static func write(_ text: Bytes, _ out: inout Arena) {
    let first = text.first ?? 0
    if first &- 0x30 < 10 || text.isEmpty {
      out.append("key_")
    } else if isUnderscore(first) && !(text.count > 1 && isUnderscore(text[1])) {
      out.append("key")
    }
    append(text, &out)
  }

  /// The same without what may come before it.
  static func append(_ text: Bytes, _ out: inout Arena) {
    out.reserve(text.count)
    for byte in text {
      // A character of several bytes is one underscore.
      if byte & 0xc0 == 0x80 { continue }
      out.base[out.count] = isPart(byte) ? byte : UInt8(ascii: "_")
      out.count &+= 1
    }
  }

  private static func isUnderscore(_ byte: UInt8) -> Bool { !isPart(byte) || byte == UInt8(ascii: "_") }

  @inline(__always) private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): true
    default: false
    }
  }
}
