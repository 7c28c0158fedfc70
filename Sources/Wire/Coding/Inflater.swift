import CZlib

/// Compressed body → plain body, bounded while it streams, so that a bomb costs at most the limit (CONFORMANCE HTTP-09).
///
/// Several gzip members in a row are one stream (RFC 1952). `deflate` means the zlib wrapper, but raw deflate is taken too,
/// since some clients send it (CONFORMANCE HTTP-07).
package struct Inflater: ~Copyable {
  // On the heap: zlib keeps a pointer back to the struct and refuses one that has moved.
  private let stream: UnsafeMutablePointer<z_stream>
  private let started: Bool

  private init(windowBits: Int32) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    started = inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if started { inflateEnd(stream) }
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Exactly `limitBytes` pass, one more is `overLimit`. `reserve` is asked before memory is taken, with the total
  /// capacity wanted by then; false ends the work with `noRoom`.
  package static func inflate(
    _ input: UnsafeRawBufferPointer, _ coding: ContentCoding, limitBytes: Int, reserve: (Int) -> Bool
  ) throws(InflateError) -> OwnedBytes {
    guard !input.isEmpty else { throw .truncated }
    if coding == .zstd { return try inflateZstd(input, limitBytes: limitBytes, reserve: reserve) }
    let inflater = Inflater(windowBits: windowBits(coding, input))
    guard inflater.started else { throw .malformed("zlib could not start") }
    let most = limitBytes + 1
    let first = firstCapacity(coding, input, most: most)
    guard reserve(first) else { throw .noRoom }
    let output = OwnedBytes(capacity: first)
    try inflater.run(input, into: output, most: most, members: coding == .gzip, reserve)
    return output
  }

  private borrowing func run(
    _ input: UnsafeRawBufferPointer, into output: OwnedBytes, most: Int, members: Bool, _ reserve: (Int) -> Bool
  ) throws(InflateError) {
    // zlib counts in 32 bits and only reads from next_in.
    var given = 0
    while true {
      if stream.pointee.avail_in == 0, given < input.count {
        let piece = min(input.count - given, 1 << 30)
        stream.pointee.next_in = UnsafeMutablePointer(
          mutating: (input.baseAddress! + given).assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(piece)
        given += piece
      }
      if output.count == output.capacity {
        if output.capacity >= most { throw .overLimit }
        let wanted = min(output.capacity * 2, most)
        guard reserve(wanted) else { throw .noRoom }
        output.grow(to: wanted)
      }
      let room = output.room
      let space = min(room.count, 1 << 30)
      stream.pointee.next_out = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(space)
      let code = CZlib.inflate(stream, Z_NO_FLUSH)
      output.use(space - Int(stream.pointee.avail_out))
      if output.count >= most { throw .overLimit }
      let inputLeft = Int(stream.pointee.avail_in) + input.count - given
      switch code {
      case Z_OK: continue
      case Z_BUF_ERROR where inputLeft == 0 && stream.pointee.avail_out > 0: throw .truncated
      case Z_BUF_ERROR: continue
      case Z_STREAM_END where inputLeft == 0: return
      case Z_STREAM_END where members: inflateReset(stream)
      case Z_STREAM_END: throw .malformed("bytes behind the end of the stream")
      default: throw .malformed(stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)")
      }
    }
  }

  private static func windowBits(_ coding: ContentCoding, _ input: UnsafeRawBufferPointer) -> Int32 {
    if coding == .gzip { return 15 + 16 }
    // RFC 1950: method 8, and the first two bytes are a multiple of 31.
    let wrapped = input.count >= 2 && input[0] & 0x0f == 8 && (Int(input[0]) << 8 | Int(input[1])) % 31 == 0
    return wrapped ? 15 : -15
  }

  /// A gzip stream says at its end how long it will be: one allocation of the right size. Deflate packs at most 1032 : 1, so
  /// a lying trailer cannot ask for more than the body could ever need.
  private static func firstCapacity(_ coding: ContentCoding, _ input: UnsafeRawBufferPointer, most: Int) -> Int {
    var guess = input.count * 6
    if coding == .gzip, input.count >= 18 {
      let size = UInt32(littleEndian: input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self))
      // One byte more, so that the end of the stream is seen without growing.
      if Int(size) >= input.count / 2 { guess = Int(size) + 1 }
    }
    let ceiling = input.count > most / 1032 ? most : input.count * 1032 + 1
    return max(min(guess, ceiling, most), min(4096, most))
  }
}
