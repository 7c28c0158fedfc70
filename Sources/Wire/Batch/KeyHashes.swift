/// Hashes of the keys of all objects that are open, the innermost on top. An array would check its uniqueness for every key.
struct KeyHashes: ~Copyable {
  private var base: UnsafeMutablePointer<UInt32>
  private var capacity = 64
  private(set) var count = 0

  init() { base = .allocate(capacity: capacity) }

  deinit { base.deallocate() }

  @inline(__always) mutating func append(_ hash: UInt32) {
    if count == capacity { grow() }
    base[count] = hash
    count &+= 1
  }

  @inline(never) private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }

  @inline(__always) mutating func truncate(to count: Int) { self.count = count }

  /// Without a branch in the loop, so that it becomes a vector comparison.
  @inline(__always) func contains(_ hash: UInt32, from first: Int) -> Bool {
    var found: UInt32 = 0
    var at = first
    while at < count {
      found |= base[at] == hash ? 1 : 0
      at &+= 1
    }
    return found != 0
  }

  @inline(never) func hasEqual(from first: Int) -> Bool {
    let sorted = UnsafeBufferPointer(start: base + first, count: count - first).sorted()
    return zip(sorted, sorted.dropFirst()).contains { $0 == $1 }
  }
}
