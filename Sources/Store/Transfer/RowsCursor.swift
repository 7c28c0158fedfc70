/// The rows of a `telemetry_events` of anybody.
package final class RowsCursor {
  /// The twelve columns behind the id, as they are.
  package struct ForeignRow: Sendable {
    package var id: Int64
    package var columns: [SQLValue]
    /// Digest of the twelve columns and how many equal rows came before it: the same in every copy of the file.
    package var fingerprint: ColumnFingerprint
    /// A cell is longer than any that is read; there are no columns.
    package var isTooLong = false
  }

  private let path: String
  private let connection: Connection
  private let statement: Statement
  private var rowid: Int64?
  private let firstID: Int64
  private let lastID: Int64
  private let wantsFingerprints: Bool
  private var isEnded = false
  private var digest = ColumnDigest()
  /// The first half of every digest, and of those that came again how often: eight bytes a row, not a text.
  private var seen: Set<UInt64> = []
  private var repeats: [UInt64: Int] = [:]

  init(_ path: String, _ connection: Connection, withFingerprints: Bool) throws(ImportError) {
    self.path = path
    self.connection = connection
    wantsFingerprints = withFingerprints
    let columns = SourceSchema.columns.dropFirst().joined(separator: ", ")
    do throws(SQLiteError) {
      firstID = try connection.integer("SELECT min(rowid) FROM main.telemetry_events") ?? 0
      lastID = try connection.integer("SELECT max(rowid) FROM main.telemetry_events") ?? 0
      statement = try connection.prepare(
        "SELECT rowid, \(columns) FROM main.telemetry_events WHERE rowid >= ? ORDER BY rowid")
      try statement.bind([.integer(.min)])
    } catch { throw ImportError(path, error) }
  }

  /// How far the present row is between the first and the last, 0 to 1.
  package var fraction: Double { Double((rowid ?? firstID) &- firstID) / Double(max(1, lastID &- firstID)) }

  package func next() throws(ImportError) -> ForeignRow? {
    do throws(SQLiteError) {
      // A statement that is stepped behind its end begins again.
      guard !isEnded, try statement.step() else {
        isEnded = true
        return nil
      }
    } catch {
      guard error.isTooBig else { throw ImportError(path, error) }
      return try tooLong()
    }
    rowid = statement.integer(0)
    var columns: [SQLValue] = []
    columns.reserveCapacity(12)
    for column in 1...12 {
      if wantsFingerprints { digest.add(statement, column) }
      columns.append(statement.value(column))
    }
    var fingerprint = ColumnFingerprint()
    if wantsFingerprints {
      (fingerprint.high, fingerprint.low) = digest.ofRow()
      if !seen.insert(fingerprint.high).inserted {
        fingerprint.ordinal = repeats[fingerprint.high, default: 0] + 1
        repeats[fingerprint.high] = fingerprint.ordinal
      }
    }
    return ForeignRow(id: statement.integer(0), columns: columns, fingerprint: fingerprint)
  }

  /// The row behind the last one, whose cells are not read, and the statement goes on behind it.
  private func tooLong() throws(ImportError) -> ForeignRow? {
    do throws(SQLiteError) {
      var next = firstID
      if let rowid {
        let behind = "SELECT min(rowid) FROM main.telemetry_events WHERE rowid > ?"
        guard let found = try connection.integer(behind, .integer(rowid)) else { return nil }
        next = found
      }
      rowid = next
      statement.reset()
      if next == .max { isEnded = true } else { try statement.bind([.integer(next + 1)]) }
      return ForeignRow(id: next, columns: [], fingerprint: ColumnFingerprint(), isTooLong: true)
    } catch { throw ImportError(path, error) }
  }
}

/// Identity of a row without one: 128 bits of the SHA-256 of its columns, and how many such rows came before it.
package struct ColumnFingerprint: Sendable, Equatable {
  package var high: UInt64 = 0
  package var low: UInt64 = 0
  package var ordinal = 0

  /// 32 lower-case hexadecimal digits, a dash, the ordinal.
  package var text: String {
    var digits: [UInt8] = []
    digits.reserveCapacity(40)
    for word in [high, low] {
      for shift in stride(from: 60, through: 0, by: -4) {
        let nibble = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
        digits.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
      }
    }
    return String(decoding: digits, as: UTF8.self) + "-\(ordinal)"
  }
}
