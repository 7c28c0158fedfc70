import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Store

/// The reject log and what was set aside count against the cap; neither may cost data without a word.
@Suite struct RejectedDaysTests {
  private static func write(_ store: ModelStore, _ name: String, kilobytes: Int) throws {
    try FileSystem.writeDurably(
      store.directory.rejected + "/" + name, [UInt8](repeating: 10, count: kilobytes << 10))
  }

  private static func names(_ store: ModelStore) -> [String] { FileSystem.list(store.directory.rejected) }

  @Test func aDayStaysForThirtyDays() throws {
    let store = try ModelStore()
    try store.start()
    for name in [
      "2026-07-01.ndjson", "2026-06-01.ndjson", "2026-05-31.ndjson", "2001-01-01.ndjson", "notes.txt",
      "2026-13-01.ndjson", "2026-02-31.ndjson", "2026-5-1.ndjson",
    ] { try Self.write(store, name, kilobytes: 1) }
    try store.start().maintainNow()
    #expect(store.diary.rejectedDays == ["2001-01-01.ndjson age", "2026-05-31.ndjson age"])
    #expect(
      Self.names(store) == [
        "2026-02-31.ndjson", "2026-06-01.ndjson", "2026-07-01.ndjson", "2026-13-01.ndjson", "2026-5-1.ndjson",
        "notes.txt",
      ])
  }

  @Test func aClockThatIsNotBelievedTakesNone() throws {
    let store = try ModelStore()
    store.options.clockGrace = StepClock.hour
    try store.start()
    try Self.write(store, "2026-06-30.ndjson", kilobytes: 1)
    store.clock.advance(74 * 365 * StepClock.day)
    try store.restart().maintainNow()
    #expect(Self.names(store) == ["2026-06-30.ndjson"])
  }

  /// A twentieth of the cap for those that are over, another for today.
  @Test func overItsShareTheOldestDayGoes() throws {
    let store = try ModelStore()
    store.options.maxBytes = 20 << 20
    try store.start()
    #expect(store.options.rejectedDayBytes == 1 << 20)
    for day in 28...30 { try Self.write(store, "2026-06-\(day).ndjson", kilobytes: 600) }
    try Self.write(store, "2026-07-01.ndjson", kilobytes: 1000)
    try store.start().maintainNow()
    #expect(Self.names(store) == ["2026-06-30.ndjson", "2026-07-01.ndjson"])
    #expect(store.diary.rejectedDays == ["2026-06-28.ndjson cap", "2026-06-29.ndjson cap"])
  }

  @Test func withoutRoomItGoesBeforeAnyData() async throws {
    let store = try ModelStore()
    let cap: Int64 = 16 << 20
    store.options.maxBytes = cap
    store.options.minAge = 0
    try await store.append([store.log("relay.tick.process"), store.log("relay.game.start")])
    try store.settle()
    store.clock.advance(1)
    try Self.write(store, "2026-06-30.ndjson", kilobytes: 600)
    // Over the room that is kept free by less than that day has.
    let used = FileSystem.allocatedBelow(store.directory.path, except: [store.directory.exports, store.directory.drop])
    let filler = Int(cap - cap / 16 - used) + (200 << 10)
    try FileSystem.writeDurably(store.directory.quarantine + "/old.db", [UInt8](repeating: 1, count: filler))
    let plan = try RetentionPlan.read(store.directory, store.options)
    #expect(!plan.entries.contains { $0.reason == .cap })
    store.clock.advance(2 * store.options.pruneInterval)
    try store.start().maintainNow()
    #expect(store.diary.rejectedDays == ["2026-06-30.ndjson cap"])
    #expect(store.diary.pruned.isEmpty)
    #expect(try store.start().writer.admit(byteCount: 1) == nil)
    #expect(store.diary.quarantineWarnings == 1)
    store.clock.advance(2 * store.options.pruneInterval)
    try store.start().maintainNow()
    #expect(store.diary.quarantineWarnings == 1)
    let held = try store.start().vitals.quarantineBytes.load(ordering: .relaxed)
    #expect(held >= Int64(filler))
  }
}
