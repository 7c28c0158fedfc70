import Glibc
import Telemetry
import Testing

@testable import Store

/// Many files, and damaged ones.
@Suite struct QueryFilesTests {
  private static let day: Int64 = 86_400_000_000_000

  private static func trace(_ number: Int) -> String {
    var random = SteadyRandom(seed: UInt64(number))
    return (0..<32).map { _ in String(random.next() % 16, radix: 16) }.joined()
  }

  /// One file a day, four rows each; every trace has rows in two days that are far apart.
  private static func manyDays(_ days: Int) throws -> QueryFixture {
    let fixture = try QueryFixture()
    for number in 0..<days {
      try fixture.settle(
        (0..<4).map { index in
          var event = QueryEvent(
            ["relay.game.start", "relay.game.end"][index % 2], at: 1000 * day + Int64(number) * day)
          event.time += Int64(index)
          event.id = Int64(number * 4 + index + 1)
          event.trace = trace(number % (days / 2) * 2 + index / 2 + 1)
          return event
        })
    }
    return fixture
  }

  @Test(arguments: [
    "SELECT count(*), sum(id) FROM telemetry_events", "SELECT id FROM telemetry_events ORDER BY id DESC LIMIT 9",
    "SELECT timestamp, id FROM telemetry_events ORDER BY timestamp, id LIMIT 9 OFFSET 300",
    "SELECT event, count(*) FROM telemetry_events GROUP BY event",
    "SELECT a.id, b.id FROM telemetry_events a JOIN telemetry_events b USING (correlation) ORDER BY 1, 2",
    "SELECT a.id, b.id FROM telemetry_events a, telemetry_events b WHERE b.id = 401 - a.id ORDER BY 1",
    """
    SELECT id FROM telemetry_events WHERE correlation IN
      (SELECT correlation FROM telemetry_events WHERE id % 100 = 1) ORDER BY id
    """,
  ])
  func readsMoreFilesThanStayOpen(_ sql: String) throws {
    let fixture = try Self.manyDays(100)
    #expect(fixture.files.count == 100)
    let session = try fixture.session()
    let before = FileSystem.list("/proc/self/fd").count
    for _ in 0..<2 {
      #expect(try QueryFixture.rows(session, sql) == QueryFixture.rows(fixture.plainSession(), sql))
    }
    // Other tests open files at the same time, so only the order of magnitude can be said.
    #expect(FileSystem.list("/proc/self/fd").count - before < 400)
    #expect(session.warnings.isEmpty)
  }

  @Test func opensOnlyTheFilesOfATrace() throws {
    let fixture = try Self.manyDays(100)
    let trace = Self.trace(7)
    let holders = Set(
      fixture.files.filter { file in
        guard let halves = Array(trace.utf8).withUnsafeBytes({ TraceFilter.parse($0) }) else { return true }
        return TraceFilter.mayContain(halves.0, halves.1, file.traces ?? [])
      }.map(\.path))
    #expect(holders.count < 10)
    for file in fixture.files where !holders.contains(file.path) { try FileSystem.remove(file.path) }
    let session = try fixture.session()
    let sql = "SELECT * FROM telemetry_events WHERE correlation = '\(trace)' ORDER BY id"
    #expect(try QueryFixture.rows(session, sql) == QueryFixture.rows(fixture.plainSession(), sql))
    #expect(try QueryFixture.rows(session, sql).count == 4)
  }

  /// Bytes turned over anywhere in a file: rows may be missing or other, but an answer comes, and the other files are whole.
  @Test func answersOverDamagedFiles() throws {
    let store = try MixedStore()
    var random = SteadyRandom(seed: 77)
    let victim = try #require(store.fixture.files.filter { !$0.isLanding }.max { $0.rows < $1.rows })
    let whole = try FileSystem.read(victim.path, limit: 1 << 24)
    for round in 0..<40 {
      var bytes = whole
      for _ in 0..<(1 + round) {
        let at = Int(random.next() % UInt64(bytes.count))
        bytes[at] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 5 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      try FileSystem.remove(victim.path)
      try FileSystem.writeDurably(victim.path, bytes)
      let session = try store.fixture.session()
      for sql in [
        "SELECT count(*) FROM telemetry_events", "SELECT * FROM telemetry_events",
        "SELECT * FROM telemetry_events ORDER BY id",
        "SELECT id FROM telemetry_events WHERE correlation = '\(MixedStore.traces[0])'",
        "SELECT event, count(*) FROM telemetry_events GROUP BY event",
        "SELECT id FROM telemetry_events ORDER BY timestamp DESC LIMIT 50", "SELECT trace_id, name, events FROM spans",
        "SELECT id FROM telemetry_events WHERE category = 'relay' AND session_id = 'session-1'",
      ] {
        _ = try session.run(sql, timeoutNanoseconds: 60_000_000_000) { _ in true }
      }
      let others = "SELECT count(*) FROM telemetry_events WHERE id > \(victim.lastID) OR id < \(victim.firstID)"
      guard case .integer(let count) = try QueryFixture.rows(session, others)[0][0] else { continue }
      #expect(count >= 1100 - (victim.lastID - victim.firstID + 1))
      #expect(session.warnings.count <= 1)
    }
  }

  @Test func refusesAFileOfANewerVersionPolitely() throws {
    let store = try MixedStore()
    let newer = store.fixture.files[0]
    let connection = try Connection(newer.path, .readWrite)
    try connection.execute("PRAGMA user_version=\(Tables.version + 1)")
    connection.close()
    let session = try store.fixture.session()
    #expect(try QueryFixture.rows(session, "SELECT count(*) FROM telemetry_events") == [[.integer(1100 - newer.rows)]])
    #expect(session.warnings.count == 1)
    #expect(session.warnings[0].contains("newer version"))
  }
}
