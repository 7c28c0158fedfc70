/// Protobuf fields of remote write into an arena.
struct PromMessage: ~Copyable {
  var out: Arena

  init(capacity: Int) { out = Arena(capacity: capacity) }

  static func size(_ number: UInt64) -> Int { max(1, (70 - number.leadingZeroBitCount) / 7) }

  @inline(__always) mutating func varint(_ number: UInt64) {
    out.reserve(10)
    if number < 0x80 {
      out.base[out.count] = UInt8(truncatingIfNeeded: number)
      out.count &+= 1
      return
    }
    var rest = number
    while rest >= 0x80 {
      out.base[out.count] = UInt8(truncatingIfNeeded: rest) | 0x80
      out.count &+= 1
      rest >>= 7
    }
    out.base[out.count] = UInt8(rest)
    out.count &+= 1
  }

  /// A field of the wire types varint; 0 is written too.
  @inline(__always) mutating func varint(_ field: UInt64, _ number: UInt64) {
    varint(field << 3)
    varint(number)
  }

  mutating func zigzag(_ number: Int64) { varint(UInt64(bitPattern: number << 1 ^ number >> 63)) }

  @inline(__always) mutating func double(_ field: UInt64, _ bits: UInt64) {
    varint(field << 3 | 1)
    word(bits)
  }

  @inline(__always) mutating func word(_ bits: UInt64) {
    out.reserve(8)
    UnsafeMutableRawPointer(out.base + out.count).storeBytes(of: bits.littleEndian, as: UInt64.self)
    out.count &+= 8
  }

  mutating func bytes(_ field: UInt64, _ bytes: UnsafeRawBufferPointer) {
    varint(field << 3 | 2)
    varint(UInt64(bytes.count))
    out.append(bytes)
  }

  mutating func bytes(_ field: UInt64, _ bytes: [UInt8]) { bytes.withUnsafeBytes { self.bytes(field, $0) } }

  /// Begins a message whose length is not known yet; `end` closes it.
  @inline(__always) mutating func begin(_ field: UInt64) -> Int {
    varint(field << 3 | 2)
    // Two bytes of length are enough for nearly all; `end` makes room or closes up when they are not.
    out.reserve(2)
    out.count &+= 2
    return out.count
  }

  @inline(__always) mutating func end(_ start: Int) {
    let count = out.count &- start
    if count >= 0x80 && count < 0x4000 {
      out.base[start &- 2] = UInt8(truncatingIfNeeded: count) | 0x80
      out.base[start &- 1] = UInt8(truncatingIfNeeded: count >> 7)
    } else {
      endMoved(start, count)
    }
  }

  private mutating func endMoved(_ start: Int, _ count: Int) {
    let length = Self.size(UInt64(count))
    let shift = length - 2
    if shift > 0 { out.reserve(shift) }
    if shift != 0 && count > 0 {
      let base = UnsafeMutableRawPointer(out.base)
      (base + start + shift).copyMemory(from: base + start, byteCount: count)
    }
    let end = out.count + shift
    out.count = start - 2
    varint(UInt64(count))
    out.count = end
  }

  consuming func finish() -> [UInt8] { Array(out.bytes(0, out.count)) }
}
