import Crypto

/// The secret itself: `gt_` + id (8 hexadecimal digits) + `_` + 64 hexadecimal digits. Lives only as long as it takes to hash
/// or to show it once.
package struct Token: Sendable {
  package let text: String
  package let id: String

  /// Nil when it has not the form of one.
  package init?(parsing text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 76, text.hasPrefix("gt_"), bytes[11] == UInt8(ascii: "_"),
      bytes[3..<11].allSatisfy(Self.isDigit), bytes[12...].allSatisfy(Self.isDigit)
    else { return nil }
    self.text = text
    id = String(decoding: bytes[3..<11], as: UTF8.self)
  }

  /// A new one. `taken`: ids that are in use.
  package static func make(taken: Set<String>) -> Token {
    while true {
      let text = "gt_\(Hex.text(random(4)))_\(Hex.text(random(32)))"
      if let token = Token(parsing: text), !taken.contains(token.id) { return token }
    }
  }

  /// SHA-256 of the whole text.
  package var digest: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

  /// From the kernel.
  static func random(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x66: true
    default: false
    }
  }
}

enum ConstantTime {
  /// Takes as long for a first byte that differs as for the last.
  static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}
