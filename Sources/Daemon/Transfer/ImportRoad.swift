import Store
import Telemetry

/// Hands batches to the store, some at a time, so that it can take many lines into one transaction; waits while it
/// has no room.
struct ImportRoad {
  struct Load: Sendable {
    var batch: Batch
    var identities: [ImportIdentity]
  }

  static let door = "import"
  private static let window = 32
  /// Half a minute in all.
  private static let attempts = 600

  private let sink: any ImportSink
  private let path: String
  private var waiting: [Load] = []
  private var waitingBytes = 0
  var summary = ImportSummary()

  init(_ sink: any ImportSink, _ path: String) {
    self.sink = sink
    self.path = path
  }

  mutating func add(_ batch: Batch, _ identities: [ImportIdentity]) async throws {
    if batch.recordCount == 0 && batch.rejectedCount == 0 { return }
    waiting.append(Load(batch: batch, identities: identities))
    waitingBytes += batch.byteCount
    if waiting.count >= Self.window || waitingBytes >= 8 << 20 { try await flush() }
  }

  /// In the order of the file: each is queued before the next one is.
  mutating func flush() async throws {
    let loads = waiting
    let sink = sink
    let path = path
    waiting = []
    waitingBytes = 0
    let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
      for load in loads { group.addTask { try await Self.send(load, sink, path) } }
      var receipts: [Receipt] = []
      for try await receipt in group { receipts.append(receipt) }
      return receipts
    }
    for receipt in receipts { summary.add(receipt) }
  }

  private static func send(_ load: Load, _ sink: any ImportSink, _ path: String) async throws -> Receipt {
    for attempt in 1...attempts {
      do throws(Refusal) {
        if let refusal = sink.admit(byteCount: load.batch.byteCount) { throw refusal }
        return try await sink.append(load.batch, key: nil, door: door, identities: load.identities)
      } catch {
        if attempt == attempts || error == .draining { throw ImportError(path, "the store refuses: \(error.cause)") }
        if case .storage(let reason) = error { throw ImportError(path, reason) }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw ImportError(path, "the store refuses")
  }
}
