import Daemon
import Store

/// `inspect --follow`: asks once a second for what came since, by id.
struct Follow {
  var run: QueryRun
  var columns: String
  var category: String?
  var listing: ListingArguments

  /// Goes on behind the row `last`.
  func run(after last: Int64) async throws {
    let directory = try run.resolved.existingDirectory()
    var last = last
    while !Task.isCancelled {
      if QueryRun.isInterrupted { throw CommandFailure(.interrupted, "interrupted") }
      try await Task.sleep(for: .seconds(1))
      let now = try Self.newest(directory)
      if now <= last { continue }
      let filter = category == nil ? "" : "AND category = :category"
      let sql = "SELECT \(columns) FROM telemetry_events WHERE id > \(last) AND id <= \(now) \(filter) ORDER BY id"
      try run.run(sql, category.map { ["category": .text($0)] } ?? [:], listing)
      last = now
    }
  }

  /// The last row that is there.
  static func newest(_ directory: DataDirectory) throws -> Int64 {
    var newest: Int64 = 0
    for file in try FileList.read(directory) {
      if !file.isLanding {
        newest = max(newest, file.lastID)
      } else if let connection = try? Connection(file.path, .readOnly), let tables = try? connection.landingTables() {
        for table in tables {
          newest = max(newest, (try? connection.integer("SELECT max(id) FROM \(Tables.quoted(table))")) ?? 0)
        }
      }
    }
    return newest
  }
}
