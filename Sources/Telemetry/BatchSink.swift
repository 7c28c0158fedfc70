/// Identity of one request body: a 128-bit keyed hash of (signal, credential, decompressed body), so that a retry is known
/// again and a body cannot be guessed from its key.
package struct ReceiptKey: Sendable, Hashable {
  package var high: UInt64
  package var low: UInt64
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// What was decided about one batch. Kept beside its rows; a retry gets the same one again.
package struct Receipt: Sendable, Equatable {
  /// Records in the request, and what became of them: `received = stored + rejected + filtered + deduplicated`.
  package var received: Int
  package var stored: Int
  package var rejected: Int
  package var filtered: Int
  package var deduplicated: Int
  /// Store-wide number of the first row; meaningless when `stored` is 0.
  package var firstID: Int64
  /// English text for `partial_success.error_message`; empty: leave `partial_success` unset.
  package var message: String
  /// True when the key was known: nothing was stored this time.
  package var duplicate: Bool

  package init(
    received: Int, stored: Int, rejected: Int = 0, filtered: Int = 0, deduplicated: Int = 0, firstID: Int64 = 0,
    message: String = "", duplicate: Bool = false
  ) {
    self.received = received
    self.stored = stored
    self.rejected = rejected
    self.filtered = filtered
    self.deduplicated = deduplicated
    self.firstID = firstID
    self.message = message
    self.duplicate = duplicate
  }
}

/// Why a whole batch was not taken. Every case is temporary: the sender may retry (503 / UNAVAILABLE).
package enum Refusal: Error, Sendable, Equatable {
  /// No room before the reserve, or SQLite said the disk is full.
  case diskReserve
  /// Too many bytes wait for the writer.
  case queueFull
  /// More landing files wait for settling than allowed.
  case settlingBehind
  /// The daemon is stopping.
  case draining
  /// The data directory is not there any more, or it is another one.
  case directoryGone
  /// SQLite or the file system failed in another way; the text is for the log, never for the answer.
  case storage(String)

  /// The stable name used in answers and metrics.
  package var cause: String {
    switch self {
    case .diskReserve: "disk_reserve"
    case .queueFull: "queue_full"
    case .settlingBehind: "settling_behind"
    case .draining: "draining"
    case .directoryGone: "directory_gone"
    case .storage: "storage"
    }
  }
}

/// A small fact that must be true exactly when the rows beside it are stored: how far a datagram stream or a dropped file was
/// taken. A later mark with the same key replaces it, a nil value removes it. Keys begin with the name of their door.
package struct Mark: Sendable, Equatable {
  package var key: [UInt8]
  package var value: [UInt8]?

  package init(key: [UInt8], value: [UInt8]?) {
    self.key = key
    self.value = value
  }
}

/// The one road from a door to the store.
package protocol BatchSink: Sendable {
  /// Stores `batch` and returns once it is committed and fsynced. The sink owns the batch from the call on; the caller
  /// suspends, no thread blocks. A throw means nothing of the batch is stored.
  ///
  /// `key` nil switches duplicate detection off for this batch. `door` is the name of the door for the column `door`.
  /// `marks` are written in the same transaction; a batch without rows may carry them.
  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark]
  ) async throws(Refusal) -> Receipt

  /// The same for records of which another Garner has said where they are from, one of `identities` for each; those that are
  /// known are deduplicated.
  func append(
    _ batch: Batch, key: ReceiptKey?, door: String, identities: [RecordIdentity]
  ) async throws(Refusal) -> Receipt

  /// Whether a batch of about this size would be taken now; asked before a body is read, so that a refusal costs nothing.
  func admit(byteCount: Int) -> Refusal?
}

extension BatchSink {
  package func append(_ batch: Batch, key: ReceiptKey?, door: String) async throws(Refusal) -> Receipt {
    try await append(batch, key: key, door: door, marks: [])
  }

  /// A sink that keeps no identities stores every record.
  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, identities: [RecordIdentity]
  ) async throws(Refusal) -> Receipt {
    try await append(batch, key: key, door: door, marks: [])
  }
}
