package import Telemetry

/// Marks as the files of a directory hold them, for any process: `state.db` first, then landing files in their order.
package struct StoredMarks {
  /// Nil: none are wanted.
  private let prefix: [UInt8]?
  private var values: [[UInt8]: [UInt8]] = [:]

  package init(prefix: [UInt8]?) { self.prefix = prefix }

  /// Those of a directory.
  package static func read(_ directory: DataDirectory, prefix: [UInt8]) throws(SQLiteError) -> [Mark] {
    for attempt in 1... {
      do throws(SQLiteError) {
        let files = try FileList.read(directory)
        var marks = StoredMarks(prefix: prefix)
        if FileSystem.exists(directory.state) { try marks.add(try Connection(directory.state, .readOnly)) }
        for file in files where file.isLanding { try marks.add(try Connection(file.path, .readOnly)) }
        if try FileList.read(directory).map(\.path) == files.map(\.path) { return marks.all }
      } catch {
        if attempt >= 20 { throw error }
      }
      if attempt >= 40 { break }
    }
    throw SQLiteError(code: 5, message: "the files changed too often while they were read")
  }

  package var all: [Mark] {
    values.map { Mark(key: $0.key, value: $0.value) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }

  /// Newer files later.
  mutating func add(_ connection: Connection) throws(SQLiteError) {
    guard let prefix, try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'mark'") != nil else { return }
    let rows = try connection.rows(
      "SELECT key, value FROM mark WHERE key >= ?1 AND substr(key, 1, ?2) = ?1", .blob(prefix),
      .integer(Int64(prefix.count)))
    for row in rows {
      guard case .blob(let key) = row[0] else { continue }
      if case .blob(let value) = row[1] { values[key] = value } else { values[key] = nil }
    }
  }
}
