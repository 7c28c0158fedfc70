import Forward
import FoundationEssentials
import Store
import Telemetry
import Wire

/// `garner forward status` as JSON: an array of objects keyed by column (FORWARD §9).
struct ForwardReport: Encodable {
  struct Refusal: Encodable {
    var reason: String
    var count: Int64
    var first: String
    var last: String
    var message: String
    /// Ids of rows.
    var sample: [Int64]
  }

  struct Line: Encodable {
    var destination: String
    var kind: String
    var id: Int?
    var state: String
    var lagRecords: Int64
    var lagSeconds: Double
    var oldestUnsent: String?
    var waiting: Int64
    var sent: Int64
    var retried: Int64
    var refused: Int64
    var lastError: String
    var type: String
    var endpoint: String
    var lagExact: Bool
    var skipped: Int64
    var prunedUnsent: Int64
    var duplicate: Int64
    var heldBytes: Int64
    var position: Int64
    var restricted: Bool
    var advice: String
    var refusedBy: [Refusal]

    private enum CodingKeys: String, CodingKey {
      case destination, kind, id, state, waiting, sent, retried, refused, type, endpoint, skipped, duplicate, position
      case restricted, advice
      case lagRecords = "lag_records"
      case lagSeconds = "lag_seconds"
      case oldestUnsent = "oldest_unsent"
      case lastError = "last_error"
      case lagExact = "lag_exact"
      case prunedUnsent = "pruned_unsent"
      case heldBytes = "held_bytes"
      case refusedBy = "refused_by"
    }
  }

  var lines: [Line]

  /// Counts what is unsent; blocks.
  init(_ runs: [RunStatus], source: StoreRecords, heldBytes: (String) -> Int64) {
    lines = runs.map { run in
      let unsent = UnsentCount(run, source)
      return Line(
        destination: run.destination, kind: run.kind, id: run.id,
        state: run.isDone ? "done" : run.isCancelled ? "cancelled" : run.state,
        lagRecords: unsent.lag, lagSeconds: unsent.seconds, oldestUnsent: unsent.oldest.map { Timestamp.text($0) },
        waiting: unsent.waiting, sent: run.books.sent, retried: run.retried, refused: run.books.refusedCount,
        lastError: run.lastError, type: run.type.rawValue, endpoint: run.endpoint, lagExact: unsent.isExact,
        skipped: run.books.skipped, prunedUnsent: run.books.prunedUnsent, duplicate: run.books.duplicate,
        heldBytes: run.kind == "live" ? heldBytes(run.destination) : 0, position: run.position.low,
        restricted: run.isRestricted, advice: run.advice,
        refusedBy: run.books.refused.sorted { $0.key < $1.key }.map { reason, records in
          Refusal(
            reason: reason, count: records.count, first: Timestamp.text(records.first),
            last: Timestamp.text(records.last), message: records.message, sample: records.samples)
        })
    }
  }

  func encode(to encoder: any Encoder) throws { try lines.encode(to: encoder) }

  func json() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}

/// What a run has before it: counted row by row up to a limit, beyond it told by ids.
struct UnsentCount {
  var lag: Int64 = 0
  var waiting: Int64 = 0
  var seconds = 0.0
  /// Arrival of the oldest, nanoseconds since 1970.
  var oldest: Int64?
  var isExact = true

  /// Rows that are counted one by one: some tenths of a second.
  static let limit = 100_000

  init(_ run: RunStatus, _ source: StoreRecords) {
    guard run.rowsBehind > 0 else { return }
    var question = RecordQuestion(
      after: run.position.low, signals: run.options.filter.signals, includeRestricted: run.options.filter.restricted)
    run.lot.ask(&question)
    guard let reader = try? source.open(question) else {
      lag = run.rowsBehind
      isExact = false
      return
    }
    let now = source.now()
    var rows = 0
    var left = 0
    _ = try? reader.read { record in
      guard record.kind != .spanEvent else { return true }
      if record.id > run.lastID { return false }
      if rows >= Self.limit {
        left = 1
        return false
      }
      rows += 1
      guard run.lot.wants(record), run.options.filter.matches(record), !run.position.isSettled(record.id) else {
        return true
      }
      if run.lot.wait(record, now: now) != nil {
        waiting += 1
      } else {
        lag += 1
        if oldest == nil { oldest = record.receivedAt }
      }
      return true
    }
    if left > 0 {
      isExact = false
      lag = max(lag, run.rowsBehind)
    }
    if let oldest { seconds = Double(max(0, now - oldest)) / 1e9 }
  }
}
