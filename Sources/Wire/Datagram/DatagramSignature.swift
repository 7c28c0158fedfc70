/// The last line of a signed datagram of form J: `sig <key id> <32 lower hexadecimal digits>`.
package struct DatagramSignature: Sendable, Equatable {
  package var keyID: UInt32
  /// The first 16 bytes of HMAC-SHA-256 over all before the line.
  package var tag: [UInt8]

  package init(keyID: UInt32, tag: [UInt8]) {
    self.keyID = keyID
    self.tag = tag
  }

  /// Form J, signature included.
  package static let sizes = 2...8_192

  /// What the packet says, and who says so; nil for nobody. Throws when the last line begins like a signature and is none.
  package static func split(
    _ packet: UnsafeRawBufferPointer
  ) throws(DatagramFault) -> (text: UnsafeRawBufferPointer, signature: DatagramSignature?) {
    var end = packet.count
    while end > 0, packet[end - 1] == 0x0a || packet[end - 1] == 0x0d { end -= 1 }
    var start = end
    while start > 0, packet[start - 1] != 0x0a { start -= 1 }
    let line = UnsafeRawBufferPointer(rebasing: packet[start..<end])
    guard start > 0, line.starts(with: Array("sig ".utf8)) else { return (packet, nil) }
    var at = 4
    var id: UInt64 = 0
    while at < line.count, line[at] &- 0x30 < 10, id <= UInt64(UInt32.max) {
      id = id * 10 + UInt64(line[at] &- 0x30)
      at += 1
    }
    guard at > 4, id <= UInt64(UInt32.max), at < line.count, line[at] == 0x20, line.count == at + 33,
      let tag = Hex.bytes(UnsafeRawBufferPointer(rebasing: line[(at + 1)...]))
    else { throw DatagramFault() }
    return (
      UnsafeRawBufferPointer(rebasing: packet[..<start]), DatagramSignature(keyID: UInt32(id), tag: tag)
    )
  }

  package var line: [UInt8] {
    var line = Arena(capacity: 64)
    line.append("sig ")
    line.appendInteger(UInt64(keyID))
    line.append(" ")
    tag.withUnsafeBytes { line.appendHex($0) }
    line.append("\n")
    return Array(line.bytes(0, line.count))
  }

  private enum Hex {
    /// Lower case only.
    static func bytes(_ digits: UnsafeRawBufferPointer) -> [UInt8]? {
      var bytes: [UInt8] = []
      for index in stride(from: 0, to: digits.count - 1, by: 2) {
        let high = JSONHex.value(digits[index])
        let low = JSONHex.value(digits[index + 1])
        guard high < 16, low < 16, !isCapital(digits[index]), !isCapital(digits[index + 1]) else { return nil }
        bytes.append(high << 4 | low)
      }
      return bytes
    }

    private static func isCapital(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5a }
  }
}
