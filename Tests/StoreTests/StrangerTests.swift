import Glibc
import Telemetry
import TestSupport
import Testing

@testable import Store

/// What somebody else does to the files of a store, while it runs or rests: told, mended or counted, never passed over.
@Suite struct StrangerTests {
  private static func filled(_ rows: Int = 3) async throws -> ModelStore {
    let store = try ModelStore()
    try await store.append((0..<rows).map { _ in store.log("chat.message") })
    try store.settle()
    return store
  }

  @Test func aDirectoryMayHaveLettersOfSeveralBytes() async throws {
    let outer = try ModelStore()
    let directory = DataDirectory(outer.directory.path + "/jörg/data")
    try await Self.appendAndSettle(directory, outer)
    // As an earlier version wrote it.
    try Catalog(directory).use { connection throws(SQLiteError) in
      try connection.run("UPDATE file SET path = substr(path, 2)")
    }
    try await Self.appendAndSettle(directory, outer)
    let books = try Books.read(directory, countFiles: true)
    #expect(books.balances && books.accounts.map(\.lost) == [0] && books.accounts.map(\.present) == [2])
  }

  private static func appendAndSettle(_ directory: DataDirectory, _ outer: ModelStore) async throws {
    let store = try DataStore(directory, outer.options)
    let batch = SampleBatch.make(.logs, [outer.log("chat.message")])
    _ = try await store.writer.append(batch, key: nil, door: "test")
    store.settleAll()
    #expect(try FileList.read(directory).allSatisfy { FileSystem.exists($0.path) })
    store.close()
  }

  @Test(arguments: ["catalog", "state", "both"])
  func aDatabaseThatIsDeletedUnderARunningStoreIsWrittenAnew(which: String) async throws {
    let store = try await Self.filled()
    if which != "state" { try FileSystem.remove(store.directory.catalog) }
    if which != "catalog" { try FileSystem.remove(store.directory.state) }
    try await store.append([store.log("chat.message")])
    #expect(try store.start().settleAll() == nil)
    #expect(try store.settledFiles().reduce(0) { $0 + $1.rows } == 4)
    #expect(try store.marks() == [1, 2, 3, 4])
    store.close()
    #expect(try store.books().balances)
    try await store.append([store.log("chat.message")])
    #expect(try store.ids() == [1, 2, 3, 4, 5])
  }

  @Test func aCatalogThatIsExchangedIsKeptApart() async throws {
    let store = try await Self.filled()
    try FileSystem.writeDurably(store.directory.catalog, Array("not ours".utf8))
    try store.start().maintainNow()
    #expect(try store.marks() == [1, 2, 3])
    #expect(store.quarantine.contains("exchanged-main.db"))
    store.close()
    #expect(try store.books().balances)
  }

  @Test func whoReadsWithoutACatalogIsTold() async throws {
    let store = try await Self.filled()
    store.close()
    try FileSystem.remove(store.directory.catalog)
    #expect(throws: SQLiteError.self) { try FileList.read(store.directory) }
    try store.start()
    #expect(try store.marks() == [1, 2, 3])
  }

  @Test func aFileThatIsDeletedUnderARunningStoreIsBookedAsLost() async throws {
    let store = try await Self.filled()
    try await store.append([store.log("gui.click")])
    try store.settle()
    let gone = try #require(try store.settledFiles().first { $0.className == "detail" })
    let session = try QuerySession(files: try store.files())
    try FileSystem.remove(gone.path)
    // Nobody says that it was removed: after a while it is passed over.
    var tries = 0
    while tries < 50 {
      tries += 1
      do throws(QueryError) {
        var count: Int64 = 0
        _ = try session.run("SELECT count(*) FROM telemetry_events WHERE data LIKE '{%'") { row in
          count = row.integer(0)
          return true
        }
        #expect(count == 3)
        break
      } catch {
        session.use(files: try store.files())
      }
    }
    #expect(tries < 50 && session.passedOver == [gone.path] && session.warnings.count == 1)
    #expect(try store.books().unreadable == [gone.path])
    try store.start().maintainNow()
    #expect(try store.books().balances)
    #expect(try store.account().lost == 1)
  }

  @Test(arguments: [true, false])
  func noiseInTheMiddleOfASettledFileIsFound(bySomebody: Bool) async throws {
    let store = try ModelStore()
    if !bySomebody { store.options.checkInterval = 0 }
    try await store.append((0..<3000).map { _ in store.log("chat.message") })
    try store.settle()
    let file = try #require(try store.settledFiles().first)
    let middle = Int(FileSystem.length(file.path)) / 2 / 4096 * 4096
    try ModelStore.overwrite(file.path, at: middle, with: [UInt8](repeating: 0xab, count: 8192))
    if bySomebody {
      #expect(try store.start().check(file.path))
      #expect(try !store.start().check("/etc/hosts"))
    } else {
      try store.start().maintainNow()
    }
    #expect(store.diary.quarantined.map(\.path) == [file.path])
    let left = try store.marks()
    #expect(left.count > 1000 && left.count < 3000)
    store.close()
    let account = try store.account()
    #expect(account.balances && account.lost == 3000 - Int64(left.count))
  }

  @Test func aSoundFileIsLeftAloneWhenItIsChecked() async throws {
    let store = try await Self.filled()
    let file = try #require(try store.settledFiles().first)
    #expect(try store.start().check(file.path))
    #expect(try store.settledFiles() == [file] && store.quarantine.isEmpty)
  }

  @Test func aJournalBesideASettledFileHidesNothing() async throws {
    let store = try await Self.filled()
    store.close()
    let file = try #require(try store.settledFiles().first)
    // Such that SQLite takes it for one that must be rolled back.
    let magic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
    try FileSystem.writeDurably(file.path + "-journal", magic + (0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7) })
    let session = try QuerySession(files: try store.files())
    var count: Int64 = 0
    _ = try session.run("SELECT count(*) FROM telemetry_events WHERE data LIKE '{%'") { row in
      count = row.integer(0)
      return true
    }
    #expect(count == 3 && session.warnings.isEmpty)
    #expect(try store.books().balances)
    try store.start()
    #expect(!FileSystem.exists(file.path + "-journal") && store.quarantine.count == 1)
    #expect(try store.marks() == [1, 2, 3])
  }

  @Test func aSecondStoreIsRefusedWithoutTheLockFileToo() async throws {
    let store = try await Self.filled()
    try FileSystem.remove(store.directory.lock)
    #expect(throws: StoreFailure.self) { try DataStore(store.directory, store.options) }
    store.close()
    try store.start()
  }

  // MARK: landing files

  @Test func aLogWhoseFileIsGoneIsSalvaged() async throws {
    let store = try ModelStore()
    for _ in 0..<5 { try await store.append((0..<20).map { _ in store.log("chat.message") }) }
    store.close()
    let path = try #require(try store.files().first).path
    try FileSystem.remove(path)
    try store.start().settleAll()
    #expect(try store.marks() == Array(1...100))
    #expect(store.diary.quarantined.map(\.path) == [path] && !store.quarantine.isEmpty)
    let receipt = try await store.append([store.log("chat.message")])
    #expect(receipt.firstID > 100)
    store.close()
    let account = try store.account()
    #expect(account.balances && account.present == 101 && account.lost == 0)
  }

  @Test(arguments: [0, 30, 70, 95])
  func aLogThatIsGoneOrCutIsTold(percent: Int64) async throws {
    let store = try ModelStore()
    for _ in 0..<20 { try await store.append((0..<50).map { _ in store.log("chat.message") }) }
    store.close()
    let log = try #require(try store.files().first).path + "-wal"
    if percent == 0 {
      try FileSystem.remove(log)
    } else {
      try ModelStore.truncate(log, to: FileSystem.length(log) * percent / 100)
    }
    try store.start()
    let left = Int64(try store.marks().count)
    #expect(left < 1000)
    #expect(store.diary.missing.map(\.last) == [1000])
    let receipt = try await store.append([store.log("chat.message")])
    #expect(receipt.firstID > 1000)
    try store.restart()
    #expect(store.diary.missing.count == 1)
  }

  @Test func nothingIsMissingAfterAnOrderlyLife() async throws {
    let store = try ModelStore()
    for _ in 0..<3 {
      try await store.append([store.log("chat.message"), store.log("gui.click")])
      try store.restart()
      try store.settle()
      _ = try store.start().clear(Clearing(before: nil, category: "gui"))
      try store.restart()
    }
    #expect(store.diary.missing.isEmpty && store.quarantine.isEmpty)
  }
}

/// A clock may be wrong for a while; what came before and meanwhile is not removed for that.
@Suite struct ClockTests {
  @Test func aJumpRemovesNothingAtOnce() async throws {
    let store = try ModelStore()
    store.options.clockGrace = StepClock.hour
    try await store.append([store.log("chat.message")])
    try store.settle()
    store.clock.advance(74 * 365 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks() == [1])
    #expect(store.diary.jumps == 1)
    try store.restart().maintainNow()
    #expect(try store.marks() == [1])
    store.clock.advance(-74 * 365 * StepClock.day)
    try store.start().maintainNow()
    store.clock.advance(29 * StepClock.day)
    try store.start().maintainNow()
    store.clock.advance(2 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks().isEmpty)
    #expect(store.diary.jumps == 2)
  }

  /// What arrives under the wrong clock, and a restart, do not vouch for it.
  @Test func aJumpIsRememberedOverAStart() async throws {
    let store = try ModelStore()
    store.options.clockGrace = StepClock.hour
    try await store.append([store.log("chat.message")])
    try store.settle()
    store.close()
    store.clock.advance(74 * 365 * StepClock.day)
    try await store.append([store.log("chat.message")])
    try store.settle()
    try store.start().maintainNow()
    #expect(try store.marks() == [1, 2] && store.diary.jumps == 1)
    for start in 2...4 {
      try store.restart().maintainNow()
      #expect(try store.marks() == [1, 2] && store.diary.jumps == start)
    }
    store.clock.advance(-74 * 365 * StepClock.day)
    try store.restart().maintainNow()
    #expect(store.diary.jumps == 4)
    store.clock.advance(29 * StepClock.day)
    try store.restart().maintainNow()
    store.clock.advance(2 * StepClock.day)
    try store.restart().maintainNow()
    #expect(try store.marks() == [2])
  }

  @Test func theHoursOfANewClockAreCountedOverStarts() {
    let far = StepClock.noon + 74 * 365 * StepClock.day
    let hour = StepClock.hour
    func watch(doubted: Int64, last: Int64) -> ClockWatch {
      ClockWatch(ClockWatch.Memory(trusted: StepClock.noon, last: last, doubted: doubted))
    }
    let early = watch(doubted: hour, last: far)
    early.look(far + hour, newest: far, grace: 2 * hour) { _ in }
    #expect(!early.isTrusted && early.takeNews() == nil)
    let late = watch(doubted: 2 * hour, last: far)
    late.look(far + hour, newest: far, grace: 2 * hour) { _ in }
    #expect(late.isTrusted)
    #expect(late.takeNews() == ClockWatch.Memory(trusted: far + hour, last: far + hour, doubted: nil))
    let elsewhere = watch(doubted: 2 * hour, last: far)
    elsewhere.look(far + 31 * StepClock.day, newest: far, grace: 2 * hour) { _ in }
    #expect(!elsewhere.isTrusted)
  }

  @Test(arguments: ["", "1 2", "1 2 x", "1 2 3 4"])
  func aMemoryThatCannotBeReadIsNone(text: String) {
    #expect(ClockWatch.Memory(text) == nil)
  }

  @Test func whatCameIn1970AgesFromWhenTheClockWasPutRight() async throws {
    let store = try ModelStore()
    store.clock.set(5_000_000_000)
    try await store.append([store.log("chat.message")])
    try store.settle()
    store.clock.set(StepClock.noon)
    try store.start().maintainNow()
    store.clock.advance(29 * StepClock.day)
    try store.restart().maintainNow()
    #expect(try store.marks() == [1])
    store.clock.advance(2 * StepClock.day)
    try store.start().maintainNow()
    #expect(try store.marks().isEmpty)
    store.close()
    #expect(try store.account().pruned == 1)
  }

  @Test(arguments: [0, 1, 59_999_999_999, 60_000_000_000, .max, -1] as [Int64])
  func ratesCanBeCountedAtAnyTime(now: Int64) {
    let rates = SourceRates()
    rates.add("s", records: 60, at: now)
    #expect(rates.perSecond(now: now) == ["s": 1])
  }

  @Test func aClockBeyondTheYear2262StopsBefore() {
    #expect(FileSystem.nanoseconds(seconds: 10_413_792_000, 0) == 9_000_000_000 * 1_000_000_000)
    #expect(FileSystem.nanoseconds(seconds: -5, 0) == 0)
    #expect(FileSystem.nanoseconds(seconds: 1, 2) == 1_000_000_002)
  }
}

/// The folder may be taken away under an open store, and another store made in its place.
@Suite struct TakenFolderTests {
  @Test(arguments: [false, true])
  func nothingOfTheNewStoreIsTouched(isSettling: Bool) async throws {
    let store = try ModelStore()
    try store.start()
    try await store.append([store.log("chat.message")])
    if isSettling { try store.settle() }
    let moved = store.directory.path + "-moved"
    defer { ModelStore.remove(moved) }
    try FileSystem.move(store.directory.path, moved)
    #expect(try !store.start().isInPlace)
    let new = try DataStore(store.directory, store.options)
    for _ in 0..<2 {
      _ = try await new.writer.append(
        SampleBatch.make(.logs, [store.log("chat.message"), store.log("gui.click")]), key: nil, door: "test")
      new.settleAll()
    }
    let databases = [store.directory.catalog, store.directory.state]
    let places = databases.map { FileSystem.place($0) }
    await #expect(throws: Refusal.directoryGone) { try await store.append([store.log("chat.message")]) }
    try store.start().writer.retireCurrent()
    try store.start().writer.settlePoint()
    try store.start().maintainNow()
    #expect(throws: StoreFailure.self) { try store.start().clear(Clearing(before: nil, category: nil)) }
    store.close()
    #expect(databases.map { FileSystem.place($0) } == places)
    #expect(new.isInPlace)
    #expect(try store.account().present == 4)
    #expect(try store.account().received == 4)
    new.close()
    #expect(try store.account().balances)
    let after = try DataStore(DataDirectory(moved), store.options)
    after.settleAll()
    after.close()
    #expect(try Books.read(DataDirectory(moved), countFiles: true).balances)
  }

  /// SQLite finds nothing at the old names, but neither is anything put there.
  @Test func aRemovedFolderStaysRemoved() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message")])
    try store.settle()
    ModelStore.remove(store.directory.path)
    await #expect(throws: Refusal.directoryGone) { try await store.append([store.log("chat.message")]) }
    try store.start().maintainNow()
    store.close()
    #expect(!FileSystem.exists(store.directory.path))
  }

  @Test func aSettledFileOfALaterVersionIsNamedAtTheStart() async throws {
    let store = try ModelStore()
    try await store.append([store.log("chat.message")])
    try store.settle()
    store.close()
    let path = try #require(try store.settledFiles().first?.path)
    try ModelStore.overwrite(path, at: 60, with: [0, 0, 0, 99])
    try store.start()
    #expect(store.diary.newer == [path])
  }
}
