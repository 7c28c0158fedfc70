/// A packet that does not hold what it says: overrun, unknown type or number, wrong count. The whole packet is refused.
package struct DatagramFault: Error, Sendable, Equatable {
  package init() {}
}

/// A place in the body of a datagram of form B. Does not own its bytes; every read is checked against `end`.
struct DatagramCursor {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  @inline(__always) var left: Int { end - at }
  @inline(__always) var isAtEnd: Bool { at >= end }

  @inline(__always) mutating func byte() throws(DatagramFault) -> UInt8 {
    guard at < end else { throw DatagramFault() }
    let byte = at.pointee
    at += 1
    return byte
  }

  /// Unsigned LEB128 of at most ten bytes and 64 bits.
  @inline(__always) mutating func varint() throws(DatagramFault) -> UInt64 {
    guard at < end else { throw DatagramFault() }
    let first = at.pointee
    at += 1
    return first < 0x80 ? UInt64(first) : try longVarint(first)
  }

  @inline(never) private mutating func longVarint(_ first: UInt8) throws(DatagramFault) -> UInt64 {
    var value = UInt64(first & 0x7f)
    var shift: UInt64 = 7
    while true {
      let byte = try byte()
      // The tenth byte has one bit left.
      if shift == 63 && byte > 1 { throw DatagramFault() }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  @inline(__always) mutating func zigzag() throws(DatagramFault) -> Int64 {
    let word = try varint()
    return Int64(bitPattern: word >> 1) ^ -Int64(bitPattern: word & 1)
  }

  /// The next `count` bytes, passed.
  @inline(__always) mutating func bytes(_ count: UInt64) throws(DatagramFault) -> UnsafeRawBufferPointer {
    guard count <= UInt64(left) else { throw DatagramFault() }
    let bytes = UnsafeRawBufferPointer(start: at, count: Int(count))
    at += Int(count)
    return bytes
  }

  @inline(__always) mutating func word() throws(DatagramFault) -> UInt64 {
    UInt64(bigEndian: try bytes(8).loadUnaligned(as: UInt64.self))
  }

  /// A piece with its length in front.
  @inline(__always) mutating func piece() throws(DatagramFault) -> DatagramCursor {
    let bytes = try bytes(try varint())
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? at
    return DatagramCursor(at: start, end: start + bytes.count)
  }

  /// What is left, passed.
  @inline(__always) mutating func rest() -> UnsafeRawBufferPointer {
    defer { at = end }
    return UnsafeRawBufferPointer(start: at, count: left)
  }

  /// A name: an entry of the table, or its bytes.
  @inline(__always) mutating func name() throws(DatagramFault) -> UnsafeRawBufferPointer {
    let word = try varint()
    guard word & 1 == 1 else { return try bytes(word >> 1) }
    guard word >> 1 < UInt64(DatagramWords.all.count) else { throw DatagramFault() }
    let text = DatagramWords.all[Int(word >> 1)]
    return UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }
}
