/// Which rows of a settled file belong to a trace: pairs of (hash of the trace, row), sorted, in blobs of some kilobytes.
///
/// SQLite's own index over the correlation costs 1.1 µs and 38 bytes a row; this costs 0.05 µs and 8 bytes, for the rows pass by
/// anyway while a file is described. Hash and row are 32 bits each, the row counted from `base`.
///
/// ```
/// trace_index(base, last, part, entries)    last: largest hash in `entries`; part: tells blobs with the same one apart
/// ```
struct TraceIndex {
  static let schema = """
    CREATE TABLE IF NOT EXISTS trace_index(base INTEGER NOT NULL, last INTEGER NOT NULL, part INTEGER NOT NULL, entries BLOB NOT NULL,
      PRIMARY KEY(base, last, part)) WITHOUT ROWID;
    """

  /// Four blobs fill a page: a larger one would be moved to pages of its own.
  private static func entriesPerBlob(pageSize: Int64) -> Int { Int(pageSize) / 34 }

  private var entries: [UInt64] = []
  private var base: Int64 = 0
  private var filled: [(base: Int64, entries: [UInt64])] = []

  init(expected: Int) { entries.reserveCapacity(expected) }

  /// Trace ids may be counters or begin with a time: the hash spreads them.
  @inline(__always) static func hash(_ high: UInt64, _ low: UInt64) -> UInt32 {
    var x = (high ^ (low << 32 | low >> 32)) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ (x >> 31)) &* 0x94d0_49bb_1331_11eb
    return UInt32(truncatingIfNeeded: x >> 32)
  }

  /// In rising order of `id`.
  @inline(__always) mutating func add(_ high: UInt64, _ low: UInt64, id: Int64) {
    if entries.isEmpty { base = id }
    if UInt64(bitPattern: id &- base) > UInt64(UInt32.max) {
      filled.append((base, entries))
      entries = []
      base = id
    }
    entries.append(UInt64(Self.hash(high, low)) << 32 | UInt64(bitPattern: id &- base))
  }

  func write(to target: Connection) throws(SQLiteError) {
    let all = entries.isEmpty ? filled : filled + [(base, entries)]
    if all.isEmpty { return }
    try target.execute(Self.schema)
    let entriesPerBlob = Self.entriesPerBlob(pageSize: try target.integer("PRAGMA page_size") ?? 4096)
    let insert = try target.prepare("INSERT INTO trace_index VALUES (?,?,?,?)")
    for (base, entries) in all {
      let sorted = Self.sorted(entries)
      var start = 0
      while start < sorted.count {
        let end = min(start + entriesPerBlob, sorted.count)
        insert.bind(1, base)
        insert.bind(2, Int64(sorted[end - 1] >> 32))
        insert.bind(3, Int64(start))
        let result: SQLiteError? = sorted[start..<end].withUnsafeBytes { bytes in
          insert.bindBlob(4, bytes)
          do throws(SQLiteError) { try insert.run() } catch { return error }
          return nil
        }
        if let result { throw result }
        start = end
      }
    }
  }

  /// By hash; entries of one hash keep their order, which is that of the rows. Radix sort, a byte at a time.
  static func sorted(_ entries: [UInt64]) -> [UInt64] {
    var from = entries
    var to = [UInt64](repeating: 0, count: entries.count)
    for shift in stride(from: UInt64(32), to: 64, by: 8) {
      var starts = [Int](repeating: 0, count: 257)
      for entry in from { starts[Int(entry >> shift & 255) + 1] += 1 }
      for index in 1...256 { starts[index] += starts[index - 1] }
      from.withUnsafeBufferPointer { from in
        to.withUnsafeMutableBufferPointer { to in
          starts.withUnsafeMutableBufferPointer { starts in
            for entry in from {
              let bucket = Int(entry >> shift & 255)
              to[starts[bucket]] = entry
              starts[bucket] += 1
            }
          }
        }
      }
      swap(&from, &to)
    }
    return from
  }

  // MARK: reading

  private static let bases = "SELECT min(base) FROM trace_index WHERE base >= ?"
  private static let blobs = "SELECT entries FROM trace_index WHERE base = ? AND last >= ? ORDER BY last, part"

  /// Rows whose trace has the same hash as this one, rising.
  static func find(_ high: UInt64, _ low: UInt64, in file: QueryFile) throws(SQLiteError) -> [Int64] {
    let nextBase = try file.take(bases)
    defer { file.giveBack(nextBase, bases) }
    let entries = try file.take(blobs)
    defer { file.giveBack(entries, blobs) }
    return try find(high, low, nextBase, entries)
  }

  static func find(_ high: UInt64, _ low: UInt64, in connection: Connection) throws(SQLiteError) -> [Int64] {
    try find(high, low, try connection.prepare(bases), try connection.prepare(blobs))
  }

  private static func find(
    _ high: UInt64, _ low: UInt64, _ bases: Statement, _ blobs: Statement
  ) throws(SQLiteError) -> [Int64] {
    let wanted = UInt64(hash(high, low))
    var found: [Int64] = []
    var base = Int64.min
    while true {
      bases.bind(1, base)
      guard try bases.step(), !bases.isNull(0) else { break }
      base = bases.integer(0)
      bases.reset()
      blobs.bind(1, base)
      blobs.bind(2, Int64(wanted))
      while try blobs.step(), append(wanted, base, blobs.bytes(0), to: &found) {}
      blobs.reset()
      if base == .max { break }
      base += 1
    }
    return found.sorted()
  }

  /// False: no later blob has the hash.
  private static func append(
    _ wanted: UInt64, _ base: Int64, _ bytes: UnsafeRawBufferPointer, to found: inout [Int64]
  ) -> Bool {
    let count = bytes.count / 8
    func entry(_ index: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if entry(middle) >> 32 < wanted { low = middle + 1 } else { high = middle }
    }
    while low < count {
      let pair = entry(low)
      if pair >> 32 != wanted { return false }
      // Wrapping, as a damaged file may say anything; what it leads to is compared with the trace.
      found.append(base &+ Int64(pair & 0xffff_ffff))
      low += 1
    }
    return true
  }
}
