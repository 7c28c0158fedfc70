import CSnappy

/// Snappy's block format, without framing: what remote write and Loki's push are compressed with (CONFORMANCE RW-01).
package enum Snappy {
  /// Nil only when libsnappy says that it cannot.
  package static func compress(_ input: [UInt8]) -> [UInt8]? {
    var done = false
    let output = [UInt8](unsafeUninitializedCapacity: snappy_max_compressed_length(input.count)) { room, used in
      var length = room.count
      input.withUnsafeBytes { plain in
        room.withMemoryRebound(to: CChar.self) { target in
          done =
            snappy_compress(
              plain.bindMemory(to: CChar.self).baseAddress, plain.count, target.baseAddress, &length) == SNAPPY_OK
        }
      }
      used = done ? length : 0
    }
    return done ? output : nil
  }

  /// The block says first how long it will be: what is over `limit` costs nothing.
  package static func decompress(_ input: [UInt8], limit: Int) throws(InflateError) -> [UInt8] {
    var length = 0
    let says = input.withUnsafeBytes { block in
      snappy_uncompressed_length(block.bindMemory(to: CChar.self).baseAddress, block.count, &length)
    }
    guard says == SNAPPY_OK else { throw .malformed("no length in front of the snappy block") }
    guard length <= limit else { throw .overLimit }
    var status = SNAPPY_INVALID_INPUT
    let output = [UInt8](unsafeUninitializedCapacity: length) { room, used in
      var written = length
      input.withUnsafeBytes { block in
        room.withMemoryRebound(to: CChar.self) { target in
          status = snappy_uncompress(
            block.bindMemory(to: CChar.self).baseAddress, block.count, target.baseAddress, &written)
        }
      }
      used = status == SNAPPY_OK ? written : 0
    }
    guard status == SNAPPY_OK else { throw .malformed("not a snappy block") }
    return output
  }
}
