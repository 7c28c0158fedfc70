/// What one table of one file is asked in one scan.
struct RowsQuestion {
  let file: QueryFile
  let rows: QueryFile.Rows
  private(set) var conditions: [String] = []
  private(set) var values: [QueryArgument] = []
  private var times = TimeRange()
  /// Names that its rows have one of; nil: any.
  private var names: Set<Int64>?
  private var isOfCorrelation = false
  /// Rows that it is about; nil: any.
  private var found: RowRanges?
  /// The same, when the rows are read range by range.
  private var ranges: [ClosedRange<Int64>]?

  /// The questions of a scan to one file: one a table and correlation; none when its dictionaries already say no.
  ///
  /// `leaveNames`: without the conditions on names, which the caller adds. `splitNames`: one a name too, so that each comes in order of ids from the index on names.
  static func all(
    _ file: QueryFile, _ plan: CompiledPlan, _ arguments: ScanArguments, splitNames: Bool = false,
    leaveNames: Bool = false
  ) throws(SQLiteError) -> [RowsQuestion] {
    let names = try file.entries("name", arguments.names)
    if case .none = names { return [] }
    let contexts = try file.entries("ctx", arguments.contexts)
    if case .none = contexts { return [] }
    var questions: [RowsQuestion] = []
    for rows in file.tables {
      var base = RowsQuestion(file: file, rows: rows)
      base.times = arguments.times
      base.isOfCorrelation = arguments.correlations != nil
      base.addRange(arguments)
      if try !base.narrow() { continue }
      if try !base.find(names, contexts) { continue }
      base.addEntries(contexts, "ctx", column: "e.ctx", arguments.contexts)
      if let filter = Views.rowFilter(plan.table.view) { base.conditions.append(filter) }
      for condition in arguments.rows { base.add(condition.sql, condition.values) }
      if leaveNames {
        questions.append(base)
      } else if let correlations = arguments.correlations {
        base.addEntries(names, "name", column: "+e.name", arguments.names)
        let isProbed =
          try correlations.count > QueryFile.manyProbes ? file.makeProbeIndex(rows) : file.hasProbeIndex(rows)
        let traces = file.traces
        base.ranges = nil
        for correlation in correlations where traces.map({ correlation.mayBe(in: $0) }) ?? true {
          var question = base
          if try question.add(correlation, isProbed: isProbed) { questions.append(question) }
        }
      } else if splitNames, rows.hasNameIndex, case .few(let ids) = names {
        for id in ids {
          var question = base
          question.add("e.name = ?", [.integer(id)])
          questions.append(question)
        }
      } else {
        base.addEntries(names, "name", column: "e.name", arguments.names)
        if case .few(let ids) = names { base.names = Set(ids) }
        questions.append(base)
      }
    }
    return questions
  }

  mutating func add(_ sql: String, _ values: [QueryArgument]) {
    conditions.append(sql)
    self.values += values
  }

  private mutating func addRange(_ arguments: ScanArguments) {
    let ids = arguments.ids
    if ids.lowerBound == ids.upperBound {
      add("e.id = ?", [.integer(ids.lowerBound)])
    } else {
      if ids.lowerBound != .min { add("e.id >= ?", [.integer(ids.lowerBound)]) }
      if ids.upperBound != .max { add("e.id <= ?", [.integer(ids.upperBound)]) }
    }
    if arguments.times.lower != .min { add("e.time >= ?", [.integer(arguments.times.lower)]) }
    if arguments.times.upper != .max { add("e.time <= ?", [.integer(arguments.times.upper)]) }
  }

  /// Times to ids, where rows came in about the order of their times. False: there is no row in the range.
  private mutating func narrow() throws(SQLiteError) -> Bool {
    if !times.isLimited || isOfCorrelation { return true }
    let isInside = !file.file.isLanding && times.lower <= file.file.minTime && times.upper >= file.file.maxTime
    if isInside { return true }
    // To read a landing file for it would cost as much as the question.
    guard let summary = try file.isSummarized(rows) ? file.allBlocks(rows) : file.storedBlocks(rows) else {
      return true
    }
    var ids: ClosedRange<Int64>?
    var count: Int64 = 0
    for block in summary.blocks where block.low <= times.upper && block.high >= times.lower {
      ids = (ids?.lowerBound ?? block.first)...block.last
      count += block.rows
    }
    guard let ids else { return false }
    // A wide range would only tempt SQLite away from a better index.
    if count <= summary.rows / 2 {
      add("e.id >= ?", [.integer(ids.lowerBound)])
      add("e.id <= ?", [.integer(ids.upperBound)])
    }
    return true
  }

  /// Looks up rows by their entries of dictionaries, where no index does. False: there is no such row.
  private mutating func find(
    _ names: QueryFile.DictionaryAnswer, _ contexts: QueryFile.DictionaryAnswer
  ) throws(SQLiteError) -> Bool {
    if !rows.hasPostings { return true }
    for (field, answer) in [("ctx", contexts), ("name", names)] {
      guard case .few(let entries) = answer else { continue }
      let some = try Postings.ranges(field, entries, in: file)
      found = found.map { $0.intersection(some) } ?? some
    }
    guard let found else { return true }
    guard let bounds = found.bounds else { return false }
    let file = file.file
    let share = Double(file.rows) / max(Double(file.lastID) - Double(file.firstID), 1)
    if found.areSparse(rowsPerID: min(share, 1)) {
      ranges = found.ranges
    } else {
      if bounds.lowerBound > file.firstID { add("e.id >= ?", [.integer(bounds.lowerBound)]) }
      if bounds.upperBound < file.lastID { add("e.id <= ?", [.integer(bounds.upperBound)]) }
    }
    return true
  }

  /// The same question to be asked of all rows.
  var unranged: RowsQuestion {
    var question = self
    question.ranges = nil
    return question
  }

  private static let rangesOfChunk = 256

  /// Leaves the first ranges in the given order to the question; the others, in pieces, the next one last.
  mutating func takeChunks(descending: Bool) -> [[ClosedRange<Int64>]] {
    guard let ranges, ranges.count > Self.rangesOfChunk else { return [] }
    var chunks = stride(from: 0, to: ranges.count, by: Self.rangesOfChunk).map {
      Array(ranges[$0..<min($0 + Self.rangesOfChunk, ranges.count)])
    }
    if !descending { chunks.reverse() }
    self.ranges = chunks.popLast()
    return chunks
  }

  /// What it reads: the table, or ranges of it.
  var source: String {
    let table = "main.\(Tables.quoted(rows.table)) e"
    if ranges == nil { return table }
    // Columns of json_each have no affinity, and keys are texts.
    return "json_each(?) g CROSS JOIN \(table) ON e.id BETWEEN CAST(g.key AS INTEGER) AND g.value"
  }

  /// Blocks that may hold its rows; nil: finding out costs as much as asking all of them.
  func blocks() throws(SQLiteError) -> [BlockSummary.Block]? {
    if isOfCorrelation { return nil }
    guard let summary = try file.file.isLanding ? file.allBlocks(rows) : file.storedBlocks(rows) else { return nil }
    return summary.blocks.compactMap { block in
      guard block.low <= times.upper, block.high >= times.lower else { return nil }
      if let names, let counted = block.names, !summary.entries[counted].contains(where: { names.contains($0.name) }) {
        return nil
      }
      guard let found else { return block }
      guard let ids = found.clip(block.first...block.last) else { return nil }
      var part = block
      (part.first, part.last) = (ids.lowerBound, ids.upperBound)
      return part
    }
  }

  private mutating func addEntries(
    _ answer: QueryFile.DictionaryAnswer, _ table: String, column: String, _ asked: [ScanCondition]
  ) {
    switch answer {
    case .any, .none: break
    case .few(let ids):
      // One value leaves the rows of an index in order of ids.
      if ids.count == 1 {
        add("\(column) = ?", [.integer(ids[0])])
      } else {
        let marks = Array(repeating: "?", count: ids.count).joined(separator: ",")
        add("\(column) IN (\(marks))", ids.map { .integer($0) })
      }
    case .many:
      let clause = asked.map(\.sql).joined(separator: " AND ")
      add("\(column) IN (SELECT id FROM \(table) WHERE \(clause))", asked.flatMap(\.values))
    }
  }

  /// Exactly `Views.correlation = text`, in the form that the file has an index for. False: there is no such row.
  private mutating func add(_ correlation: Correlation, isProbed: Bool) throws(SQLiteError) -> Bool {
    let text = QueryArgument.text(correlation.text)
    if isProbed {
      add("e.id IN (SELECT id FROM \(QueryFile.probeTable(rows.table)) WHERE corr = ?)", [text])
    } else if rows.hasCorrelationIndex {
      add("\(Views.correlation) = ?", [text])
    } else if rows.hasTraceTable, let trace = correlation.trace, let (high, low) = correlation.halves {
      let ids = try TraceIndex.find(high, low, in: file)
      if ids.isEmpty { return false }
      let list = "[" + ids.map(String.init).joined(separator: ",") + "]"
      add(
        "e.id IN (SELECT value FROM json_each(?)) AND (e.trace = ? OR e.trace IS NULL AND e.corr = ?)",
        [.text(Array(list.utf8)), .blob(trace), text])
    } else if rows.hasTextIndex && !rows.hasTraceIndex && correlation.trace != nil {
      // Had the file a trace, or a text that looks like one, it had the table.
      return false
    } else if !rows.hasTraceIndex && !rows.hasTextIndex {
      if let trace = correlation.trace {
        add("(e.trace = ? OR e.trace IS NULL AND e.corr = ?)", [.blob(trace), text])
      } else {
        add("e.corr = ? AND e.trace IS NULL", [text])
      }
    } else {
      let texts = try file.hasTexts(rows) ? file.textSource(rows) : nil
      switch (correlation.trace, texts) {
      case (nil, nil): return false
      case (nil, let texts?): add("e.id IN (\(texts))", [text])
      case (let trace?, nil):
        add("substr(e.trace,1,6) = ? AND e.trace = ?", [.blob(Array(trace[..<6])), .blob(trace)])
      case (let trace?, let texts?):
        // Two ways in, each with its index.
        let traces = "SELECT id FROM main.\(Tables.quoted(rows.table)) WHERE substr(trace,1,6) = ? AND trace = ?"
        add("e.id IN (\(traces) UNION ALL \(texts))", [.blob(Array(trace[..<6])), .blob(trace), text])
      }
    }
    return true
  }

  /// The statement for it, bound and ready to step; to be given back under the same text.
  func statement(
    _ sql: String, first: [QueryArgument] = [], last: [QueryArgument] = []
  ) throws(SQLiteError) -> Statement {
    let statement = try file.take(sql)
    let source = ranges.map { [QueryArgument.text(RowRanges.json($0))] } ?? []
    for (index, value) in (first + source + values + last).enumerated() {
      value.bind(to: statement.handle, Int32(index + 1))
    }
    return statement
  }
}
