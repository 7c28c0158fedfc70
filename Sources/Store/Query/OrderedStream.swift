/// The rows of one question in order.
final class OrderedStream {
  let question: RowsQuestion
  private(set) var key = OrderedMerge.Key(first: .max, second: .max)
  private let descending: Bool
  private let sql: String
  private var statement: Statement?
  /// By time: keys of rows, the least of which is popped when it is asked for, so that few rows cost little sorting.
  private var keys: KeyHeap?
  /// Blocks whose keys were not read yet, best last.
  private var blocks: [BlockSummary.Block] = []
  private var keysSQL = ""
  /// By id: ranges that the statement was not asked for yet, next last, so that few rows cost little sorting.
  private var chunks: [[ClosedRange<Int64>]] = []

  init(_ asked: RowsQuestion, _ plan: CompiledPlan) throws(SQLiteError) {
    var question = asked
    switch plan.plan.order {
    case .time(let descending):
      self.descending = descending
      // Blocks lead to the rows.
      question = question.unranged
      self.question = question
      sql = plan.sql(.single, of: question)
      if let found = try question.blocks() {
        keys = KeyHeap([])
        blocks = descending ? found.sorted { $0.high < $1.high } : found.sorted { $0.low > $1.low }
        keysSQL = plan.sql(.keys, of: question, and: ["e.id BETWEEN ? AND ?"])
      } else {
        keysSQL = plan.sql(.keys, of: question)
        keys = KeyHeap(try Self.keys(question, keysSQL, [], descending))
      }
      statement = try question.file.take(sql)
    case .id(let descending):
      self.descending = descending
      chunks = question.takeChunks(descending: descending)
      self.question = question
      sql = plan.sql(.rowsByID(descending: descending), of: question)
      statement = try question.statement(sql)
    case .none, .names:
      descending = false
      self.question = question
      sql = plan.sql(.rows, of: question)
      statement = try question.statement(sql)
    }
  }

  deinit { stop() }

  private static func keys(
    _ question: RowsQuestion, _ sql: String, _ ids: [QueryArgument], _ descending: Bool
  ) throws(SQLiteError) -> [OrderedMerge.Key] {
    let statement = try question.statement(sql, last: ids)
    defer { question.file.giveBack(statement, sql) }
    var keys: [OrderedMerge.Key] = []
    while try statement.step() {
      let id = statement.integer(0)
      let microsecond = statement.integer(1)
      keys.append(
        descending ? .init(first: ~microsecond, second: ~id) : .init(first: microsecond, second: id))
    }
    return keys
  }

  /// Reads blocks that may hold a row before the best one known.
  private func readBlocks() throws(SQLiteError) {
    while let block = blocks.last {
      let best = descending ? ~(max(0, block.high) / 1000) : max(0, block.low) / 1000
      if let least = keys?.least, least.first < best { return }
      blocks.removeLast()
      keys?.insert(try Self.keys(question, keysSQL, [.integer(block.first), .integer(block.last)], descending))
    }
  }

  /// False: there are no more.
  func advance() throws(SQLiteError) -> Bool {
    if keys != nil {
      try readBlocks()
      guard let least = keys?.popLeast() else { return false }
      key = least
      return true
    }
    guard let statement else { return false }
    while try !statement.step() {
      guard let chunk = chunks.popLast() else { return false }
      statement.reset()
      QueryArgument.text(RowRanges.json(chunk)).bind(to: statement.handle, 1)
    }
    let id = statement.integer(0)
    key = .init(first: descending ? ~id : id, second: 0)
    return true
  }

  /// The statement on the row of `key`.
  func row() throws(SQLiteError) -> OpaquePointer? {
    guard let statement else { return nil }
    if keys == nil { return statement.handle }
    statement.reset()
    statement.bind(1, descending ? ~key.second : key.second)
    // In one read transaction a row that was there is there.
    return try statement.step() ? statement.handle : nil
  }

  func stop() {
    if let statement { question.file.giveBack(statement, sql) }
    statement = nil
    keys = nil
    blocks = []
    chunks = []
  }
}

/// A binary heap that grows by many at a time and shrinks by one.
struct KeyHeap {
  private var keys: [OrderedMerge.Key]

  init(_ keys: [OrderedMerge.Key]) {
    self.keys = keys
    order()
  }

  var least: OrderedMerge.Key? { keys.first }

  mutating func insert(_ more: [OrderedMerge.Key]) {
    keys += more
    order()
  }

  private mutating func order() {
    for index in stride(from: keys.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  mutating func popLeast() -> OrderedMerge.Key? {
    guard let least = keys.first else { return nil }
    let last = keys.removeLast()
    if !keys.isEmpty {
      keys[0] = last
      sink(0)
    }
    return least
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      if child >= keys.count { return }
      if child + 1 < keys.count && keys[child + 1] < keys[child] { child += 1 }
      if !(keys[child] < keys[parent]) { return }
      keys.swapAt(parent, child)
      parent = child
    }
  }
}
