import Telemetry

/// Stored rows to messages of OTLP in protobuf: what `OTLPJSONEncoder` writes as JSON, field by field.
///
/// A length is one byte until its message is complete; the few longer ones move their message by a byte or two.
struct OTLPProtoEncoder: ~Copyable {
  var out: Arena
  var rules: OTLPAttributeRules

  init(capacity: Int, _ rules: OTLPAttributeRules) {
    out = Arena(capacity: capacity)
    self.rules = rules
  }

  // MARK: lengths

  /// Begins a field with a length; gives where its content begins. `tag` is the whole tag, here and below.
  @inline(__always) mutating func open(_ tag: UInt8) -> Int {
    out.reserve(2)
    out.base[out.count] = tag
    out.base[out.count &+ 1] = 0
    out.count &+= 2
    return out.count
  }

  @inline(__always) mutating func close(_ start: Int) {
    let length = out.count &- start
    if length < 0x80 {
      out.base[start &- 1] = UInt8(truncatingIfNeeded: length)
    } else {
      widen(start, length)
    }
  }

  @inline(never) private mutating func widen(_ start: Int, _ length: Int) {
    let more = ProtoSize.varint(UInt64(length)) - 1
    out.reserve(more)
    UnsafeMutableRawPointer(out.base + start + more).copyMemory(from: out.base + start, byteCount: length)
    out.count = start - 1
    varint(UInt64(length))
    out.count += length
  }

  // MARK: fields

  @inline(__always) mutating func varint(_ number: UInt64) {
    out.reserve(10)
    var rest = number
    while rest >= 0x80 {
      out.base[out.count] = UInt8(truncatingIfNeeded: rest) | 0x80
      out.count &+= 1
      rest >>= 7
    }
    out.base[out.count] = UInt8(truncatingIfNeeded: rest)
    out.count &+= 1
  }

  @inline(__always) mutating func varint(_ tag: UInt8, _ number: UInt64) {
    out.append(tag)
    varint(number)
  }

  /// Zero is left out.
  @inline(__always) mutating func varint(_ tag: UInt8, unlessZero number: UInt64) {
    if number != 0 { varint(tag, number) }
  }

  /// An enum or `int32` of any value; zero is left out.
  mutating func signed(_ tag: UInt8, unlessZero number: Int64) {
    varint(tag, unlessZero: UInt64(bitPattern: number))
  }

  /// `sint32`; zero is left out.
  mutating func zigzag(_ tag: UInt8, unlessZero number: Int32) {
    varint(tag, unlessZero: UInt64(UInt32(bitPattern: number << 1 ^ number >> 31)))
  }

  @inline(__always) mutating func fixed64(_ number: UInt64) {
    out.reserve(8)
    UnsafeMutableRawPointer(out.base + out.count).storeBytes(of: number.littleEndian, as: UInt64.self)
    out.count &+= 8
  }

  @inline(__always) mutating func fixed64(_ tag: UInt8, _ number: UInt64) {
    out.append(tag)
    fixed64(number)
  }

  /// A time or a count: zero is left out.
  @inline(__always) mutating func fixed64(_ tag: UInt8, unlessZero number: UInt64) {
    if number != 0 { fixed64(tag, number) }
  }

  mutating func fixed32(_ number: UInt32) {
    out.reserve(4)
    UnsafeMutableRawPointer(out.base + out.count).storeBytes(of: number.littleEndian, as: UInt32.self)
    out.count += 4
  }

  /// Bytes as they are; empty is left out.
  @inline(__always) mutating func bytes(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    varint(tag, UInt64(bytes.count))
    out.append(bytes)
  }

  /// Text of a column; empty is left out. One sequence of bytes that is no UTF-8 would make a far end refuse all.
  @inline(__always) mutating func text(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    if UTF8Text.isASCII(bytes) { return self.bytes(tag, bytes) }
    careful(tag, bytes)
  }

  @inline(never) private mutating func careful(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer) {
    let start = open(tag)
    var at = 0
    while at < bytes.count {
      let length = bytes[at] < 0x80 ? 1 : UTF8Text.sequenceLength(bytes, at)
      if length == 0 {
        out.append("\u{FFFD}")
      } else {
        out.append(UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
      }
      at += max(length, 1)
    }
    close(start)
  }
}

enum ProtoSize {
  /// Bytes of a varint.
  @inline(__always) static func varint(_ number: UInt64) -> Int {
    (70 &- (number | 1).leadingZeroBitCount) / 7
  }

  /// Bytes of a field with a one-byte tag and `count` bytes of content.
  @inline(__always) static func field(_ count: Int) -> Int { 1 &+ varint(UInt64(truncatingIfNeeded: count)) &+ count }
}

extension UTF8Text {
  @inline(__always) static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    var all: UInt64 = 0
    while at &+ 8 <= bytes.count {
      all |= bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      at &+= 8
    }
    while at < bytes.count {
      all |= UInt64(bytes[at])
      at &+= 1
    }
    return all & JSONWord.highs == 0
  }
}
