import Telemetry

/// Values of fields as JSON.
extension DatagramBatch {
  @inline(__always) mutating func value(
    _ c: inout DatagramCursor, _ type: UInt8, _ fault: inout Rejection.Reason?
  ) throws(DatagramFault) {
    switch type {
    case UInt8(ascii: "u"): builder.arena.appendUnsigned(try c.varint())
    case UInt8(ascii: "i"): builder.arena.appendInteger(try c.zigzag())
    case UInt8(ascii: "T"): builder.arena.append("true")
    case UInt8(ascii: "F"): builder.arena.append("false")
    case UInt8(ascii: "N"): builder.arena.append("null")
    case UInt8(ascii: "s"): try text(&c, &fault)
    default: try otherValue(&c, type, &fault)
    }
  }

  private mutating func otherValue(
    _ c: inout DatagramCursor, _ type: UInt8, _ fault: inout Rejection.Reason?
  ) throws(DatagramFault) {
    switch type {
    case UInt8(ascii: "d"): builder.arena.appendDouble(Double(bitPattern: try c.word()))
    case UInt8(ascii: "f"):
      let word = UInt32(bigEndian: try c.bytes(4).loadUnaligned(as: UInt32.self))
      builder.arena.appendDouble(Double(Float(bitPattern: word)))
    case UInt8(ascii: "b"):
      let byte = try c.byte()
      guard byte <= 1 else { throw DatagramFault() }
      builder.arena.append(byte == 1 ? "true" : "false")
    case UInt8(ascii: "h"):
      builder.arena.append("\"0x")
      builder.arena.appendHex(try c.bytes(8))
      builder.arena.append("\"")
    case UInt8(ascii: "x"):
      builder.arena.append("\"")
      builder.arena.appendHex(try c.piece().whole)
      builder.arena.append("\"")
    case UInt8(ascii: "U"):
      try list(&c) { (batch, c) throws(DatagramFault) in batch.builder.arena.appendUnsigned(try c.varint()) }
    case UInt8(ascii: "S"):
      var inside = fault
      try list(&c) { (batch, c) throws(DatagramFault) in try batch.text(&c, &inside) }
      fault = inside
    case UInt8(ascii: "j"): json(try c.piece().whole, &fault)
    default: throw DatagramFault()
    }
  }

  private mutating func list(
    _ c: inout DatagramCursor, _ element: (inout DatagramBatch, inout DatagramCursor) throws(DatagramFault) -> Void
  ) throws(DatagramFault) {
    let count = try c.varint()
    guard count <= UInt64(c.left) else { throw DatagramFault() }
    builder.arena.append("[")
    for index in 0..<count {
      if index > 0 { builder.arena.append(",") }
      try element(&self, &c)
    }
    builder.arena.append("]")
  }

  /// A string: its bytes, which later ones can refer to, or the number of an earlier one.
  @inline(__always) private mutating func text(
    _ c: inout DatagramCursor, _ fault: inout Rejection.Reason?
  ) throws(DatagramFault) {
    let word = try c.varint()
    let bytes: UnsafeRawBufferPointer
    if word & 1 == 0 {
      bytes = try c.bytes(word >> 1)
      binary.texts.append(bytes)
    } else {
      guard word >> 1 < UInt64(binary.texts.count) else { throw DatagramFault() }
      bytes = binary.texts[Int(word >> 1)]
    }
    if !builder.arena.appendJSONString(bytes) { fault = fault ?? .badUTF8 }
  }

  private mutating func json(_ bytes: UnsafeRawBufferPointer, _ fault: inout Rejection.Reason?) {
    let start = builder.arena.count
    let firstKey = builder.keyHashes.count
    var problem: Rejection.Reason? = .badJSON
    if var cursor = JSONCursor(bytes) {
      do throws(JSONFault) {
        try builder.copyValue(&cursor, depth: 0)
        cursor.skipSpace()
        if cursor.left == 0 { problem = nil }
      } catch {
        if case .badUTF8 = error.kind { problem = .badUTF8 }
      }
    }
    // Nothing else of a packet of this size can be too much.
    if let reason = builder.takeTooMuch(), problem == nil { problem = reason }
    if let problem {
      fault = fault ?? problem
      builder.keyHashes.truncate(to: firstKey)
      builder.arena.truncate(to: start)
      builder.arena.append("null")
    }
  }
}

extension DatagramCursor {
  var whole: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: at, count: left) }
}
