import CSQLite

/// Why a file cannot be imported at all.
package struct ImportError: Error, Sendable, CustomStringConvertible {
  package var path: String
  package var reason: String

  package init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  package var description: String { "\(path): \(reason)" }
}

/// A `.db` of unknown making, read without trusting it: read-only, no function, view, trigger or virtual table of its
/// own is ever run, and only plain tables with exactly the known columns are looked at.
package final class DatabaseImport {
  package enum Kind: Sendable, Equatable {
    /// An export of ours: records of this store.
    case records(store: String)
    /// Rows of a store of ours, whose records are not there.
    case rows(store: String)
    /// Another program's `telemetry.db`.
    case foreign
  }

  /// The twelve columns behind the id, as they are.
  package struct ForeignRow: Sendable {
    package var id: Int64
    package var columns: [SQLValue]
    /// Digest of the twelve columns and how many equal rows came before it: the same in every copy of the file.
    package var fingerprint: String
  }

  package let kind: Kind
  private let path: String
  private let connection: Connection
  private static let valueLimitBytes: Int32 = 64 << 20

  package init(_ path: String) throws(ImportError) {
    self.path = path
    do throws(SQLiteError) {
      connection = try Connection(path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      _ = garner_untrusted_schema(connection.handle)
      _ = garner_defensive(connection.handle)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_LENGTH, Self.valueLimitBytes)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_ATTACHED, 0)
      try connection.execute("PRAGMA cell_size_check=ON; PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; BEGIN")
      guard try Self.isPlain(connection, "telemetry_events", SourceSchema.columns) else {
        throw SQLiteError(code: SQLITE_ERROR, message: "it has no table telemetry_events with the thirteen columns")
      }
      var store: String?
      if try Self.isPlain(connection, "manifest", ["key", "value"]) {
        store = try connection.text("SELECT value FROM main.manifest WHERE key = 'store_uuid'")
      }
      guard let store, !store.isEmpty else {
        kind = .foreign
        return
      }
      let hasRecords = try Self.isPlain(connection, "otlp", ["id", "json"])
      kind = hasRecords ? .records(store: store) : .rows(store: store)
    } catch {
      throw ImportError(path, error.message)
    }
  }

  /// A real table of `main` with these columns in this order, none of them generated.
  private static func isPlain(
    _ connection: Connection, _ table: String, _ columns: [String]
  ) throws(SQLiteError) -> Bool {
    let type = try connection.text(
      "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?", .text(table))
    guard type == "table" else { return false }
    let statement = try connection.prepare("SELECT name, hidden FROM pragma_table_xinfo(?, 'main') ORDER BY cid")
    try statement.bind([.text(table)])
    var found: [String] = []
    while try statement.step() {
      guard statement.integer(1) == 0 else { return false }
      found.append(statement.text(0))
    }
    return found == columns
  }

  /// Rows of `telemetry_events`, as its manifest or, without one, its table says.
  package func rowCount() -> Int64 {
    let count = try? connection.integer("SELECT count(*) FROM main.telemetry_events")
    return count.flatMap { $0 } ?? 0
  }

  /// Records of an export as OTLP/JSON, in order of their ids.
  package func records() throws(ImportError) -> RecordCursor { try RecordCursor(path, connection) }

  package func rows() throws(ImportError) -> RowsCursor { try RowsCursor(path, connection) }

  package final class RecordCursor {
    private let path: String
    private let statement: Statement

    fileprivate init(_ path: String, _ connection: Connection) throws(ImportError) {
      self.path = path
      do throws(SQLiteError) {
        statement = try connection.prepare("SELECT rowid, json FROM main.otlp ORDER BY rowid")
      } catch { throw ImportError(path, error.message) }
    }

    package func next() throws(ImportError) -> (id: Int64, json: [UInt8])? {
      do throws(SQLiteError) {
        guard try statement.step() else { return nil }
        return (statement.integer(0), [UInt8](statement.bytes(1)))
      } catch { throw ImportError(path, error.message) }
    }
  }

  package final class RowsCursor {
    private let path: String
    private let statement: Statement
    /// How often each digest came; most once, so only a repeat has an entry behind the first.
    private var seen: [String: Int] = [:]

    fileprivate init(_ path: String, _ connection: Connection) throws(ImportError) {
      self.path = path
      let columns = SourceSchema.columns.dropFirst().joined(separator: ", ")
      do throws(SQLiteError) {
        statement = try connection.prepare("SELECT rowid, \(columns) FROM main.telemetry_events ORDER BY rowid")
      } catch { throw ImportError(path, error.message) }
    }

    package func next() throws(ImportError) -> ForeignRow? {
      do throws(SQLiteError) {
        guard try statement.step() else { return nil }
      } catch { throw ImportError(path, error.message) }
      var digest = ColumnDigest()
      var columns: [SQLValue] = []
      columns.reserveCapacity(12)
      for column in 1...12 {
        digest.add(statement, column)
        columns.append(statement.value(column))
      }
      digest.endRow()
      let hex = digest.hex(16)
      let ordinal = seen[hex, default: 0]
      seen[hex] = ordinal + 1
      return ForeignRow(id: statement.integer(0), columns: columns, fingerprint: "\(hex)-\(ordinal)")
    }
  }
}
