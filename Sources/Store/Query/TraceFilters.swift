import CSQLite

/// Filters over the traces of settled files, read from the catalog one by one as they are asked for: those of all files
/// together may be larger than the memory of a query.
final class TraceFilters {
  private struct Key: Hashable {
    var number: Int64
    var part: Int64
  }

  /// Filters kept for later queries, in bytes. They never change: number and part are given once.
  private static let keptBytes = 16 << 20

  private var kept: [Key: [UInt8]] = [:]
  private var bytes = 0
  private var catalog: (connection: Connection, find: Statement)?

  /// Nil: nobody knows, look inside.
  func filter(of file: DataFile) -> [UInt8]? {
    if let traces = file.traces { return traces }
    guard let path = file.catalog else { return nil }
    let key = Key(number: file.number, part: file.part)
    if let known = kept[key] { return known }
    guard let filter = try? read(path, key) else { return nil }
    if bytes + filter.count <= Self.keptBytes {
      kept[key] = filter
      bytes += filter.count
    }
    return filter
  }

  private func read(_ path: String, _ key: Key) throws(SQLiteError) -> [UInt8]? {
    if catalog == nil {
      let connection = try Connection(path, .readOnly)
      // Looking inside of the file costs less than a long wait.
      sqlite3_busy_timeout(connection.handle, 500)
      catalog = (connection, try connection.prepare("SELECT traces FROM file WHERE number = ? AND part = ?"))
    }
    guard let find = catalog?.find else { return nil }
    // The catalog is not held: whoever settles a file must not wait for a query.
    defer { find.reset() }
    find.bind(1, key.number)
    find.bind(2, key.part)
    return try find.step() && !find.isNull(0) ? [UInt8](find.bytes(0)) : nil
  }

  /// Another list of files: the catalog may be another one too.
  func use(_ files: [DataFile]) {
    catalog = nil
    let keys = Set(files.map { Key(number: $0.number, part: $0.part) })
    kept = kept.filter { keys.contains($0.key) }
    bytes = kept.values.reduce(0) { $0 + $1.count }
  }
}
