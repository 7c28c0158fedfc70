import Crypto
import Wire

/// HMAC-SHA-256 with one key, cut to 16 bytes.
package struct UDPSigner: Sendable {
  /// With the key taken in, for a copy per packet: two of the compressions are done once.
  private let keyed: HMAC<SHA256>

  package init(key: [UInt8]) { keyed = HMAC<SHA256>(key: SymmetricKey(data: key)) }

  package func tag(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { Array(code(bytes).prefix(DatagramHeader.tagBytes)) }

  private func code(_ bytes: UnsafeRawBufferPointer) -> HMAC<SHA256>.MAC {
    var hash = keyed
    hash.update(data: bytes)
    return hash.finalize()
  }

  /// In constant time.
  package func isValid(_ tag: some Collection<UInt8>, of bytes: UnsafeRawBufferPointer) -> Bool {
    guard tag.count == DatagramHeader.tagBytes else { return false }
    var difference: UInt8 = 0
    code(bytes).withUnsafeBytes { code in
      for (ours, theirs) in zip(code, tag) { difference |= ours ^ theirs }
    }
    return difference == 0
  }
}
