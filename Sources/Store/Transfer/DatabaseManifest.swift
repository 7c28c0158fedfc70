/// What an export says of itself.
struct DatabaseManifest {
  let store: String?
  let version: Int64?
  private let rows: Int64?
  private let sha256: String?

  init(_ connection: Connection) throws(SQLiteError) {
    func value(_ key: String) throws(SQLiteError) -> SQLValue? {
      try connection.rows("SELECT value FROM main.manifest WHERE key = ?", .text(key)).first?.first
    }
    func text(_ key: String) throws(SQLiteError) -> String? {
      if case .text(let text) = try value(key) { text } else { nil }
    }
    func integer(_ key: String) throws(SQLiteError) -> Int64? {
      switch try value(key) {
      case .integer(let number): number
      case .text(let text): Int64(text)
      default: nil
      }
    }
    store = try text("store_uuid")
    version = try integer("schema_version")
    rows = try integer("rows")
    sha256 = try text("sha256")
  }

  /// In words, when the rows are not those that were exported. Reads all of them.
  func mismatch(_ connection: Connection) throws(SQLiteError) -> String? {
    guard rows != nil || sha256 != nil else { return nil }
    let columns = SourceSchema.columns.joined(separator: ", ")
    let statement = try connection.prepare("SELECT \(columns) FROM main.telemetry_events ORDER BY id")
    var digest = ColumnDigest()
    var found: Int64 = 0
    while try statement.step() {
      for column in SourceSchema.columns.indices { digest.add(statement, column) }
      digest.endRow()
      found += 1
    }
    if let rows, rows != found { return "the manifest says \(rows) rows, there are \(found): it was changed" }
    if let sha256, sha256 != digest.hex() { return "the rows are not those that were exported: it was changed" }
    return nil
  }
}
