/// A plan with what is the same for every scan that follows it: which columns a file is asked for, and where they come back.
final class CompiledPlan {
  let plan: ScanPlan
  let table: QueryTable
  /// For each column of the table its place in the files' statements; −1: not asked for.
  let places: UnsafeMutablePointer<Int32>
  /// The statement looks at no column: how many rows there are is all it asks.
  var onlyCounts: Bool { plan.columns.isEmpty && plan.order == .none }
  private var lists: [String: String] = [:]

  init(_ plan: ScanPlan, _ table: QueryTable) {
    self.plan = plan
    self.table = table
    places = .allocate(capacity: table.columns.count)
    places.initialize(repeating: -1, count: table.columns.count)
    // Place 0 is the id, whether the statement looks at it or not: it is the rowid.
    places[0] = 0
    var next: Int32 = 1
    for column in plan.columns where column != 0 {
      places[column] = next
      next += 1
    }
  }

  deinit { places.deallocate() }

  /// `e.id, …`: the columns as expressions over the rows of `rowTable`.
  private func list(_ rowTable: String, withoutNames: Bool = false) -> String {
    if !withoutNames, let known = lists[rowTable] { return known }
    let columns = Views.columns(table.view, table: rowTable)
    var parts = ["e.id"]
    for column in plan.columns where column != 0 {
      if withoutNames && table.roles[column].nameColumn != nil {
        parts.append("?")
      } else {
        parts.append(column == table.timestampColumn ? "e.time" : columns[column].expression)
      }
    }
    let list = parts.joined(separator: ",")
    if withoutNames { return list }
    lists[rowTable] = list
    return list
  }

  enum Shape {
    case rows
    case rowsByID(descending: Bool)
    /// Only `id` and microsecond, for sorting.
    case keys
    /// One row by its id, which is the only parameter.
    case single
    case count
    /// Rows of one entry of `name`: the first parameters are that entry's columns.
    case rowsOfName
    /// Rows with the id of their name as last column, sorted by columns of it.
    case rowsByName(columns: [Int], descending: Bool)
  }

  /// Columns of the dictionary `name` among those asked for, in the order of the parameters of `rowsOfName`.
  var nameColumns: [String] { plan.columns.compactMap { table.roles[$0].nameColumn } }

  /// `more`: conditions beside those of the question.
  func sql(_ shape: Shape, of question: RowsQuestion, and more: [String] = []) -> String {
    let rowTable = question.rows.table
    var list = if case .rowsOfName = shape { list(rowTable, withoutNames: true) } else { list(rowTable) }
    var end = ""
    var conditions = question.conditions + more
    switch shape {
    case .rows, .rowsOfName: break
    case .rowsByName(let columns, let descending):
      list += ",e.name"
      let terms = columns.compactMap { table.roles[$0].nameColumn }.map { "n.\($0)\(descending ? " DESC" : "")" }
      end = " ORDER BY " + terms.joined(separator: ",")
    case .rowsByID(let descending): end = descending ? " ORDER BY e.id DESC" : " ORDER BY e.id"
    case .keys: list = "e.id,max(e.time,0)/1000"
    case .count: list = "count(*)"
    case .single: conditions = ["e.id = ?"]
    }
    let clause = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    let joins = Views.joins(neededBy: list + clause + end)
    return "SELECT \(list) FROM \(question.source) \(joins)\(clause)\(end)"
  }
}
