package import Telemetry

/// What a store is told by the daemon's configuration.
package struct StoreOptions: Sendable {
  package var classes: RetentionClasses = .standard
  /// A landing file retires at this length, write-ahead log included (`store.landing_bytes`).
  package var landingBytes: Int64 = 64 << 20
  /// `retention.max_bytes`; nil: no cap.
  package var maxBytes: Int64? = 500_000_000
  /// Nothing younger is pruned for the cap (`retention.min_age`), nanoseconds.
  package var minAge: Int64 = 600_000_000_000
  /// Bytes to leave free on the file system (`retention.reserve_bytes`); nil: 2 × landing size + 8 MiB.
  package var reserveBytes: Int64?
  /// How often the pruner looks (`retention.interval`), nanoseconds.
  package var pruneInterval: Int64 = 60_000_000_000
  /// How long a retried request is known again (`dedup.window`), nanoseconds; 0: never.
  package var receiptWindow: Int64 = 3_600_000_000_000
  package var receiptLimit = 1_000_000
  /// Bytes of decoded batches that may wait for the writer.
  package var queueBytes = 64 << 20
  /// Bytes of batches that one transaction takes.
  package var groupBytes = 16 << 20
  /// Retired landing files that may wait for the settler before intake answers 503.
  package var landingBacklog = 8
  /// Shards under this length are put together by compaction.
  package var compactBelow: Int64 = 8 << 20
  /// Whether a credential has this source: then it has a name in the books however many others there are.
  package var isOwned: @Sendable (String) -> Bool = { _ in false }
  /// How often one settled file is read through, by turns, while nothing waits to be settled; nanoseconds.
  package var checkInterval: Int64 = 60_000_000_000
  /// How long a clock that jumped has to go on before files go by age; nanoseconds.
  package var clockGrace: Int64 = 6 * 3_600_000_000_000
  /// Time source, nanoseconds since 1970; tests step it.
  package var clock: @Sendable () -> Int64 = { FileSystem.now() }

  package init() {}
}
