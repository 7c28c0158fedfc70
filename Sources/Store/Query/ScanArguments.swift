/// A piece of a WHERE clause with its parameters.
struct ScanCondition: Hashable {
  var sql: String
  var values: [QueryArgument]
}

/// The comparisons of one scan, sorted by what they are good for; the same for all files.
///
/// SQLite checks each of them again on what comes back (but `id`), so everything here may let too much through, never too
/// little. That is why a comparison is left to SQLite when the types on both sides differ: affinity would have to be applied.
struct ScanArguments {
  /// A comparison with NULL, or ranges that exclude each other: no row can come.
  private(set) var isImpossible = false
  private(set) var ids: ClosedRange<Int64> = .min ... .max
  private(set) var times = TimeRange()
  /// On columns of the dictionary `name`, `ctx`.
  private(set) var names: [ScanCondition] = []
  private(set) var contexts: [ScanCondition] = []
  /// Any of these texts; nil: any at all.
  private(set) var correlations: [Correlation]?
  /// On the row `e` and what is joined to it.
  private(set) var rows: [ScanCondition] = []

  /// `values[i]` belongs to `plan.terms[i]`: one value, or all of a list.
  init(_ plan: ScanPlan, _ table: QueryTable, values: [[QueryArgument]]) {
    for (term, given) in zip(plan.terms, values) {
      let known = given.filter { $0 != .null }
      if known.isEmpty {
        isImpossible = true
        return
      }
      add(term, table, known)
    }
    if times.isEmpty { isImpossible = true }
  }

  private mutating func add(_ term: ScanPlan.Term, _ table: QueryTable, _ values: [QueryArgument]) {
    let expression = table.columns[term.column].expression
    let texts = values.compactMap(\.text)
    let allTexts = texts.count == values.count
    switch table.roles[term.column] {
    case .id: addID(term, values)
    case .timestamp: if allTexts { times.narrow(term.operation, texts[0]) }
    case .nanoseconds: if case .integer(let number) = values[0] { addNanoseconds(term.operation, number) }
    case .name(let column): if allTexts { names.append(Self.condition(column, term, values)) }
    case .context(let column): if allTexts { contexts.append(Self.condition(column, term, values)) }
    case .correlation, .trace: if allTexts && correlations == nil { correlations = texts.map(Correlation.init) }
    case .spanID(let column): if allTexts { addSpanIDs(column, texts) }
    case .number: if values.allSatisfy(\.isNumber) { rows.append(Self.condition("(\(expression))", term, values)) }
    case .text: if allTexts { rows.append(Self.condition("(\(expression))", term, values)) }
    case .opaque: break
    }
  }

  /// Most values of a list that become parameters of one statement.
  private static let listLimit = 500

  private static func condition(_ left: String, _ term: ScanPlan.Term, _ values: [QueryArgument]) -> ScanCondition {
    if values.count == 1 { return ScanCondition(sql: "\(left) \(term.operation.sql) ?", values: values) }
    if values.count > listLimit { return ScanCondition(sql: "1", values: []) }
    let marks = Array(repeating: "?", count: values.count).joined(separator: ",")
    return ScanCondition(sql: "\(left) IN (\(marks))", values: values)
  }

  private mutating func addID(_ term: ScanPlan.Term, _ values: [QueryArgument]) {
    guard values.count == 1, case .integer(let number) = values[0] else {
      rows.append(Self.condition("e.id", term, values))
      return
    }
    var lower = ids.lowerBound
    var upper = ids.upperBound
    switch term.operation {
    case .equal: (lower, upper) = (max(lower, number), min(upper, number))
    case .greaterOrEqual: lower = max(lower, number)
    case .lessOrEqual: upper = min(upper, number)
    case .greater:
      if number == .max { isImpossible = true } else { lower = max(lower, number + 1) }
    case .less:
      if number == .min { isImpossible = true } else { upper = min(upper, number - 1) }
    default: break
    }
    if lower > upper { isImpossible = true } else { ids = lower...upper }
  }

  /// A time above 2^63 is clamped in the row and shown as text, and texts are above all numbers: the bound holds for it too.
  private mutating func addNanoseconds(_ operation: QueryOperation, _ number: Int64) {
    // Below 1: a log without a time shows 0 whatever its row says.
    if number > 0 && (operation == .equal || operation == .greater || operation == .greaterOrEqual) {
      times.lower = max(times.lower, number)
    }
    if operation == .equal || operation == .less || operation == .lessOrEqual {
      times.upper = min(times.upper, number)
    }
  }

  private mutating func addSpanIDs(_ column: String, _ texts: [[UInt8]]) {
    let ids = texts.compactMap { Self.bytes(hex: $0, count: 8) }
    if ids.isEmpty {
      isImpossible = true
    } else if ids.count <= Self.listLimit {
      let marks = Array(repeating: "?", count: ids.count).joined(separator: ",")
      rows.append(ScanCondition(sql: "e.\(column) IN (\(marks))", values: ids.map { .blob($0) }))
    }
  }

  /// The bytes that lower-case hexadecimal digits stand for; nil for any other text: no id is ever shown like that.
  static func bytes(hex: [UInt8], count: Int) -> [UInt8]? {
    guard hex.count == count * 2 else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    for (index, digit) in hex.enumerated() {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x61...0x66: value = digit - 0x57
      default: return nil
      }
      bytes[index / 2] = bytes[index / 2] << 4 | value
    }
    return bytes
  }

  // MARK: files

  /// Whether `file` may hold a row for this scan, from what the list says about it.
  func mayBeIn(_ file: DataFile) -> Bool {
    if isImpossible { return false }
    if file.isLanding {
      // It may have grown since: only its beginning is sure.
      return file.rows == 0 || ids.upperBound >= file.firstID
    }
    guard file.rows > 0, ids.overlaps(file.firstID...max(file.firstID, file.lastID)) else { return false }
    guard times.lower <= file.maxTime, times.upper >= file.minTime else { return false }
    return true
  }

  /// The same from the filter over its traces, which may have to be read.
  func mayBeIn(_ file: DataFile, _ filters: TraceFilters) -> Bool {
    guard let correlations, let filter = filters.filter(of: file) else { return true }
    return correlations.contains { $0.mayBe(in: filter) }
  }
}

/// A text that a correlation is compared with, and the trace id that it may stand for.
struct Correlation {
  let text: [UInt8]
  let halves: (UInt64, UInt64)?

  init(_ text: [UInt8]) {
    self.text = text
    halves = text.withUnsafeBytes { TraceFilter.parse($0) }
  }

  var trace: [UInt8]? { halves == nil ? nil : ScanArguments.bytes(hex: text, count: 16) }

  /// The filter knows every text of 32 hexadecimal digits; others have to be looked for.
  func mayBe(in filter: [UInt8]) -> Bool {
    guard let (high, low) = halves else { return true }
    return TraceFilter.mayContain(high, low, filter)
  }
}
