import CSQLite

/// One virtual table of a session: what SQLite's callbacks need to find again.
final class QueryModule {
  let table: QueryTable
  let pool: QueryFilePool
  /// `idxNum` is the place in it.
  private var plans: [CompiledPlan] = []
  private var numbers: [ScanPlan: Int] = [:]

  init(_ view: String, _ pool: QueryFilePool) {
    table = QueryTable(view: view)
    self.pool = pool
  }

  func number(of plan: ScanPlan) -> Int {
    if let known = numbers[plan] { return known }
    plans.append(CompiledPlan(plan, table))
    numbers[plan] = plans.count - 1
    return plans.count - 1
  }

  func plan(_ number: Int32) -> CompiledPlan { plans[Int(number)] }

  /// Registered without `xCreate` (so it is there under its own name in every connection that has it) and without
  /// `xUpdate` (so it is read-only).
  func register(in connection: Connection) throws(SQLiteError) {
    try connection.check(
      sqlite3_create_module_v2(
        connection.handle, table.view, Self.callbacks, Unmanaged.passRetained(self).toOpaque(),
        { owner in
          if let owner { Unmanaged<QueryModule>.fromOpaque(owner).release() }
        }))
  }

  // MARK: the planner

  fileprivate func chooseIndex(_ info: UnsafeMutablePointer<sqlite3_index_info>) {
    var plan = ScanPlan()
    var hasLimit = false
    for index in 0..<Int(info.pointee.nConstraint) {
      let constraint = info.pointee.aConstraint[index]
      guard constraint.usable != 0 else { continue }
      if constraint.op == UInt8(SQLITE_INDEX_CONSTRAINT_LIMIT) { hasLimit = true }
      guard let operation = Self.operation(constraint.op) else { continue }
      let column = max(0, Int(constraint.iColumn))
      let role = table.roles[column]
      let isList = sqlite3_vtab_in(info, Int32(index), -1) != 0
      guard QueryTable.accepts(role, operation, isList: isList) else {
        // A list that is not taken whole comes value by value, as equality.
        guard isList, QueryTable.accepts(role, operation, isList: false) else { continue }
        use(index, as: ScanPlan.Term(column: column, operation: operation, isList: false), role, &plan, info)
        continue
      }
      if QueryTable.comparesText(role), !Self.isBinary(info, index) { continue }
      if isList { _ = sqlite3_vtab_in(info, Int32(index), 1) }
      use(index, as: ScanPlan.Term(column: column, operation: operation, isList: isList), role, &plan, info)
    }
    for column in 0..<table.columns.count where info.pointee.colUsed & (1 << UInt64(column)) != 0 {
      plan.columns.append(column)
    }
    plan.order = order(info, plan, hasLimit: hasLimit)
    if plan.order != .none { info.pointee.orderByConsumed = 1 }
    let cost = ScanCost(plan, table, rows: pool.rowCount, files: Double(pool.files.count))
    info.pointee.estimatedCost = cost.cost
    info.pointee.estimatedRows = Int64(cost.rows)
    if plan.terms.contains(where: { table.roles[$0.column].isID && $0.operation == .equal }) {
      info.pointee.idxFlags = SQLITE_INDEX_SCAN_UNIQUE
    }
    info.pointee.idxNum = Int32(number(of: plan))
  }

  private func use(
    _ index: Int, as term: ScanPlan.Term, _ role: QueryTable.Role, _ plan: inout ScanPlan,
    _ info: UnsafeMutablePointer<sqlite3_index_info>
  ) {
    plan.terms.append(term)
    info.pointee.aConstraintUsage[index].argvIndex = Int32(plan.terms.count)
    // Ids are compared by the files exactly as SQLite would; everything else is checked again.
    info.pointee.aConstraintUsage[index].omit = role.isID ? 1 : 0
  }

  /// The order asked for, if the files can deliver it. By time only for a LIMIT: else SQLite's sorter is as good.
  private func order(
    _ info: UnsafeMutablePointer<sqlite3_index_info>, _ plan: ScanPlan, hasLimit: Bool
  ) -> ScanPlan.Order {
    let count = Int(info.pointee.nOrderBy)
    guard count > 0 else { return .none }
    let terms = (0..<count).map { info.pointee.aOrderBy[$0] }
    let descending = terms[0].desc != 0
    if terms[0].iColumn <= 0 { return .id(descending: descending) }
    let agree = terms.allSatisfy { ($0.desc != 0) == descending }
    if hasLimit && agree && Int(terms[0].iColumn) == table.timestampColumn {
      return count == 1 || terms[1].iColumn <= 0 ? .time(descending: descending) : .none
    }
    // Every file is visited for every name: all of them must fit among the open ones, and the index must hold all that is
    // asked, for it leads to rows scattered over the whole file.
    let columns = terms.map { Int($0.iColumn) }
    let used = columns + plan.columns + plan.terms.map(\.column)
    let isCovered = used.allSatisfy { $0 == 0 || table.roles[$0].nameColumn != nil }
    guard agree, isCovered, Views.rowFilter(table.view) == nil, pool.files.count <= QueryFilePool.openLimit,
      !plan.terms.contains(where: { $0.column == 0 && $0.operation == .equal })
    else { return .none }
    return .names(columns: columns, descending: descending)
  }

  private static func isBinary(_ info: UnsafeMutablePointer<sqlite3_index_info>, _ index: Int) -> Bool {
    guard let name = sqlite3_vtab_collation(info, Int32(index)) else { return false }
    return sqlite3_stricmp(name, "BINARY") == 0
  }

  private static func operation(_ code: UInt8) -> QueryOperation? {
    switch Int32(code) {
    case SQLITE_INDEX_CONSTRAINT_EQ: .equal
    case SQLITE_INDEX_CONSTRAINT_NE: .notEqual
    case SQLITE_INDEX_CONSTRAINT_GT: .greater
    case SQLITE_INDEX_CONSTRAINT_GE: .greaterOrEqual
    case SQLITE_INDEX_CONSTRAINT_LT: .less
    case SQLITE_INDEX_CONSTRAINT_LE: .lessOrEqual
    case SQLITE_INDEX_CONSTRAINT_LIKE: .like
    case SQLITE_INDEX_CONSTRAINT_GLOB: .glob
    default: nil
    }
  }

  // MARK: callbacks

  fileprivate static func module(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> QueryModule? {
    guard let owner = UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: garner_vtab.self).pointee.owner else {
      return nil
    }
    return Unmanaged<QueryModule>.fromOpaque(owner).takeUnretainedValue()
  }

  @inline(__always)
  fileprivate static func state(
    _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?
  ) -> UnsafeMutablePointer<ScanState>? {
    UnsafeMutableRawPointer(cursor)?.assumingMemoryBound(to: garner_cursor.self).pointee.scan?
      .assumingMemoryBound(to: ScanState.self)
  }

  /// Runs `body` and tells SQLite how it went.
  fileprivate static func attempt(
    _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ body: (Scan) throws(SQLiteError) -> Void
  ) -> Int32 {
    guard let state = state(cursor) else { return SQLITE_INTERNAL }
    do throws(SQLiteError) {
      try body(state.pointee.scan.takeUnretainedValue())
      return SQLITE_OK
    } catch {
      if let table = cursor?.pointee.pVtab {
        sqlite3_free(table.pointee.zErrMsg)
        table.pointee.zErrMsg = garner_message(error.message)
      }
      return error.code
    }
  }

  fileprivate static func values(_ argument: OpaquePointer?, isList: Bool) -> [QueryArgument] {
    guard isList else { return [QueryArgument(argument)] }
    var values: [QueryArgument] = []
    var value: OpaquePointer?
    var code = sqlite3_vtab_in_first(argument, &value)
    while code == SQLITE_OK {
      values.append(QueryArgument(value))
      code = sqlite3_vtab_in_next(argument, &value)
    }
    return values
  }

  // Written once, before any connection uses it, and read by SQLite only.
  nonisolated(unsafe) private static let callbacks: UnsafeMutablePointer<sqlite3_module> = {
    let module = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
    module.initialize(to: sqlite3_module())
    module.pointee.xConnect = { connection, owner, _, _, made, _ in
      guard let owner else { return SQLITE_INTERNAL }
      let table = Unmanaged<QueryModule>.fromOpaque(owner).takeUnretainedValue().table
      let code = sqlite3_declare_vtab(connection, table.declaration)
      guard code == SQLITE_OK else { return code }
      let memory = UnsafeMutablePointer<garner_vtab>.allocate(capacity: 1)
      memory.initialize(to: garner_vtab())
      memory.pointee.owner = owner
      made?.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab.self)
      return SQLITE_OK
    }
    module.pointee.xDisconnect = { table in
      UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: garner_vtab.self).deallocate()
      return SQLITE_OK
    }
    module.pointee.xBestIndex = { table, info in
      guard let module = QueryModule.module(table), let info else { return SQLITE_INTERNAL }
      module.chooseIndex(info)
      return SQLITE_OK
    }
    module.pointee.xOpen = { table, made in
      guard let module = QueryModule.module(table) else { return SQLITE_INTERNAL }
      let memory = UnsafeMutablePointer<garner_cursor>.allocate(capacity: 1)
      memory.initialize(to: garner_cursor())
      memory.pointee.scan = UnsafeMutableRawPointer(Scan.open(module.pool))
      made?.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
      return SQLITE_OK
    }
    module.pointee.xClose = { cursor in
      guard let cursor else { return SQLITE_OK }
      let memory = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: garner_cursor.self)
      if let state = QueryModule.state(cursor) { Scan.close(state) }
      memory.deallocate()
      return SQLITE_OK
    }
    module.pointee.xFilter = { cursor, number, _, count, arguments in
      guard let module = QueryModule.module(cursor?.pointee.pVtab) else { return SQLITE_INTERNAL }
      let plan = module.plan(number)
      var values: [[QueryArgument]] = []
      values.reserveCapacity(Int(count))
      for index in 0..<Int(count) {
        values.append(QueryModule.values(arguments?[index], isList: plan.plan.terms[index].isList))
      }
      return QueryModule.attempt(cursor) { scan throws(SQLiteError) in try scan.start(plan, values) }
    }
    module.pointee.xNext = { cursor in
      guard let state = QueryModule.state(cursor) else { return SQLITE_INTERNAL }
      var code = SQLITE_DONE
      if state.pointee.steps {
        code = sqlite3_step(state.pointee.statement)
        if code == SQLITE_ROW { return SQLITE_OK }
      } else if state.pointee.counted > 0 {
        state.pointee.counted -= 1
        if state.pointee.counted > 0 { return SQLITE_OK }
      }
      return QueryModule.attempt(cursor) { scan throws(SQLiteError) in try scan.advance(code) }
    }
    module.pointee.xEof = { cursor in QueryModule.state(cursor)?.pointee.isAtEnd == false ? 0 : 1 }
    module.pointee.xColumn = { cursor, result, column in
      guard let state = QueryModule.state(cursor), let row = state.pointee.statement, let places = state.pointee.places
      else { return SQLITE_OK }
      let place = places[Int(column)]
      if place < 0 { return SQLITE_OK }
      if column == state.pointee.timestampColumn {
        state.pointee.scan._withUnsafeGuaranteedRef { $0.showTimestamp(sqlite3_column_int64(row, place), result) }
      } else {
        sqlite3_result_value(result, sqlite3_column_value(row, place))
      }
      return SQLITE_OK
    }
    module.pointee.xRowid = { cursor, id in
      guard let state = QueryModule.state(cursor) else { return SQLITE_INTERNAL }
      if state.pointee.counted > 0 {
        let code = QueryModule.attempt(cursor) { scan throws(SQLiteError) in try scan.look() }
        if code != SQLITE_OK { return code }
      }
      id?.pointee = sqlite3_column_int64(state.pointee.statement, 0)
      return SQLITE_OK
    }
    return module
  }()
}

extension QueryTable.Role {
  /// Its column of the dictionary `name`.
  var nameColumn: String? {
    if case .name(let column) = self { return column }
    return nil
  }

  var isID: Bool {
    if case .id = self { return true }
    return false
  }
}
