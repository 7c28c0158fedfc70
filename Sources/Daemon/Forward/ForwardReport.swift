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
    /// The newest.
    var sample: [RefusedSample]
  }

  struct Line: Encodable {
    var destination: String
    /// live or replay.
    var kind: String
    /// The live position behind which a `delay` holds records back.
    var delayed: Bool
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
      case destination, kind, delayed, id, state, waiting, sent, retried, refused, type, endpoint, skipped, duplicate,
        position
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

    /// Every key is there, whatever it says: what is synthesized leaves out what is nil.
    func encode(to encoder: any Encoder) throws {
      var line = encoder.container(keyedBy: CodingKeys.self)
      try line.encode(destination, forKey: .destination)
      try line.encode(kind, forKey: .kind)
      try line.encode(delayed, forKey: .delayed)
      try line.encode(id, forKey: .id)
      try line.encode(state, forKey: .state)
      try line.encode(lagRecords, forKey: .lagRecords)
      try line.encode(lagSeconds, forKey: .lagSeconds)
      try line.encode(oldestUnsent, forKey: .oldestUnsent)
      try line.encode(waiting, forKey: .waiting)
      try line.encode(sent, forKey: .sent)
      try line.encode(retried, forKey: .retried)
      try line.encode(refused, forKey: .refused)
      try line.encode(lastError, forKey: .lastError)
      try line.encode(type, forKey: .type)
      try line.encode(endpoint, forKey: .endpoint)
      try line.encode(lagExact, forKey: .lagExact)
      try line.encode(skipped, forKey: .skipped)
      try line.encode(prunedUnsent, forKey: .prunedUnsent)
      try line.encode(duplicate, forKey: .duplicate)
      try line.encode(heldBytes, forKey: .heldBytes)
      try line.encode(position, forKey: .position)
      try line.encode(restricted, forKey: .restricted)
      try line.encode(advice, forKey: .advice)
      try line.encode(refusedBy, forKey: .refusedBy)
    }
  }

  var lines: [Line]

  /// Counts what is unsent, and reads what was refused if `hasSamples`; blocks.
  init(_ runs: [RunStatus], source: StoreRecords, hasSamples: Bool, heldBytes: (String) -> Int64) {
    lines = runs.map { run in
      let unsent = UnsentCount(run, source, limit: UnsentCount.statusLimit)
      return Line(
        destination: run.destination, kind: run.kind == "delayed" ? "live" : run.kind, delayed: run.kind == "delayed",
        id: run.id,
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
            last: Timestamp.text(records.last), message: records.message,
            sample: hasSamples
              ? RefusedSample.read(records.samples, from: source, includeRestricted: run.isRestricted) : [])
        })
    }
  }

  func encode(to encoder: any Encoder) throws { try lines.encode(to: encoder) }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
