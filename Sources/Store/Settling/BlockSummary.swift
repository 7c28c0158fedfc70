/// What blocks of 4,096 neighbouring rows hold: range of times, and how many rows of each name. A question about a time
/// range reads the rows of the few blocks at its ends and none of the others.
///
/// Ids must be added in ascending order. The table is written by settling; of a landing file a reader makes one for
/// itself.
struct BlockSummary {
  /// A block with more names than this is not worth its bytes: its rows are counted when somebody asks.
  private static let mostNames = 256
  /// Ids of names count from 1; one that is far beyond them does not come from a dictionary of ours.
  private static let highestName: Int64 = 1 << 20

  static let table = """
    CREATE TABLE IF NOT EXISTS block(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
      rows INTEGER NOT NULL, names TEXT);
    """

  struct Entry: Equatable {
    var name: Int64
    var rows: Int64
  }

  struct Block: Equatable {
    /// Ids, inclusive.
    var first: Int64
    var last: Int64
    /// Nanoseconds, inclusive.
    var low: Int64
    var high: Int64
    var rows: Int64
    /// Places in `entries`; nil: not counted.
    var names: Range<Int>?
  }

  private(set) var blocks: [Block] = []
  private(set) var entries: [Entry] = []
  private(set) var rows: Int64 = 0

  // the block that is being filled
  private var open = Block(first: 0, last: 0, low: 0, high: 0, rows: 0, names: nil)
  private var runName: Int64 = -1
  private var run: Int64 = 0
  /// By id of name; all zero between two blocks.
  private var counts: [Int64] = []
  private var touched: [Int64] = []
  private var isCounted = true

  private let rowsPerBlock: Int64

  init(rowsPerBlock: Int64 = 4096) { self.rowsPerBlock = rowsPerBlock }

  @inline(__always) mutating func add(id: Int64, time: Int64, name: Int64) {
    if open.rows == 0 {
      open.first = id
      open.low = time
      open.high = time
    } else {
      if time < open.low { open.low = time }
      if time > open.high { open.high = time }
    }
    open.last = id
    open.rows += 1
    if name == runName {
      run += 1
    } else {
      endRun()
      runName = name
      run = 1
    }
    if open.rows == rowsPerBlock { seal() }
  }

  private mutating func endRun() {
    if run == 0 { return }
    defer { run = 0 }
    guard (0...Self.highestName).contains(runName) else {
      isCounted = false
      return
    }
    let index = Int(runName)
    while counts.count <= index {
      counts.append(contentsOf: repeatElement(0, count: max(64, index + 1 - counts.count)))
    }
    if counts[index] == 0 { touched.append(runName) }
    counts[index] += run
  }

  private mutating func seal() {
    endRun()
    if isCounted && touched.count <= Self.mostNames {
      let start = entries.count
      touched.sort()
      for name in touched { entries.append(Entry(name: name, rows: counts[Int(name)])) }
      open.names = start..<entries.count
    } else {
      open.names = nil
    }
    for name in touched { counts[Int(name)] = 0 }
    touched.removeAll(keepingCapacity: true)
    isCounted = true
    rows += open.rows
    blocks.append(open)
    open.rows = 0
    runName = -1
  }

  /// Closes the last block, full or not.
  mutating func finish() { if open.rows > 0 { seal() } }

  /// Takes back a last block that is not full, so that more rows may come. The id that they come after.
  mutating func reopen() -> Int64 {
    if let last = blocks.last, last.rows < rowsPerBlock {
      blocks.removeLast()
      if let names = last.names { entries.removeSubrange(names) }
      rows -= last.rows
    }
    return blocks.last?.last ?? .min
  }

  // MARK: the table

  /// Makes the table `block` with everything that was added.
  mutating func write(to connection: Connection) throws(SQLiteError) {
    finish()
    try connection.execute(Self.table)
    let insert = try connection.prepare("INSERT INTO block VALUES (?,?,?,?,?,?)")
    for block in blocks {
      for (index, value) in [block.first, block.last, block.low, block.high, block.rows].enumerated() {
        insert.bind(Int32(index + 1), value)
      }
      insert.bind(6, block.names.map { .text(json($0)) } ?? .null)
      try insert.run()
    }
  }

  /// `{"name id":rows,…}`
  private func json(_ names: Range<Int>) -> String {
    "{" + entries[names].map { "\"\($0.name)\":\($0.rows)" }.joined(separator: ",") + "}"
  }

  /// The table `block`; nil when it is not there or does not hold together, or does not count `expected` rows in all.
  static func read(from connection: Connection, expected: Int64) throws(SQLiteError) -> BlockSummary? {
    if try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'block' AND rootpage > 0") == nil { return nil }
    var summary = BlockSummary()
    let statement = try connection.prepare("SELECT first, last, low, high, rows, names FROM block ORDER BY first")
    while try statement.step() {
      var block = Block(
        first: statement.integer(0), last: statement.integer(1), low: statement.integer(2), high: statement.integer(3),
        rows: statement.integer(4), names: nil)
      guard block.first <= block.last, block.low <= block.high, block.rows > 0, block.rows <= expected else {
        return nil
      }
      if let before = summary.blocks.last, before.last >= block.first { return nil }
      if !statement.isNull(5) {
        guard let names = summary.take(statement.bytes(5), rows: block.rows) else { return nil }
        block.names = names
      }
      summary.blocks.append(block)
      summary.rows += block.rows
    }
    return summary.rows == expected ? summary : nil
  }

  /// Entries of one block; nil unless they make `rows`.
  private mutating func take(_ json: UnsafeRawBufferPointer, rows: Int64) -> Range<Int>? {
    let start = entries.count
    var name: Int64?
    var number: Int64?
    var sum: Int64 = 0
    for byte in json {
      if (0x30...0x39).contains(byte) {
        let (value, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
        if overflow || value > Int64.max - 9 { return nil }
        number = value + Int64(byte - 0x30)
        continue
      }
      guard let ended = number else { continue }
      number = nil
      if let known = name {
        if ended > rows { return nil }
        entries.append(Entry(name: known, rows: ended))
        sum += ended
        name = nil
      } else {
        name = ended
      }
    }
    return sum == rows && name == nil ? start..<entries.count : nil
  }
}
