import CZlib

/// Plain bytes → one gzip member, for answers to clients that asked for it (CONFORMANCE HTTP-10).
package enum Deflater {
  /// Nil when zlib is out of memory: send the plain bytes then.
  package static func gzip(_ input: [UInt8]) -> [UInt8]? {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = Int32(MemoryLayout<z_stream>.size)
    // 15 + 16: a gzip wrapper; 8: zlib's own default for memory.
    guard
      deflateInit2_(stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { deflateEnd(stream) }
    var finished = false
    let bound = Int(deflateBound(stream, UInt(input.count)))
    let output = [UInt8](unsafeUninitializedCapacity: bound) { room, used in
      input.withUnsafeBufferPointer { plain in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: plain.baseAddress)
        stream.pointee.avail_in = UInt32(plain.count)
        stream.pointee.next_out = room.baseAddress
        stream.pointee.avail_out = UInt32(room.count)
        finished = deflate(stream, Z_FINISH) == Z_STREAM_END
      }
      used = room.count - Int(stream.pointee.avail_out)
    }
    return finished ? output : nil
  }
}
