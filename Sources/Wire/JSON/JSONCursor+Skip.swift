/// Values nobody asked for (CONFORMANCE JSON-06): checked like any other, in a loop, so that no depth can use up the stack.
extension JSONCursor {
  /// Passes one value of any kind with at most `depthLimit` arrays and objects in each other.
  mutating func skipValue(depthLimit: Int) throws(JSONFault) {
    // The open brackets, innermost in the lowest bit: 1 for an object. Full words wait in `outer`.
    var open: UInt64 = 0
    var outer: [UInt64] = []
    var depth = 0
    while true {
      let byte = try peek()
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = byte == UInt8(ascii: "{")
        at += 1
        if try peek() == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          at += 1
          break
        }
        guard depth < depthLimit else { throw fault(.tooDeep) }
        if depth > 0 && depth & 63 == 0 { outer.append(open) }
        open = open << 1 | (isObject ? 1 : 0)
        depth += 1
        if isObject { try skipKey() }
        continue
      case UInt8(ascii: "\""):
        at += 1
        try passText()
      case UInt8(ascii: "t"): try literal("true")
      case UInt8(ascii: "f"): try literal("false")
      case UInt8(ascii: "n"): try literal("null")
      case UInt8(ascii: "-"), 0x30...0x39: try passNumber(anyZeros: false)
      default: throw fault(.unexpected)
      }
      // A value is complete: go on in what surrounds it.
      while true {
        if depth == 0 { return }
        let isObject = open & 1 == 1
        if try hasMore(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          if isObject { try skipKey() }
          break
        }
        open >>= 1
        depth -= 1
        if depth > 0 && depth & 63 == 0 { open = outer.removeLast() }
      }
    }
  }

  private mutating func skipKey() throws(JSONFault) {
    try expect(UInt8(ascii: "\""))
    try passText()
    try expect(UInt8(ascii: ":"))
  }
}
