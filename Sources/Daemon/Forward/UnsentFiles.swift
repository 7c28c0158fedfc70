import Forward
import Store
import Synchronization
import Telemetry
import Wire

/// What retention hears of destinations (FORWARD §3): files with unsent records stay as long as `hold_unsent` has room for
/// them, and what goes unsent is counted.
final class UnsentFiles: PruneWatch {
  private let forwarder: Forwarder
  private let source: StoreRecords
  /// Bytes that a destination may hold, by its name, and all of them together.
  private let limits: @Sendable () -> (each: [String: Int64], all: Int64)
  // covers: what is held in the present look at retention.
  private let held = Mutex<Held>(Held())

  private struct Held {
    var bytes: [String: Int64] = [:]
    var files: [String: Int64] = [:]
  }

  init(
    _ forwarder: Forwarder, _ source: StoreRecords,
    limits: @escaping @Sendable () -> (each: [String: Int64], all: Int64)
  ) {
    self.forwarder = forwarder
    self.source = source
    self.limits = limits
  }

  func beginLook() { held.withLock { $0 = Held() } }

  /// The newest first: where there is no room for all of them, it is the oldest that go.
  func holds(_ files: [DataFile]) -> [Bool] {
    let limits = limits()
    guard limits.each.values.contains(where: { $0 > 0 }) else { return files.map { _ in false } }
    let runs = forwarder.positions()
    return Array(files.reversed().map { holds($0, runs, limits) }.reversed())
  }

  private func holds(
    _ file: DataFile, _ runs: [RunPosition], _ limits: (each: [String: Int64], all: Int64)
  ) -> Bool {
    if held.withLock({ $0.files[file.path] != nil }) { return true }
    for run in runs where run.position.low < file.lastID {
      guard let limit = limits.each[run.destination], limit > 0,
        count(file, run, after: run.position.low).total > 0
      else { continue }
      let fits = held.withLock { held in
        let mine = held.bytes[run.destination, default: 0] + file.bytes
        guard mine <= limit, held.files.values.reduce(file.bytes, +) <= limits.all else { return false }
        held.bytes[run.destination] = mine
        held.files[file.path] = file.bytes
        return true
      }
      if fits { return true }
    }
    return false
  }

  /// What was read is on its way, file or not.
  func willRemove(_ file: DataFile) {
    for run in forwarder.positions() where run.readTo < file.lastID {
      let unsent = count(file, run, after: run.readTo)
      if unsent.total > 0 { forwarder.pruned(run.key, unsent) }
    }
  }

  /// Bytes that are held for a destination, as of the last look.
  func heldBytes(_ name: String) -> Int64 { held.withLock { $0.bytes[name] ?? 0 } }

  private func count(_ file: DataFile, _ run: RunPosition, after: Int64) -> SignalCount {
    var count = SignalCount()
    var question = RecordQuestion(
      after: after, signals: run.lot.filter.signals, includeRestricted: run.lot.filter.restricted)
    run.lot.ask(&question)
    guard let reader = try? source.open(question, files: [file]) else { return count }
    _ = try? reader.read { record in
      if record.kind.isRecord, run.lot.wants(record), run.lot.filter.matches(record), !run.position.isSettled(record.id)
      {
        count[record.kind.signal] += 1
      }
      return true
    }
    return count
  }
}
