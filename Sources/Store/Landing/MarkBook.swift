import Synchronization
package import Telemetry

/// The marks of landing files that are not settled yet; older ones are rows of `state.mark`. So a look-up sees what is
/// committed, wherever it lies, and memory holds only what is recent.
final class MarkBook: Sendable {
  private struct Entry {
    /// Nil: removed.
    var value: [UInt8]?
    /// Landing file that holds it.
    var number: Int64
  }

  private let entries = Mutex<[[UInt8]: Entry]>([:])

  /// Called with what is committed, in order of the commits.
  func note(_ marks: [Mark], number: Int64) {
    guard !marks.isEmpty else { return }
    entries.withLock { entries in
      for mark in marks { entries[mark.key] = Entry(value: mark.value, number: number) }
    }
  }

  /// The marks of landing file `number` are rows of `state.mark` from now on.
  func settled(_ number: Int64) {
    entries.withLock { entries in
      guard !entries.isEmpty else { return }
      entries = entries.filter { $0.value.number != number }
    }
  }

  /// Nil: not here. A mark with a nil value: here, and removed.
  func find(_ key: [UInt8]) -> Mark? {
    entries.withLock { $0[key] }.map { Mark(key: key, value: $0.value) }
  }

  func all(prefix: [UInt8]) -> [Mark] {
    entries.withLock { entries in
      entries.compactMap { $0.key.starts(with: prefix) ? Mark(key: $0.key, value: $0.value.value) : nil }
    }
  }

  func load(_ connection: Connection, number: Int64) throws(SQLiteError) {
    let rows = try connection.rows("SELECT key, value FROM mark")
    note(
      rows.compactMap { row in
        guard case .blob(let key) = row[0] else { return nil }
        if case .blob(let value) = row[1] { return Mark(key: key, value: value) }
        return Mark(key: key, value: nil)
      }, number: number)
  }
}

extension DataStore {
  /// The committed value of a mark.
  package func mark(_ key: [UInt8]) throws(StoreFailure) -> [UInt8]? {
    if let recent = marks.find(key) { return recent.value }
    do throws(SQLiteError) {
      return try catalog.use { connection throws(SQLiteError) -> [UInt8]? in
        let statement = try connection.prepare("SELECT value FROM state.mark WHERE key = ?")
        try statement.bind([.blob(key)])
        return try statement.step() && !statement.isNull(0) ? [UInt8](statement.bytes(0)) : nil
      }
    } catch { throw StoreFailure(error) }
  }

  /// All committed marks whose keys begin with `prefix`, by key.
  package func marks(prefix: [UInt8]) throws(StoreFailure) -> [Mark] {
    var found: [[UInt8]: [UInt8]] = [:]
    do throws(SQLiteError) {
      let rows = try catalog.use { connection throws(SQLiteError) in
        try connection.rows(
          "SELECT key, value FROM state.mark WHERE key >= ?1 AND substr(key, 1, ?2) = ?1 AND value IS NOT NULL",
          .blob(prefix), .integer(Int64(prefix.count)))
      }
      for row in rows {
        if case .blob(let key) = row[0], case .blob(let value) = row[1] { found[key] = value }
      }
    } catch { throw StoreFailure(error) }
    for mark in marks.all(prefix: prefix) { found[mark.key] = mark.value }
    return found.map { Mark(key: $0.key, value: $0.value) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }
}
