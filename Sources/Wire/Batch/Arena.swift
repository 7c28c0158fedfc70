/// Growing bytes behind a batch, written through a pointer: `[UInt8].append` checks uniqueness and bounds for every byte,
/// which was a fifth of the decoder (measured with perf).
struct Arena: ~Copyable {
  /// Moves when the arena grows: never keep it over an append.
  var base: UnsafeMutablePointer<UInt8>
  var count = 0
  private var capacity: Int

  init(capacity: Int) {
    self.capacity = max(capacity, 256)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// The written bytes, to be freed by the taker with `deallocate()`.
  mutating func take() -> UnsafeRawBufferPointer {
    let taken = UnsafeRawBufferPointer(start: base, count: count)
    base = .allocate(capacity: 1)
    capacity = 1
    count = 0
    return taken
  }

  @inline(__always) func bytes(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + start, count: count)
  }

  @inline(__always) mutating func truncate(to count: Int) { self.count = count }

  @inline(__always) mutating func reserve(_ extra: Int) {
    if capacity &- count < extra { grow(extra) }
  }

  @inline(never) private mutating func grow(_ extra: Int) {
    let wanted = max(capacity * 2, count + extra)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  @inline(__always) mutating func append(_ byte: UInt8) {
    reserve(1)
    base[count] = byte
    count &+= 1
  }

  @inline(__always) mutating func append(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    reserve(length)
    (base + count).update(from: text.utf8Start, count: length)
    count &+= length
  }

  @inline(__always) mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// Bytes of this same arena, which may move while it grows.
  mutating func appendOwn(_ start: Int, _ length: Int) {
    reserve(length)
    (base + count).update(from: base + start, count: length)
    count &+= length
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Moves `[start, end)` out of the way of a rewrite; see `ObjectWriter`.
  mutating func replace(from start: Int, with bytes: [UInt8]) {
    count = start
    bytes.withUnsafeBytes { append($0) }
  }
}
