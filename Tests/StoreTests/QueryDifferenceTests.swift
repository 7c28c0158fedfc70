import Testing

@testable import Store

/// The same SQL over data files and over one plain table with the same rows: the answers must be the same, types included.
@Suite struct QueryDifferenceTests {
  let store: MixedStore
  let session: QuerySession
  let plain: QuerySession

  init() throws {
    store = try MixedStore()
    session = try store.fixture.session()
    plain = try store.fixture.plainSession()
  }

  private func expectSame(_ sql: String, ordered: Bool = false) throws {
    let ours = try QueryFixture.rows(session, sql)
    let theirs = try QueryFixture.rows(plain, sql)
    if ordered {
      #expect(ours == theirs, "\(sql)")
    } else {
      #expect(ours.map { "\($0)" }.sorted() == theirs.map { "\($0)" }.sorted(), "\(sql)")
    }
  }

  private static let conditions = [
    "1", "id = 17", "id = '17'", "id = 17.0", "id = 17.5", "id = 'x'", "id = NULL", "id IN (3, 900, '1050', NULL)",
    "id BETWEEN 350 AND 450", "id > 1050.5", "id < '12'", "rowid = 5", "id > 9223372036854775806", "id >= NULL",
    "id NOT IN (SELECT id FROM telemetry_events WHERE id > 9)", "id = -1 OR id = 2 OR event = 'log'",
    "event = 'relay.desync'", "event = 'RELAY.DESYNC'", "event = 'relay.desync' COLLATE NOCASE",
    "event = 'RELAY.DESYNC' COLLATE NOCASE", "event IN ('log', 'gui.click')", "event IN ('log', NULL)",
    "event NOT IN ('log', 'gui.click')", "event LIKE 'cloud_save.%'", "event LIKE 'CLOUD%SAVE'", "event GLOB 'cloud*'",
    "event LIKE 'cloud!_save.%' ESCAPE '!'", "event > 'match' AND event <= 'relay.game.end'", "event <> 'log'",
    "event = 5", "event = x'6c6f67'", "event = NULL", "event IS NULL", "event IS NOT NULL", "event IS 'log'",
    "event LIKE NULL", "event = ''", "category = 'relay'", "category IN ('gui', 'input')", "category LIKE 're%'",
    "category = 'relay' AND event = 'gui.click'", "category = 'relay' OR session_id = 'session-3'",
    "category = 'relay' AND severity IN ('warn', 'error')", "session_id = 'session-2'",
    "session_id IN ('session-0', 'session-4')", "session_id LIKE 'SESSION-_'", "session_id > 'session-3'",
    "component = 'client' AND game_module = 'ra1'", "game_module IS NULL",
    "game_module = 'td' AND mod_fingerprint IS NULL",
    "mod_fingerprint = 'fp1' AND severity = 'error'", "mod_fingerprint <> 'fp1'", "game_module IN ('ra1', NULL)",
    "severity = 'trace'", "severity >= 'info'", "severity = 'WARN'", "severity = 3", "duration_us > 50000",
    "duration_us > '50000'", "duration_us BETWEEN 10 AND 20000.5", "duration_us IS NULL", "duration_us = 1e300",
    "tick BETWEEN 100 AND 200", "tick = '450'", "tick IN (1, 2, 3, 4, 5, '6')", "tick IS NULL", "tick < 10.5",
    "tick = 'x'",
    "tick >= (SELECT avg(tick) FROM telemetry_events)", "correlation IS NULL", "correlation IS NOT NULL",
    "correlation = 'game-1'", "correlation = 'GAME-1'",
    "correlation IN ('game-1', 'game-2', '\(MixedStore.traces[3])')",
    "correlation = '\(MixedStore.traces[0])'", "correlation = upper('\(MixedStore.traces[0])')",
    "correlation = '\(MixedStore.traces[1])' AND event LIKE 'relay.%'", "correlation = x'01'", "correlation = 7",
    "correlation LIKE 'game-%'", "correlation = 'game-1' COLLATE NOCASE", "correlation = ''",
    "correlation IN (SELECT correlation FROM telemetry_events WHERE event = 'relay.game.start')",
    "correlation IN (SELECT correlation FROM telemetry_events)",
    "correlation > '0303' AND correlation < '0404'", "correlation = correlation || ''",
    "EXISTS (SELECT 1 FROM telemetry_events x WHERE x.id = telemetry_events.tick)",
    "timestamp > '2027-03-06'", "timestamp < '2027-03-07'", "timestamp >= '2027-03-07' AND timestamp < '2027-03-08'",
    "timestamp > '2027-03-06 12:00:00'", "timestamp < '2027-03-06 12:00:00'", "timestamp >= '2027-03-06T12:00:00Z'",
    "timestamp <= '2027-03-06T12:00:00.000000Z'", "timestamp > '2027-03-06T12'", "timestamp LIKE '2027-03-07%'",
    "timestamp LIKE '2027-03-06t1%'", "timestamp LIKE '2027-03-06T1%'", "timestamp GLOB '2027-03-0[78]*'",
    "timestamp GLOB '2027-03-06T*'", "timestamp LIKE '2027-03-0_T05%'", "timestamp LIKE '%'", "timestamp > ''",
    "timestamp < ''", "timestamp > 'z'", "timestamp < 'z'", "timestamp > 5", "timestamp < 5", "timestamp > x'00'",
    "timestamp < x'00'", "timestamp > NULL", "timestamp = '2027-03-06'", "timestamp < '1969-12-31'", "timestamp > '0'",
    "timestamp > '2027-03-06T12:00:00' COLLATE NOCASE", "timestamp > '2262-04-11T23:47:16.854775Z'", "timestamp < '99'",
    "timestamp BETWEEN '2027-03-06T06:00' AND '2027-03-08T06:00'", "timestamp > datetime('2027-03-07', '+6 hours')",
    "timestamp > strftime('%Y-%m-%dT%H:%M:%fZ', '2027-03-07', '-3 hours')",
    "timestamp IN (SELECT timestamp FROM telemetry_events WHERE id < 40)",
    "timestamp = (SELECT timestamp FROM telemetry_events WHERE id = 77)", "timestamp <> '2027'",
    "date(timestamp) = '2027-03-08'",
    "timestamp > (SELECT avg(tick) FROM telemetry_events)", "timestamp > '2027-03-06T12:00:00.0000001'",
    "json_extract(data, '$.apm') > 150", "data LIKE '%g3%'",
    "json_extract(data, '$.game_id') IN ('g1', 'g2') AND tick > 5",
    "data = '{}'", "id % 7 = 3", "NOT (event = 'log')", "(event, category) = ('log', 'log')",
    "(category, event) IN (SELECT category, event FROM telemetry_events WHERE id < 4)",
  ]

  // One store for all of a table: it takes longer to make than to ask.
  @Test func comparisonsMeanTheSame() throws {
    for condition in Self.conditions {
      try expectSame("SELECT * FROM telemetry_events WHERE \(condition)")
      try expectSame("SELECT count(*) FROM telemetry_events WHERE \(condition)")
      try expectSame(
        "SELECT timestamp, id FROM telemetry_events WHERE \(condition) ORDER BY timestamp DESC, id DESC LIMIT 9",
        ordered: true)
      try expectSame(
        "SELECT timestamp, event FROM telemetry_events WHERE \(condition) ORDER BY id DESC LIMIT 9", ordered: true)
      try expectSame(
        """
        SELECT a.id, b.id FROM (SELECT id FROM telemetry_events WHERE id % 50 = 3) a
        LEFT JOIN (SELECT id, tick FROM telemetry_events WHERE \(condition)) b ON b.tick = a.id
        """)
    }
  }

  private static let statements = [
    "SELECT id FROM telemetry_events ORDER BY id", "SELECT id, timestamp FROM telemetry_events ORDER BY id DESC",
    "SELECT id FROM telemetry_events ORDER BY id LIMIT 10 OFFSET 500",
    "SELECT id FROM telemetry_events ORDER BY id DESC LIMIT 5",
    "SELECT id FROM telemetry_events WHERE category = 'relay' ORDER BY id DESC LIMIT 20",
    "SELECT id FROM telemetry_events WHERE event LIKE 'relay.%' AND tick > 100 ORDER BY id",
    "SELECT id FROM telemetry_events WHERE correlation IN ('game-1', '\(MixedStore.traces[4])') ORDER BY id",
    "SELECT id FROM telemetry_events WHERE correlation IN ('game-1', '\(MixedStore.traces[4])') ORDER BY id DESC",
    "SELECT timestamp, id FROM telemetry_events ORDER BY timestamp, id LIMIT 40",
    "SELECT timestamp FROM telemetry_events ORDER BY timestamp LIMIT 40 OFFSET 300",
    "SELECT timestamp, id FROM telemetry_events ORDER BY timestamp DESC, id LIMIT 40",
    "SELECT timestamp, event, data FROM telemetry_events WHERE category = 'relay' ORDER BY timestamp DESC LIMIT 100",
    "SELECT timestamp, id FROM telemetry_events WHERE timestamp < '2027-03-07' ORDER BY timestamp DESC, id DESC LIMIT 33",
    "SELECT max(id), min(id) FROM telemetry_events", "SELECT max(timestamp), min(timestamp) FROM telemetry_events",
    "SELECT DISTINCT id / 100 FROM telemetry_events ORDER BY 1",
    "SELECT DISTINCT session_id FROM telemetry_events ORDER BY 1",
    "SELECT event, count(*) FROM telemetry_events GROUP BY event ORDER BY count(*) DESC, event",
    "SELECT event, count(*) FROM telemetry_events GROUP BY event",
    "SELECT event FROM telemetry_events ORDER BY event DESC",
    "SELECT category, event, count(*), min(id) FROM telemetry_events GROUP BY category, event",
    "SELECT category, event, count(*) FROM telemetry_events GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC",
    "SELECT event, category, count(*) FROM telemetry_events WHERE event LIKE 'relay.%' AND category = 'relay' GROUP BY 1, 2",
    "SELECT category, max(id) FROM telemetry_events WHERE id > 350 AND id <= 1050 GROUP BY category",
    "SELECT DISTINCT event FROM telemetry_events ORDER BY event",
    "SELECT DISTINCT category FROM telemetry_events ORDER BY 1 DESC LIMIT 2",
    "SELECT event, count(*), sum(tick) FROM telemetry_events GROUP BY event",
    "SELECT event, count(*) FROM telemetry_events WHERE event > 'zzz' GROUP BY event",
    "SELECT a.event, (SELECT count(*) FROM telemetry_events b WHERE b.event = a.event) FROM telemetry_events a GROUP BY a.event",
    "SELECT event, count(*) FROM telemetry_events WHERE event IN ('log', 'gui.click') GROUP BY event",
    "SELECT rowid FROM telemetry_events ORDER BY rowid",
    "SELECT count(*), count(rowid), sum(rowid) FROM telemetry_events",
    "SELECT a.rowid FROM telemetry_events a JOIN telemetry_events b ON b.rowid = a.rowid WHERE b.rowid < 5 ORDER BY 1",
    "SELECT count(*) FROM telemetry_events a, telemetry_events b WHERE a.id < 4",
    "SELECT 1 FROM telemetry_events LIMIT 3 OFFSET 700",
    "SELECT id, count(*) FROM telemetry_events GROUP BY id ORDER BY id DESC LIMIT 3",
    "SELECT id, lag(tick) OVER (PARTITION BY session_id ORDER BY id) FROM telemetry_events ORDER BY id LIMIT 50",
    "SELECT rowid, id FROM telemetry_events WHERE rowid < 9 ORDER BY rowid",
    "SELECT a.id, b.id FROM telemetry_events a JOIN telemetry_events b USING(id) WHERE a.id < 20 ORDER BY a.id DESC",
    "SELECT count(*) FROM telemetry_events a JOIN telemetry_events b ON a.correlation = b.correlation",
    "SELECT a.id, count(b.id) FROM telemetry_events a LEFT JOIN telemetry_events b ON b.correlation = a.correlation AND b.event = 'relay.game.end' WHERE a.event = 'relay.game.start' GROUP BY 1 ORDER BY 1",
    "SELECT a.id, (SELECT count(*) FROM telemetry_events b WHERE b.session_id = a.session_id AND b.timestamp > a.timestamp) FROM telemetry_events a WHERE a.id % 40 = 0 ORDER BY a.id",
    "SELECT a.id, (SELECT b.id FROM telemetry_events b WHERE b.session_id = a.session_id AND b.id < a.id ORDER BY b.id DESC LIMIT 1) FROM telemetry_events a WHERE a.id % 40 = 0 ORDER BY a.id",
    "SELECT id FROM telemetry_events WHERE id > 3 UNION ALL SELECT tick FROM telemetry_events WHERE tick IS NOT NULL ORDER BY 1",
    "WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 50) SELECT i, e.event FROM up JOIN telemetry_events e ON e.id = i * 20 ORDER BY i",
    "SELECT typeof(id), typeof(timestamp), typeof(data), typeof(duration_us), typeof(tick), typeof(correlation) FROM telemetry_events ORDER BY id",
    "SELECT e.id, j.key, j.value FROM telemetry_events e, json_each(e.data) j WHERE e.id < 30 ORDER BY 1, 2",
  ]

  @Test func ordersAndJoinsMeanTheSame() throws {
    for sql in Self.statements { try expectSame(sql, ordered: true) }
  }

  /// The queries of the source design, as they stand there.
  @Test(arguments: [
    """
    -- Direct mod filtering — no JOINs needed
    SELECT event, COUNT(*) FROM telemetry_events
    WHERE game_module = 'ra1' AND category = 'input'
    GROUP BY event ORDER BY COUNT(*) DESC;
    """,
    """
    -- Compare behavior across mod profiles
    SELECT mod_fingerprint, AVG(json_extract(data, '$.apm')) AS avg_apm
    FROM telemetry_events WHERE event = 'match.pace'
    GROUP BY mod_fingerprint;
    """,
  ])
  func theSourceQueriesMeanTheSame(_ sql: String) throws {
    #expect(try !QueryFixture.rows(session, sql).isEmpty)
    try expectSame(sql)
  }

  /// Conditions put together at random, three at a time.
  @Test func randomConditionsMeanTheSame() throws {
    var random = SteadyRandom(seed: 5)
    func pick(_ choices: [String]) -> String { choices[Int(random.next() % UInt64(choices.count))] }
    for _ in 0..<300 {
      let parts = (0..<3).map { _ in
        let column = pick([
          "id", "timestamp", "session_id", "component", "game_module", "mod_fingerprint", "category", "event",
          "severity",
          "duration_us", "tick", "correlation",
        ])
        let operation = pick(["=", "<", ">", "<=", ">=", "<>", "LIKE", "GLOB", "IS", "IS NOT"])
        let value = pick([
          "'relay'", "'session-3'", "'2027-03-07'", "'2027-03-06T1'", "500", "'500'", "0.5", "NULL", "'game-1'",
          "'fp1'",
          "'\(MixedStore.traces[2])'", "x'00'", "'%'", "'*'", "'re%'", "''", "tick", "'warn'", "id", "lower('RA1')",
          "-1",
        ])
        return "\(pick(["", "", "", "NOT "]))\(column) \(operation) \(value)"
      }
      let condition = "\(parts[0]) \(pick(["AND", "AND", "OR"])) \(parts[1]) \(pick(["AND", "OR"])) \(parts[2])"
      try expectSame("SELECT * FROM telemetry_events WHERE \(condition)")
      try expectSame("SELECT id FROM telemetry_events WHERE \(condition) ORDER BY id DESC LIMIT 7", ordered: true)
      try expectSame(
        "SELECT id, timestamp FROM telemetry_events WHERE \(condition) ORDER BY timestamp, id LIMIT 7", ordered: true)
    }
  }
}
