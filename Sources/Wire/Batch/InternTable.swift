/// Open-addressing set of small integers found by a hash of what they stand for. Lives for one batch; the seed of the hash is
/// random, and a hit is confirmed by comparing bytes, so collisions cost time and never identity.
struct InternTable {
  private var slots: [Int32]
  private var hashes: [UInt64] = []
  private var mask: Int

  init(capacity: Int = 32) {
    slots = [Int32](repeating: -1, count: capacity)
    mask = capacity - 1
  }

  var count: Int { hashes.count }

  /// Index of the entry with `hash` for which `matches` holds. Nil: the caller adds its entry and calls `insert`.
  @inline(__always) func find(_ hash: UInt64, _ matches: (Int) -> Bool) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let index = slots[slot]
      if index < 0 { return nil }
      if hashes[Int(index)] == hash && matches(Int(index)) { return Int(index) }
      slot = (slot &+ 1) & mask
    }
  }

  /// Adds the entry with index `count`.
  mutating func insert(_ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 { slot = (slot &+ 1) & mask }
    slots[slot] = Int32(hashes.count)
    hashes.append(hash)
    if hashes.count * 2 > slots.count { grow() }
  }

  private mutating func grow() {
    mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(index)
    }
  }
}

enum QuickHash {
  static let seed = UInt64.random(in: 1 ... .max) | 1

  /// Multiply-and-fold over eight bytes at a time; not for anything that leaves a batch.
  @inline(__always) static func hash(_ bytes: UnsafeRawBufferPointer, _ start: UInt64 = 0) -> UInt64 {
    var state = seed ^ start &+ UInt64(truncatingIfNeeded: bytes.count)
    var at = 0
    while at &+ 8 <= bytes.count {
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at &+= 8
    }
    if at < bytes.count {
      var tail: UInt64 = 0
      if bytes.count >= 8 {
        tail = bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
      } else {
        while at < bytes.count {
          tail = tail << 8 | UInt64(bytes[at])
          at &+= 1
        }
      }
      state = mix(state ^ tail)
    }
    return state
  }

  @inline(__always) static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return product.high ^ product.low
  }
}
