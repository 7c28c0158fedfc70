import Crypto
package import Telemetry

/// Keyed hashes of what senders send and who they are: stable over restarts, useless without the key of this store.
package struct SenderKeys: Sendable {
  private let key: SymmetricKey
  // First byte of each hashed text, so that one kind can never stand for another; signals are 0–2.
  private static let peerMark: UInt8 = 0x70
  private static let sessionMark: UInt8 = 0x73

  /// At least 16 bytes; 32 is right.
  package init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

  /// HMAC-SHA256, cut to 128 bits, over signal, credential (with its length in front) and decompressed body.
  package func receiptKey(_ signal: Signal, credential: [UInt8], _ body: UnsafeRawBufferPointer) -> ReceiptKey {
    var hash = HMAC<SHA256>(key: key)
    let count = UInt32(credential.count)
    hash.update(data: [signal.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } + credential)
    body.withMemoryRebound(to: UInt8.self) { hash.update(data: UnsafeRawBufferPointer($0)) }
    return hash.finalize().withUnsafeBytes {
      ReceiptKey(
        high: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
  }

  /// 16 hexadecimal digits that stand for an address.
  func peer(_ address: String) -> String { hex(Self.peerMark, address) }

  /// `anon-` and 16 hexadecimal digits: the session of records whose sender names none (R57).
  func anonymousSession(_ peer: String) -> String { "anon-" + hex(Self.sessionMark, peer) }

  private func hex(_ mark: UInt8, _ text: String) -> String {
    HMAC<SHA256>.authenticationCode(for: [mark] + Array(text.utf8), using: key).withUnsafeBytes {
      Hexadecimal.text($0.prefix(8))
    }
  }
}

enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func text(_ key: ReceiptKey) -> String {
    text(withUnsafeBytes(of: (key.high, key.low)) { Array($0) })
  }
}
