/// Bloom filter over 16-byte trace ids, about 10 bits an id (1 % false hits): which of a thousand files to open for a trace.
package enum TraceFilter {
  /// Bits set per id.
  private static let probes = 7

  package static func empty(expected: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: max(8, min(expected * 10 / 8, 1 << 20)))
  }

  @inline(__always) private static func forEachBit(_ high: UInt64, _ low: UInt64, _ size: Int, _ body: (Int) -> Void) {
    // Trace ids are random in the main, but not promised to be: counters must spread too.
    let a = mixed(high ^ mixed(low))
    let b = mixed(a ^ low) | 1
    let bits = UInt64(size) * 8
    var state = a
    for _ in 0..<probes {
      body(Int((state >> 11) % bits))
      state = state &+ b
    }
  }

  /// The finalizer of splitmix64: every bit of the result depends on every bit of the number.
  @inline(__always) private static func mixed(_ number: UInt64) -> UInt64 {
    var x = number &+ 0x9e37_79b9_7f4a_7c15
    x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
    return x ^ (x >> 31)
  }

  package static func insert(_ high: UInt64, _ low: UInt64, into filter: inout [UInt8]) {
    let size = filter.count
    filter.withUnsafeMutableBufferPointer { filter in
      forEachBit(high, low, size) { filter[$0 >> 3] |= 1 << UInt8($0 & 7) }
    }
  }

  /// The two halves of 32 lower-case hexadecimal digits, as they lie in a trace id; nil for any other text.
  package static func parse(_ hex: UnsafeRawBufferPointer) -> (UInt64, UInt64)? {
    guard hex.count == 32 else { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    for (index, byte) in hex.enumerated() {
      let digit: UInt64
      switch byte {
      case 0x30...0x39: digit = UInt64(byte - 0x30)
      case 0x61...0x66: digit = UInt64(byte - 0x57)
      default: return nil
      }
      if index < 16 { halves.0 = halves.0 << 4 | digit } else { halves.1 = halves.1 << 4 | digit }
    }
    return (halves.0.byteSwapped, halves.1.byteSwapped)
  }

  /// False: certainly not in the file.
  package static func mayContain(_ high: UInt64, _ low: UInt64, _ filter: [UInt8]) -> Bool {
    guard !filter.isEmpty else { return true }
    var all = true
    forEachBit(high, low, filter.count) { if filter[$0 >> 3] & (1 << UInt8($0 & 7)) == 0 { all = false } }
    return all
  }
}
