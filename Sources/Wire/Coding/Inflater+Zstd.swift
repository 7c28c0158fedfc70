import CZstd

extension Inflater {
  /// 8 MiB: no sender may ask a receiver of HTTP for more (RFC 9659).
  private static let windowLog: Int32 = 23

  /// One frame or several; the limits are those of `inflate`.
  static func inflateZstd(
    _ input: UnsafeRawBufferPointer, limitBytes: Int, reserve: (Int) -> Bool
  ) throws(InflateError) -> OwnedBytes {
    var stream = ZstdStream(windowLog: windowLog)
    let most = limitBytes + 1
    let first = zstdCapacity(input, most: most)
    guard reserve(first) else { throw .noRoom }
    let output = OwnedBytes(capacity: first)
    var taken = 0
    while true {
      if output.count == output.capacity {
        if output.capacity >= most { throw .overLimit }
        let wanted = min(output.capacity * 2, most)
        guard reserve(wanted + stream.footprint) else { throw .noRoom }
        output.grow(to: wanted)
      }
      let step = try stream.inflate(UnsafeRawBufferPointer(rebasing: input[taken...]), into: output.room)
      taken += step.taken
      output.use(step.written)
      if output.count >= most { throw .overLimit }
      // What the first step has allocated is known only behind it.
      guard reserve(output.capacity + stream.footprint) else { throw .noRoom }
      if taken == input.count && stream.isWhole { return output }
      if step.taken == 0 && step.written == 0 { throw .truncated }
    }
  }

  /// A frame may say how long it will be. It is not believed beyond what data packs to that is worth sending.
  private static func zstdCapacity(_ input: UnsafeRawBufferPointer, most: Int) -> Int {
    let said = ZSTD_getFrameContentSize(input.baseAddress, input.count)
    // Both answers that are no size are above every limit.
    let guess = said < UInt64(most) ? min(Int(said) + 1, input.count * 256) : input.count * 6
    return max(min(guess, most), min(4096, most))
  }
}
