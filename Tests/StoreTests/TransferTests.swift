import Glibc
import Store
import Telemetry
import TestSupport
import Testing

/// Stored rows read back in order, from files that come and go.
@Suite struct TransferTests {
  private final class Fixture {
    let folder: String
    let store: DataStore
    static let now: Int64 = 1_767_600_000_000_000_000

    init() throws {
      var template = Array("/tmp/garner-transfer-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw FileError("create folder", "/tmp") }
      folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      var options = StoreOptions()
      options.clock = { Self.now }
      store = try DataStore(DataDirectory(folder), options)
    }

    deinit {
      store.close()
      Self.remove(folder)
    }

    private static func remove(_ path: String) {
      for name in FileSystem.list(path) {
        let child = path + "/" + name
        if FileSystem.isFolder(child) { remove(child) } else { unlink(child) }
      }
      rmdir(path)
    }

    /// Logs of several classes and days, and spans with events.
    func fill(_ rounds: Int) async throws {
      for round in 0..<rounds {
        let time = Self.now - Int64(round % 3) * RetentionClasses.day
        let logs = ["relay.game.start", "gui.click", "perf.frame", "plain", "relay.suspicion"].map {
          SampleBatch.Record($0, time: time)
        }
        _ = try await store.writer.append(SampleBatch.make(.logs, logs), key: nil, door: "test")
        let span = SampleBatch.Record("order", kind: .span, time: time, trace: (1, UInt64(round + 1)), spanEvents: 2)
        _ = try await store.writer.append(SampleBatch.make(.traces, [span]), key: nil, door: "test")
      }
    }

    func reader(_ filter: RowFilter = RowFilter()) -> RowReader {
      var options = RowReader.Options()
      options.filter = filter
      let directory = store.directory
      return RowReader(options) { () throws(SQLiteError) in try FileList.read(directory) }
    }

    func ids(_ reader: RowReader) throws -> [Int64] {
      var ids: [Int64] = []
      try reader.forEach { ids.append($0.id) }
      return ids
    }
  }

  private static var everything: RowFilter {
    var filter = RowFilter()
    filter.includeRestricted = true
    return filter
  }

  @Test func givesAllRowsInOrderOfTheirIDsFromLandingAndSettledFiles() async throws {
    let fixture = try Fixture()
    try await fixture.fill(12)
    fixture.store.settleAll()
    try await fixture.fill(7)
    let ids = try fixture.ids(fixture.reader(Self.everything))
    #expect(ids == Array(1...Int64(19 * 8)))
  }

  @Test(arguments: [false, true])
  func leavesRestrictedRowsOutUnlessAsked(settled: Bool) async throws {
    let fixture = try Fixture()
    try await fixture.fill(3)
    if settled { fixture.store.settleAll() }
    #expect(try fixture.ids(fixture.reader()).count == 3 * 7)
  }

  @Test func goesOnWhereItWasWhenFilesAreSettledMeanwhile() async throws {
    let fixture = try Fixture()
    try await fixture.fill(5)
    fixture.store.settleAll()
    try await fixture.fill(5)
    // The list is old by the time that it is used: its landing file is gone.
    let old = try FileList.read(fixture.store.directory)
    fixture.store.settleAll()
    var options = RowReader.Options()
    options.filter = Self.everything
    var isFirst = true
    let directory = fixture.store.directory
    let reader = RowReader(options) { () throws(SQLiteError) in
      defer { isFirst = false }
      return isFirst ? old : try FileList.read(directory)
    }
    #expect(try fixture.ids(reader) == Array(1...Int64(10 * 8)))
    #expect(reader.warnings == [])
  }

  @Test func passesOverAFileThatCannotBeRead() async throws {
    let fixture = try Fixture()
    try await fixture.fill(3)
    fixture.store.settleAll()
    let files = try FileList.read(fixture.store.directory).filter { $0.rows > 0 }
    let bad = try #require(files.first { $0.className == "detail" })
    try FileSystem.writeDurably(bad.path, [UInt8](repeating: 0x5a, count: 8192))
    let reader = fixture.reader(Self.everything)
    #expect(try fixture.ids(reader).count == 3 * 8 - Int(bad.rows))
    #expect(reader.warnings.count == 1)
  }

  @Test func tellsWhenAndHowARowArrived() async throws {
    let fixture = try Fixture()
    try await fixture.fill(2)
    var doors: Set<String> = []
    var times: Set<Int64> = []
    try fixture.reader().forEach { row in
      doors.insert(row.door)
      times.insert(row.receivedAt)
    }
    #expect(doors == ["test"] && times == [Fixture.now])
  }
}
