import Crypto

/// SHA-256 of a content that comes piece by piece.
package struct FileDigest {
  private var hash = SHA256()

  package init() {}

  package mutating func add(_ piece: UnsafeRawBufferPointer) { hash.update(bufferPointer: piece) }

  /// Lower-case hexadecimal digits.
  package var hex: String {
    hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
