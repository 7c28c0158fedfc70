import Telemetry
import TestSupport
import Testing

@testable import Store

/// `garner import --keep`: age takes nothing of an import before its time (DESIGN §6), and the import keeps nothing else.
@Suite struct ImportKeepTests {
  private static let month = 30 * StepClock.day

  private static func append(_ store: ModelStore, _ events: [String], keep: Int64? = nil) async throws {
    let batch = SampleBatch.make(.logs, events.map { store.log($0) })
    let terms = ImportTerms(keepUntil: keep.map { store.clock.now + $0 })
    _ = try await store.start().writer.append(batch, key: nil, door: "import", identities: [], terms: terms)
  }

  @Test func whatIsImportedToBeKeptOutlivesItsClass() async throws {
    let store = try ModelStore()
    try await store.append([store.log("gui.click")])
    try await Self.append(store, ["gui.click", "chat.message", "gui.open"], keep: Self.month)
    try await store.append([store.log("gui.click")])
    try store.settle()
    let files = try store.settledFiles()
    #expect(files.filter { $0.keepUntil != nil }.map(\.rows).sorted() == [1, 2])
    #expect(files.filter { $0.keepUntil == nil }.map(\.rows) == [2])
    store.clock.advance(15 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks() == [2, 3, 4])
    let plan = try RetentionPlan.read(store.directory, store.options)
    // `standard` keeps its rows for as long anyway.
    let reasons = plan.entries.map { "\($0.file.className ?? "") \($0.reason.rawValue)" }
    #expect(reasons.sorted() == ["detail keep", "standard age"])
    #expect(plan.entries.allSatisfy { $0.at == StepClock.noon + Self.month })
    store.clock.advance(15 * StepClock.day + 1)
    try store.start().maintainNow()
    #expect(try store.marks().isEmpty)
    store.close()
    #expect(try store.books().balances)
  }

  enum Interlude: CaseIterable, Sendable { case reopened, catalogDeleted, compacted, contextRepaired, partlyCleared }

  @Test(arguments: Interlude.allCases)
  func itStaysSo(after interlude: Interlude) async throws {
    let store = try ModelStore()
    for _ in 0..<9 {
      try await Self.append(store, ["gui.click", "input.key"], keep: Self.month)
      try await store.append([store.log("gui.click")])
      try store.settle()
    }
    switch interlude {
    case .reopened: break
    case .catalogDeleted:
      store.close()
      try FileSystem.remove(store.directory.catalog)
    case .compacted:
      store.clock.advance(StepClock.day)
      try store.start().maintainNow()
      #expect(try store.settledFiles().map(\.rows) == [18, 9] || store.settledFiles().map(\.rows) == [9, 18])
    case .contextRepaired: _ = try store.start().repairContext()
    case .partlyCleared: _ = try store.start().clear(Clearing(before: nil, category: "input"))
    }
    try store.restart()
    store.clock.advance(20 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks().count == (interlude == .partlyCleared ? 9 : 18))
    #expect(try store.settledFiles().allSatisfy { $0.keepUntil == StepClock.noon + Self.month })
  }

  @Test func theCapTakesItLast() async throws {
    let store = try ModelStore()
    try await Self.append(store, ["relay.tick.process"], keep: Self.month)
    try await store.append([store.log("chat.message")])
    try store.settle()
    store.clock.advance(StepClock.day)
    let plan = RetentionPlan.make(
      files: try store.settledFiles(), options: store.options, deficit: 1 << 40, now: store.clock.now)
    #expect(plan.entries.map(\.file.className) == ["standard", "firehose"])
  }

  @Test func anExportOfOursBringsItsOwnContextOrNone() async throws {
    let store = try ModelStore()
    func record(_ module: String = "", teaches: Bool = false) -> SampleBatch.Record {
      SampleBatch.Record(
        teaches ? "relay.game.start" : "chat.message", time: StepClock.noon, source: "r", session: "s", gameID: "g",
        gameModule: module, teaches: teaches)
    }
    func add(_ record: SampleBatch.Record, isExport: Bool) async throws {
      _ = try await store.start().writer.append(
        SampleBatch.make(.logs, [record]), key: nil, door: "import", identities: [],
        terms: ImportTerms(isExport: isExport))
    }
    try await add(record(), isExport: true)
    try await add(record(), isExport: false)
    try await add(record("ra1", teaches: true), isExport: true)
    try await add(record(), isExport: true)
    try await add(record("td"), isExport: true)
    try await add(record(), isExport: false)
    let question = "SELECT e.id || coalesce(c.game_module, '-') FROM event e JOIN ctx c ON c.id = e.ctx"
    let expected = ["1-", "2ra1", "3ra1", "4-", "5td", "6ra1"]
    #expect(try store.texts(question).sorted() == expected)
    try store.restart()
    try await add(record(), isExport: true)
    try store.settle()
    #expect(try store.texts(question).sorted() == expected + ["7-"])
  }
}

/// A landing file is there as a whole or not at all.
@Suite struct LandingFileMakingTests {
  @Test func itIsMadeElsewhereWithAllItsViews() throws {
    let store = try ModelStore()
    try store.start()
    let made = try LandingFile.prepare(
      store.directory, number: 9, classes: store.options.classes, now: StepClock.noon, store: "s")
    #expect(!FileSystem.list(store.directory.landing).contains { $0.hasPrefix("9.") })
    #expect(made.hasPrefix(store.directory.temporary + "/"))
    try LandingFile.putInPlace(made, store.directory.landingFile(9))
    #expect(FileSystem.list(store.directory.temporary).isEmpty)
    let reader = try Connection(store.directory.landingFile(9), .readOnly)
    for view in Views.names { #expect(try reader.integer("SELECT count(*) FROM \(view)") == 0) }
  }

  /// The log is moved before the file.
  @Test func aCrashWhileItIsPutInPlaceLeavesNothing() async throws {
    let store = try ModelStore()
    try await store.append([store.log("gui.click")])
    let made = try LandingFile.prepare(
      store.directory, number: 9, classes: store.options.classes, now: StepClock.noon, store: "s")
    store.close()
    try FileSystem.move(made + "-wal", store.directory.landingFile(9) + "-wal")
    try store.start()
    #expect(!FileSystem.list(store.directory.landing).contains { $0.hasPrefix("9.") })
    #expect(FileSystem.list(store.directory.temporary).isEmpty)
    #expect(try store.marks() == [1])
    #expect(store.diary.quarantined.isEmpty)
  }
}
