import Synchronization

/// Rules of the keys seen lately, found by the hash of the key: a sender has a few hundred keys and sends them for ever.
///
/// A slot is one word: the upper 55 bits of the hash, a bit that says it is in use, and the rule. Two slots a key; what is
/// crowded out is looked up again, so the size is bounded and no lock is needed. The seed is random: nobody can find two
/// keys that share a hash.
///
/// `@unchecked Sendable`: slots are atomics, the rest is set once.
final class KeyMemo: @unchecked Sendable {
  /// 16 KiB: stays in the first cache.
  private static let slotCount = 2048
  private let slots: UnsafeMutablePointer<Atomic<UInt64>>
  private static let inUse: UInt64 = 0x100
  private static let seed = UInt64.random(in: 0 ... .max)

  init() {
    slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount { (slots + index).initialize(to: Atomic(0)) }
  }

  deinit {
    slots.deinitialize(count: Self.slotCount)
    slots.deallocate()
  }

  @inline(__always) func find(_ hash: UInt64) -> KeyRule? {
    let tag = Self.tag(hash)
    let index = Self.index(hash)
    let first = slots[index].load(ordering: .relaxed) ^ tag
    if first <= 0xff { return KeyRule(rawValue: UInt8(truncatingIfNeeded: first)) }
    let second = slots[index ^ 1].load(ordering: .relaxed) ^ tag
    if second <= 0xff { return KeyRule(rawValue: UInt8(truncatingIfNeeded: second)) }
    return nil
  }

  @inline(never) func insert(_ hash: UInt64, _ rule: KeyRule) {
    let index = Self.index(hash)
    let place = slots[index].load(ordering: .relaxed) == 0 ? index : index ^ 1
    // The older of the two goes when both are taken: the pair changes sides.
    if place != index { slots[place].store(slots[index].load(ordering: .relaxed), ordering: .relaxed) }
    slots[index].store(Self.tag(hash) | UInt64(rule.rawValue), ordering: .relaxed)
  }

  @inline(__always) private static func tag(_ hash: UInt64) -> UInt64 { hash & ~0x1ff | inUse }
  @inline(__always) private static func index(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slotCount - 1) }

  /// Hash of a key, eight bytes at a time; `tail` is what is left, zero-filled.
  struct Hash {
    private var state = KeyMemo.seed

    @inline(__always) mutating func add(_ word: UInt64) { state = Self.mix(state ^ word) }

    @inline(__always) consuming func finish(_ tail: UInt64, count: Int) -> UInt64 {
      Self.mix(Self.mix(state ^ tail) ^ UInt64(truncatingIfNeeded: count))
    }

    @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
      let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      return product.high ^ product.low
    }
  }

  static func hash(_ key: [UInt8]) -> UInt64 {
    var hash = Hash()
    var at = 0
    while at + 8 <= key.count {
      var word: UInt64 = 0
      for offset in 0..<8 { word |= UInt64(key[at + offset]) << (offset * 8) }
      hash.add(word)
      at += 8
    }
    var tail: UInt64 = 0
    for offset in 0..<(key.count - at) { tail |= UInt64(key[at + offset]) << (offset * 8) }
    return hash.finish(tail, count: key.count)
  }
}
