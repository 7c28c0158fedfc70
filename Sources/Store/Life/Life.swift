import Telemetry

/// The life of one item, put together from rows, receipts, books and logs of a directory. Readable from any process.
package struct Life {
  let directory: DataDirectory
  let files: [DataFile]
  /// When each landing file was settled, by its number.
  let settled: [Int64: Int64]
  let state: Connection?
  let ledger: [LedgerLine]

  package init(_ directory: DataDirectory) throws(SQLiteError) {
    self.directory = directory
    files = try FileList.read(directory)
    guard FileSystem.exists(directory.state) else {
      (state, settled, ledger) = (nil, [:], [])
      return
    }
    let state = try Connection(directory.state, .readOnly)
    var settled: [Int64: Int64] = [:]
    let statement = try state.prepare("SELECT number, at FROM settled")
    while try statement.step() { settled[statement.integer(0)] = statement.integer(1) }
    self.state = state
    self.settled = settled
    ledger = try LedgerLine.read(state, "ledger")
  }

  /// In order of time. Empty: unknown. Throws `filesChanged` when a file was settled or pruned meanwhile: ask again.
  package static func events(_ items: [LifeItem], _ directory: DataDirectory) throws(SQLiteError) -> [LifeEvent] {
    for attempt in 1... {
      do throws(SQLiteError) {
        let life = try Life(directory)
        var events: [LifeEvent] = []
        for item in items { events += try life.events(item) }
        return sorted(events)
      } catch {
        // A file that vanished cannot be opened.
        guard error.primary == 14 || error.primary == 1, attempt < 20 else { throw error }
      }
    }
    return []
  }

  /// By time; equal ones in the order of steps, those without a time last.
  package static func sorted(_ events: [LifeEvent]) -> [LifeEvent] {
    events.enumerated().sorted { a, b in
      let (first, second) = (a.element.time ?? "~", b.element.time ?? "~")
      return first == second ? a.offset < b.offset : first < second
    }.map(\.element)
  }

  private func events(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    switch item.kind {
    case .trace: try ofTrace(item)
    case .session: try ofContext(item, "session") + RejectedLines(directory).events(item)
    case .game: try ofContext(item, "game_id") + RejectedLines(directory).events(item)
    case .batch: try ofBatch(item)
    case .file: try ofFile(item)
    case .record: try ofRecord(item)
    }
  }

  func relative(_ path: String) -> String {
    path.hasPrefix(directory.path + "/")
      ? String(decoding: path.utf8.dropFirst(directory.path.utf8.count + 1), as: UTF8.self) : path
  }

  // MARK: sessions and games

  private func ofContext(_ item: LifeItem, _ column: String) throws(SQLiteError) -> [LifeEvent] {
    var rows = LifeRows(self, item)
    for file in files {
      try rows.read(file) { connection throws(SQLiteError) in
        guard try connection.integer("SELECT 1 FROM ctx WHERE \(column) = ? LIMIT 1", .text(item.id)) != nil else {
          return nil
        }
        let condition = "c.\(column) = ?"
        guard try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'posting'") != nil else {
          return (condition, [.text(item.id)])
        }
        let contexts = try connection.rows("SELECT id FROM ctx WHERE \(column) = ?", .text(item.id))
        let ids = contexts.compactMap { if case .integer(let id) = $0[0] { id } else { nil } }
        let ranges = try Postings.ranges("ctx", ids, in: connection)
        if ranges.isEmpty { return nil }
        return (
          """
          e.id IN (SELECT x.id FROM json_each(?) g CROSS JOIN event x
            ON x.id BETWEEN CAST(g.key AS INTEGER) AND g.value) AND \(condition)
          """, [.text(String(decoding: RowRanges.json(ranges.ranges), as: UTF8.self)), .text(item.id)]
        )
      }
    }
    return rows.events
  }

  // MARK: traces

  private func ofTrace(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    let id = item.id.lowercased()
    let halves = Array(id.utf8).withUnsafeBytes { TraceFilter.parse($0) }
    var rows = LifeRows(self, item)
    for file in files {
      try rows.read(file) { connection throws(SQLiteError) in
        try Self.traceCondition(id, exact: item.id, halves, file, connection)
      }
    }
    return rows.events + RejectedLines(directory).events(LifeItem(.trace, id))
  }

  /// `exact`: as a correlation text, which has a case.
  private static func traceCondition(
    _ id: String, exact: String, _ halves: (UInt64, UInt64)?, _ file: DataFile, _ connection: Connection
  ) throws(SQLiteError) -> (String, [SQLValue])? {
    let condition = "(\(Views.correlation) = ? OR \(Views.correlation) = ?)"
    let values: [SQLValue] = [.text(id), .text(exact)]
    guard !file.isLanding, let halves,
      try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'trace_index'") != nil
    else { return (condition, values) }
    let ids = try TraceIndex.find(halves.0, halves.1, in: connection)
    if ids.isEmpty { return nil }
    return ("e.id IN (SELECT value FROM json_each(?)) AND \(condition)", [.text("\(ids)")] + values)
  }

  // MARK: what is gone

  /// Why `count` records of a source are there no more; nil: of any source.
  func gone(_ count: Int64, _ item: LifeItem, source: String?) -> [LifeEvent] {
    let steps: [(LedgerLine.Kind, LifeEvent.Step)] = [
      (.pruned, .pruned), (.cleared, .cleared), (.erased, .erased), (.lost, .lost),
    ]
    var found: [LifeEvent] = []
    for line in ledger where line.count > 0 && (source == nil || line.source == source) {
      guard let step = steps.first(where: { $0.0 == line.kind })?.1 else { continue }
      if found.contains(where: { $0.step == step && $0.detail == line.reason }) { continue }
      found.append(
        LifeEvent(
          step, item, time: Timestamp.text(line.lastSeen), source: source, count: count, detail: line.reason))
    }
    guard found.count > 1 else { return found }
    // Books count by source, not by item: any of these may have been it.
    for index in found.indices {
      found[index].count = nil
      found[index].detail = "\(count) records are gone; one of several reasons: \(found[index].detail ?? "")"
    }
    return found
  }
}
