import Telemetry

/// The stored rows of many data files in order of ids, in constant memory: one cursor a file that has rows around the
/// present id. Reads the tables, never views that lie in a file.
///
/// A file that is settled or compacted meanwhile vanishes: its rows are found under other names, behind the last id
/// given.
package final class RowReader {
  package struct Options: Sendable {
    package var filter = RowFilter()
    /// Also the columns of `telemetry_events`.
    package var withEvents = false
    package init() {}
  }

  private let options: Options
  private let list: () throws(SQLiteError) -> [DataFile]
  /// Files that were passed over because they cannot be read, a sentence each.
  package private(set) var warnings: [String] = []
  private var unreadable: Set<String> = []
  private var waiting: [DataFile] = []
  private var cursors: [RowCursor] = []
  private var lastID = Int64.min

  /// `list` is asked at once and again when a file has vanished.
  package init(_ options: Options = Options(), files list: @escaping () throws(SQLiteError) -> [DataFile]) {
    self.options = options
    self.list = list
  }

  /// Calls `body` with every row. A span is followed by its events.
  package func forEach(_ body: (StoredRow) throws -> Void) throws {
    try start()
    while let row = try next() { try body(row) }
  }

  /// Calls `body` with the rows behind `id` until it returns false: that row is the first of the next call. True: there may be
  /// more. What `after` says counts for the first call.
  package func read(after id: Int64, _ body: (StoredRow) throws -> Bool) throws -> Bool {
    if !isStarted {
      isStarted = true
      lastID = id
      try start()
    }
    if let row = returned {
      returned = nil
      if try !body(row) {
        returned = row
        return true
      }
    }
    while let row = try next() {
      if try !body(row) {
        returned = row
        return true
      }
    }
    return false
  }

  private var isStarted = false
  /// Stays where it lies as long as nobody asks for the next one.
  private var returned: StoredRow?

  private func start() throws(SQLiteError) {
    // What is open stays: it may be in the middle of a span. Rows that two files have come twice, and are given once.
    let open = Set(cursors.map(\.path))
    waiting = try list().filter {
      options.filter.mayMatch($0) && !unreadable.contains($0.path) && !open.contains($0.path)
        && ($0.isLanding || $0.lastID > lastID)
    }
    waiting.sort { ($0.isLanding ? .min : $0.firstID) > ($1.isLanding ? .min : $1.firstID) }
  }

  private var vanishedCount = 0

  private func next() throws(SQLiteError) -> StoredRow? {
    while true {
      do throws(RowCursorFailure) {
        try openDue()
        guard let nearest = cursors.indices.min(by: { cursors[$0].id < cursors[$1].id }) else {
          if waiting.isEmpty { return nil }
          continue
        }
        let cursor = cursors[nearest]
        if cursor.isDelivered {
          if try !cursor.advance() { cursors.remove(at: nearest) }
          continue
        }
        cursor.isDelivered = true
        if cursor.id <= lastID { continue }
        lastID = cursor.id
        return cursor.row
      } catch {
        try passOver(error)
      }
    }
  }

  /// Opens what may have rows before the nearest one.
  private func openDue() throws(RowCursorFailure) {
    while let file = waiting.last {
      let isDue = cursors.allSatisfy { file.firstID <= $0.id }
      guard file.isLanding || isDue else { return }
      try openFirst()
    }
  }

  private func openFirst() throws(RowCursorFailure) {
    guard let file = waiting.popLast() else { return }
    for cursor in try RowCursor.open(file, options, after: lastID) {
      if try cursor.advance() { cursors.append(cursor) }
    }
  }

  private func passOver(_ failure: RowCursorFailure) throws(SQLiteError) {
    if failure.isVanished && vanishedCount < 1_000 {
      vanishedCount += 1
      return try start()
    }
    if failure.error.isInterrupt { throw failure.error }
    if unreadable.insert(failure.path).inserted {
      warnings.append("\(failure.path) cannot be read and was passed over: \(failure.error.message)")
    }
    cursors.removeAll { $0.path == failure.path }
  }
}

struct RowCursorFailure: Error {
  var path: String
  var error: SQLiteError
  /// Settled, compacted or pruned since the list was read.
  var isVanished: Bool

  init(_ path: String, _ error: SQLiteError) {
    self.path = path
    self.error = error
    isVanished = !FileSystem.exists(path)
  }
}
