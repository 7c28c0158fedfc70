import Synchronization

/// Settled files are written once and then only read: what a bad disk or a stranger does to one is found by looking.
enum FileCheck {
  /// What is wrong with a settled file; nil: nothing, or it is not there. Reads all of it.
  static func trouble(_ path: String) -> String? {
    guard FileSystem.exists(path) else { return nil }
    do throws(SQLiteError) {
      let answer = try Connection.settled(path).text("PRAGMA quick_check(1)") ?? ""
      return answer == "ok" ? nil : answer
    } catch {
      return error.isCorrupt || error.primary == 26 ? error.message : nil
    }
  }

  /// Books those that are gone as lost.
  static func bookMissing(
    _ files: [DataFile], _ catalog: Catalog, now: Int64, _ report: @Sendable (StoreEvent) -> Void
  ) throws(SQLiteError) {
    for file in files where !FileSystem.exists(file.path) {
      try Pruner.finish(number: file.number, part: file.part, .lost, "file_missing", catalog, now: now)
      report(.fileLost(path: file.path, rows: file.rows))
    }
  }

  /// The file behind `last` in order of numbers, from the start again behind the end.
  static func next(_ files: [DataFile], after last: (Int64, Int64)) -> DataFile? {
    let sorted = files.filter { !$0.isLanding }.sorted { ($0.number, $0.part) < ($1.number, $1.part) }
    return sorted.first { ($0.number, $0.part) > last } ?? sorted.first
  }
}
