import Telemetry
import TestSupport
import Testing

@testable import Store

/// The plan says what retention will do, and retention does what the plan says.
@Suite struct RetentionPlanTests {
  private static func file(_ number: Int64, _ className: String, hoursOld: Int64, bytes: Int64 = 1000) -> DataFile {
    let received = StepClock.noon - hoursOld * StepClock.hour
    return DataFile(
      number: number, part: 1, path: "/x/\(className)/\(number)-1.db", className: className, day: 1, restricted: false,
      rows: 10, bytes: bytes, firstID: number, lastID: number, minTime: received, maxTime: received,
      minReceived: received, maxReceived: received, traces: nil)
  }

  private static func plan(_ files: [DataFile], deficit: Int64 = 0) -> [String] {
    RetentionPlan.make(files: files, options: StoreOptions(), deficit: deficit, now: StepClock.noon).entries.map {
      "\($0.file.number) \($0.reason.rawValue) \($0.at.map { "\(($0 - StepClock.noon) / StepClock.hour)" } ?? "never")"
    }
  }

  @Test func whatIsTooOldGoesFirstThenByItsEnd() {
    let files = [
      Self.file(1, "evidence", hoursOld: 24), Self.file(2, "firehose", hoursOld: 80),
      Self.file(3, "standard", hoursOld: 1),
      Self.file(4, "detail", hoursOld: 10), Self.file(5, "firehose", hoursOld: 10),
    ]
    #expect(Self.plan(files) == ["2 age -8", "5 age 62", "4 age 326", "3 age 719", "1 age 9576"])
  }

  @Test func theCapTakesTheShortestClassFirst() {
    let files = [
      Self.file(1, "evidence", hoursOld: 24), Self.file(2, "firehose", hoursOld: 2),
      Self.file(3, "firehose", hoursOld: 3),
      Self.file(4, "standard", hoursOld: 48),
    ]
    #expect(Self.plan(files, deficit: 1500) == ["3 cap -2", "2 cap -1", "4 age 672", "1 age 9576"])
  }

  @Test func aClassWithoutAnEndStaysUntilTheCap() {
    var options = StoreOptions()
    options.classes = RetentionClasses([.init(name: "all", ageNanoseconds: nil, patterns: [])])
    let plan = RetentionPlan.make(
      files: [Self.file(1, "all", hoursOld: 1)], options: options, deficit: 0, now: StepClock.noon)
    #expect(plan.entries.map(\.reason) == [.nothing] && plan.entries[0].at == nil)
  }

  @Test func retentionDoesWhatThePlanSays() async throws {
    let store = try ModelStore()
    for event in ["relay.game.start", "gui.click", "relay.tick.process", "chat.message"] {
      try await store.append([store.log(event)])
      store.clock.advance(StepClock.hour)
    }
    try store.settle()
    store.clock.advance(14 * StepClock.day)
    let plan = try RetentionPlan.read(store.directory, store.options)
    let due = plan.entries.filter { ($0.at ?? .max) < store.clock.now }.map(\.file.path)
    #expect(due.count == 2)
    try store.start().maintainNow()
    #expect(Set(store.diary.prunedPaths) == Set(due))
    let after = try RetentionPlan.read(store.directory, store.options)
    #expect(after.entries.map(\.file.className) == ["standard", "evidence"])
  }
}

/// Retention that changes while the store is open.
@Suite struct RetentionReloadTests {
  @Test func aShorterAgeTakesFilesAtOnce() async throws {
    let store = try ModelStore()
    store.options.pruneInterval = 365 * StepClock.day
    try await store.append([store.log("chat.message"), store.log("relay.game.start")])
    try store.settle()
    store.clock.advance(2 * StepClock.day)
    var options = store.options
    options.classes = RetentionClasses(
      options.classes.classes.map {
        .init(
          name: $0.name, ageNanoseconds: $0.name == "standard" ? StepClock.day : $0.ageNanoseconds,
          patterns: $0.patterns, restricted: $0.restricted)
      })
    try store.start().reconfigure(options)
    try store.start().maintainNow()
    #expect(store.diary.pruned == ["standard age"])
    #expect(try store.start().currentOptions.classes.classes.last?.ageNanoseconds == StepClock.day)
  }

  /// Rows lie on disk by class: other patterns wait for the next start.
  @Test func otherPatternsAreNotTaken() throws {
    let store = try ModelStore()
    var options = store.options
    options.classes = RetentionClasses([.init(name: "all", ageNanoseconds: 1, patterns: [])])
    options.maxBytes = 77 << 20
    try store.start().reconfigure(options)
    let now = try store.start().currentOptions
    #expect(now.classes.classes.count == store.options.classes.classes.count && now.maxBytes == 77 << 20)
  }
}
