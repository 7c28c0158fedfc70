import Telemetry

/// The column `ext`: an object whose members are all optional, so its brace is written with the first one.
extension BatchBuilder {
  /// `name` with its quotes and colon, e.g. `"\"kind\":"`; `start` is where the object begins or will begin.
  @inline(__always) mutating func extKey(_ name: StaticString, _ start: Int) {
    arena.append(arena.count == start ? UInt8(ascii: "{") : UInt8(ascii: ","))
    arena.append(name)
  }

  /// A count of dropped things; 0 is left out.
  @inline(__always) mutating func extCount(_ name: StaticString, _ number: UInt32, _ start: Int) {
    if number > 0 {
      extKey(name, start)
      arena.appendInteger(UInt64(number))
    }
  }

  /// The exact text of a row time that does not fit into a signed integer (CONFORMANCE DM-11).
  @inline(__always) mutating func extTime(_ time: UInt64, _ row: inout Row, _ start: Int) {
    if time > UInt64(Int64.max) {
      extKey("\"time\":", start)
      arena.appendUnsigned(time)
      row.bits |= Bits.timeInExt
    }
  }

  /// Closes the object, if there is one.
  @inline(__always) mutating func endExt(_ row: inout Row, _ start: Int) {
    if arena.count > start {
      arena.append(UInt8(ascii: "}"))
      row.ext = Slice(start: start, count: arena.count &- start)
      row.present.insert(.ext)
    }
  }
}

extension Row {
  /// Row times are signed: later ones are clamped, see `Bits.timeInExt`.
  @inline(__always) mutating func setTime(_ nanoseconds: UInt64) {
    time = Int64(clamping: nanoseconds)
  }
}
