import Glibc
import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

/// A folder that goes with its owner.
final class TestFolder: Sendable {
  let path: String

  struct NotMade: Error {}

  init() throws {
    var name = Array("/tmp/garner-forward-XXXXXX".utf8CString)
    let isMade = name.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkdtemp($0) != nil } ?? false }
    guard isMade else { throw NotMade() }
    path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for file in Self.files(path) { unlink("\(path)/\(file)") }
    rmdir(path)
  }

  static func files(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  /// All that is there at one moment: read until two readings agree, for a file may be closed and another begun between two
  /// of them.
  private var contents: [String: [UInt8]] {
    var before: [String: [UInt8]]?
    while true {
      var now: [String: [UInt8]] = [:]
      for name in Self.files(path) { now[name] = Self.read("\(path)/\(name)") }
      if now == before { return now }
      before = now
    }
  }

  /// Copies what is there now into another folder.
  func copy(to other: TestFolder) {
    for (name, bytes) in contents {
      guard let file = fopen("\(other.path)/\(name)", "wb") else { continue }
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
  }

  /// The notes of all log files, closed ones too.
  var notes: [Int64] {
    Self.files(path).filter { $0.hasPrefix("logs") }.flatMap { name in
      var bytes = Self.read("\(path)/\(name)")
      if name.hasSuffix(".gz") {
        let plain = try? bytes.withUnsafeBytes {
          Array(try Inflater.inflate($0, .gzip, limitBytes: 1 << 28) { _ in true }.bytes)
        }
        bytes = plain ?? []
      }
      return Self.notes(String(decoding: bytes, as: UTF8.self))
    }
  }

  /// Numbers behind `note-`.
  static func notes(_ text: String) -> [Int64] {
    text.split(separator: "note-", omittingEmptySubsequences: false).dropFirst().compactMap {
      Int64($0.prefix(while: \.isNumber))
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct FileTests {
  private func rows(_ ids: ClosedRange<Int64>) -> [TestRow] {
    ids.map { TestRow(id: $0, data: "{\"body\":\"note-\($0)\"}") }
  }

  private func destination(_ folder: TestFolder, _ lab: ForwardLab, _ files: FileCourier.Options) -> Destination {
    var options = ForwardLab.options("d", .file)
    options.pace.concurrency = 1
    let now = lab.records
    return Destination(options) { state in
      try FileCourier(folder: folder.path, kept: state.courier, files, now: { now.now() })
    } builder: {
      var parcels = OTLPParcelOptions()
      parcels.encoding = .json
      parcels.laneBySource = .none
      return OTLPParcelBuilder(parcels)
    }
  }

  @Test func writesALineForEachBatchAndSignal() async throws {
    let lab = try await ForwardLab()
    let folder = try TestFolder()
    lab.records.append(rows(1...25) + [TestRow(kind: .span, span: 7)])
    try await lab.run([destination(folder, lab, FileCourier.Options())]) { $0.position.low == 26 }
    #expect(TestFolder.files(folder.path) == ["logs.jsonl", "metrics.jsonl", "traces.jsonl"])
    #expect(folder.notes == Array(1...25))
    let logs = TestFolder.read(folder.path + "/logs.jsonl")
    #expect(logs.split(separator: 0x0a).count == 3)
    #expect(logs.last == 0x0a)
    #expect(try lab.state().courier["logs"] == Int64(logs.count))
    await lab.stop()
  }

  private final class Crashes: Sendable {
    private let held = Mutex<[(MemoryStorage.Contents, TestFolder)]>([])
    var all: [(MemoryStorage.Contents, TestFolder)] { held.withLock { $0 } }
    /// As it lies on the disk when the state was written.
    func add(_ contents: MemoryStorage.Contents, _ folder: TestFolder) {
      guard let copy = try? TestFolder() else { return }
      folder.copy(to: copy)
      held.withLock { $0.append((contents, copy)) }
    }
  }

  @Test(arguments: [1 << 20, 3_000, 10]) func hasEachRecordOnceWhereverItIsKilled(_ rotateBytes: Int64) async throws {
    let crashes = Crashes()
    var lab = try await ForwardLab()
    let folder = try TestFolder()
    lab.storage = MemoryStorage { crashes.add($0, folder) }
    var files = FileCourier.Options()
    files.rotateBytes = rotateBytes
    files.keep = 1_000
    lab.records.append(rows(1...100))
    let forwarder = lab.forwarder()
    try forwarder.start([destination(folder, lab, files)])
    var last: Int64 = 100
    for _ in 0..<4 {
      await lab.storage.until("d/live") { [last] in $0.position.low == last }
      lab.records.append(rows(last + 1...last + 37))
      last += 37
    }
    await lab.storage.until("d/live") { [last] in $0.position.low == last }
    await forwarder.stop()
    #expect(folder.notes.sorted() == lab.records.allIDs)
    #expect(crashes.all.count > 4)
    for (contents, copy) in crashes.all {
      var next = lab
      next.storage = MemoryStorage(contents)
      try await next.run([destination(copy, next, files)]) { [last] in $0.position.low == last }
      #expect(copy.notes.sorted() == lab.records.allIDs)
    }
    await lab.stop()
  }

  @Test func leavesWhatAFileHadBefore() async throws {
    let lab = try await ForwardLab()
    let folder = try TestFolder()
    let file = try #require(fopen(folder.path + "/logs.jsonl", "wb"))
    fputs("an old line\n", file)
    fclose(file)
    lab.records.append(rows(1...5))
    try await lab.run([destination(folder, lab, FileCourier.Options())]) { $0.position.low == 5 }
    #expect(TestFolder.read(folder.path + "/logs.jsonl").starts(with: Array("an old line\n{".utf8)))
    await lab.stop()
  }

  @Test func compressesAndRemovesClosedFilesOnceTheirPositionIsOnDisk() async throws {
    let folder = try TestFolder()
    let now = Mutex<Int64>(TestRow.base)
    var files = FileCourier.Options()
    files.rotateBytes = 10
    files.keep = 3
    var file = try RotatingFile(folder.path, "logs", [:], files) { now.withLock { $0 } }
    for number in 0..<9 {
      try file.append(Array("line number \(number)\n".utf8))
      now.withLock { $0 += 30_000_000_000 }
    }
    file.close()
    let names = TestFolder.files(folder.path)
    #expect(names.first == "logs-20231114T221620Z-0004.jsonl.gz" || names.count <= 6, "\(names)")
    #expect(names.contains("logs.jsonl"))
    #expect(names.filter { $0.hasSuffix(".gz") }.count >= 1)
    #expect(names.filter { $0.hasSuffix("Z-0008.jsonl") || $0.hasSuffix("Z-0007.jsonl") }.count == 2)
  }

  enum Meddling: String, CaseIterable { case removed, moved, folderRemoved, shortened }

  @Test(arguments: Meddling.allCases) func writesWhereTheNameLeads(_ meddling: Meddling) throws {
    let folder = try TestFolder()
    let inside = folder.path + "/out"
    mkdir(inside, 0o750)
    defer {
      for file in TestFolder.files(inside) { unlink("\(inside)/\(file)") }
      rmdir(inside)
    }
    let path = inside + "/logs.jsonl"
    var file = try RotatingFile(inside, "logs", [:], FileCourier.Options()) { TestRow.base }
    try file.append(Array("first\n".utf8))
    switch meddling {
    case .removed: unlink(path)
    case .moved: rename(path, inside + "/logs.old")
    case .folderRemoved:
      unlink(path)
      rmdir(inside)
    case .shortened: truncate(path, 0)
    }
    try file.append(Array("second\n".utf8))
    #expect(TestFolder.read(path) == Array("second\n".utf8))
    #expect(file.length == 7)
    if meddling == .moved { #expect(TestFolder.read(inside + "/logs.old") == Array("first\n".utf8)) }
    file.close()
  }

  @Test func makesTheFolderAboveItsOwnAnew() throws {
    let folder = try TestFolder()
    let (outer, inner) = (folder.path + "/out", folder.path + "/out/delayed")
    defer {
      for file in TestFolder.files(inner) { unlink("\(inner)/\(file)") }
      rmdir(inner)
      rmdir(outer)
    }
    mkdir(outer, 0o750)
    mkdir(inner, 0o750)
    var file = try RotatingFile(inner, "logs", [:], FileCourier.Options()) { TestRow.base }
    unlink(inner + "/logs.jsonl")
    rmdir(inner)
    rmdir(outer)
    try file.append(Array("line\n".utf8))
    file.close()
    #expect(TestFolder.read(inner + "/logs.jsonl") == Array("line\n".utf8))
  }

  @Test func cutsNothingOffAFileThatIsNotTheOneItWroteTo() throws {
    let folder = try TestFolder()
    let path = folder.path + "/logs.jsonl"
    let handle = try #require(fopen(path, "wb"))
    fputs("another file of this name\n", handle)
    fclose(handle)
    var file = try RotatingFile(folder.path, "logs", ["logs": 10], FileCourier.Options()) { TestRow.base }
    try file.append(Array("line\n".utf8))
    file.close()
    #expect(TestFolder.read(path) == Array("another file of this name\nline\n".utf8))
  }

  @Test func countsTheAgeOfAFileOverRestarts() throws {
    let folder = try TestFolder()
    var files = FileCourier.Options()
    files.rotateAfter = 4_000_000_000
    let second: Int64 = 1_000_000_000
    var kept: [String: Int64] = [:]
    // A process every two seconds.
    for start in stride(from: Int64(0), through: 6, by: 2) {
      var file = try RotatingFile(folder.path, "logs", kept, files) { TestRow.base + start * second }
      try file.append(Array("at \(start)\n".utf8))
      kept = ["logs": file.length, "logs.generation": file.generation, "logs.opened": file.openedAt]
      file.close()
    }
    #expect(TestFolder.files(folder.path).count == 2)
    #expect(TestFolder.read(folder.path + "/logs.jsonl") == Array("at 6\n".utf8))
  }

  @Test func anEmptyFileGrowsNoOlder() throws {
    let folder = try TestFolder()
    var files = FileCourier.Options()
    files.rotateAfter = 4_000_000_000
    let now = Mutex<Int64>(TestRow.base)
    var file = try RotatingFile(folder.path, "logs", [:], files) { now.withLock { $0 } }
    now.withLock { $0 += 60_000_000_000 }
    try file.append(Array("first\n".utf8))
    try file.append(Array("second\n".utf8))
    file.close()
    #expect(TestFolder.files(folder.path) == ["logs.jsonl"])
  }
}
