/// The records of one request (or packet, or piece of a file), decoded and normalized: flat rows over one arena of bytes.
///
/// `@unchecked Sendable`: everything is set by `init` and never written again; the arena is freed by `deinit` only.
package final class Batch: @unchecked Sendable {
  /// One distinct (category, event).
  package struct Name: Sendable {
    package var category: Slice
    package var event: Slice
    package init(category: Slice, event: Slice) {
      self.category = category
      self.event = event
    }
  }

  /// One distinct OTLP resource. Texts are JSON (`attributes` an object, `entityRefs` an array or empty).
  package struct Resource: Sendable {
    package var attributes: Slice = .empty
    package var schemaURL: Slice = .empty
    package var entityRefs: Slice = .empty
    package var droppedAttributes: UInt32 = 0
    package init() {}
  }

  /// One instrumentation scope of one resource.
  package struct Stream: Sendable {
    package var resource: Int32 = 0
    package var name: Slice = .empty
    package var version: Slice = .empty
    package var attributes: Slice = .empty
    package var schemaURL: Slice = .empty
    package var droppedAttributes: UInt32 = 0
    package init() {}
  }

  /// Who and where a row is from (R57–R60). An empty slice is NULL for `gameID`, `gameModule` and `modFingerprint`.
  package struct Context: Sendable {
    package var source: Slice = .empty
    package var session: Slice = .empty
    package var component: Slice = .empty
    package var gameID: Slice = .empty
    package var gameModule: Slice = .empty
    package var modFingerprint: Slice = .empty
    package init() {}
  }

  /// Stream identity of a metric without its attributes (CONFORMANCE MET-14), plus description and metadata.
  package struct Metric: Sendable {
    package var name: Slice = .empty
    package var unit: Slice = .empty
    package var description: Slice = .empty
    /// JSON object, or empty for none.
    package var metadata: Slice = .empty
    package var type: MetricType = .gauge
    /// As sent: 0 unspecified, 1 delta, 2 cumulative, unknown numbers kept. Always 0 for gauge and summary.
    package var temporality: Int32 = 0
    package var monotonic = false
    package init() {}
  }

  package struct Series: Sendable {
    package var metric: Int32
    /// JSON object.
    package var attributes: Slice
    package init(metric: Int32, attributes: Slice) {
      self.metric = metric
      self.attributes = attributes
    }
  }

  package let signal: Signal
  package let rows: [Row]
  package let names: [Name]
  package let resources: [Resource]
  package let streams: [Stream]
  package let contexts: [Context]
  package let metrics: [Metric]
  package let series: [Series]
  /// Records that were refused alone; the rest of the request is stored (CONFORMANCE RSP-03). At most
  /// `Rejection.limitPerBatch` are kept with their text, so that a million bad points do not cost a gigabyte.
  package let rejections: [Rejection]
  /// All of them, counted.
  package let rejectionCounts: [Rejection.Tally: Int]
  /// Non-fatal oddities worth telling the sender, e.g. snake_case keys; shown once in `partial_success.error_message`.
  package let warnings: [String]
  /// Records that were taken out again; not among `rows`.
  package struct Filtered: Sendable, Equatable {
    /// Their places among the records that came, in order.
    package var records: [Int] = []
    /// Those that are erased, by source.
    package var counts: [String: Int] = [:]
    /// Those that this store has sent itself, by source.
    package var loops: [String: Int] = [:]

    package init(records: [Int] = [], counts: [String: Int] = [:], loops: [String: Int] = [:]) {
      self.records = records
      self.counts = counts
      self.loops = loops
    }

    package var isEmpty: Bool { records.isEmpty }

    /// Of what there is one for each record that came: those of the records that are left.
    package func rest<Element>(of elements: [Element]) -> [Element] {
      guard !records.isEmpty else { return elements }
      let gone = Set(records)
      return elements.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    }
  }

  package let filtered: Filtered
  /// As decoded, one for each record that has rows; empty: nobody has said. Not carried over to changed copies.
  package let identities: [RecordIdentity]
  /// Records among `rows`, that is all but span events.
  package let recordCount: Int
  /// The bytes behind every `Slice`.
  package let arena: UnsafeRawBufferPointer

  /// Takes ownership of `arena`, which must come from `UnsafeMutableRawPointer.allocate`.
  package init(
    signal: Signal, rows: [Row], names: [Name], resources: [Resource], streams: [Stream], contexts: [Context],
    metrics: [Metric], series: [Series], rejections: [Rejection],
    rejectionCounts: [Rejection.Tally: Int], warnings: [String], recordCount: Int,
    arena: UnsafeRawBufferPointer, filtered: Filtered = Filtered(), identities: [RecordIdentity] = []
  ) {
    self.signal = signal
    self.rows = rows
    self.names = names
    self.resources = resources
    self.streams = streams
    self.contexts = contexts
    self.metrics = metrics
    self.series = series
    self.rejections = rejections
    self.rejectionCounts = rejectionCounts
    self.warnings = warnings
    self.recordCount = recordCount
    self.arena = arena
    self.filtered = filtered
    self.identities = identities
  }

  deinit {
    arena.baseAddress?.deallocate()
  }

  /// Those that are not among `rejections`, one for each reason.
  package var rejectionRest: [Rejection.Rest] {
    guard rejectedCount > rejections.count else { return [] }
    var left = rejectionCounts
    for rejection in rejections {
      left[Rejection.Tally(source: rejection.source, reason: rejection.reason), default: 0] -= 1
    }
    return Rejection.Reason.allCases.compactMap { reason in
      let tallies = left.filter { $0.key.reason == reason && $0.value > 0 }
      guard let first = tallies.first else { return nil }
      return Rejection.Rest(
        reason: reason, source: tallies.count == 1 ? first.key.source : nil,
        count: tallies.values.reduce(0, +))
    }
  }

  package var rejectedCount: Int { rejectionCounts.values.reduce(0, +) }

  /// What the batch costs in memory, for the byte budget.
  package var byteCount: Int { arena.count + rows.count * MemoryLayout<Row>.stride + 512 }

  package func bytes(_ slice: Slice) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: arena[Int(slice.start)..<Int(slice.start) + Int(slice.count)])
  }

  /// For people and tests; hot paths bind bytes.
  package func text(_ slice: Slice) -> String { String(decoding: bytes(slice), as: UTF8.self) }
}

/// The raw value is the column `metric.type` on disk: never renumber.
package enum MetricType: UInt8, Sendable, CaseIterable {
  case gauge = 0
  case sum = 1
  case histogram = 2
  case exponentialHistogram = 3
  case summary = 4

  package var name: String {
    switch self {
    case .gauge: "gauge"
    case .sum: "sum"
    case .histogram: "histogram"
    case .exponentialHistogram: "exponential_histogram"
    case .summary: "summary"
    }
  }
}
