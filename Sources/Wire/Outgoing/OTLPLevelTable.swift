/// Distinct levels of one kind, found by their texts.
struct OTLPLevelTable: ~Copyable {
  private(set) var levels: [OTLPParcelLevel] = []
  private var table = InternTable()
  private var keys = Arena(capacity: 1 << 10)
  private var ranges: [Range<Int>] = []
  /// Records of one kind come in runs: the last one is looked at first.
  private var last: Int?
  private var start = 0

  // MARK: the key being made

  mutating func begin() { start = keys.count }

  @inline(__always) mutating func add(_ number: Int) {
    keys.reserve(8)
    UnsafeMutableRawPointer(keys.base + keys.count).storeBytes(of: number, as: Int.self)
    keys.count &+= 8
  }

  @inline(__always) mutating func add(_ text: UnsafeRawBufferPointer) {
    add(text.count)
    keys.append(text)
  }

  /// Index of the level with the key that was made; nil: `insert` it or `giveUp`.
  mutating func find() -> Int? {
    let key = keys.bytes(start, keys.count - start)
    if let last, equals(key, last) {
      keys.truncate(to: start)
      return last
    }
    guard let index = table.find(QuickHash.hash(key), { equals(key, $0) }) else { return nil }
    keys.truncate(to: start)
    last = index
    return index
  }

  private func equals(_ key: UnsafeRawBufferPointer, _ index: Int) -> Bool {
    let range = ranges[index]
    return range.count == key.count && keys.bytes(range.lowerBound, range.count).isEqual(key)
  }

  mutating func insert(_ level: OTLPParcelLevel) -> Int {
    table.insert(QuickHash.hash(keys.bytes(start, keys.count - start)))
    ranges.append(start..<keys.count)
    levels.append(level)
    last = levels.count - 1
    return levels.count - 1
  }

  mutating func giveUp() { keys.truncate(to: start) }

  /// The levels; the table begins anew.
  mutating func take() -> [OTLPParcelLevel] {
    defer {
      levels = []
      if table.count > 0 { table = InternTable() }
      keys.truncate(to: 0)
      ranges.removeAll(keepingCapacity: true)
      last = nil
    }
    return levels
  }
}

extension UnsafeRawBufferPointer {
  /// Of equal length; eight bytes at a time.
  @inline(__always) fileprivate func isEqual(_ other: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at &+ 8 <= count {
      if loadUnaligned(fromByteOffset: at, as: UInt64.self) != other.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      {
        return false
      }
      at &+= 8
    }
    while at < count {
      if self[at] != other[at] { return false }
      at &+= 1
    }
    return true
  }
}
