/// What is wrong with the bytes of a protobuf message; small, because it is thrown through every frame of the walk.
struct ProtoFault: Error {
  enum Kind {
    case truncated, overrun, longVarint, badTag, wireType, groupEnd, tooDeep, tooManyRepeats
  }
  let kind: Kind
  /// Address of the byte; compared with the body's to tell the offset.
  let address: UInt

  var message: String {
    switch kind {
    case .truncated: "the message ends inside a field"
    case .overrun: "a length reaches past the end of its message"
    case .longVarint: "a varint has more than 64 bits"
    case .badTag: "a field number or wire type does not exist"
    case .wireType: "a known field has the wrong wire type"
    case .groupEnd: "a group does not end where it should"
    case .tooDeep: "values are nested too deeply"
    case .tooManyRepeats: "too much of the request is there twice"
    }
  }
}

/// Field number and wire type of one field.
struct ProtoTag {
  let raw: UInt32
  @inline(__always) var field: UInt32 { raw >> 3 }
  @inline(__always) var wire: UInt32 { raw & 7 }
}

/// A message, or a text, or what is left of it. Does not own its bytes; every read is checked against `end`.
struct ProtoCursor {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  @inline(__always) init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
    self.at = at
    self.end = end
  }

  @inline(__always) var isAtEnd: Bool { at >= end }
  @inline(__always) var count: Int { end - at }
  @inline(__always) var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: at, count: end - at) }

  @inline(never) func fault(_ kind: ProtoFault.Kind) -> ProtoFault {
    ProtoFault(kind: kind, address: UInt(bitPattern: at))
  }

  // MARK: wire types

  @inline(__always) mutating func varint() throws(ProtoFault) -> UInt64 {
    guard at < end else { throw fault(.truncated) }
    let first = at.pointee
    at += 1
    if first < 0x80 { return UInt64(first) }
    return try longVarint(first)
  }

  @inline(never) private mutating func longVarint(_ first: UInt8) throws(ProtoFault) -> UInt64 {
    var number = UInt64(first & 0x7f)
    var shift: UInt64 = 7
    while at < end {
      let byte = at.pointee
      // The tenth byte has room for one bit.
      if shift == 63 && byte > 1 { throw fault(.longVarint) }
      at += 1
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    throw fault(.truncated)
  }

  @inline(__always) mutating func tag() throws(ProtoFault) -> ProtoTag {
    let raw = try varint()
    guard raw >= 8 && raw <= UInt64(UInt32.max) else { throw fault(.badTag) }
    return ProtoTag(raw: UInt32(truncatingIfNeeded: raw))
  }

  @inline(__always) private mutating func advance(_ count: Int) throws(ProtoFault) -> UnsafePointer<UInt8> {
    guard end - at >= count else { throw fault(.truncated) }
    let start = at
    at += count
    return start
  }

  @inline(__always) private mutating func sized() throws(ProtoFault) -> ProtoCursor {
    let length = try varint()
    guard length <= UInt64(end - at) else { throw fault(.overrun) }
    let start = at
    at += Int(length)
    return ProtoCursor(at: start, end: at)
  }

  @inline(__always) mutating func word64() throws(ProtoFault) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(try advance(8)).loadUnaligned(as: UInt64.self))
  }

  @inline(__always) mutating func word32() throws(ProtoFault) -> UInt32 {
    UInt32(littleEndian: UnsafeRawPointer(try advance(4)).loadUnaligned(as: UInt32.self))
  }

  // MARK: known fields; a wrong wire type is malformed

  @inline(__always) private func expect(_ tag: ProtoTag, _ wire: UInt32) throws(ProtoFault) {
    guard tag.wire == wire else { throw fault(.wireType) }
  }

  @inline(__always) mutating func varint(_ tag: ProtoTag) throws(ProtoFault) -> UInt64 {
    try expect(tag, 0)
    return try varint()
  }

  @inline(__always) mutating func fixed64(_ tag: ProtoTag) throws(ProtoFault) -> UInt64 {
    try expect(tag, 1)
    return try word64()
  }

  @inline(__always) mutating func double(_ tag: ProtoTag) throws(ProtoFault) -> Double {
    Double(bitPattern: try fixed64(tag))
  }

  @inline(__always) mutating func fixed32(_ tag: ProtoTag) throws(ProtoFault) -> UInt32 {
    try expect(tag, 5)
    return try word32()
  }

  /// int32, uint32 and enums: higher bits are cut off, as protobuf wants it.
  @inline(__always) mutating func uint32(_ tag: ProtoTag) throws(ProtoFault) -> UInt32 {
    UInt32(truncatingIfNeeded: try varint(tag))
  }

  @inline(__always) mutating func int32(_ tag: ProtoTag) throws(ProtoFault) -> Int32 {
    Int32(truncatingIfNeeded: try varint(tag))
  }

  /// Zigzag.
  @inline(__always) mutating func sint32(_ tag: ProtoTag) throws(ProtoFault) -> Int32 {
    let raw = try uint32(tag)
    return Int32(bitPattern: raw >> 1) ^ -Int32(bitPattern: raw & 1)
  }

  /// Texts, bytes, messages and packed arrays.
  @inline(__always) mutating func range(_ tag: ProtoTag) throws(ProtoFault) -> ProtoCursor {
    try expect(tag, 2)
    return try sized()
  }

  // MARK: unknown fields

  @inline(__always) mutating func skip(_ tag: ProtoTag) throws(ProtoFault) {
    switch tag.wire {
    case 0: _ = try varint()
    case 1: _ = try advance(8)
    case 2: _ = try sized()
    case 5: _ = try advance(4)
    case 3: try skipGroup(tag.field)
    default: throw fault(.badTag)
    }
  }

  /// Groups nest; more than this many is no honest message.
  private static let groupDepthLimit = 64

  /// Open groups are counted in a loop, so that no input can use up the stack.
  @inline(never) private mutating func skipGroup(_ field: UInt32) throws(ProtoFault) {
    var open = [field]
    while let innermost = open.last {
      let tag = try tag()
      switch tag.wire {
      case 3:
        if open.count == Self.groupDepthLimit { throw fault(.tooDeep) }
        open.append(tag.field)
      case 4:
        guard tag.field == innermost else { throw fault(.groupEnd) }
        open.removeLast()
      default: try skip(tag)
      }
    }
  }
}

/// A field that may occur once. It may all the same occur twice, and then its messages are merged (CONFORMANCE PB-06).
struct ProtoOnce {
  var last: ProtoCursor
  var count = 0

  /// `empty` lends its end: a field that never comes is an empty message.
  @inline(__always) init(_ empty: ProtoCursor) { last = ProtoCursor(at: empty.end, end: empty.end) }

  /// Known to have occurred more than once.
  init(repeated last: ProtoCursor) {
    self.last = last
    count = 2
  }

  @inline(__always) mutating func note(_ message: ProtoCursor) {
    last = message
    count &+= 1
  }
}
