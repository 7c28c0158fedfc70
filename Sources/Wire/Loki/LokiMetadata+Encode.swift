extension LokiMetadata {
  /// Each entry as field 3 of logproto.Entry: `{1: name, 2: value}`.
  func encode(_ out: inout Arena) {
    for entry in entries {
      let length =
        2 + LokiLength.varint(entry.name.count) + entry.name.count + LokiLength.varint(entry.value.count)
        + entry.value.count
      out.append(0x1a)
      out.appendVarint(UInt64(length))
      out.append(0x0a)
      out.appendVarint(UInt64(entry.name.count))
      out.append(bytes(entry.name))
      out.append(0x12)
      out.appendVarint(UInt64(entry.value.count))
      out.append(bytes(entry.value))
    }
  }
}

enum LokiLength {
  /// Bytes of a number as varint.
  @inline(__always) static func varint(_ number: Int) -> Int { max(1, (64 - number.leadingZeroBitCount + 6) / 7) }
}
