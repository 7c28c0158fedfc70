import CSQLite

/// One cursor of a virtual table: the rows of all files that satisfy a plan, one after the other.
final class Scan {
  private let pool: QueryFilePool
  /// Freed with the cursor.
  private(set) var state: UnsafeMutablePointer<ScanState>?
  private(set) var timestamp = TimestampText()
  private var compiled: CompiledPlan?

  // without order: file after file, question after question
  private var files: ArraySlice<DataFile> = []
  private var questions: ArraySlice<RowsQuestion> = []
  private var arguments: ScanArguments?
  private var current: (question: RowsQuestion, statement: Statement, sql: String)?
  /// The question whose rows are counted, and how many they are.
  private var counting: (question: RowsQuestion, rows: Int64)?
  private var merge: OrderedMerge?
  private var groups: NameGroups?

  /// A scan that lives until `close` is called on its state.
  static func open(_ pool: QueryFilePool) -> UnsafeMutablePointer<ScanState> {
    let scan = Scan(pool)
    let state = UnsafeMutablePointer<ScanState>.allocate(capacity: 1)
    state.initialize(to: ScanState(scan: Unmanaged.passRetained(scan)))
    scan.state = state
    return state
  }

  static func close(_ state: UnsafeMutablePointer<ScanState>) {
    let scan = state.pointee.scan.takeRetainedValue()
    scan.stop()
    scan.state = nil
    state.deallocate()
  }

  private init(_ pool: QueryFilePool) { self.pool = pool }

  func start(_ plan: CompiledPlan, _ values: [[QueryArgument]]) throws(SQLiteError) {
    stop()
    compiled = plan
    state?.pointee.places = UnsafePointer(plan.places)
    state?.pointee.timestampColumn = Int32(plan.table.timestampColumn)
    let arguments = ScanArguments(plan.plan, plan.table, values: values)
    if arguments.isImpossible { return }
    switch plan.plan.order {
    case .none:
      self.arguments = arguments
      files = pool.files[...]
      try nextStatement()
    case .names(let columns, let descending):
      let groups = try NameGroups(pool, plan, arguments, columns: columns, descending: descending)
      self.groups = groups
      try nextOfGroup(groups)
    case .id, .time:
      let merge = OrderedMerge(pool, plan, arguments)
      self.merge = merge
      state?.pointee.statement = try merge.next()
    }
  }

  /// The next row, where stepping a statement did not do: `code` is what it said last.
  func advance(_ code: Int32) throws(SQLiteError) {
    if let merge {
      state?.pointee.statement = try merge.next()
      return
    }
    counting = nil
    try finish(code)
    if let groups { try nextOfGroup(groups) } else { try nextStatement() }
  }

  private func nextOfGroup(_ groups: NameGroups) throws(SQLiteError) {
    while let next = try groups.next() {
      switch next {
      case .row(let statement):
        state?.pointee.steps = false
        state?.pointee.statement = statement
        return
      case .counted(let question, let name, let rows):
        do throws(SQLiteError) {
          try show(question, name, rows)
          return
        } catch {
          try passOver(error, question.file)
        }
      case .question(let question, let sql, let name):
        do throws(SQLiteError) {
          try ask(question, sql, first: name)
          let code = sqlite3_step(state?.pointee.statement)
          if code == SQLITE_ROW { return }
          try finish(code)
        } catch {
          try passOver(error, question.file)
        }
      }
    }
    state?.pointee.statement = nil
  }

  private func finish(_ code: Int32) throws(SQLiteError) {
    state?.pointee.statement = nil
    guard let (question, statement, sql) = current else { return }
    current = nil
    let failure = code == SQLITE_DONE || code == SQLITE_OK ? nil : question.file.connection.error(code)
    question.file.giveBack(statement, sql)
    if let failure { try passOver(failure, question.file) }
  }

  private func passOver(_ error: SQLiteError, _ file: QueryFile) throws(SQLiteError) {
    questions = []
    try pool.passOver(QueryFileFailure(error, file.file.path))
  }

  /// Goes to the first row of the next question that has one.
  private func nextStatement() throws(SQLiteError) {
    guard let compiled, let arguments else { return }
    while true {
      if let question = questions.popFirst() {
        do throws(SQLiteError) {
          if compiled.onlyCounts {
            if try count(question, compiled) { return }
          } else {
            try ask(question, compiled.sql(.rows, of: question))
            let code = sqlite3_step(state?.pointee.statement)
            if code == SQLITE_ROW { return }
            try finish(code)
          }
        } catch {
          try passOver(error, question.file)
        }
        continue
      }
      guard let file = files.popFirst() else { return }
      guard arguments.mayBeIn(file), arguments.mayBeIn(file, pool.filters), let opened = try pool.opened(file) else {
        continue
      }
      do throws(SQLiteError) {
        questions = try RowsQuestion.all(opened, compiled, arguments)[...]
      } catch {
        try passOver(error, opened)
      }
    }
  }

  private func ask(_ question: RowsQuestion, _ sql: String, first: [QueryArgument] = []) throws(SQLiteError) {
    let statement = try question.statement(sql, first: first)
    current = (question, statement, sql)
    state?.pointee.statement = statement.handle
    state?.pointee.steps = true
  }

  // MARK: counting

  /// False: there are none.
  private func count(_ question: RowsQuestion, _ compiled: CompiledPlan) throws(SQLiteError) -> Bool {
    let sql = compiled.sql(.count, of: question)
    let statement = try question.statement(sql)
    defer { question.file.giveBack(statement, sql) }
    let rows = try statement.step() ? statement.integer(0) : 0
    state?.pointee.counted = rows
    state?.pointee.steps = false
    counting = (question, rows)
    return rows > 0
  }

  /// As many rows with the same name.
  private func show(_ question: RowsQuestion, _ name: [QueryArgument], _ rows: Int64) throws(SQLiteError) {
    let sql = "SELECT NULL" + String(repeating: ",?", count: name.count)
    let statement = try question.file.take(sql)
    current = (question, statement, sql)
    for (index, value) in name.enumerated() { value.bind(to: statement.handle, Int32(index + 1)) }
    try statement.step()
    state?.pointee.statement = statement.handle
    state?.pointee.steps = false
    state?.pointee.counted = rows
    counting = (question, rows)
  }

  /// Somebody wants the rowid of a row that was only counted: from here on the rows of its question are read.
  func look() throws(SQLiteError) {
    guard let compiled, let (question, rows) = counting, let counted = state?.pointee.counted else { return }
    counting = nil
    state?.pointee.counted = 0
    if let (shown, statement, sql) = current { shown.file.giveBack(statement, sql) }
    current = nil
    try ask(question, compiled.sql(.rows, of: question))
    // Those before it went by unseen, so any order will do.
    for _ in counted...rows {
      let code = sqlite3_step(state?.pointee.statement)
      if code != SQLITE_ROW { throw question.file.connection.error(code) }
    }
  }

  func showTimestamp(_ nanoseconds: Int64, _ result: OpaquePointer?) {
    timestamp.set(max(0, nanoseconds / 1000))
    timestamp.withBytes { garner_result_text_copy(result, $0.baseAddress, Int64($0.count)) }
  }

  func stop() {
    if let (question, statement, sql) = current { question.file.giveBack(statement, sql) }
    current = nil
    counting = nil
    merge?.stop()
    merge = nil
    groups?.stop()
    groups = nil
    state?.pointee.statement = nil
    state?.pointee.steps = false
    state?.pointee.counted = 0
    files = []
    questions = []
    arguments = nil
  }
}
