/// Block summaries of one data file, by table.
struct QueryBlocks {
  fileprivate let rowsPerBlock: Int64
  fileprivate var known: [String: BlockSummary] = [:]
  /// Tables whose summary has every row that this transaction sees.
  fileprivate var current: Set<String> = []
  /// Tables found to have none.
  fileprivate var missing: Set<String> = []

  /// Of the summaries that are made here.
  init(rowsPerBlock: Int64 = 4096) { self.rowsPerBlock = rowsPerBlock }

  /// For the next transaction over a file that may grow.
  var forLater: QueryBlocks {
    var later = self
    later.current = []
    return later
  }
}

extension QueryFile {
  /// The summary that the file itself keeps; nil: it has none, as those that were settled before there were any.
  func storedBlocks(_ rows: Rows) throws(SQLiteError) -> BlockSummary? {
    if blocks.current.contains(rows.table) { return blocks.known[rows.table] }
    if file.isLanding || blocks.missing.contains(rows.table) { return nil }
    // A file that was opened by its path alone is not described.
    let isDescribed = file.firstID != .min
    let expected =
      isDescribed
      ? file.rows : try connection.integer("SELECT count(*) FROM main.\(Tables.quoted(rows.table))") ?? 0
    guard let summary = try BlockSummary.read(from: connection, expected: expected) else {
      blocks.missing.insert(rows.table)
      return nil
    }
    blocks.known[rows.table] = summary
    blocks.current.insert(rows.table)
    return summary
  }

  /// Somebody asked for all blocks of the table before: they are at hand, or nearly.
  func isSummarized(_ rows: Rows) -> Bool { blocks.known[rows.table] != nil }

  /// The summary of a table, made from its rows where the file has none. Of a landing file only rows are read that came
  /// since it was asked last: they never change, and ids only grow.
  func allBlocks(_ rows: Rows) throws(SQLiteError) -> BlockSummary {
    if let stored = try storedBlocks(rows) { return stored }
    var summary = blocks.known[rows.table] ?? BlockSummary(rowsPerBlock: blocks.rowsPerBlock)
    let after = summary.reopen()
    let sql = "SELECT e.id, e.time, e.name FROM main.\(Tables.quoted(rows.table)) e WHERE e.id > ? ORDER BY e.id"
    let statement = try take(sql)
    defer { giveBack(statement, sql) }
    statement.bind(1, after)
    while try statement.step() {
      summary.add(id: statement.integer(0), time: statement.integer(1), name: statement.integer(2))
    }
    summary.finish()
    blocks.known[rows.table] = summary
    blocks.current.insert(rows.table)
    return summary
  }

  /// Rows by id of their name in the range `times` (nanoseconds, inclusive).
  func counts(_ rows: Rows, in times: ClosedRange<Int64>) throws(SQLiteError) -> [Int64: Int64] {
    let summary = try allBlocks(rows)
    var counts: [Int64: Int64] = [:]
    // Ids of neighbouring blocks whose rows have to be looked at.
    var pending: ClosedRange<Int64>?
    for block in summary.blocks {
      if block.low <= times.upperBound && block.high >= times.lowerBound {
        guard let names = block.names, times.contains(block.low), times.contains(block.high) else {
          pending = (pending?.lowerBound ?? block.first)...block.last
          continue
        }
        for entry in summary.entries[names] { counts[entry.name, default: 0] += entry.rows }
      }
      if let ids = pending { try count(rows, ids, times, into: &counts) }
      pending = nil
    }
    if let pending { try count(rows, pending, times, into: &counts) }
    return counts
  }

  private func count(
    _ rows: Rows, _ ids: ClosedRange<Int64>, _ times: ClosedRange<Int64>, into counts: inout [Int64: Int64]
  ) throws(SQLiteError) {
    let sql = """
      SELECT e.name FROM main.\(Tables.quoted(rows.table)) e WHERE e.id BETWEEN ? AND ? AND e.time BETWEEN ? AND ?
      """
    let statement = try take(sql)
    defer { giveBack(statement, sql) }
    for (index, bound) in [ids.lowerBound, ids.upperBound, times.lowerBound, times.upperBound].enumerated() {
      statement.bind(Int32(index + 1), bound)
    }
    var name: Int64 = -1
    var run: Int64 = 0
    while try statement.step() {
      let next = statement.integer(0)
      if next == name {
        run += 1
        continue
      }
      if run > 0 { counts[name, default: 0] += run }
      name = next
      run = 1
    }
    if run > 0 { counts[name, default: 0] += run }
  }
}
