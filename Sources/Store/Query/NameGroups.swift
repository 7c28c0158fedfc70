import CSQLite

/// Rows of all files grouped by columns of the dictionary `name`, so that a GROUP BY needs no sorter: a file with an index on
/// names is asked for one name at a time, of another one the rows are counted where that is enough, or it sorts them itself.
final class NameGroups {
  enum Next {
    /// All rows that this finds are the next ones. The arguments come before those of the question.
    case question(RowsQuestion, sql: String, name: [QueryArgument])
    /// The next `rows` rows would be those of this question, and nobody asks what else is in them.
    case counted(RowsQuestion, name: [QueryArgument], rows: Int64)
    /// The statement stands on the next row.
    case row(OpaquePointer)
  }

  private struct Item {
    var question: RowsQuestion
    var name: [QueryArgument]
    var rows: Int64?
  }

  /// A file that sorts its own rows.
  private final class Sorted {
    let question: RowsQuestion
    let sql: String
    let statement: Statement
    /// Group of the row it stands on.
    var group = 0
    /// Its row was delivered.
    var isUsed = true
    let groups: [Int64: Int]

    init(_ question: RowsQuestion, _ sql: String, _ groups: [Int64: Int]) throws(SQLiteError) {
      self.question = question
      self.sql = sql
      self.groups = groups
      statement = try question.statement(sql)
    }
  }

  private let pool: QueryFilePool
  private let plan: CompiledPlan
  /// By group, in order.
  private var items: [[Item]] = []
  private var sorted: [Sorted] = []
  private var group = 0
  private var place = 0

  init(
    _ pool: QueryFilePool, _ plan: CompiledPlan, _ arguments: ScanArguments, columns: [Int], descending: Bool
  ) throws(SQLiteError) {
    self.pool = pool
    self.plan = plan
    var found: [(question: RowsQuestion, names: [Name])] = []
    for file in pool.files where arguments.mayBeIn(file) {
      guard let opened = try pool.opened(file) else { continue }
      do throws(SQLiteError) {
        let names = try Self.names(opened, plan, arguments, columns)
        for question in try RowsQuestion.all(opened, plan, arguments, leaveNames: true) {
          found.append((question, names))
        }
      } catch {
        try pool.passOver(QueryFileFailure(error, file.path))
      }
    }
    let keys = Set(found.flatMap { $0.names.map(\.key) }).sorted {
      $0.lexicographicallyPrecedes($1) { $0.lexicographicallyPrecedes($1) }
    }
    var groups: [[[UInt8]]: Int] = [:]
    for (index, key) in (descending ? keys.reversed() : keys).enumerated() { groups[key] = index }
    items = Array(repeating: [], count: keys.count)
    for (question, names) in found {
      let counts = question.rows.hasNameIndex ? nil : try counts(question)
      if question.rows.hasNameIndex || counts != nil {
        for name in names {
          if let counts, counts[name.id] == nil { continue }
          var ofName = question
          ofName.add("e.name = ?", [.integer(name.id)])
          items[groups[name.key] ?? 0].append(Item(question: ofName, name: name.columns, rows: counts?[name.id]))
        }
      } else if !names.isEmpty {
        try sort(question, arguments, Dictionary(names.map { ($0.id, groups[$0.key] ?? 0) }) { first, _ in first })
      }
    }
  }

  /// Rows of each name; nil: they have to be looked at.
  private func counts(_ question: RowsQuestion) throws(SQLiteError) -> [Int64: Int64]? {
    guard question.conditions.isEmpty, !plan.plan.columns.contains(0) else { return nil }
    do throws(SQLiteError) {
      let summary = try question.file.allBlocks(question.rows)
      var counts: [Int64: Int64] = [:]
      for block in summary.blocks {
        guard let names = block.names else { return nil }
        for entry in summary.entries[names] { counts[entry.name, default: 0] += entry.rows }
      }
      return counts
    } catch {
      try pool.passOver(QueryFileFailure(error, question.file.file.path))
      return [:]
    }
  }

  private struct Name {
    var id: Int64
    var key: [[UInt8]]
    /// What a statement of shape `rowsOfName` shows instead of a join.
    var columns: [QueryArgument]
  }

  private static func names(
    _ file: QueryFile, _ plan: CompiledPlan, _ arguments: ScanArguments, _ columns: [Int]
  ) throws(SQLiteError) -> [Name] {
    let conditions = arguments.names.map(\.sql).joined(separator: " AND ")
    let sql = "SELECT id, category, event FROM name" + (conditions.isEmpty ? "" : " WHERE " + conditions)
    let statement = try file.take(sql)
    defer { file.giveBack(statement, sql) }
    for (index, value) in arguments.names.flatMap(\.values).enumerated() {
      value.bind(to: statement.handle, Int32(index + 1))
    }
    let shown = plan.nameColumns
    var names: [Name] = []
    while try statement.step() {
      let category = [UInt8](statement.bytes(1))
      let event = [UInt8](statement.bytes(2))
      names.append(
        Name(
          id: statement.integer(0),
          key: columns.map { plan.table.roles[$0].nameColumn == "category" ? category : event },
          columns: shown.map { .text($0 == "category" ? category : event) }))
    }
    return names
  }

  private func sort(
    _ question: RowsQuestion, _ arguments: ScanArguments, _ groups: [Int64: Int]
  ) throws(SQLiteError) {
    guard case .names(let columns, let descending) = plan.plan.order else { return }
    var question = question
    if !arguments.names.isEmpty {
      let clause = arguments.names.map(\.sql).joined(separator: " AND ")
      question.add("e.name IN (SELECT id FROM name WHERE \(clause))", arguments.names.flatMap(\.values))
    }
    let shape = CompiledPlan.Shape.rowsByName(columns: columns, descending: descending)
    let sql = plan.sql(shape, of: question)
    do throws(SQLiteError) {
      sorted.append(try Sorted(question, sql, groups))
    } catch {
      try pool.passOver(QueryFileFailure(error, question.file.file.path))
    }
  }

  /// Nil: there are no more.
  func next() throws(SQLiteError) -> Next? {
    while group < items.count {
      if place < items[group].count {
        let item = items[group][place]
        place += 1
        if let rows = item.rows { return .counted(item.question, name: item.name, rows: rows) }
        let sql = plan.sql(.rowsOfName, of: item.question)
        return .question(item.question, sql: sql, name: item.name)
      }
      for stream in sorted where try advance(stream) && stream.group == group {
        stream.isUsed = true
        return .row(stream.statement.handle)
      }
      group += 1
      place = 0
    }
    return nil
  }

  /// Steps a stream whose row was delivered. False: it is at its end.
  private func advance(_ stream: Sorted) throws(SQLiteError) -> Bool {
    if !stream.isUsed { return true }
    do throws(SQLiteError) {
      if try stream.statement.step() {
        stream.isUsed = false
        // The name's id comes last.
        stream.group = stream.groups[stream.statement.integer(stream.statement.columnCount - 1)] ?? 0
        return true
      }
      stop(stream)
    } catch {
      stop(stream)
      try pool.passOver(QueryFileFailure(error, stream.question.file.file.path))
    }
    return false
  }

  private func stop(_ stream: Sorted) {
    stream.question.file.giveBack(stream.statement, stream.sql)
    sorted.removeAll { $0 === stream }
  }

  func stop() {
    for stream in sorted { stream.question.file.giveBack(stream.statement, stream.sql) }
    sorted = []
    items = []
  }
}
