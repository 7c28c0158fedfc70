import CSQLite
import Testing

@testable import Store

/// Questions about ranges of time, answered from summaries of blocks: the same as from one plain table.
@Suite struct QueryCountTests {
  private static let day: Int64 = 1_804_291_200_000_000_000
  private static let minute: Int64 = 60_000_000_000
  private static let names = [
    "relay.tick.process", "relay.game.start", "gui.click", "input.order", "log", "it's \"odd\" ; -- (*)",
    "ünï\u{1F600}", "%_",
    "relay.tick.process ",
  ]

  /// Files of today in about the order of their times, with some rows far off; at nanoseconds, so that texts cut
  /// something off.
  private struct TimedStore {
    let fixture: QueryFixture
    let landing: Connection

    init(rows: Int = 300) throws {
      fixture = try QueryFixture()
      var random = SteadyRandom(seed: 3)
      var id: Int64 = 0
      func events(_ count: Int, from start: Int64) -> [QueryEvent] {
        (0..<count).map { index in
          id += 1 + Int64(random.next() % 3)
          var time = start + Int64(index) * (minute / 5) + Int64(random.next() % UInt64(minute))
          if random.next() % 50 == 0 { time = start + Int64(random.next() % UInt64(200 * minute)) }
          if random.next() % 4 == 0 { time -= time % minute }
          let name = names[Int(random.next() % UInt64(names.count))]
          var event = QueryEvent(name, at: time, category: random.next() % 8 == 0 ? "other" : nil)
          event.id = id
          event.session = "session-\(random.next() % 5)"
          return event
        }
      }
      try fixture.settle(events(rows, from: day), rowsPerBlock: 16)
      try fixture.settle(events(rows, from: day + 60 * minute))
      try fixture.settle(events(rows, from: day + 120 * minute), rowsPerBlock: 16)
      var odd = events(9, from: day + 180 * minute)
      odd[0].time = -1
      odd[1].time = -1_000_000_000
      odd[2].time = 0
      odd[3].time = 999
      odd[4].time = 1000
      odd[5].time = .max
      odd[6].time = .max - 807
      odd[7].time = .max - 1_000_000
      odd[8].time = 4_102_444_800_000_000_000
      try fixture.settle(odd, rowsPerBlock: 4)
      landing = try fixture.land(events(rows, from: day + 180 * minute))
    }
  }

  private func expectSame(_ sql: String, _ ours: QuerySession, _ theirs: QuerySession, ordered: Bool = false) throws {
    let found = try QueryFixture.rows(ours, sql)
    let expected = try QueryFixture.rows(theirs, sql)
    if ordered {
      #expect(found == expected, "\(sql)")
    } else {
      #expect(found.map { "\($0)" }.sorted() == expected.map { "\($0)" }.sorted(), "\(sql)")
    }
  }

  /// Statements over counts with `?` where a condition goes.
  private static let counting = [
    "SELECT event, count(*) FROM telemetry_events WHERE ? GROUP BY event",
    "SELECT count(*) FROM telemetry_events WHERE ?",
    "SELECT category, event, COUNT( * ) FROM telemetry_events WHERE ? GROUP BY category, event",
    "SELECT event, count(*) n FROM telemetry_events WHERE ? GROUP BY 1 HAVING n > 3 ORDER BY n DESC, event LIMIT 5;",
    "SELECT event, count(*) FROM telemetry_events WHERE category = 'relay' AND ? GROUP BY event ORDER BY count(*), event",
    "SELECT substr(event, 1, 5) AS part, 2.0 * count(*) FROM telemetry_events WHERE ? AND event LIKE '%.%' GROUP BY part",
    "SELECT count(*) FROM telemetry_events WHERE (event = 'log' OR category = 'other') AND ?",
    "SELECT event FROM telemetry_events WHERE ? GROUP BY event HAVING count(*) > 10 ORDER BY event",
  ]

  private static let conditions = [
    "timestamp >= '2027-03-06T00:30:00.000000Z'", "timestamp > '2027-03-06T00:30:00.000000Z'",
    "timestamp < '2027-03-06T02:10:00.000000Z'", "timestamp <= '2027-03-06T02:10:00.000000Z'",
    "timestamp BETWEEN '2027-03-06T00:15' AND '2027-03-06T03:20'",
    "timestamp BETWEEN '2027-03-06T03' AND '2027-03-06T01'",
    "timestamp >= '2027-03-06T00:40' AND timestamp < '2027-03-06T00:41'", "timestamp >= '2027-03-06'",
    "timestamp > '2027-03-06T01:00' AND timestamp >= '2027-03-06T01:30' AND timestamp < '2027-03-06T03'",
    "timestamp < '1970'", "timestamp < '1970-01-01T00:00:00.000000Z'", "timestamp <= '1970-01-01T00:00:00.000000Z'",
    "timestamp = '1970-01-01T00:00:00.000000Z'", "timestamp <= '1970-01-01T00:00:00.000001Z'",
    "timestamp > '1969-12-31'",
    "timestamp >= '2100'", "timestamp > '2262-04-11T23:47:16.854775Z'", "timestamp >= '2262-04-11T23:47:16.854775Z'",
    "timestamp < '2262-04-11T23:47:16.854775Z'", "timestamp <= 'z'", "timestamp > 'z'", "timestamp >= ''",
    "timestamp < ''",
    "timestamp >= datetime('2027-03-06', '+90 minutes')", "timestamp >= NULL", "timestamp = NULL",
    "timestamp >= strftime('%Y-%m-%dT%H:%M', '2027-03-06T02:00')", "1", "category = category",
  ]

  private static func put(_ condition: String, in statement: String) -> String {
    statement.split(separator: "?", omittingEmptySubsequences: false).joined(separator: condition)
  }

  @Test func countsInRangesMeanTheSame() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    for statement in Self.counting {
      for condition in Self.conditions {
        let sql = Self.put(condition, in: statement)
        try expectSame(sql, session, plain, ordered: statement.contains("ORDER BY"))
      }
    }
  }

  @Test func everyMicrosecondAroundABoundaryMeansTheSame() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    let times = try QueryFixture.rows(plain, "SELECT DISTINCT timestamp FROM telemetry_events WHERE id % 40 = 1")
    #expect(times.count > 20)
    for row in times {
      guard case .text(let time) = row[0] else { continue }
      for comparison in ["<", "<=", "=", ">=", ">"] {
        try expectSame(
          "SELECT event, count(*) FROM telemetry_events WHERE timestamp \(comparison) '\(time)' GROUP BY event",
          session,
          plain)
        try expectSame(
          "SELECT id, timestamp FROM telemetry_events WHERE timestamp \(comparison) '\(time)'", session, plain)
      }
    }
  }

  @Test func newestAndOldestMeanTheSame() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    for condition in Self.conditions + ["event = 'log'", "category = 'relay' AND session_id = 'session-1'"] {
      for order in ["timestamp DESC, id DESC", "timestamp, id"] {
        try expectSame(
          "SELECT timestamp, id, event FROM telemetry_events WHERE \(condition) ORDER BY \(order) LIMIT 25", session,
          plain, ordered: true)
        try expectSame(
          """
          SELECT timestamp, id FROM telemetry_events WHERE \(condition) AND timestamp > '2027-03-06T01:11'
          AND event IN ('log', 'gui.click') ORDER BY \(order) LIMIT 400 OFFSET 3
          """, session, plain, ordered: true)
      }
    }
  }

  @Test func rowsThatLandBetweenQueriesAreCounted() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    var id: Int64 = 1_000_000
    for round in 0..<12 {
      let events = (0..<(round * 3)).map { index in
        id += 1
        var event = QueryEvent(Self.names[index % 4], at: Self.day + Int64(round * 10 + index) * Self.minute)
        event.id = id
        return event
      }
      try store.fixture.append(events, to: store.landing)
      try expectSame(
        "SELECT event, count(*) FROM telemetry_events WHERE timestamp > '2027-03-06T00:45' GROUP BY event", session,
        plain)
      try expectSame(
        "SELECT id FROM telemetry_events WHERE timestamp > '2027-03-06T00:45' AND timestamp < '2027-03-06T00:50'",
        session,
        plain)
      try expectSame(
        "SELECT id, event FROM telemetry_events ORDER BY timestamp DESC, id DESC LIMIT 10", session, plain,
        ordered: true)
    }
  }

  @Test func parametersMayBeTexts() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    let sql = "SELECT event, count(*) FROM telemetry_events WHERE timestamp >= :from AND event <> :not GROUP BY event"
    for from in [SQLValue.text("2027-03-06T01"), .null, .integer(5), .real(2027), .blob([0x32])] {
      let parameters = ["from": from, "not": .text("log")]
      let found = try QueryFixture.rows(session, sql, parameters)
      #expect(found == (try QueryFixture.rows(plain, sql, parameters)), "\(from)")
    }
  }

  @Test func columnsKeepTheirNames() throws {
    let store = try TimedStore()
    let session = try store.fixture.session()
    let plain = try store.fixture.plainSession()
    let sql =
      "SELECT EVENT, COUNT(*), 1 + count ( * ) , count(*) AS n, count(*) m, lower( event ) FROM telemetry_events"
    func names(_ session: QuerySession) throws -> [String] {
      var names: [String] = []
      _ = try session.run(sql, columns: { names = $0 }) { _ in true }
      return names
    }
    #expect(CountStatement.rewritten(sql, [:]) != nil)
    #expect(try names(session).map { $0.lowercased() } == names(plain).map { $0.lowercased() })
    #expect(try names(session)[1...2] == ["COUNT(*)", "1 + count ( * )"])
  }

  @Test(arguments: counting) func countingReadsNoRows(_ statement: String) {
    let sql = Self.put("timestamp >= ago('1 hour')", in: statement)
    #expect(CountStatement.rewritten(sql, [:]) != nil)
  }

  /// Each of them would come out wrong over counts.
  @Test(arguments: [
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp > 'a' OR event = 'log' GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE NOT timestamp > 'a' GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE (timestamp > 'a') GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp > 5 GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp > event GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp > 'a' COLLATE NOCASE GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp > 'a' || 'b' GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE timestamp LIKE '2027%' GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE event BETWEEN 'a' AND timestamp > 'b' GROUP BY event",
    "SELECT event, timestamp, count(*) FROM telemetry_events WHERE timestamp > 'a' GROUP BY event",
    "SELECT event, count(*), max(timestamp) FROM telemetry_events GROUP BY event",
    "SELECT event, count(DISTINCT event) FROM telemetry_events GROUP BY event",
    "SELECT event, count(id) FROM telemetry_events GROUP BY event",
    "SELECT event, count(*) FILTER (WHERE event = 'a') FROM telemetry_events GROUP BY event",
    "SELECT event, count(*) OVER () FROM telemetry_events", "SELECT event FROM telemetry_events",
    "SELECT count(*) FROM telemetry_events a, telemetry_events b", "SELECT count(*) FROM telemetry_events e",
    "SELECT count(*) FROM telemetry_events WHERE id IN (SELECT id FROM telemetry_events)",
    "SELECT count(*) FROM (SELECT event FROM telemetry_events LIMIT 3)", "SELECT count(*) FROM spans",
    "SELECT count(*) FROM telemetry_events WHERE event = \"log\"", "SELECT count(*) FROM telemetry_events; SELECT 1",
    "SELECT count(*) AS tick FROM telemetry_events GROUP BY tick", "SELECT sum(1) FROM telemetry_events",
    "SELECT count(*) FROM telemetry_events UNION SELECT 1", "EXPLAIN SELECT count(*) FROM telemetry_events",
    "SELECT count(*) FROM telemetry_events GROUP BY timestamp",
    "SELECT count(*) FROM telemetry_events ORDER BY timestamp",
    "SELECT DISTINCT event, count(*) FROM telemetry_events GROUP BY event",
    "SELECT count(*), 'open FROM telemetry_events",
    "SELECT count(*) FROM telemetry_events WHERE CASE WHEN 1 AND timestamp > 'a' AND event = 'b' THEN 1 END",
    "SELECT event, count(*) FROM telemetry_events WHERE event = random() GROUP BY event",
    "SELECT (SELECT count(*) FROM telemetry_events) FROM telemetry_events",
    "SELECT count(*) FROM telemetry_events AS timestamp",
  ])
  func everythingElseReadsRows(_ sql: String) { #expect(CountStatement.rewritten(sql, [:]) == nil) }

  @Test func aMistakeIsToldInTheWordsOfTheStatement() throws {
    let store = try TimedStore(rows: 1)
    let sessions = [try store.fixture.session(), try store.fixture.plainSession()]
    for sql in [
      "SELECT count(*) AS n FROM telemetry_events WHERE n > 1", "SELECT lower(), count(*) FROM telemetry_events",
      "SELECT event, count(*) FROM telemetry_events GROUP BY 2", "SELECT count(*) FROM telemetry_events GROUP event",
    ] {
      #expect(CountStatement.rewritten(sql, [:]) != nil)
      var errors: [QueryError] = []
      for session in sessions {
        do throws(QueryError) {
          _ = try session.run(sql) { _ in true }
        } catch {
          errors.append(error)
        }
      }
      #expect(errors.count == 2 && errors[0] == errors[1], "\(sql) \(errors)")
    }
  }

  @Test func aSummaryThatDoesNotHoldTogetherIsNotUsed() throws {
    for damage in [
      "UPDATE block SET rows = rows + 1 WHERE first = (SELECT min(first) FROM block)",
      "DELETE FROM block WHERE first = (SELECT max(first) FROM block)", "UPDATE block SET names = '{\"1\":1}'",
      "UPDATE block SET names = 'x'", "UPDATE block SET last = first - 1", "UPDATE block SET low = high + 1",
      "UPDATE block SET last = last + 1000", "UPDATE block SET names = '{\"99999999999999999999\":1}'",
      "UPDATE block SET names = NULL", "DROP TABLE block",
    ] {
      let store = try TimedStore(rows: 50)
      let plain = try store.fixture.plainSession()
      for file in store.fixture.files where !file.isLanding {
        let connection = try Connection(file.path, .readWrite)
        if try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'block'") != nil {
          try connection.execute(damage)
        }
      }
      let session = try store.fixture.session()
      try expectSame(
        "SELECT event, count(*) FROM telemetry_events WHERE timestamp > '2027-03-06T00:30' GROUP BY event", session,
        plain)
      #expect(session.warnings.isEmpty)
    }
  }
}
