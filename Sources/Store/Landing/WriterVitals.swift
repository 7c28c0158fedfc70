package import Synchronization

/// What the writer and its neighbours tell about themselves; read by status, metrics and tests.
package final class StoreVitals: Sendable {
  package let committedRows = Atomic<Int64>(0)
  package let committedRecords = Atomic<Int64>(0)
  package let commits = Atomic<Int64>(0)
  package let commitNanoseconds = Atomic<Int64>(0)
  package let duplicates = Atomic<Int64>(0)
  package let failures = Atomic<Int64>(0)
  package let queueBytes = Atomic<Int64>(0)
  package let landingBytes = Atomic<Int64>(0)
  /// Retired landing files that wait for the settler.
  package let backlog = Atomic<Int64>(0)
  package let settledFiles = Atomic<Int64>(0)
  package let settledRows = Atomic<Int64>(0)
  package let settleNanoseconds = Atomic<Int64>(0)
  package let prunedFiles = Atomic<Int64>(0)
  package let prunedRows = Atomic<Int64>(0)
  package let quarantined = Atomic<Int64>(0)
  package let bytesOnDisk = Atomic<Int64>(0)
  /// Bytes of retired landing files that wait for the settler.
  package let backlogBytes = Atomic<Int64>(0)
  /// Bytes on disk at the last look without landing files, and what was settled since.
  package let settledBytes = Atomic<Int64>(0)
  /// Bytes that the writer found no room for under the cap.
  package let roomWanted = Atomic<Int64>(0)
  package let freeBytes = Atomic<Int64>(0)
  package let reserveBytes = Atomic<Int64>(0)
  /// True while the cap or the reserve cannot be kept without touching what is younger than `min_age`.
  package let overCap = Atomic<Bool>(false)
  /// The operator has heard of it.
  package let toldOfCap = Atomic<Bool>(false)
  /// Bytes that lie in `quarantine/`.
  package let quarantineBytes = Atomic<Int64>(0)
  /// The operator has heard that they are many.
  package let toldOfQuarantine = Atomic<Bool>(false)
  /// Largest row id that is committed: what destinations and readers may rely on.
  package let lastID = Atomic<Int64>(0)
  package let rates = SourceRates()

  package init() {}
}
