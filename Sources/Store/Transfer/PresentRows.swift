import CSQLite
import Synchronization
import Telemetry

/// Which of some ids have a row now, landing or settled: what an export of this store need not bring back.
///
/// Files come and go meanwhile. What is settled, merged or rewritten is listed under its new names before the old ones
/// vanish, so a name that has vanished and is still listed afterwards is one whose rows are gone.
final class PresentRows: Sendable {
  private let catalog: Catalog
  /// The smallest id in each landing file by its number; it stays. To look into a file that nobody has open, SQLite reads
  /// all of its log first.
  // covers: itself
  private let landingStarts = Mutex<[Int64: Int64]>([:])

  /// Reading over so many ids costs no more than to look for the next one.
  private static let gap: Int64 = 256

  init(_ catalog: Catalog) { self.catalog = catalog }

  /// Blocks. Throws when a file that may have some of them cannot be read.
  func find(_ ids: [Int64]) throws(SQLiteError) -> Set<Int64> {
    let wanted = Set(ids)
    let spans = Self.spans(ids)
    guard let first = spans.first?.lowerBound, let last = spans.last?.upperBound else { return [] }
    var found: Set<Int64> = []
    var looked: Set<String> = []
    var vanished: Set<String> = []
    var isComplete = false
    while !isComplete {
      isComplete = true
      let files = try FileList.read(catalog)
      for file in overlapping(files, first...last) where !looked.contains(file.path) {
        if try look(file, spans, { if wanted.contains($0) { found.insert($0) } }) {
          looked.insert(file.path)
        } else if vanished.insert(file.path).inserted {
          isComplete = false
        }
      }
    }
    return found
  }

  /// In order and apart, without the large gaps between the ids.
  static func spans(_ ids: [Int64]) -> [ClosedRange<Int64>] {
    var spans: [ClosedRange<Int64>] = []
    for id in ids.sorted() {
      if let last = spans.last, id <= sum(last.upperBound, gap) {
        spans[spans.count - 1] = last.lowerBound...id
      } else {
        spans.append(id...id)
      }
    }
    return spans
  }

  private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, isOver) = a.addingReportingOverflow(b)
    return isOver ? .max : sum
  }

  /// Ids grow with the numbers of landing files: one ends before the next one begins.
  private func overlapping(_ files: [DataFile], _ ids: ClosedRange<Int64>) -> [DataFile] {
    let landing = files.filter(\.isLanding).sorted { $0.number < $1.number }
    let starts = landingStarts.withLock { starts in
      let listed = Set(landing.map(\.number))
      starts = starts.filter { listed.contains($0.key) }
      return starts
    }
    var chosen = files.filter { file in
      !file.isLanding && file.rows > 0 && file.firstID <= ids.upperBound && file.lastID >= ids.lowerBound
    }
    for (index, file) in landing.enumerated() {
      if let start = starts[file.number], start > ids.upperBound { continue }
      let next = landing[(index + 1)...].lazy.compactMap { starts[$0.number] }.first
      if let next, next <= ids.lowerBound { continue }
      chosen.append(file)
    }
    return chosen
  }

  /// False: it has vanished.
  private func look(
    _ file: DataFile, _ spans: [ClosedRange<Int64>], _ body: (Int64) -> Void
  ) throws(SQLiteError) -> Bool {
    do throws(SQLiteError) {
      let connection = file.isLanding ? try Connection(file.path, .readOnly) : try .settled(file.path)
      garnerNoCheckpointOnClose(connection)
      _ = garner_defensive(connection.handle)
      _ = garner_untrusted_schema(connection.handle)
      try connection.execute("PRAGMA cell_size_check=ON; BEGIN")
      let tables = file.isLanding ? try connection.landingTables() : ["event"]
      // The log of a landing file goes after its file: one that is there now was read with its log.
      if file.isLanding, tables.isEmpty || !FileSystem.exists(file.path) { return false }
      if file.isLanding { try noteStart(file, tables, connection) }
      for table in tables {
        let rows = try connection.prepare("SELECT id FROM main.\(Tables.quoted(table)) WHERE id BETWEEN ? AND ?")
        for span in spans where span.lowerBound <= file.lastID && span.upperBound >= file.firstID {
          rows.reset()
          rows.bind(1, span.lowerBound)
          rows.bind(2, span.upperBound)
          while try rows.step() { body(rows.integer(0)) }
        }
      }
      return true
    } catch {
      if !FileSystem.exists(file.path) { return false }
      throw SQLiteError(code: error.code, message: "\(file.path): \(error.message)")
    }
  }

  private func noteStart(_ file: DataFile, _ tables: [String], _ connection: Connection) throws(SQLiteError) {
    if landingStarts.withLock({ $0[file.number] != nil }) { return }
    var start: Int64?
    for table in tables {
      guard let first = try connection.integer("SELECT min(id) FROM main.\(Tables.quoted(table))") else { continue }
      start = min(start ?? first, first)
    }
    guard let start else { return }
    landingStarts.withLock { $0[file.number] = start }
  }
}
