import Telemetry
import Testing

@testable import Intake

struct DropPendingTests {
  static let second: Int64 = 1_000_000_000

  static func file(_ name: String, size: Int64, modified: Int64) -> DropFolder.Entry {
    var stamp = DropFolder.Stamp()
    stamp.size = size
    stamp.modified = modified
    return DropFolder.Entry(name: name, stamp: stamp)
  }

  @Test(arguments: [
    ".hidden", "a~", "a.tmp", "a.part", "a.partial", "a.filepart", "a.crdownload", "a.swp", "a.meta.json", "a.db-wal",
    "a.db-shm", "a.db-journal", "a.why.json",
  ]) func ignoresFilesOnTheirWayAndFilesOfOthers(name: String) {
    #expect(DropFolder.ignores(name))
    var pending = DropPending(settle: Self.second)
    pending.note(.moved, name, now: 0)
    #expect(pending.due(now: 100) == [])
  }

  @Test(arguments: ["a.json", "tmp", "a.tmp.gz", "part.ndjson", "a-walk.csv"]) func takesOtherNames(name: String) {
    #expect(!DropFolder.ignores(name))
  }

  @Test func aRenamedFileIsDueAtOnce() {
    var pending = DropPending(settle: 2 * Self.second)
    pending.note(.moved, "a", now: 5)
    #expect(pending.due(now: 5) == ["a"])
  }

  @Test func aWrittenFileIsDueWhenItIsQuiet() {
    var pending = DropPending(settle: 2 * Self.second)
    pending.note(.changed, "a", now: 0)
    pending.note(.changed, "a", now: Self.second)
    #expect(pending.due(now: 2 * Self.second) == [])
    #expect(pending.deadline == 3 * Self.second)
    #expect(pending.due(now: 3 * Self.second) == ["a"])
  }

  @Test func aScanFindsWhatNobodyTold() {
    var pending = DropPending(settle: 2 * Self.second)
    let wall = 1_000 * Self.second
    pending.scan(
      [Self.file("old", size: 1, modified: 0), Self.file("new", size: 1, modified: wall - Self.second)], now: 0,
      wall: wall)
    #expect(pending.due(now: 0) == ["old"])
    #expect(pending.due(now: Self.second) == ["old", "new"])
  }

  @Test func aFileThatGrowsBetweenScansIsNotQuiet() {
    var pending = DropPending(settle: 2 * Self.second)
    pending.scan([Self.file("a", size: 1, modified: 0)], now: 0, wall: 0)
    pending.scan([Self.file("a", size: 2, modified: 0)], now: Self.second, wall: 0)
    #expect(pending.due(now: 2 * Self.second) == [])
    #expect(pending.due(now: 3 * Self.second) == ["a"])
  }

  @Test func whatIsLeftIsDueAgainOnceItChanges() {
    var pending = DropPending(settle: Self.second)
    pending.scan([Self.file("a", size: 1, modified: 0)], now: 0, wall: 100 * Self.second)
    pending.leave("a", Self.file("a", size: 1, modified: 0).stamp)
    pending.scan([Self.file("a", size: 1, modified: 0)], now: 50 * Self.second, wall: 150 * Self.second)
    #expect(pending.due(now: 60 * Self.second) == [])
    pending.scan([Self.file("a", size: 2, modified: 9)], now: 70 * Self.second, wall: 170 * Self.second)
    #expect(pending.due(now: 71 * Self.second) == ["a"])
  }

  @Test func anOpenWriterIsWaitedForAnHour() {
    var pending = DropPending(settle: Self.second)
    pending.note(.changed, "a", now: 0)
    #expect(pending.waitsForWriter("a", now: 3_599 * Self.second))
    #expect(!pending.waitsForWriter("a", now: 3_600 * Self.second))
    pending.postpone("a", until: 9 * Self.second)
    #expect(pending.due(now: 8 * Self.second) == [])
    #expect(pending.due(now: 9 * Self.second) == ["a"])
  }

  @Test func whatIsGoneIsForgotten() {
    var pending = DropPending(settle: Self.second)
    pending.note(.changed, "a", now: 0)
    pending.note(.gone, "a", now: 1)
    pending.note(.changed, "b", now: 0)
    pending.scan([], now: 1, wall: 1)
    #expect(pending.count == 0)
  }

  @Test func aMarkTellsAllThatItWasMadeOf() {
    var progress = DropProgress()
    progress.state = .rejected
    progress.name = "a \"b\"\n.csv"
    progress.source = "ci"
    progress.format = "csv"
    progress.position = DropPosition(offset: 1 << 40, line: 7)
    progress.loads = 2
    progress.received = 9
    progress.stored = 5
    progress.rejected = 4
    progress.heldBytes = 33
    progress.reasons = ["bad_csv": 3, "truncated": 1]
    progress.first = [DropRefusal(line: 3, record: 1, offset: 88, path: "a[0].b", reason: "bad_csv")]
    #expect(DropProgress(value: progress.value) == progress)
    let why = String(decoding: progress.why(file: progress.name, hash: "00ff", holdsLines: true), as: UTF8.self)
    #expect(why.contains(#""file":"a \"b\"\u000a.csv","sha256":"00ff""#))
    #expect(why.contains(#""reasons":[{"reason":"bad_csv","count":3},{"reason":"truncated","count":1}]"#))
  }

  @Test func aFileBreaksOffOnce() {
    for isKnownBefore in [true, false] {
      var progress = DropProgress()
      let line = DropRefusal(line: 9, record: 0, offset: 70, path: "", reason: "truncated")
      if isKnownBefore { progress.add(DropFault(.truncated, at: 80)) }
      progress.add([line])
      progress.add(DropFault(.truncated, at: 80))
      #expect(progress.reasons == ["truncated": 1] && progress.first == [line] && progress.isBroken)
    }
  }

  @Test func aMarkOfAnotherVersionIsUnknown() {
    #expect(DropProgress(value: Array("2\0taking\0".utf8)) == nil)
    #expect(DropProgress(value: []) == nil)
  }
}
