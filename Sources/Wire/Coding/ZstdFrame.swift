import CZstd

/// Plain bytes → one Zstandard frame.
package enum ZstdFrame {
  /// Fast: what leaves the box is small beside what the box does.
  static let level: Int32 = 1

  /// Nil when there is no memory: send the plain bytes then.
  package static func compress(_ input: [UInt8]) -> [UInt8]? {
    let bound = ZSTD_compressBound(input.count)
    var failed = false
    let output = [UInt8](unsafeUninitializedCapacity: bound) { room, used in
      let written = input.withUnsafeBytes { ZSTD_compress(room.baseAddress, bound, $0.baseAddress, $0.count, level) }
      failed = ZSTD_isError(written) != 0
      used = failed ? 0 : written
    }
    return failed ? nil : output
  }
}
