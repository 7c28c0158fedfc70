import Telemetry
import TestSupport
import Testing

@testable import Store

/// Settled files without indexes over names and contexts answer as a scan of all rows does.
@Suite struct PostingQueryTests {
  private let store: ModelStore

  /// 12,000 rows of 60 sessions in turns and 40 in a row, and of events that are frequent, rare and one.
  init() async throws {
    store = try ModelStore()
    for part in 0..<12 {
      try await store.append(
        (0..<1_000).map { number in
          let place = part * 1_000 + number
          var record = store.log(place == 7_777 ? "odd.one" : place % 211 == 0 ? "chat.rare" : "chat.message")
          record.session = place < 6_000 ? "turn-\(place % 60)" : "row-\(place / 150)"
          record.time += Int64(place * 7_919 % 12_000) * 1_000_000
          return record
        })
    }
    try store.settle()
  }

  @Test func theFileHasListsAndNoIndexes() throws {
    let connection = try Connection(try #require(try store.settledFiles().first).path, .readOnly)
    #expect(try connection.integer("SELECT count(*) FROM posting WHERE field = 'ctx' AND ranges IS NOT NULL") == 100)
    #expect(
      try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        == [[.text("event_corr")]])
  }

  @Test(arguments: [
    "session_id = 'turn-7'", "session_id = 'row-55'", "session_id IN ('turn-3', 'row-41', 'none')",
    "session_id = 'none'", "event = 'chat.rare'", "event = 'odd.one'", "event = 'chat.message'",
    "event = 'chat.rare' AND session_id = 'turn-1'", "event = 'odd.one' AND session_id = 'row-51'",
    "event = 'odd.one' AND session_id = 'turn-1'", "category = 'odd' OR session_id = 'row-60'",
    "event IN ('chat.rare', 'odd.one') AND id BETWEEN 3000 AND 9000", "session_id LIKE 'row-%' AND event = 'chat.rare'",
    "session_id = 'turn-9' AND timestamp < '2026-07-01T12:00:05'", "category = 'chat' AND session_id = 'row-79'",
    "session_id = 'turn-9' AND correlation IS NULL",
  ])
  func theAnswersAreThoseOfAScan(_ condition: String) throws {
    let session = try QuerySession(files: try store.files())
    for (columns, end) in [
      ("id, session_id, event", "ORDER BY id"), ("id", "ORDER BY id DESC"), ("id, timestamp", "ORDER BY id LIMIT 20"),
      ("id", "ORDER BY id DESC LIMIT 3"), ("id", "ORDER BY timestamp DESC, id DESC LIMIT 10"),
      ("id", "ORDER BY timestamp, id LIMIT 25"), ("count(*), min(id), max(id), sum(id)", ""), ("count(*)", ""),
      ("event, count(*), max(rowid)", "GROUP BY event ORDER BY event"),
      ("category, event, count(*)", "GROUP BY category, event ORDER BY category DESC, event DESC"),
      ("session_id, count(*)", "GROUP BY session_id ORDER BY session_id"),
    ] {
      let fast = try QueryFixture.rows(session, "SELECT \(columns) FROM telemetry_events WHERE \(condition) \(end)")
      // What is no comparison of a column is left to SQLite.
      let inner = "(SELECT * FROM telemetry_events WHERE +id + 0 > 0 LIMIT -1)"
      let slow = try QueryFixture.rows(
        session, "SELECT \(columns.replacing("rowid", with: "id")) FROM \(inner) WHERE \(condition) \(end)")
      #expect(fast == slow, "\(columns) \(condition) \(end)")
    }
  }

  @Test(arguments: [
    "SELECT category, event, count(*) FROM telemetry_events t GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT event, count(*), min(rowid), max(rowid) FROM telemetry_events t GROUP BY event ORDER BY event",
    "SELECT DISTINCT category FROM telemetry_events t ORDER BY category DESC",
    "SELECT event, count(*) FROM telemetry_events t WHERE category = 'chat' GROUP BY event ORDER BY event DESC",
    "SELECT event, count(*) FROM telemetry_events t WHERE event >= 'chat.n' GROUP BY event ORDER BY event",
  ])
  func groupsOfNamesAreThoseOfAScan(_ sql: String) throws {
    let session = try QuerySession(files: try store.files())
    let inner = "(SELECT id AS rowid, category, event FROM telemetry_events WHERE +id + 0 > 0 LIMIT -1) t"
    let slow = sql.split(separator: "telemetry_events t").joined(separator: inner)
    #expect(try QueryFixture.rows(session, sql) == QueryFixture.rows(session, slow))
  }

  @Test func aListThatIsGoneCostsTimeAndNoAnswer() throws {
    let path = try #require(try store.settledFiles().first).path
    let connection = try Connection(path, .readWrite)
    try connection.execute("DROP TABLE posting")
    connection.close()
    let session = try QuerySession(files: try store.files())
    let rows = try QueryFixture.rows(session, "SELECT count(*) FROM telemetry_events WHERE session_id = 'turn-7'")
    #expect(rows == [[.integer(100)]])
  }

  @Test func aSessionTellsItsLifeFromThem() throws {
    let events = try Life.events([LifeItem(.session, "turn-7")], store.directory)
    #expect(events.contains { $0.step == .stored && $0.count == 100 })
  }
}

extension String {
  fileprivate func replacing(_ word: String, with other: String) -> String {
    split(separator: "(", omittingEmptySubsequences: false).map { part in
      part.hasPrefix(word) ? other + part.dropFirst(word.count) : String(part)
    }.joined(separator: "(")
  }
}
