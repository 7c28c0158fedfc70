/// Bytes inside JSON: standard alphabet, padded.
package enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Nil for anything but groups of four digits, the last with `=` where bytes are missing.
  static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var padding = 0
    for (index, byte) in text.enumerated() {
      if byte == UInt8(ascii: "=") {
        padding += 1
        guard padding < 3, index >= text.count - 2 else { return nil }
        group <<= 6
      } else {
        guard padding == 0, let digit = value(byte) else { return nil }
        group = group << 6 | digit
      }
      if index % 4 == 3 {
        for shift in [16, 8, 0] { out.append(UInt8(truncatingIfNeeded: group >> UInt32(shift))) }
        group = 0
      }
    }
    out.removeLast(padding)
    return out
  }

  private static func value(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x41...0x5a: UInt32(byte - 0x41)
    case 0x61...0x7a: UInt32(byte - 0x61 + 26)
    case 0x30...0x39: UInt32(byte - 0x30 + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  package static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let left = min(3, bytes.count - start)
      var group: UInt32 = 0
      for offset in 0..<3 { group = group << 8 | (offset < left ? UInt32(bytes[start + offset]) : 0) }
      for place in 0..<4 {
        out.append(place <= left ? digits[Int(group >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
      }
    }
    return out
  }
}
