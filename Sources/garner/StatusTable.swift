import Daemon
import Store

/// The JSON of `garner status` as lines for people; SQLite's JSON functions take it apart.
struct StatusTable {
  private let connection: Connection
  private let json: String

  init(_ json: String) throws {
    connection = try Connection(":memory:", .create)
    self.json = json
  }

  func write(_ listing: ListingArguments) throws {
    let rows = try connection.rows(
      """
      SELECT key, CASE WHEN type IN ('true', 'false') THEN type ELSE CAST(value AS TEXT) END FROM json_each(?)
      WHERE type NOT IN ('array','object')
      """, .text(json))
    try listing.write(["what", "value"], rows.map(tableRow))
    try list("classes", ["class", "rows", "bytes", "oldest", "newest", "age"], listing)
    try list(
      "sources",
      [
        "source", "door", "first_seen", "last_seen", "received", "stored", "rejected", "filtered", "deduplicated",
      ],
      listing)
    try list("rejects", ["reason", "count"], listing)
  }

  private func list(_ member: String, _ columns: [String], _ listing: ListingArguments) throws {
    let fields = columns.map { "json_extract(value, '$.\($0)')" }.joined(separator: ", ")
    let rows = try connection.rows("SELECT \(fields) FROM json_each(?, '$.\(member)')", .text(json))
    if rows.isEmpty { return }
    Output.line("")
    try listing.write(columns, rows.map(tableRow))
  }

  private func tableRow(_ row: [SQLValue]) -> [TableValue] { row.map(TableValue.init) }
}

extension TableValue {
  init(_ value: SQLValue) {
    self =
      switch value {
      case .null: .null
      case .integer(let number): .integer(number)
      case .real(let number): .real(number)
      case .text(let text): .text(text)
      case .blob(let bytes): .blob(bytes)
      }
  }
}
