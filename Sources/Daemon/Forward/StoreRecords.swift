import Forward
import Intake
import Store
import Synchronization
import Telemetry
import Wire

/// The store as destinations read it.
final class StoreRecords: RecordSource {
  private let store: DataStore
  /// How often a file could not be read, by the sentence that says so.
  private let unreadable = Mutex<[String: Int]>([:])

  /// A file that cannot be read may only be busy or on its way to another place: passed over it is after so many tries.
  private static let readTries = 3

  private let protector: Protector
  private let policy: PolicyAge

  /// `protector`: for rows from before `policy`.
  init(_ store: DataStore, protector: Protector, policy: PolicyAge) {
    self.store = store
    self.protector = protector
    self.policy = policy
  }

  /// The last row that has to be looked at, and what looks at it.
  fileprivate func protection() -> (last: Int64, RecordProtection)? {
    let last = policy.protectedBefore
    return last > 0 ? (last, protector.recordProtection()) : nil
  }

  /// Throws as long as rows of these files may still be read.
  fileprivate func note(_ warnings: ArraySlice<String>) throws(UnreadableFile) {
    for warning in warnings {
      let tries = unreadable.withLock { unreadable in
        unreadable[warning, default: 0] += 1
        return unreadable[warning, default: 0]
      }
      if tries < Self.readTries { throw UnreadableFile(description: warning) }
    }
  }

  var lastID: Int64 { store.vitals.lastID.load(ordering: .acquiring) }
  var storeID: String { store.storeID }
  func now() -> Int64 { FileSystem.now() }

  func open(_ question: RecordQuestion) throws -> any RecordReader { try open(question, files: nil) }

  /// Over these files alone; nil: all there are.
  func open(_ question: RecordQuestion, files: [DataFile]?) throws -> any RecordReader {
    var options = RowReader.Options()
    options.filter.includeRestricted = question.includeRestricted
    options.filter.restrictedClasses = store.options.classes.classes.filter(\.restricted).map(\.name)
    options.filter.kinds = question.signals.count == Signal.allCases.count ? [] : question.signals.flatMap(\.kinds)
    options.filter.from = question.from
    options.filter.to = question.to
    options.filter.clock = question.byTimestamp ? .time : .received
    let directory = store.directory
    let reader = RowReader(options) { () throws(SQLiteError) in
      if let files { return files }
      return try FileList.read(directory)
    }
    return StoreReader(reader, after: question.after, self)
  }

  func position(receivedAt time: Int64) throws -> Int64 {
    var question = RecordQuestion(after: .min, signals: Set(Signal.allCases), includeRestricted: true)
    question.from = time
    var first: Int64?
    _ = try open(question).read { record in
      first = record.id
      return false
    }
    return first.map { $0 - 1 } ?? lastID
  }

  func oldest() throws -> Int64 {
    let files = try FileList.read(store.directory)
    let settled = files.filter { !$0.isLanding && $0.rows > 0 }.map(\.firstID).min()
    return settled.map { $0 - 1 } ?? 0
  }
}

/// Stays with the thread that uses it.
private final class StoreReader: RecordReader {
  private let reader: RowReader
  private let after: Int64
  private let source: StoreRecords
  private var warned = 0
  private let protection: (last: Int64, rules: RecordProtection)?

  init(_ reader: RowReader, after: Int64, _ source: StoreRecords) {
    self.reader = reader
    self.after = after
    self.source = source
    protection = source.protection()
  }

  func read(_ body: (OTLPRecord) -> Bool) throws -> Bool {
    let more = try reader.read(after: after) { row in
      // Not one row of a later file before those that may still come.
      try noteWarnings()
      // A kind of row that a later version may know: nobody's to send.
      guard var record = OTLPRecord(row, withOrigin: true) else { return true }
      record.receivedAt = row.receivedAt
      record.isImported = row.isImported
      if let protection, record.id <= protection.last { protection.rules.protect(&record) }
      return body(record)
    }
    try noteWarnings()
    return more
  }

  private func noteWarnings() throws {
    let new = reader.warnings[warned...]
    if new.isEmpty { return }
    warned = reader.warnings.count
    try source.note(new)
  }
}

private struct UnreadableFile: Error, CustomStringConvertible {
  let description: String
}

extension Signal {
  fileprivate var kinds: [RowKind] {
    switch self {
    case .traces: [.span]
    case .metrics: [.number, .distribution]
    case .logs: [.log]
    }
  }
}
