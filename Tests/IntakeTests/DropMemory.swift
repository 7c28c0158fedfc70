import Glibc
import Intake
import Synchronization
import Telemetry
import Wire

/// A store in memory for the drop folder; it can stop answering after some commits, like a daemon that is killed.
final class DropMemory: DropStore {
  private struct State {
    var batches: [Batch] = []
    var exports = 0
    var marks: [[UInt8]: [UInt8]] = [:]
    var commitsLeft = Int.max
    var beforeFirst: (@Sendable () -> Void)?
  }

  // covers: everything
  private let state = Mutex(State())

  var batches: [Batch] { state.withLock { $0.batches } }
  /// Records that are told to say all of their context.
  var exportCount: Int { state.withLock { $0.exports } }
  var recordCount: Int { batches.reduce(0) { $0 + $1.recordCount } }
  var events: [String] {
    batches.flatMap { batch in batch.rows.map { batch.text(batch.names[Int($0.name)].event) } }
  }
  var ticks: [Int64] { batches.flatMap { $0.rows.map(\.tick) } }
  var progress: [DropProgress] { state.withLock { $0.marks.values.compactMap { DropProgress(value: $0) } } }

  var markCount: Int { state.withLock { $0.marks.count } }

  /// Done once, when the first batch comes.
  func beforeFirstAppend(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.beforeFirst = work } }

  func stopAfter(commits: Int) { state.withLock { $0.commitsLeft = commits } }

  func append(
    _ batch: Batch, identities: [DropIdentity], isExport: Bool, marks: [Mark]
  ) async throws(Refusal) -> Receipt {
    let work = state.withLock { state in
      defer { state.beforeFirst = nil }
      return state.beforeFirst
    }
    work?()
    let receipt = state.withLock { state -> Receipt? in
      guard state.commitsLeft > 0 else { return nil }
      state.commitsLeft -= 1
      state.batches.append(batch)
      if isExport { state.exports += batch.recordCount }
      for mark in marks { state.marks[mark.key] = mark.value }
      return Receipt(
        received: batch.recordCount + batch.rejectedCount, stored: batch.recordCount, rejected: batch.rejectedCount)
    }
    guard let receipt else { throw .draining }
    return receipt
  }

  func admit(byteCount: Int) -> Refusal? { nil }

  func mark(_ key: [UInt8]) throws -> [UInt8]? { state.withLock { $0.marks[key] } }

  func database(at path: String, named name: String) throws(DropFault) -> any DropSource {
    throw DropFault(.corruptDatabase)
  }
}

struct NoRejects: RejectSink {
  func write(_ rejections: [Rejection], rest: [Rejection.Rest], door: String, signal: Signal, at: Int64) {}
  func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64) {}
}

/// A drop folder that is gone when the test is over.
final class DropScratch: Sendable {
  let folder: DropFolder

  init() {
    var template = Array("/tmp/garner-drop-XXXXXX".utf8CString)
    let made = mkdtemp(&template) != nil
    precondition(made, "no folder under /tmp")
    folder = DropFolder(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    try? folder.make()
  }

  deinit {
    for part in [folder.incoming, folder.done, folder.rejected] {
      for name in names(part, hidden: true) { unlink("\(part)/\(name)") }
      rmdir(part)
    }
    rmdir(folder.path)
  }

  func names(_ part: String, hidden: Bool = false) -> [String] {
    guard let stream = opendir(part) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." && (hidden || !name.hasPrefix(".")) { names.append(name) }
    }
    return names.sorted()
  }

  func put(_ name: String, _ bytes: [UInt8]) {
    guard let file = fopen("\(folder.incoming)/\(name)", "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  func put(_ name: String, _ text: String) { put(name, Array(text.utf8)) }

  func append(_ name: String, _ text: String) {
    guard let file = fopen("\(folder.incoming)/\(name)", "a") else { return }
    fputs(text, file)
    fclose(file)
  }

  func text(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  func rejected(_ name: String) -> String { text("\(folder.rejected)/\(name)") }
}
