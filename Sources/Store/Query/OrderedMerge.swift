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
    case .time(descending: false): return file.isLanding ? .min : max(0, file.minTime) / 1000
    case .time(descending: true): return file.isLanding ? .min : ~(max(0, file.maxTime) / 1000)
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
    guard arguments.mayBeIn(file, pool.filters), let opened = try pool.opened(file) else { return }
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
