import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Store

/// Queries over a store that is being written and settled at the same time.
@Suite struct QueryLiveTests {
  private static func answer(_ session: QuerySession, _ store: ModelStore, _ sql: String) throws -> [[SQLValue]] {
    for _ in 0..<100 {
      do {
        session.use(files: try store.files())
        return try QueryFixture.rows(session, sql)
      } catch QueryError.filesChanged(_, afterRows: false) {
        continue
      }
    }
    throw QueryError.failed("the files changed a hundred times")
  }

  @Test func seesEveryAcknowledgedRowOnceWhileFilesAreSettled() async throws {
    let store = try ModelStore()
    store.options.landingBytes = 200_000
    let open = try store.start()
    let now = store.clock.now
    let submitted = Atomic<Int>(0)
    let acknowledged = Atomic<Int>(0)
    let isDone = Atomic<Bool>(false)
    let names = ["relay.game.start", "gui.click", "relay.tick.process", "chat.message"]
    let filler = String(repeating: "x", count: 400)
    let writer = Task {
      defer { isDone.store(true, ordering: .releasing) }
      for round in 0..<60 {
        let records = (0..<50).map { index in
          SampleBatch.Record(
            names[index % 4], time: now + Int64(index) - (index % 3 == 0 ? StepClock.day : 0),
            data: "{\"n\":\(round * 50 + index),\"filler\":\"\(filler)\"}")
        }
        submitted.store((round + 1) * 50, ordering: .sequentiallyConsistent)
        while true {
          do throws(Refusal) {
            _ = try await open.writer.append(SampleBatch.make(.logs, records), key: nil, door: "test")
            break
          } catch {
            if error != .settlingBehind { return }
            await Task.yield()
          }
        }
        acknowledged.store((round + 1) * 50, ordering: .sequentiallyConsistent)
      }
    }
    let session = try QuerySession(files: [], options: .init(includeRestricted: true))
    let sql = "SELECT count(*), count(DISTINCT json_extract(data, '$.n')), max(id) FROM telemetry_events"
    repeat {
      let least = acknowledged.load(ordering: .sequentiallyConsistent)
      let row = try Self.answer(session, store, sql)[0]
      let most = submitted.load(ordering: .sequentiallyConsistent)
      guard case .integer(let count) = row[0] else { continue }
      #expect(least <= Int(count) && Int(count) <= most)
      // The same from summaries of blocks.
      let counts = try Self.answer(
        session, store, "SELECT event, count(*) FROM telemetry_events WHERE timestamp > '1971' GROUP BY event")
      let sum = counts.reduce(0) { if case .integer(let count) = $1[1] { $0 + Int(count) } else { $0 } }
      #expect(Int(count) <= sum && sum <= submitted.load(ordering: .sequentiallyConsistent))
      #expect(row[1] == row[0])
      #expect(session.warnings.isEmpty)
      await Task.yield()
    } while !isDone.load(ordering: .acquiring)
    await writer.value
    #expect(try Self.answer(session, store, sql) == [[.integer(3000), .integer(3000), .integer(3000)]])
    try store.settle()
    #expect(try Self.answer(session, store, sql) == [[.integer(3000), .integer(3000), .integer(3000)]])
    #expect(try store.settledFiles().count > 8)
  }

  /// What stock SQLite shows file by file is what a session shows over all of them.
  @Test(arguments: Views.names)
  func showsWhatTheFilesShow(_ view: String) async throws {
    let store = try ModelStore()
    func fill() async throws {
      let now = store.clock.now
      try await store.append(
        [
          .init("cloud_save.save", kind: .span, time: now, data: store.mark(), trace: (7, 9), spanEvents: 3),
          .init("gui.click", kind: .span, time: now - StepClock.day, data: store.mark(), trace: (7, 10)),
          .init("relay.desync", kind: .span, time: now, data: store.mark(), severity: .error, spanEvents: 1),
        ], signal: .traces)
      try await store.append(
        ["relay.game.start", "relay.suspicion", "log"].map { .init($0, time: now, data: store.mark()) })
      try await store.append([.init("relay.games.active", kind: .number, time: now, value: 5)], signal: .metrics)
    }
    try await fill()
    try store.settle()
    try await fill()
    let session = try QuerySession(files: try store.files(), options: .init(includeRestricted: true))
    let ours = try QueryFixture.rows(session, "SELECT * FROM \(view)")
    #expect(!ours.isEmpty)
    #expect(try ours.map { "\($0)" }.sorted() == store.read("SELECT * FROM \(view)").map { "\($0)" }.sorted())
    #expect(session.warnings.isEmpty)
  }

  @Test func findsATraceAsSpansInEveryClass() async throws {
    let store = try ModelStore()
    let now = store.clock.now
    for round in 0..<2 {
      try await store.append(
        ["cloud_save.save", "gui.click", "relay.tick.process", "chat.message"].flatMap { name in
          [UInt64(1), 2, 3].map { trace in
            .init(name, kind: .span, time: now, data: store.mark(), trace: (trace, trace), spanEvents: 1)
          }
        }, signal: .traces)
      if round == 0 { try store.settle() }
    }
    let session = try QuerySession(files: try store.files())
    let all = try QueryFixture.rows(session, "SELECT DISTINCT trace_id FROM spans ORDER BY 1")
    #expect(all.count == 3)
    for row in all {
      guard case .text(let trace) = row[0] else { continue }
      let parameters = ["trace": SQLValue.text(trace)]
      #expect(
        try QueryFixture.rows(
          session,
          """
          SELECT count(*), count(DISTINCT name), sum(json_array_length(events)) FROM spans WHERE trace_id = :trace
          """, parameters) == [[.integer(8), .integer(4), .integer(8)]])
      // Spans and their events.
      #expect(
        try QueryFixture.rows(session, "SELECT count(*) FROM telemetry_events WHERE correlation = :trace", parameters)
          == [[.integer(16)]])
    }
  }
}
