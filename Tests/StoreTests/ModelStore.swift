import Glibc
import Synchronization
import Telemetry
import TestSupport

@testable import Store

/// A clock that stands still until it is told to go.
final class StepClock: Sendable {
  /// 2026-07-01 12:00 UTC, in nanoseconds: far from midnight on both sides.
  static let noon = Timestamp.day(year: 2026, month: 7, day: 1) * Timestamp.nanosecondsPerDay + 12 * hour
  static let hour: Int64 = 3_600_000_000_000
  static let day = Timestamp.nanosecondsPerDay

  private let time = Atomic<Int64>(noon)

  var now: Int64 { time.load(ordering: .relaxed) }
  func advance(_ nanoseconds: Int64) { time.wrappingAdd(nanoseconds, ordering: .relaxed) }
  func set(_ nanoseconds: Int64) { time.store(nanoseconds, ordering: .relaxed) }
}

/// What a store told its operator.
final class StoreDiary: Sendable {
  private let events = Mutex<[StoreEvent]>([])

  func note(_ event: StoreEvent) { events.withLock { $0.append(event) } }

  var quarantined: [(path: String, reason: String, salvaged: Int64, lost: Int64)] {
    events.withLock { events in
      events.compactMap { event in
        guard case .quarantined(let path, let reason, let salvaged, let lost) = event else { return nil }
        return (path, reason, salvaged, lost)
      }
    }
  }

  /// Ranges of rows that were acknowledged and are nowhere.
  var missing: [(first: Int64, last: Int64)] {
    events.withLock { events in
      events.compactMap { if case .rowsMissing(let first, let last) = $0 { (first, last) } else { nil } }
    }
  }

  var jumps: Int {
    events.withLock { events in events.count { if case .clockJumped = $0 { true } else { false } } }
  }

  /// Names of days of the reject log that retention took, with why.
  var rejectedDays: [String] {
    events.withLock { events in
      events.compactMap { event in
        guard case .rejectsPruned(let path, _, let policy) = event else { return nil }
        return "\(path.split(separator: "/").last ?? "") \(policy)"
      }
    }
  }

  /// How often it told that `quarantine/` is large.
  var quarantineWarnings: Int {
    events.withLock { events in events.count { if case .quarantineLarge = $0 { true } else { false } } }
  }

  /// Paths of files of a later version.
  var newer: [String] {
    events.withLock { events in events.compactMap { if case .newer(let path) = $0 { path } else { nil } } }
  }

  /// Paths of files that retention took, in that order.
  var prunedPaths: [String] {
    events.withLock { events in
      events.compactMap { if case .pruned(let path, _, _, _, _) = $0 { path } else { nil } }
    }
  }

  var pruned: [String] {
    events.withLock { events in
      events.compactMap { event in
        guard case .pruned(_, let className, _, _, let policy) = event else { return nil }
        return "\(className) \(policy)"
      }
    }
  }
}

/// A data directory of its own for one test, with the store that is open on it; both go with the object.
final class ModelStore {
  let directory: DataDirectory
  let clock = StepClock()
  let diary = StoreDiary()
  var options = StoreOptions()
  private(set) var open: DataStore?
  private var numbers = 0

  /// `copy`: starts from the files of another directory instead of an empty one.
  init(copy: String? = nil) throws {
    // In memory where there is such a folder: these tests end processes, not machines, and fsync is slow.
    let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(place)/garner-store-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("create folder", place) }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    directory = DataDirectory(path)
    prepare()
    if let copy { try Self.copy(copy, to: path) }
  }

  /// The folder `crash` in the place of `path`: SQLite's journals name each other by their whole path.
  init(crash: String, at path: String) throws {
    Self.remove(path)
    try FileSystem.move(crash, path)
    directory = DataDirectory(path)
    prepare()
  }

  private func prepare() {
    let clock = clock
    options.clock = { clock.now }
    options.reserveBytes = 0
    options.maxBytes = nil
    // These tests step over months.
    options.clockGrace = 0
  }

  deinit {
    open?.close()
    Self.remove(directory.path)
  }

  // MARK: life

  @discardableResult
  func start() throws -> DataStore {
    if let open { return open }
    let diary = diary
    let store = try DataStore(directory, options, report: { diary.note($0) })
    open = store
    return store
  }

  func close() {
    open?.close()
    open = nil
  }

  @discardableResult
  func restart() throws -> DataStore {
    close()
    return try start()
  }

  /// Goes on with the numbers of another one.
  func take(numbersOf other: ModelStore) { numbers = other.numbers }

  // MARK: writing

  func nextNumber() -> Int {
    numbers += 1
    return numbers
  }

  /// Data that no other record of this store has.
  func mark() -> String { "{\"n\":\(nextNumber())}" }

  /// `batch` with other rows, for what `SampleBatch` cannot say.
  static func batch(_ batch: Batch, rows: [Row]) -> Batch {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(batch.arena.count, 1), alignment: 8)
    memory.copyMemory(from: batch.arena)
    return Batch(
      signal: batch.signal, rows: rows, names: batch.names, resources: batch.resources, streams: batch.streams,
      contexts: batch.contexts, metrics: batch.metrics, series: batch.series, rejections: batch.rejections,
      rejectionCounts: batch.rejectionCounts, warnings: batch.warnings, recordCount: batch.recordCount,
      arena: UnsafeRawBufferPointer(memory))
  }

  @discardableResult
  func append(
    _ records: [SampleBatch.Record], signal: Signal = .logs, key: ReceiptKey? = nil, rejections: [Rejection] = [],
    identities: [ImportIdentity] = []
  ) async throws -> Receipt {
    let batch = SampleBatch.make(signal, records, rejections: rejections)
    return try await start().writer.append(batch, key: key, door: "test", identities: identities)
  }

  /// One log record `hours` away from now.
  func log(_ event: String, hours: Int64 = 0, source: String = "local", uid: String = "") -> SampleBatch.Record {
    SampleBatch.Record(event, time: clock.now + hours * StepClock.hour, data: mark(), source: source, uid: uid)
  }

  func settle() throws { try start().settleAll() }

  // MARK: reading, as another process would

  func files() throws(SQLiteError) -> [DataFile] { try FileList.read(directory) }

  func settledFiles() throws -> [DataFile] { try files().filter { !$0.isLanding } }

  /// The rows of `sql` from each file, one file after another.
  func read(_ sql: String) throws -> [[SQLValue]] {
    do throws(SQLiteError) { return try readOnce(sql) } catch {
      // A file was settled under our eyes: once more when the settler rests.
      open?.maintainNow()
      return try readOnce(sql)
    }
  }

  private func readOnce(_ sql: String) throws(SQLiteError) -> [[SQLValue]] {
    var rows: [[SQLValue]] = []
    for file in try files() { rows += try Connection(file.path, .readOnly).rows(sql) }
    return rows
  }

  func texts(_ sql: String) throws -> [String] {
    try read(sql).map { row in row.map { if case .text(let text) = $0 { text } else { "\($0)" } }.joined(separator: " ")
    }
  }

  func integers(_ sql: String) throws -> [Int64] {
    try read(sql).compactMap { if case .integer(let number) = $0[0] { number } else { nil } }
  }

  /// The marks of all records that can be read, sorted; span events are left out.
  func marks() throws -> [Int64] {
    try integers(
      """
      SELECT json_extract(coalesce(e.data, s.attributes), '$.n') FROM event e LEFT JOIN series s ON s.id = e.series
      WHERE e.kind != 4
      """
    ).sorted()
  }

  func ids() throws -> [Int64] { try integers("SELECT id FROM event").sorted() }

  func books() throws -> Books { try Books.read(directory, countFiles: true) }

  func account(_ source: String = "local") throws -> Books.Account {
    try books().accounts.first { $0.source == source } ?? Books.Account(source: source)
  }

  /// Names under `quarantine/`.
  var quarantine: [String] { FileSystem.list(directory.quarantine) }

  // MARK: damage

  static func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
    let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path) }
    defer { Glibc.close(descriptor) }
    let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    if written != bytes.count { throw FileError("write", path) }
  }

  static func extend(_ path: String, by bytes: [UInt8]) throws {
    try overwrite(path, at: Int(FileSystem.length(path)), with: bytes)
  }

  static func truncate(_ path: String, to length: Int64) throws {
    if Glibc.truncate(path, off_t(length)) != 0 { throw FileError("truncate", path) }
  }

  static func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  // MARK: folders

  static func copy(_ from: String, to: String) throws {
    mkdir(to, 0o700)
    for name in FileSystem.list(from) {
      let source = from + "/" + name
      if FileSystem.isFolder(source) {
        try copy(source, to: to + "/" + name)
      } else if name != "ballast" {
        try copyFile(source, to: to + "/" + name)
      }
    }
  }

  /// One that vanishes meanwhile is not there.
  private static func copyFile(_ from: String, to: String) throws {
    guard let bytes = try? FileSystem.read(from, limit: 1 << 30) else { return }
    let descriptor = Glibc.open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError("create", to) }
    defer { Glibc.close(descriptor) }
    var at = 0
    while at < bytes.count {
      let written = bytes[at...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written <= 0 { throw FileError("write", to) }
      at += written
    }
  }

  static func remove(_ path: String) {
    if FileSystem.isFolder(path) {
      for name in FileSystem.list(path) { remove(path + "/" + name) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
