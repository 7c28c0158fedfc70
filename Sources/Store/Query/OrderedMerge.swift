import CSQLite

/// Rows of all files in order of id or time: a merge that opens a file only when its best row could be the next one, so that
/// a LIMIT reads little more than it shows.
final class OrderedMerge {
  /// What rows are sorted by, ascending; both complemented for a descending order.
  struct Key: Comparable {
    var first: Int64
    var second: Int64

    static func < (a: Key, b: Key) -> Bool { a.first != b.first ? a.first < b.first : a.second < b.second }
  }

  private let pool: QueryFilePool
  private let plan: CompiledPlan
  private let arguments: ScanArguments
  /// Files not opened yet with the least key they can hold, best last.
  private var pending: [(file: DataFile, least: Int64)] = []
  private var streams: [OrderedStream] = []
  private var best: OrderedStream?

  init(_ pool: QueryFilePool, _ plan: CompiledPlan, _ arguments: ScanArguments) {
    self.pool = pool
    self.plan = plan
    self.arguments = arguments
    for file in pool.files where arguments.mayBeIn(file) { pending.append((file, Self.least(file, plan.plan.order))) }
    pending.sort { $0.least > $1.least }
  }

  /// A landing file may have grown since it was listed: only its first id is sure.
  private static func least(_ file: DataFile, _ order: ScanPlan.Order) -> Int64 {
    switch order {
    case .id(descending: false): return file.rows == 0 ? .min : file.firstID
    case .id(descending: true): return file.isLanding ? .min : ~file.lastID
    case .time(descending: false): return file.isLanding ? .min : file.minTime / 1000
    case .time(descending: true): return file.isLanding ? .min : ~(file.maxTime / 1000)
    case .none, .names: return .min
    }
  }

  /// The statement that stands on the next row, nil behind the last one.
  func next() throws(SQLiteError) -> OpaquePointer? {
    if let best { try advance(best) }
    while true {
      best = streams.min { $0.key < $1.key }
      if let next = pending.last, best.map({ next.least <= $0.key.first }) ?? true {
        pending.removeLast()
        try open(next.file)
        continue
      }
      guard let best else { return nil }
      do throws(SQLiteError) {
        return try best.row()
      } catch {
        try passOver(error, best.question.file)
      }
    }
  }

  private func advance(_ stream: OrderedStream) throws(SQLiteError) {
    do throws(SQLiteError) {
      if try stream.advance() { return }
      stream.stop()
      streams.removeAll { $0 === stream }
    } catch {
      try passOver(error, stream.question.file)
    }
  }

  private func open(_ file: DataFile) throws(SQLiteError) {
    guard let opened = try pool.opened(file) else { return }
    do throws(SQLiteError) {
      let split = if case .id = plan.plan.order { true } else { false }
      for question in try RowsQuestion.all(opened, plan, arguments, splitNames: split) {
        let stream = try OrderedStream(question, plan)
        if try stream.advance() { streams.append(stream) } else { stream.stop() }
      }
    } catch {
      try passOver(error, opened)
    }
  }

  private func passOver(_ error: SQLiteError, _ file: QueryFile) throws(SQLiteError) {
    for stream in streams where stream.question.file === file { stream.stop() }
    streams.removeAll { $0.question.file === file }
    try pool.passOver(QueryFileFailure(error, file.file.path))
  }

  func stop() {
    for stream in streams { stream.stop() }
    streams = []
    best = nil
    pending = []
  }
}

/// The rows of one question in order.
final class OrderedStream {
  let question: RowsQuestion
  private(set) var key = OrderedMerge.Key(first: .max, second: .max)
  private let descending: Bool
  private let sql: String
  private var statement: Statement?
  /// By time: all keys, read at once; the least is popped when it is asked for, so that few rows cost little sorting.
  private var keys: KeyHeap?

  init(_ question: RowsQuestion, _ plan: CompiledPlan) throws(SQLiteError) {
    self.question = question
    let table = question.rows.table
    switch plan.plan.order {
    case .time(let descending):
      self.descending = descending
      sql = plan.sql(.single, from: table, where: [])
      keys = try Self.readKeys(question, plan, descending)
      statement = try question.file.take(sql)
    case .id(let descending):
      self.descending = descending
      sql = plan.sql(.rowsByID(descending: descending), from: table, where: question.conditions)
      statement = try question.statement(sql)
    case .none, .names:
      descending = false
      sql = plan.sql(.rows, from: table, where: question.conditions)
      statement = try question.statement(sql)
    }
  }

  deinit { stop() }

  private static func readKeys(
    _ question: RowsQuestion, _ plan: CompiledPlan, _ descending: Bool
  ) throws(SQLiteError) -> KeyHeap {
    let sql = plan.sql(.keys, from: question.rows.table, where: question.conditions)
    let statement = try question.statement(sql)
    defer { question.file.giveBack(statement, sql) }
    var keys: [OrderedMerge.Key] = []
    while try statement.step() {
      let id = statement.integer(0)
      let microsecond = statement.integer(1)
      keys.append(
        descending ? .init(first: ~microsecond, second: ~id) : .init(first: microsecond, second: id))
    }
    return KeyHeap(keys)
  }

  /// False: there are no more.
  func advance() throws(SQLiteError) -> Bool {
    if keys != nil {
      guard let least = keys?.popLeast() else { return false }
      key = least
      return true
    }
    guard let statement, try statement.step() else { return false }
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
  }
}

/// A binary heap that is built at once and then only shrinks.
struct KeyHeap {
  private var keys: [OrderedMerge.Key]

  init(_ keys: [OrderedMerge.Key]) {
    self.keys = keys
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
