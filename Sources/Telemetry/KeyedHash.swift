/// SipHash-1-3 with a 128-bit result: identity of dictionary entries, where a sender who could build collisions could make
/// one text stand for another. Keyed by a random key of the process, so results are never stored.
package struct KeyedHash: Sendable {
  private let k0: UInt64
  private let k1: UInt64

  package init(k0: UInt64, k1: UInt64) {
    self.k0 = k0
    self.k1 = k1
  }

  package static func random() -> KeyedHash {
    KeyedHash(k0: .random(in: 0 ... .max), k1: .random(in: 0 ... .max))
  }

  package struct State {
    var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64
    var length: UInt64 = 0

    @inline(__always) mutating func round() {
      v0 = v0 &+ v1
      v1 = (v1 << 13 | v1 >> 51) ^ v0
      v0 = v0 << 32 | v0 >> 32
      v2 = v2 &+ v3
      v3 = (v3 << 16 | v3 >> 48) ^ v2
      v0 = v0 &+ v3
      v3 = (v3 << 21 | v3 >> 43) ^ v0
      v2 = v2 &+ v1
      v1 = (v1 << 17 | v1 >> 47) ^ v2
      v2 = v2 << 32 | v2 >> 32
    }

    @inline(__always) package mutating func add(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
      length &+= 8
    }

    /// Each text is closed by its length, so that ("ab","c") and ("a","bc") differ.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
      var at = 0
      while at &+ 8 <= bytes.count {
        add(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at &+= 8
      }
      var tail = UInt64(truncatingIfNeeded: bytes.count) << 56
      var shift: UInt64 = 0
      while at < bytes.count {
        tail |= UInt64(bytes[at]) << shift
        shift &+= 8
        at &+= 1
      }
      add(tail)
    }

    package consuming func finish() -> ReceiptKey {
      v2 ^= 0xee
      round()
      round()
      round()
      let high = v0 ^ v1 ^ v2 ^ v3
      v1 ^= 0xdd
      round()
      round()
      round()
      return ReceiptKey(high: high, low: v0 ^ v1 ^ v2 ^ v3)
    }
  }

  package func start() -> State {
    State(
      v0: k0 ^ 0x736f_6d65_7073_6575, v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee, v2: k0 ^ 0x6c79_6765_6e65_7261,
      v3: k1 ^ 0x7465_6462_7974_6573)
  }
}
