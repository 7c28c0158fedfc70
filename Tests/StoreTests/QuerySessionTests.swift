import CSQLite
import Telemetry
import Testing

@testable import Store

/// 2027-03-06T00:00:00Z.
private let day: Int64 = 1_804_291_200_000_000_000
private let second: Int64 = 1_000_000_000
private let hour: Int64 = 3600 * second

/// Three days in several classes, some in a landing file, with everything that tells comparisons apart.
struct MixedStore {
  let fixture: QueryFixture
  /// Held open, as the writer holds it.
  let landing: Connection

  init() throws {
    fixture = try QueryFixture()
    var random = SteadyRandom(seed: 11)
    var id: Int64 = 0
    func events(_ count: Int, from start: Int64) -> [QueryEvent] {
      (0..<count).map { _ in
        id += 1
        return Self.event(id, start + Int64(random.next() % UInt64(20 * hour)), &random)
      }
    }
    try fixture.settle(events(400, from: day), rowsPerBlock: 16)
    try fixture.settle(events(400, from: day + 24 * hour))
    try fixture.settle(events(100, from: day), rowsPerBlock: 16)
    landing = try fixture.land(events(200, from: day + 48 * hour))
  }

  static let traces = (0..<12).map { index in
    String(repeating: "0\(index % 10)", count: 8) + String(repeating: "a\(index % 7)", count: 8)
  }

  private static func event(_ id: Int64, _ time: Int64, _ random: inout SteadyRandom) -> QueryEvent {
    let names = [
      "relay.tick.process", "relay.game.start", "relay.game.end", "relay.desync", "relay.suspicion", "gui.click",
      "input.order", "cloud_save.save", "cloud_save.write", "match.pace", "log",
    ]
    var event = QueryEvent(names[Int(random.next() % UInt64(names.count))], at: time)
    event.id = id
    event.severity = Severity(rawValue: UInt8(random.next() % 5)) ?? .info
    event.session = "session-\(random.next() % 6)"
    event.component = ["relay", "client", "tracking"][Int(random.next() % 3)]
    event.module = random.next() % 4 == 0 ? nil : ["ra1", "td"][Int(random.next() % 2)]
    event.fingerprint = random.next() % 3 == 0 ? nil : "fp\(random.next() % 3)"
    event.data = "{\"apm\":\(random.next() % 300),\"game_id\":\"g\(random.next() % 9)\"}"
    if random.next() % 3 == 0 { event.duration = Int64(random.next() % 90_000_000) }
    if random.next() % 2 == 0 { event.tick = Int64(random.next() % 900) }
    switch random.next() % 5 {
    case 0: break
    case 1: event.text = "game-\(random.next() % 4)"
    case 2: event.text = traces[Int(random.next() % 12)]
    default: event.trace = traces[Int(random.next() % 12)]
    }
    return event
  }
}

/// The same numbers on every run.
struct SteadyRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct QuerySessionTests {
  let store: MixedStore
  let session: QuerySession

  init() throws {
    store = try MixedStore()
    session = try store.fixture.session()
  }

  private func one(_ sql: String, _ parameters: [String: SQLValue] = [:]) throws -> [[SQLValue]] {
    try QueryFixture.rows(session, sql, parameters)
  }

  @Test func seesAllRowsOfAllFiles() throws {
    #expect(store.fixture.files.count > 10)
    #expect(
      try one("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM telemetry_events") == [
        [.integer(1100), .integer(1100), .integer(1), .integer(1100)]
      ])
    #expect(session.warnings.isEmpty)
  }

  @Test func leavesOutRestrictedClassesUnlessAsked() throws {
    let ordinary = try store.fixture.session(includeRestricted: false)
    #expect(
      try QueryFixture.rows(ordinary, "SELECT count(*) FROM telemetry_events WHERE event = 'relay.suspicion'") == [
        [.integer(0)]
      ])
    #expect(try one("SELECT count(*) > 0 FROM telemetry_events WHERE event = 'relay.suspicion'") == [[.integer(1)]])
  }

  @Test func seesRowsThatLandedSince() throws {
    let sql = "SELECT count(*) FROM telemetry_events"
    #expect(try one(sql) == [[.integer(1100)]])
    var event = QueryEvent("relay.game.end", at: day)
    event.id = 5000
    try store.fixture.append([event], to: store.landing)
    #expect(try one(sql) == [[.integer(1101)]])
  }

  @Test func stopsAtTheRowLimitAndSaysSo() throws {
    var seen = 0
    let outcome = try session.run("SELECT id FROM telemetry_events", rowLimit: 7) { _ in
      seen += 1
      return true
    }
    #expect(outcome == .init(rows: 7, isLimited: true))
    #expect(seen == 7)
    let whole = try session.run("SELECT id FROM telemetry_events LIMIT 7", rowLimit: 7) { _ in true }
    #expect(whole == .init(rows: 7, isLimited: false))
  }

  @Test func bindsParametersByName() throws {
    #expect(
      try one("SELECT :game, @n, $x", ["game": .text("g1"), "n": .integer(3), "x": .null]) == [
        [.text("g1"), .integer(3), .null]
      ])
    #expect(throws: QueryError.missingParameter(":game")) { try one("SELECT :game") }
    #expect(throws: QueryError.unknownParameter("gme")) { try one("SELECT 1", ["gme": .null]) }
  }

  @Test func stopsAtTheTimeLimitEvenInsideAFile() {
    #expect(throws: QueryError.timedOut(seconds: 0.02)) {
      _ = try session.run(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
        timeoutNanoseconds: 20_000_000
      ) { _ in true }
    }
    #expect(throws: QueryError.timedOut(seconds: 0)) {
      _ = try session.run(
        "SELECT count(*) FROM telemetry_events a, telemetry_events b WHERE a.duration_us + b.tick < 0",
        timeoutNanoseconds: 0
      ) { _ in true }
    }
  }

  @Test func stopsWhenInterrupted() {
    let interrupt = QueryInterrupt()
    #expect(throws: QueryError.interrupted) {
      _ = try session.run(
        "SELECT a.id FROM telemetry_events a, telemetry_events b", interrupt: interrupt
      ) { _ in
        interrupt.raise()
        return true
      }
    }
  }

  @Test func passesOverAFileOfNoiseWithAWarning() throws {
    let noisy = store.fixture.files[3]
    let noise = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try FileSystem.remove(noisy.path)
    try FileSystem.writeDurably(noisy.path, noise)
    #expect(try one("SELECT count(*) FROM telemetry_events") == [[.integer(1100 - noisy.rows)]])
    #expect(session.warnings.count == 1)
    #expect(session.warnings[0].contains(noisy.path))
  }

  @Test func asksForANewListWhenAFileIsGone() throws {
    let gone = store.fixture.files[2]
    try FileSystem.remove(gone.path)
    #expect(throws: QueryError.filesChanged(path: gone.path, afterRows: false)) {
      try one("SELECT count(*) FROM telemetry_events")
    }
    session.use(files: store.fixture.files.filter { $0.path != gone.path })
    #expect(try one("SELECT count(*) FROM telemetry_events") == [[.integer(1100 - gone.rows)]])
  }

  @Test func neverRunsAViewOfADataFile() throws {
    let bent = store.fixture.files[1]
    let connection = try Connection(bent.path, .readWrite)
    try connection.execute(
      """
      ALTER TABLE event RENAME TO event_kept;
      CREATE VIEW event AS SELECT * FROM event_kept;
      """)
    connection.close()
    #expect(try one("SELECT count(*) FROM telemetry_events") == [[.integer(1100 - bent.rows)]])
    #expect(session.warnings.count == 1)
  }

  @Test func opensNoFileThatCannotHoldTheTrace() throws {
    // Everything is garbage: only the list may be used.
    let noise = [UInt8](repeating: 7, count: 5000)
    for file in store.fixture.files where !file.isLanding {
      try FileSystem.remove(file.path)
      try FileSystem.writeDurably(file.path, noise)
    }
    let fresh = try store.fixture.session()
    let absent = String(repeating: "e", count: 32)
    for sql in [
      "SELECT * FROM telemetry_events WHERE correlation = '\(absent)'",
      "SELECT * FROM spans WHERE trace_id = '\(absent)'",
      "SELECT * FROM telemetry_events WHERE id = 99999",
      "SELECT * FROM telemetry_events WHERE timestamp < '2027-03-05'",
      "SELECT * FROM telemetry_events WHERE timestamp > '2028'",
      "SELECT * FROM telemetry_events WHERE timestamp LIKE '2026-%'",
    ] {
      #expect(try QueryFixture.rows(fresh, sql).isEmpty)
    }
    #expect(fresh.warnings.count <= 1)
  }

  @Test func readsOneDataFileAndAForeignTable() throws {
    let file = store.fixture.files[0]
    let single = try QuerySession(database: file.path)
    #expect(try QueryFixture.rows(single, "SELECT count(*) FROM telemetry_events") == [[.integer(file.rows)]])
    let landed = try QuerySession(
      database: store.fixture.files.last?.path ?? "", options: .init(includeRestricted: true))
    #expect(try QueryFixture.rows(landed, "SELECT count(*) FROM telemetry_events") == [[.integer(200)]])
    let plain = try store.fixture.plainSession()
    #expect(try QueryFixture.rows(plain, "SELECT count(*) FROM telemetry_events") == [[.integer(1100)]])
    #expect(throws: QueryError.notAllowed("DELETE")) { try QueryFixture.rows(plain, "DELETE FROM telemetry_events") }
    #expect(throws: (any Error).self) { try QuerySession(database: store.fixture.folder + "/none.db") }
  }
}

@Suite struct QueryTextTests {
  let session: QuerySession

  init() throws { session = try QuerySession(files: []) }

  @Test(arguments: [
    "INSERT INTO telemetry_events(id) VALUES (1)", "DELETE FROM telemetry_events", "CREATE TABLE t(a)",
    "CREATE TEMP TABLE t(a)", "ATTACH '/tmp/x.db' AS x", "PRAGMA user_version", "PRAGMA journal_mode=WAL",
    "SELECT load_extension('/tmp/x.so')", "BEGIN", "VACUUM", "SELECT * FROM pragma_user_version",
    "WITH x AS (SELECT 1) DELETE FROM telemetry_events", "DROP TABLE telemetry_events", "REINDEX", "SAVEPOINT a",
    "CREATE VIRTUAL TABLE v USING fts5(a)", "EXPLAIN DELETE FROM telemetry_events",
    "SELECT fts3_tokenizer('simple')",
  ])
  func refusesWhatIsNotReading(_ sql: String) {
    #expect {
      try session.run(sql) { _ in true }
    } throws: { error in
      if case .notAllowed? = error as? QueryError { return true }
      // What a virtual table without a writer says itself.
      if case .syntax(let message, _)? = error as? QueryError {
        return message.contains("may not be") || message.contains("cannot") || message.contains("no such")
      }
      return false
    }
  }

  @Test func namesThePlaceOfASyntaxError() {
    let sql = "SELECT id\nFROM telemetry_events\nWHERE evnt = 1"
    #expect {
      try session.run(sql) { _ in true }
    } throws: { error in
      guard let error = error as? QueryError, let position = error.position(in: sql) else { return false }
      return position == (3, 7) && error.description == "no such column: evnt"
    }
  }

  @Test(arguments: [
    ("SELECT 1; SELECT 2", false), ("SELECT 1;", true), ("SELECT 1; -- done", true),
    ("SELECT 1 /* x */ ; /* y */\n", true),
    ("", true), ("-- nothing", true),
  ])
  func runsOneStatement(_ sql: String, _ isOne: Bool) {
    var failure: QueryError?
    do throws(QueryError) { _ = try session.run(sql) { _ in true } } catch { failure = error }
    #expect(failure == (isOne ? nil : .severalStatements))
  }
}
