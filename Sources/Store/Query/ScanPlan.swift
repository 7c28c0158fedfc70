/// What one use of a virtual table in a statement asks for; fixed while the statement is prepared.
struct ScanPlan: Hashable {
  struct Term: Hashable {
    /// Index into the table's columns; the rowid is column 0.
    var column: Int
    var operation: QueryOperation
    /// The argument is the handle of an IN list.
    var isList: Bool
  }

  enum Order: Hashable {
    case none
    case id(descending: Bool)
    /// By microsecond, then id.
    case time(descending: Bool)
    /// By these columns of the dictionary `name`, as GROUP BY wants it.
    case names(columns: [Int], descending: Bool)
  }

  /// In the order of the arguments.
  var terms: [Term] = []
  /// Columns that the statement looks at.
  var columns: [Int] = []
  var order: Order = .none
}

/// What a plan costs, so that SQLite picks the right one and the right order of a join.
struct ScanCost: Equatable {
  var cost: Double
  var rows: Double

  /// A full scan of a million rows counts a million. Fractions are guesses for want of statistics over all files; only their
  /// order matters: an id, then a trace, then a session, an event, a category, a time.
  init(_ plan: ScanPlan, _ table: QueryTable, rows total: Double, files: Double) {
    let total = max(total, 1000)
    var rows = total
    // Rows that a file has to look at to find them.
    var visited = total
    var perFile = 30.0
    for term in plan.terms {
      let share: Double
      var isIndexed = false
      let many = term.isList ? 25.0 : 1
      switch (table.roles[term.column], term.operation) {
      case (.id, .equal):
        share = 1 / total
        isIndexed = true
        perFile = 0.1
      case (.id, _): share = 0.25
      case (.correlation, .equal), (.trace, .equal):
        share = min(many * 100 / total, 1)
        isIndexed = true
        perFile = 0.5
      case (.spanID, _): share = min(many * 10 / total, 1)
      case (.timestamp, .equal): share = 0.001
      case (.timestamp, _), (.nanoseconds, _): share = 0.25
      case (.name("event"), .equal):
        share = min(many / 20, 0.5)
        isIndexed = true
      case (.name, .equal), (.name, .like), (.name, .glob):
        share = min(many / 8, 0.5)
        isIndexed = true
      case (.name, _): share = 0.9
      case (.context("session"), .equal):
        share = min(many / 50, 0.5)
        isIndexed = true
      case (_, .equal): share = min(many / 5, 0.7)
      default: share = 0.4
      }
      rows *= share
      switch table.roles[term.column] {
      case .timestamp, .nanoseconds: visited *= share
      case .id where term.operation != .equal: visited *= share
      default: if isIndexed { visited = min(visited, total * share * 2) }
      }
    }
    self.rows = max(rows, 1)
    var cost = files * perFile + visited + self.rows
    // Sorting is paid for by somebody, but not twice: an order that is kept saves SQLite its sorter.
    if case .time = plan.order { cost += visited * 0.3 }
    self.cost = cost
  }
}
