import CSQLite
import Glibc
import Telemetry
import TestSupport
import Testing

@testable import Store

/// Retired landing files become shards by class and day.
@Suite struct SettlingTests {
  private static func places(_ store: ModelStore) throws -> [String] {
    try store.settledFiles().map {
      "\($0.className ?? "") \($0.day.map { Timestamp.text(day: $0) } ?? "late") \($0.rows)"
    }
    .sorted()
  }

  @Test(arguments: [
    ("relay.game.start", "evidence"), ("relay.desync.found", "evidence"), ("relay.suspicion", "restricted"),
    ("anticheat.probe", "restricted"), ("gui.click", "detail"), ("relay.tick.process", "firehose"),
    ("chat.message", "standard"), ("log", "standard"),
  ])
  func aRowGoesToItsClass(event: String, className: String) async throws {
    let store = try ModelStore()
    try await store.append([store.log(event)])
    try store.settle()
    #expect(try Self.places(store) == ["\(className) 2026-07-01 1"])
  }

  @Test func aSlowTickIsEvidenceAndAFastOneIsNot() async throws {
    let store = try ModelStore()
    var slow = store.log("relay.tick.process")
    slow.severity = .warn
    try await store.append([store.log("relay.tick.process"), slow])
    try store.settle()
    #expect(try Self.places(store) == ["evidence 2026-07-01 1", "firehose 2026-07-01 1"])
  }

  @Test func rowsOfTodayYesterdayAndEarlierAreApart() async throws {
    let store = try ModelStore()
    try await store.append([0, -24, -72, -9000, 24 * 400].map { store.log("chat.message", hours: $0) })
    try store.settle()
    #expect(try Self.places(store) == ["standard 2026-06-30 1", "standard 2026-07-01 1", "standard late 3"])
    #expect(try store.marks() == [1, 2, 3, 4, 5])
  }

  @Test(
    arguments: [("2026-07-01", 0), ("2026-06-30", -24), ("2025-07-01", -24 * 365), ("1970-01-01", -495_240)]
      as [(String, Int64)])
  func rowsOfOneDayStayInTheirDay(day: String, hours: Int64) async throws {
    let store = try ModelStore()
    try await store.append((0..<3).map { _ in store.log("chat.message", hours: hours) })
    try store.settle()
    #expect(try Self.places(store) == ["standard \(day) 3"])
  }

  @Test func midnightIsTheFirstMomentOfADay() async throws {
    let store = try ModelStore()
    let midnight = StepClock.noon - 12 * StepClock.hour
    try await store.append([midnight - 1, midnight].map { SampleBatch.Record("a.b", time: $0, data: store.mark()) })
    try store.settle()
    #expect(try Self.places(store) == ["standard 2026-06-30 1", "standard 2026-07-01 1"])
  }

  @Test func spanEventsFollowTheirSpanOverMidnight() async throws {
    let store = try ModelStore()
    let midnight = StepClock.noon - 12 * StepClock.hour
    let batch = SampleBatch.make(
      .traces,
      [
        SampleBatch.Record("job", kind: .span, time: midnight - 5, trace: (1, 2), spanEvents: 2),
        SampleBatch.Record("job", kind: .span, time: midnight + 5, trace: (1, 4), spanEvents: 1),
      ])
    var rows = batch.rows
    // Both events of the first span happen on the next day.
    for index in [1, 2] {
      rows[index].time = midnight + 10
      rows[index].auxiliary = 15
    }
    let moved = ModelStore.batch(batch, rows: rows)
    _ = try await store.start().writer.append(moved, key: nil, door: "test")
    try store.settle()
    #expect(try Self.places(store) == ["standard 2026-06-30 3", "standard 2026-07-01 2"])
  }

  @Test func aBatchOverFourClassesAndThreeDaysSettlesIntoAtMostSixteenFiles() async throws {
    let store = try ModelStore()
    var records: [SampleBatch.Record] = []
    for event in ["relay.game.start", "gui.click", "relay.tick.process", "chat.message"] {
      for hours in [0, -24, -48, 24] as [Int64] { records.append(store.log(event, hours: hours)) }
    }
    try await store.append(records)
    try store.settle()
    #expect(try store.settledFiles().count <= 16)
    #expect(try store.marks() == Array(1...16))
    #expect(try store.ids() == Array(1...16))
    #expect(FileSystem.list(store.directory.landing).isEmpty)
    #expect(FileSystem.list(store.directory.temporary).isEmpty)
    store.close()
    #expect(try store.books().balances)
  }

  @Test func filesOfARestrictedClassAreForTheirOwnerAlone() async throws {
    let store = try ModelStore()
    try await store.append([store.log("relay.suspicion"), store.log("chat.message")])
    try store.settle()
    for file in try store.settledFiles() {
      #expect(ModelStore.mode(file.path) & 0o077 == (file.className == "restricted" ? 0 : 0o040))
      #expect(file.restricted == (file.className == "restricted"))
    }
  }

  @Test func settledFilesSayWhatIsInThem() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.a", hours: -1), store.log("chat.b", hours: 1)])
    try store.settle()
    let file = try #require(try store.settledFiles().first)
    #expect(file.firstID == 1 && file.lastID == 2 && file.rows == 2)
    #expect(file.minTime == store.clock.now - StepClock.hour && file.maxTime == store.clock.now + StepClock.hour)
    #expect(file.minReceived == store.clock.now && file.maxReceived == store.clock.now)
    let connection = try Connection(file.path, .readOnly)
    #expect(try connection.text("PRAGMA integrity_check") == "ok")
    #expect(try connection.integer("PRAGMA user_version") == Tables.version)
    #expect(try connection.text("PRAGMA journal_mode") == "delete")
  }

  @Test func aForeignReaderHoldsNothingUp() async throws {
    let store = try ModelStore()
    try await store.append((0..<50).map { _ in store.log("chat.message") })
    let landing = try #require(try store.files().first)
    let reader = try Connection(landing.path, .readOnly)
    try reader.execute("BEGIN")
    #expect(try reader.integer("SELECT count(*) FROM telemetry_events") == 50)
    try await store.append([store.log("chat.message")])
    try store.settle()
    // Its view of the file stays whole although the file has gone.
    #expect(try reader.integer("SELECT count(*) FROM telemetry_events") == 50)
    #expect(!FileSystem.exists(landing.path))
    #expect(try store.marks() == Array(1...51))
    let shard = try #require(try store.settledFiles().first)
    let second = try Connection(shard.path, .readOnly)
    try second.execute("BEGIN")
    #expect(try second.integer("SELECT count(*) FROM telemetry_events") == 51)
    try await store.append([store.log("chat.message")])
    try store.settle()
    #expect(try store.marks() == Array(1...52))
    reader.close()
    second.close()
    store.close()
    #expect(try store.books().balances)
  }

  @Test func aReaderThatClosesLastMayCheckpointTheLandingFile() async throws {
    let store = try ModelStore()
    try await store.append((0..<50).map { _ in store.log("chat.message") })
    store.close()
    let path = try #require(try store.files().first).path
    let foreign = try Connection(path, .readWrite)
    #expect(try foreign.integer("SELECT count(*) FROM telemetry_events") == 50)
    foreign.close()
    #expect(!FileSystem.exists(path + "-wal"))
    try await store.append([store.log("chat.message")])
    try store.settle()
    #expect(try store.marks() == Array(1...51))
    #expect(try store.ids() == Array(1...51))
  }

  @Test func aFileOfYesterdayIsSettledAtTheNextStart() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message")])
    store.close()
    store.clock.advance(StepClock.day)
    try store.start().settleAll()
    #expect(try store.files().map(\.isLanding) == [false])
    #expect(try store.marks() == [1])
  }

  @Test func aClassThatIsNewInTheConfigurationFindsItsPlace() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message")])
    store.close()
    let chat = RetentionClasses.Class(
      name: "chat", ageNanoseconds: StepClock.day, patterns: ["chat.*"].compactMap(RetentionClasses.Pattern.init))
    store.options.classes = RetentionClasses([chat] + RetentionClasses.standard.classes)
    try await store.append([store.log("chat.message")])
    try store.settle()
    #expect(try Self.places(store) == ["chat 2026-07-01 1", "standard 2026-07-01 1"])
  }
}
