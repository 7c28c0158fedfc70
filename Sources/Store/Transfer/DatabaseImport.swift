import CSQLite

/// Why a file cannot be imported at all.
package struct ImportError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    case other
    /// The bytes of the database are wrong.
    case corrupt
    /// It has no table of events.
    case unknownFormat
    /// The table of events has other columns.
    case unknownColumn
    /// The table of events is none, or not only that.
    case unsafeSchema
    /// The store takes no more: nothing is wrong with the file.
    case storage
  }

  package var path: String
  package var reason: String
  package var kind = Kind.other

  package init(_ path: String, _ reason: String, _ kind: Kind = .other) {
    self.path = path
    self.reason = reason
    self.kind = kind
  }

  init(_ path: String, _ error: SQLiteError) {
    // What SQLite says of a function in an index, a check or a default that it was told not to trust.
    let isUnsafe = error.message.contains("unsafe use of")
    self.init(path, error.message, isUnsafe ? .unsafeSchema : error.isCorrupt || error.isInterrupt ? .corrupt : .other)
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

  package let kind: Kind
  private let manifest: DatabaseManifest?
  private let path: String
  private let connection: Connection
  private let hasOrigins: Bool
  private static let valueLimitBytes: Int32 = 64 << 20

  /// `name`: what it is called in errors. `isImmutable`: nobody writes to it, and nothing beside it belongs to it.
  package init(_ path: String, named name: String? = nil, isImmutable: Bool = false) throws(ImportError) {
    self.path = name ?? path
    do throws(SQLiteError) {
      connection = try Connection(path, isImmutable ? .immutable : .readOnly)
      garnerNoCheckpointOnClose(connection)
      _ = garner_untrusted_schema(connection.handle)
      _ = garner_defensive(connection.handle)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_LENGTH, Self.valueLimitBytes)
      sqlite3_limit(connection.handle, SQLITE_LIMIT_ATTACHED, 0)
      DatabaseGuard.limitSteps(connection, bytes: FileSystem.length(path))
      try connection.execute("PRAGMA cell_size_check=ON; PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; BEGIN")
    } catch { throw ImportError(name ?? path, error) }
    do {
      if let fault = try Self.fault(connection, "telemetry_events", SourceSchema.columns) {
        throw ImportError(name ?? path, "it has no plain table telemetry_events with the thirteen columns", fault)
      }
      var store: String?
      if try Self.fault(connection, "manifest", ["key", "value"], withRowid: nil) == nil {
        let manifest = try DatabaseManifest(connection)
        store = manifest.store
        if let version = manifest.version, version > SourceSchema.version {
          let words = "it is of a newer Garner: schema \(version), this one reads up to \(SourceSchema.version)"
          throw ImportError(name ?? path, words, .unknownFormat)
        }
        self.manifest = manifest
      } else {
        manifest = nil
      }
      if let store, !store.isEmpty {
        let hasRecords = try Self.fault(connection, "otlp", ["id", "json"]) == nil
        kind = hasRecords ? .records(store: store) : .rows(store: store)
      } else {
        kind = .foreign
      }
      hasOrigins =
        try Self.fault(
          connection, "origin", ["first", "source", "session", "component", "game_module", "mod_fingerprint"]) == nil
    } catch let error as SQLiteError {
      throw ImportError(name ?? path, error)
    } catch let error as ImportError {
      throw error
    } catch {
      throw ImportError(name ?? path, "\(error)")
    }
    DatabaseGuard.allowOnlyReading(connection)
  }

  /// Nil: a real table of `main` with these columns in this order, none of them generated. `withRowid` nil: it may have its
  /// rows by another key too.
  private static func fault(
    _ connection: Connection, _ table: String, _ columns: [String], withRowid: Bool? = true
  ) throws(SQLiteError) -> ImportError.Kind? {
    let list = try connection.prepare("SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?")
    try list.bind([.text(table)])
    guard try list.step() else { return .unknownFormat }
    guard list.text(0) == "table", withRowid == nil || list.integer(1) == 0 else { return .unsafeSchema }
    let statement = try connection.prepare("SELECT name, hidden FROM pragma_table_xinfo(?, 'main') ORDER BY cid")
    try statement.bind([.text(table)])
    var found: [String] = []
    while try statement.step() {
      guard statement.integer(1) == 0 else { return .unsafeSchema }
      found.append(statement.text(0))
    }
    return found == columns ? nil : .unknownColumn
  }

  /// What its manifest says and is not so; nil: nothing. Reads all rows; what cannot be read is named when its turn comes.
  package func mismatch() -> String? {
    (try? manifest?.mismatch(connection)).flatMap { $0 }.map { "\(path): \($0)" }
  }

  /// Records of an export as OTLP/JSON, in order of their ids.
  package func records() throws(ImportError) -> RecordCursor {
    do throws(SQLiteError) {
      return try RecordCursor(path, connection, withOrigins: hasOrigins)
    } catch { throw ImportError(path, error) }
  }

  /// Rows of the table; only those of others need fingerprints.
  package func rows() throws(ImportError) -> RowsCursor {
    try RowsCursor(path, connection, withFingerprints: kind == .foreign)
  }
}
