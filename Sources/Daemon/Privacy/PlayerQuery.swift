/// A query over the rows of one player: the tables that it names are narrowed before it sees them, by a common table
/// expression of the same name. A row is a player's when one of his names is a whole JSON string in its data, attributes
/// or resource.
package struct PlayerQuery: Sendable {
  package var sql: String
  /// Where bytes were put into the caller's text, and how many.
  private var start: Int
  private var length: Int

  /// `players`: JSON strings, quotes included. `isDatabase`: one file of another making, with nothing but
  /// `telemetry_events`.
  package init(_ sql: String, players: [String], isDatabase: Bool) {
    let tables = isDatabase ? [Self.database(players)] : Self.views(players)
    let (place, isContinued) = Self.place(Array(sql.utf8))
    let text = (isContinued ? " " : "WITH ") + tables.joined(separator: ", ") + (isContinued ? ", " : " ")
    let bytes = Array(sql.utf8)
    self.sql = String(decoding: bytes[..<place] + Array(text.utf8) + bytes[place...], as: UTF8.self)
    start = place
    length = text.utf8.count
  }

  /// The place in the caller's text that is at `offset` here.
  package func original(_ offset: Int) -> Int { offset < start ? offset : max(start, offset - length) }

  // MARK: tables

  private static func holds(_ columns: [String], _ players: [String]) -> String {
    let tests = players.flatMap { player in
      let text = player.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
      return columns.map { "instr(\($0), '\(text)')" }
    }
    return "(" + tests.joined(separator: " OR ") + ")"
  }

  private static func database(_ players: [String]) -> String {
    "telemetry_events AS (SELECT * FROM main.telemetry_events WHERE \(holds(["data"], players)))"
  }

  private static func views(_ players: [String]) -> [String] {
    let columns = ["attributes", "resource", "scope_attributes"]
    let own = [("spans", columns), ("logs", columns + ["body"]), ("metrics", columns)].map { view, columns in
      "\(view) AS (SELECT * FROM main.\(view) WHERE \(holds(columns, players)))"
    }
    // What `data` does not show is looked up once in the other tables.
    let shared = ["spans", "logs", "metrics"].map {
      "SELECT id FROM main.\($0) WHERE \(holds(["resource", "scope_attributes"], players))"
    }
    let condition = "\(holds(["data"], players)) OR id IN (\(shared.joined(separator: " UNION ALL ")))"
    return own
      + ["telemetry_events", "events"].map { "\($0) AS (SELECT * FROM main.\($0) WHERE \(condition))" }
  }

  // MARK: the caller's text

  /// Where tables go: behind `WITH` or `WITH RECURSIVE` when the text begins so, else before everything.
  private static func place(_ sql: [UInt8]) -> (offset: Int, isContinued: Bool) {
    var at = skipBlanks(sql, 0)
    let start = at
    guard let with = word(sql, at), with == "with" else { return (start, false) }
    at += with.utf8.count
    let next = skipBlanks(sql, at)
    if let recursive = word(sql, next), recursive == "recursive" { at = next + recursive.utf8.count }
    return (at, true)
  }

  private static func word(_ sql: [UInt8], _ start: Int) -> String? {
    let letters = sql[start...].prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 == 0x5f }
    return letters.isEmpty ? nil : String(decoding: letters.map { $0 | 0x20 }, as: UTF8.self)
  }

  private static func skipBlanks(_ sql: [UInt8], _ start: Int) -> Int {
    var at = start
    while at < sql.count {
      if sql[at] <= 0x20 {
        at += 1
      } else if sql[at...].starts(with: Array("--".utf8)) {
        while at < sql.count, sql[at] != 0x0a { at += 1 }
      } else if sql[at...].starts(with: Array("/*".utf8)) {
        at += 2
        while at < sql.count, !sql[at...].starts(with: Array("*/".utf8)) { at += 1 }
        at = min(sql.count, at + 2)
      } else {
        return at
      }
    }
    return at
  }
}
