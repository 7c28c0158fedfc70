import CSQLite

/// What the text of a query may do: read, and nothing else.
final class QueryGuard {
  /// What was refused last, for a clear message.
  private(set) var refused: String?

  func clear() { refused = nil }

  /// Functions that reach outside of the database.
  private static let forbiddenFunctions: Set<String> = ["load_extension", "fts3_tokenizer"]

  /// `connection` must be closed before `self` goes. To be set after our own setup.
  func watch(_ connection: Connection) {
    sqlite3_set_authorizer(
      connection.handle,
      { context, action, first, second, _, _ in
        guard let context else { return SQLITE_DENY }
        return Unmanaged<QueryGuard>.fromOpaque(context).takeUnretainedValue().judge(action, first, second)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func judge(_ action: Int32, _ first: UnsafePointer<CChar>?, _ second: UnsafePointer<CChar>?) -> Int32 {
    switch action {
    case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: return SQLITE_OK
    case SQLITE_FUNCTION:
      let name = second.map { String(cString: $0) } ?? ""
      if !Self.forbiddenFunctions.contains(name.lowercased()) { return SQLITE_OK }
      refused = name
    case SQLITE_PRAGMA:
      // The columns of a table, for whoever does not know them by heart.
      let name = first.map { String(cString: $0).lowercased() } ?? ""
      if ["table_info", "table_xinfo"].contains(name) { return SQLITE_OK }
      refused = "PRAGMA \(name)"
    default: refused = Self.names[action] ?? "this statement"
    }
    return SQLITE_DENY
  }

  private static let names: [Int32: String] = [
    SQLITE_ATTACH: "ATTACH", SQLITE_DETACH: "DETACH", SQLITE_INSERT: "INSERT",
    SQLITE_UPDATE: "UPDATE", SQLITE_DELETE: "DELETE", SQLITE_TRANSACTION: "a transaction",
    SQLITE_SAVEPOINT: "SAVEPOINT",
    SQLITE_ALTER_TABLE: "ALTER TABLE", SQLITE_ANALYZE: "ANALYZE", SQLITE_REINDEX: "REINDEX",
    SQLITE_CREATE_TABLE: "CREATE TABLE", SQLITE_CREATE_TEMP_TABLE: "CREATE TABLE", SQLITE_CREATE_VIEW: "CREATE VIEW",
    SQLITE_CREATE_TEMP_VIEW: "CREATE VIEW", SQLITE_CREATE_INDEX: "CREATE INDEX", SQLITE_CREATE_VTABLE: "CREATE TABLE",
    SQLITE_CREATE_TRIGGER: "CREATE TRIGGER", SQLITE_CREATE_TEMP_TRIGGER: "CREATE TRIGGER",
    SQLITE_DROP_TABLE: "DROP TABLE",
    SQLITE_DROP_VIEW: "DROP VIEW", SQLITE_DROP_INDEX: "DROP INDEX", SQLITE_DROP_TRIGGER: "DROP TRIGGER",
  ]
}
