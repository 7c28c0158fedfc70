import CZstd

/// Zstandard → plain bytes, piece by piece; memory is the window of the stream, at most 128 MiB. Several frames in a row are
/// one stream (RFC 8878).
package struct ZstdStream: ~Copyable {
  private let stream: OpaquePointer?
  /// What was taken so far ends with a frame: the input may end here.
  package private(set) var isWhole = false

  /// The four bytes that every frame begins with.
  package static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

  /// A frame that looks back further than 2^`windowLog` bytes is refused, before it gets memory for that.
  package init(windowLog: Int32 = 27) {
    stream = ZSTD_createDStream()
    if let stream { ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, windowLog) }
  }

  /// Bytes that are held beside input and output.
  var footprint: Int { stream.map { ZSTD_sizeof_DStream($0) } ?? 0 }

  deinit { ZSTD_freeDStream(stream) }

  /// How many bytes of `input` were taken and how many written; neither: more input is needed.
  package mutating func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> (taken: Int, written: Int) {
    guard let stream else { throw .malformed("zstd could not start") }
    if output.isEmpty || (isWhole && input.isEmpty) { return (0, 0) }
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let left = ZSTD_decompressStream(stream, &target, &source)
    if ZSTD_isError(left) != 0 { throw .malformed(String(cString: ZSTD_getErrorName(left))) }
    isWhole = left == 0
    return (source.pos, target.pos)
  }

  /// One frame or several that are here as a whole; more than `limit` bytes are `overLimit`.
  package static func inflate(_ input: UnsafeRawBufferPointer, limit: Int) throws(InflateError) -> [UInt8] {
    var stream = ZstdStream()
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var taken = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: input[taken...])
      var step = (taken: 0, written: 0)
      var failure: InflateError?
      piece.withUnsafeMutableBytes { room in
        do throws(InflateError) { step = try stream.inflate(rest, into: room) } catch { failure = error }
      }
      if let failure { throw failure }
      taken += step.taken
      output.append(contentsOf: piece[..<step.written])
      if output.count > limit { throw .overLimit }
      if taken == input.count && stream.isWhole && step.written < piece.count { return output }
      if step.taken == 0 && step.written == 0 { throw .truncated }
    }
  }
}
