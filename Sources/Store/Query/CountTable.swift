import CSQLite

/// A virtual table of how many rows there are of each name in a range of times: what `CountStatement` reads.
///
/// ```
/// category TEXT, event TEXT, timestamp TEXT, counted_rows INTEGER
/// ```
/// `timestamp` is compared with texts only, and all comparisons with it must hold; each row shows one time for which they
/// do.
final class CountTable {
  static let name = "event counts"
  static let rowsColumn = "counted_rows"
  private static let timestampColumn: Int32 = 2

  let pool: QueryFilePool

  init(_ pool: QueryFilePool) { self.pool = pool }

  func register(in connection: Connection) throws(SQLiteError) {
    try connection.check(
      sqlite3_create_module_v2(
        connection.handle, Self.name, Self.callbacks, Unmanaged.passRetained(self).toOpaque(),
        { owner in
          if let owner { Unmanaged<CountTable>.fromOpaque(owner).release() }
        }))
  }

  // MARK: the planner

  private static let operations: [(code: Int32, operation: QueryOperation)] = [
    (SQLITE_INDEX_CONSTRAINT_EQ, .equal), (SQLITE_INDEX_CONSTRAINT_GT, .greater),
    (SQLITE_INDEX_CONSTRAINT_GE, .greaterOrEqual), (SQLITE_INDEX_CONSTRAINT_LT, .less),
    (SQLITE_INDEX_CONSTRAINT_LE, .lessOrEqual),
  ]
  private static let mostTerms = 8

  /// `idxNum` holds the operations, three bits each, the first one lowest; 0 ends them.
  fileprivate static func chooseIndex(_ info: UnsafeMutablePointer<sqlite3_index_info>) -> Int32 {
    var number: Int32 = 0
    var count: Int32 = 0
    for index in 0..<Int(info.pointee.nConstraint) {
      let constraint = info.pointee.aConstraint[index]
      guard constraint.iColumn == timestampColumn else { continue }
      // Every comparison must be known here: rows stand for many times.
      guard constraint.usable != 0, count < mostTerms,
        let place = operations.firstIndex(where: { $0.code == Int32(constraint.op) })
      else { return SQLITE_CONSTRAINT }
      number |= Int32(place + 1) << (3 * count)
      count += 1
      info.pointee.aConstraintUsage[index].argvIndex = count
    }
    info.pointee.idxNum = number
    info.pointee.estimatedCost = 1000
    info.pointee.estimatedRows = 1000
    return SQLITE_OK
  }

  // MARK: callbacks

  @inline(__always)
  fileprivate static func counts(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> EventCounts? {
    guard
      let scan = UnsafeMutableRawPointer(cursor)?.assumingMemoryBound(to: garner_cursor.self).pointee.scan
    else { return nil }
    return Unmanaged<EventCounts>.fromOpaque(scan).takeUnretainedValue()
  }

  // Written once, before any connection uses it, and read by SQLite only.
  nonisolated(unsafe) private static let callbacks: UnsafeMutablePointer<sqlite3_module> = {
    let module = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
    module.initialize(to: sqlite3_module())
    module.pointee.xConnect = { connection, owner, _, _, made, _ in
      let code = sqlite3_declare_vtab(
        connection, "CREATE TABLE x(category TEXT, event TEXT, timestamp TEXT, \(CountTable.rowsColumn) INTEGER)")
      guard code == SQLITE_OK, let owner else { return code }
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
    module.pointee.xBestIndex = { _, info in
      guard let info else { return SQLITE_INTERNAL }
      return CountTable.chooseIndex(info)
    }
    module.pointee.xOpen = { table, made in
      guard
        let owner = UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: garner_vtab.self).pointee.owner
      else { return SQLITE_INTERNAL }
      let pool = Unmanaged<CountTable>.fromOpaque(owner).takeUnretainedValue().pool
      let memory = UnsafeMutablePointer<garner_cursor>.allocate(capacity: 1)
      memory.initialize(to: garner_cursor())
      memory.pointee.scan = Unmanaged.passRetained(EventCounts(pool)).toOpaque()
      made?.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
      return SQLITE_OK
    }
    module.pointee.xClose = { cursor in
      guard let cursor else { return SQLITE_OK }
      let memory = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: garner_cursor.self)
      if let scan = memory.pointee.scan { Unmanaged<EventCounts>.fromOpaque(scan).release() }
      memory.deallocate()
      return SQLITE_OK
    }
    module.pointee.xFilter = { cursor, number, _, count, arguments in
      guard let counts = CountTable.counts(cursor) else { return SQLITE_INTERNAL }
      var terms: [(QueryOperation, QueryArgument)] = []
      for index in 0..<Int(count) {
        let place = Int(number >> Int32(3 * index)) & 7
        terms.append((CountTable.operations[place - 1].operation, QueryArgument(arguments?[index])))
      }
      do throws(SQLiteError) {
        try counts.start(terms)
        return SQLITE_OK
      } catch {
        if let table = cursor?.pointee.pVtab {
          sqlite3_free(table.pointee.zErrMsg)
          table.pointee.zErrMsg = garner_message(error.message)
        }
        return error.code
      }
    }
    module.pointee.xNext = { cursor in
      CountTable.counts(cursor)?.next()
      return SQLITE_OK
    }
    module.pointee.xEof = { cursor in CountTable.counts(cursor)?.row == nil ? 1 : 0 }
    module.pointee.xColumn = { cursor, result, column in
      guard let counts = CountTable.counts(cursor), let row = counts.row else { return SQLITE_OK }
      switch column {
      case 0: row.category?.withUnsafeBytes { CountTable.show($0, result) }
      case 1: row.event?.withUnsafeBytes { CountTable.show($0, result) }
      case CountTable.timestampColumn: counts.timestamp.withBytes { CountTable.show($0, result) }
      default: sqlite3_result_int64(result, row.rows)
      }
      return SQLITE_OK
    }
    module.pointee.xRowid = { cursor, id in
      id?.pointee = Int64(CountTable.counts(cursor)?.place ?? 0)
      return SQLITE_OK
    }
    return module
  }()

  private static func show(_ text: UnsafeRawBufferPointer, _ result: OpaquePointer?) {
    if let start = text.baseAddress {
      garner_result_text_copy(result, start, Int64(text.count))
    } else {
      garner_result_text_copy(result, "", 0)
    }
  }
}

/// One cursor of the table of counts.
final class EventCounts {
  struct Row {
    /// Nil: an id that the dictionary does not have.
    var category: [UInt8]?
    var event: [UInt8]?
    var rows: Int64
  }

  private let pool: QueryFilePool
  private var rows: [Row] = []
  private(set) var place = 0
  private(set) var timestamp = TimestampText()

  init(_ pool: QueryFilePool) { self.pool = pool }

  var row: Row? { place < rows.count ? rows[place] : nil }

  func next() { place += 1 }

  func start(_ terms: [(QueryOperation, QueryArgument)]) throws(SQLiteError) {
    rows = []
    place = 0
    var range = TimeRange()
    for (operation, argument) in terms {
      // NULL: no comparison with it holds.
      guard let text = argument.text else { return }
      range.narrow(operation, text)
    }
    // A time before 1970 is shown as its beginning, so it is in a range that holds it, and in no earlier one.
    if range.isEmpty || range.upper < 0 { return }
    timestamp.set(max(0, min(range.lower, TimestampText.last * 1000)) / 1000)
    for file in pool.files where mayBeIn(file, range) {
      guard let opened = try pool.opened(file) else { continue }
      do throws(SQLiteError) {
        rows += try Self.count(opened, range.lower...range.upper)
      } catch {
        try pool.passOver(QueryFileFailure(error, file.path))
      }
    }
  }

  private func mayBeIn(_ file: DataFile, _ range: TimeRange) -> Bool {
    file.isLanding || file.rows > 0 && range.lower <= file.maxTime && range.upper >= file.minTime
  }

  private static func count(_ file: QueryFile, _ times: ClosedRange<Int64>) throws(SQLiteError) -> [Row] {
    var counts: [Int64: Int64] = [:]
    for table in file.tables { counts.merge(try file.counts(table, in: times)) { $0 + $1 } }
    if counts.isEmpty { return [] }
    let sql = "SELECT id, category, event FROM name"
    let names = try file.take(sql)
    defer { file.giveBack(names, sql) }
    var rows: [Row] = []
    while try names.step() {
      guard let count = counts.removeValue(forKey: names.integer(0)) else { continue }
      rows.append(Row(category: [UInt8](names.bytes(1)), event: [UInt8](names.bytes(2)), rows: count))
    }
    let nameless = counts.values.reduce(0, +)
    if nameless > 0 { rows.append(Row(category: nil, event: nil, rows: nameless)) }
    return rows
  }
}
