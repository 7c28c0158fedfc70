import CSQLite
import Glibc
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Store

/// What must be in the store, kept beside it.
struct ModelBooks: Sendable {
  /// Marks of records that were acknowledged and not taken away since.
  var expected: Set<Int64> = []
  /// Marks of records of which nobody knows: their batch was refused, or cleared with the crash.
  var open: Set<Int64> = []

  /// Nil: all is well.
  func fault(in marks: [Int64]) -> String? {
    let found = Set(marks)
    if found.count != marks.count { return "some records are there twice" }
    let missing = expected.subtracting(found)
    if !missing.isEmpty { return "\(missing.count) of \(expected.count) are missing: \(missing.sorted().prefix(5))" }
    let strange = found.subtracting(expected).subtracting(open)
    return strange.isEmpty ? nil : "nobody acknowledged \(strange.sorted().prefix(5))"
  }
}

/// A store and its model under the same random operations.
private final class ModelRun {
  var store: ModelStore
  var books = ModelBooks()
  private var random: SampleRandom
  private var sent: [(key: ReceiptKey, records: [SampleBatch.Record], rejections: [Rejection], firstID: Int64)] = []

  private static let events = [
    "relay.game.start", "gui.click", "relay.tick.process", "chat.message", "relay.suspicion",
  ]

  init(seed: UInt64) throws {
    random = SampleRandom(seed: seed)
    store = try ModelStore()
    store.options.compactBelow = 1 << 20
  }

  /// Says what it did, for the message of a failure.
  func step() async throws -> String {
    switch random.upTo(19) {
    case 0...9: return try await append()
    case 10, 11: return try await retry()
    case 12, 13:
      try store.settle()
      return "settle"
    case 14:
      try store.restart()
      return "restart"
    case 15: return try crash(cutting: 0)
    case 16: return try crash(cutting: random.upTo(200))
    case 17:
      store.clock.advance(StepClock.hour * Int64(random.upTo(30)))
      // Receipts are forgotten after an hour: what comes again now is stored again.
      sent = []
      return "advance"
    case 18: return try clear()
    default:
      try store.start().maintainNow()
      return "maintain"
    }
  }

  private func append() async throws -> String {
    let kind = random.pick([RowKind.log, .log, .span, .number])
    var records: [SampleBatch.Record] = []
    for _ in 0...random.upTo(12) {
      var record = store.log(
        random.pick(Self.events), hours: Int64(-random.upTo(60)), source: random.pick(["a", "b", "c"]))
      record.kind = kind
      if kind == .span {
        record.trace = (random.next(), random.next())
        record.spanEvents = random.upTo(2)
      }
      records.append(record)
    }
    let rejections = (0..<random.upTo(1)).map {
      Rejection(reason: .zeroTime, index: $0, path: "x", source: "a", record: "")
    }
    let key = ReceiptKey(high: random.next(), low: random.next())
    let receipt = try await store.append(records, signal: kind.signal, key: key, rejections: rejections)
    if receipt.stored != records.count || receipt.duplicate { return "append answered \(receipt)" }
    books.expected.formUnion(Self.marks(records))
    sent.append((key, records, rejections, receipt.firstID))
    return "append \(records.count)"
  }

  private func retry() async throws -> String {
    guard let last = sent.last else { return "nothing to retry" }
    let receipt = try await store.append(
      last.records, signal: last.records[0].kind.signal, key: last.key, rejections: last.rejections)
    #expect(receipt.duplicate && receipt.firstID == last.firstID)
    return "retry"
  }

  static func marks(_ records: [SampleBatch.Record]) -> [Int64] {
    records.compactMap { Int64($0.data.filter(\.isNumber)) }
  }

  /// The folder as it is now, without a farewell; `cutting` bytes of something that was never committed may lie behind the log.
  private func crash(cutting: Int) throws -> String {
    let path = store.directory.path
    // The settler must rest: a copy takes longer than a crash.
    let next = try store.start().settlerPaused { () throws(StoreFailure) in
      do { return try ModelStore(copy: path) } catch { throw StoreFailure("\(error)") }
    }
    next.options.compactBelow = store.options.compactBelow
    next.clock.set(store.clock.now)
    next.take(numbersOf: store)
    if cutting > 0 {
      for name in FileSystem.list(next.directory.landing) where name.hasSuffix(".db-wal") {
        try ModelStore.extend(next.directory.landing + "/" + name, by: [UInt8](repeating: 0x37, count: cutting))
      }
    }
    store = next
    try store.start()
    return "crash with \(cutting) bytes behind the log"
  }

  private func clear() throws -> String {
    let cut = store.clock.now - StepClock.hour * Int64(random.upTo(100))
    // Whatever this takes, it is what files say: the model learns it from what a reader sees before.
    let going = try Set(
      store.integers(
        """
        SELECT json_extract(coalesce(e.data, s.attributes), '$.n') FROM event e LEFT JOIN series s ON s.id = e.series
        WHERE e.kind != 4 AND e.time < \(cut)
        """))
    _ = try store.start().clear(Clearing(before: cut, category: nil))
    books.expected.subtract(going)
    return "clear \(going.count)"
  }
}

@Suite struct ModelTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func whatWasAcknowledgedIsThereOnce(seed: UInt64) async throws {
    let run = try ModelRun(seed: seed)
    var diary: [String] = []
    for _ in 0..<40 {
      diary.append(try await run.step())
      let fault = run.books.fault(in: try run.store.marks())
      #expect(fault == nil, "seed \(seed): \(diary.suffix(8))")
      if fault != nil { return }
    }
    let ids = try run.store.ids()
    #expect(Set(ids).count == ids.count)
    try run.store.settle()
    run.store.close()
    let books = try run.store.books()
    #expect(books.balances, "seed \(seed): \(books.accounts)")
    #expect(run.books.fault(in: try run.store.marks()) == nil)
  }

  /// The directory is copied before every write of SQLite during a settling, a compaction and a clear; from each copy a store
  /// starts, has everything once and balances.
  @Test(arguments: ["append", "settle", "compact", "clear", "prune", "start"])
  func aCrashBeforeAnyWriteLosesNothing(during operation: String) async throws {
    let store = try ModelStore()
    let prepared = operation == "compact" ? 8 : 2
    for _ in 0..<prepared {
      try await store.append(["chat.message", "gui.click"].map { store.log($0, hours: -1) })
      try await store.append(["chat.message", "relay.game.start"].map { store.log($0) })
      if operation != "settle" && operation != "start" { try store.settle() }
    }
    var kept = Set(try store.marks())
    let before = kept
    let crashes = ModelCrashes(store.directory.path)
    store.close()
    if operation == "start" { try FileSystem.remove(store.directory.catalog) } else { try store.start() }
    ModelFaults.watch(store.directory.path) { _ in
      crashes.take()
      return .go
    }
    defer { ModelFaults.stop(store.directory.path) }
    switch operation {
    case "append":
      try await store.append([store.log("chat.message")], key: ReceiptKey(high: 5, low: 5))
    case "settle":
      try store.settle()
    case "compact":
      try store.start().maintainNow()
    case "clear":
      _ = try store.start().clear(Clearing(before: store.clock.now, category: nil))
      kept = Set(try store.marks())
    case "prune":
      store.clock.advance(15 * StepClock.day)
      try store.start().maintainNow()
      kept = Set(try store.marks())
    default:
      try store.start().settleAll()
    }
    let after = Set(try store.marks())
    ModelFaults.stop(store.directory.path)
    store.close()
    #expect(crashes.folders.count > 3)
    for folder in crashes.some(12) {
      let survivor = try ModelStore(crash: folder, at: store.directory.path)
      survivor.clock.set(store.clock.now)
      try survivor.start()
      let marks = try survivor.marks()
      #expect(Set(marks).count == marks.count, "twice after a crash during \(operation)")
      #expect(kept.subtracting(marks).isEmpty, "missing after a crash during \(operation)")
      #expect(Set(marks).subtracting(before.union(after)).isEmpty)
      try survivor.settle()
      let settled = try survivor.marks()
      #expect(settled == marks.filter { settled.contains($0) } && kept.subtracting(settled).isEmpty)
      #expect(Set(settled).count == settled.count)
      try await survivor.append([survivor.log("later.record")])
      let ids = try survivor.ids()
      #expect(Set(ids).count == ids.count)
      survivor.close()
      let books = try survivor.books()
      #expect(books.balances, "\(operation): \(books.accounts) \(books.unreadable)")
    }
  }

  /// Each write in turn fails: the store says so, goes on when the disk does, and has lost nothing.
  @Test(arguments: [SQLITE_FULL, SQLITE_IOERR], [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
  func aWriteThatFailsLosesNothing(code: Int32, skipped: Int) async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message"), store.log("gui.click")])
    let watch = ModelCountdown(skipped: skipped, code: code)
    ModelFaults.watch(store.directory.path) { _ in watch.next() }
    defer { ModelFaults.stop(store.directory.path) }
    store.close()
    var acknowledged: Set<Int64> = [1, 2]
    var open: Set<Int64> = []
    for _ in 0..<12 {
      let record = store.log("chat.message", hours: -30)
      let marks = Set([Int64(record.data.filter(\.isNumber)) ?? 0])
      do {
        try await store.append([record])
        acknowledged.formUnion(marks)
        if marks.first.map({ $0 % 4 == 0 }) == true { try store.settle() }
      } catch {
        open.formUnion(marks)
      }
    }
    ModelFaults.stop(store.directory.path)
    try store.settle()
    try store.restart()
    let fault = ModelBooks(expected: acknowledged, open: open).fault(in: try store.marks())
    #expect(fault == nil)
    store.close()
    let books = try store.books()
    #expect(books.balances, "\(books.accounts)")
  }
}

/// Copies of a folder, taken as crashes.
final class ModelCrashes: Sendable {
  private let folder: String
  // covers: the copies so far and how many writes there were.
  private let state = Mutex<(folders: [String], writes: Int)>(([], 0))
  /// Copies cost: of a long operation every seventh write is taken.
  private static let all = 60

  init(_ folder: String) { self.folder = folder }

  deinit { for folder in folders { ModelStore.remove(folder) } }

  var folders: [String] { state.withLock { $0.folders } }

  func take() {
    let number: Int? = state.withLock { state in
      state.writes += 1
      guard state.writes <= Self.all || state.writes % 7 == 0 else { return nil }
      return state.writes
    }
    guard let number else { return }
    let copy = "\(folder)-crash-\(number)"
    try? ModelStore.copy(folder, to: copy)
    state.withLock { $0.folders.append(copy) }
  }

  /// At most `count`, evenly over all of them.
  func some(_ count: Int) -> [String] {
    let folders = folders
    guard folders.count > count else { return folders }
    return (0..<count).map { folders[$0 * (folders.count - 1) / (count - 1)] }
  }
}

/// Lets some writes pass, then fails five, then lets all pass.
final class ModelCountdown: Sendable {
  private let seen = Atomic<Int>(0)
  private let skipped: Int
  private let code: Int32

  init(skipped: Int, code: Int32) {
    self.skipped = skipped
    self.code = code
  }

  func next() -> ModelFaults.Verdict {
    let number = seen.wrappingAdd(1, ordering: .relaxed).newValue
    return number > skipped && number <= skipped + 5 ? .fail(code) : .go
  }
}
