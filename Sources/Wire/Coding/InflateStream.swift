import CZlib

/// gzip → plain bytes, piece by piece in constant memory. Several members in a row are one stream (RFC 1952).
package struct InflateStream: ~Copyable {
  // On the heap: zlib keeps a pointer back to the struct and refuses one that has moved.
  private let stream: UnsafeMutablePointer<z_stream>
  private let started: Bool
  /// What was taken so far ends with a member: the input may end here.
  package private(set) var isWhole = false

  package init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    started = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if started { inflateEnd(stream) }
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// How many bytes of `input` were taken and how many written; neither: more input is needed. What does not fit into
  /// `output` comes with the next call, which may have no input.
  package mutating func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> (taken: Int, written: Int) {
    guard started else { throw .malformed("zlib could not start") }
    guard let target = output.baseAddress, output.count > 0 else { return (0, 0) }
    if isWhole {
      if input.isEmpty { return (0, 0) }
      inflateReset(stream)
      isWhole = false
    }
    // zlib counts in 32 bits and only reads from next_in.
    let offered = min(input.count, 1 << 30)
    let room = min(output.count, 1 << 30)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(offered)
    stream.pointee.next_out = target.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(room)
    let code = CZlib.inflate(stream, Z_NO_FLUSH)
    let progress = (offered - Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out))
    switch code {
    case Z_OK, Z_BUF_ERROR: return progress
    case Z_STREAM_END:
      isWhole = true
      return progress
    default: throw .malformed(stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)")
    }
  }
}
