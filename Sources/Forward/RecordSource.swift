package import Telemetry
package import Wire

/// Which rows a reader is to give, as far as files and tables can tell; see `RecordFilter` for the rest.
package struct RecordQuestion: Sendable {
  /// Rows behind this one.
  package var after: Int64
  package var signals: Set<Signal>
  package var includeRestricted: Bool
  /// Nanoseconds since 1970, first moment and the one to stop before.
  package var from: Int64?
  package var to: Int64?
  /// `from` and `to` are row times, not arrivals.
  package var byTimestamp = false

  package init(after: Int64, signals: Set<Signal>, includeRestricted: Bool) {
    self.after = after
    self.signals = signals
    self.includeRestricted = includeRestricted
  }
}

/// The committed records, as the engine needs them: the seam to the store. Blocks; never called on the cooperative
/// pool.
package protocol RecordSource: Sendable {
  /// The last committed row; 0: none yet.
  var lastID: Int64 { get }
  /// Names the store towards others.
  var storeID: String { get }
  func open(_ question: RecordQuestion) throws -> any RecordReader
  /// The row before the first one that was received at `time` or later.
  func position(receivedAt time: Int64) throws -> Int64
  /// The row before the oldest.
  func oldest() throws -> Int64
  /// Nanoseconds since 1970.
  func now() -> Int64
}

/// Rows in the order of their ids; used by one thread at a time.
package protocol RecordReader: AnyObject {
  /// Calls `body` with each row, a span before its events, until it returns false (that row comes again) or there is no
  /// more. True: there may be more. The record is valid inside of the call.
  func read(_ body: (OTLPRecord) -> Bool) throws -> Bool
}

/// Where positions and folds are kept across restarts. Blocks.
package protocol ForwardStorage: Sendable {
  /// Known after `states()`.
  var memory: ForwardMemory { get }
  func states() throws -> [String: [UInt8]]
  /// In one transaction that is on disk on return; nil removes.
  func save(_ states: [String: [UInt8]?]) throws
  /// Folds of destinations that remember; the two newest.
  func checkpoints(_ name: String) -> [Checkpoint]
  func save(_ checkpoint: Checkpoint, _ name: String, dropping: Int64?) throws
  func removeCheckpoints(_ name: String) throws
}

/// How far what is kept of positions can be believed.
package enum ForwardMemory: Sendable {
  case whole
  /// They are some seconds old: what lies behind them may have been sent.
  case aged
  /// They could not be read, and there is no copy: where to go on is for a person to say.
  case lost
}

extension ForwardStorage {
  package var memory: ForwardMemory { .whole }
}

/// What a builder remembered when it had read up to a row.
package struct Checkpoint: Sendable {
  package var position: Int64
  package var state: [UInt8]

  package init(position: Int64, state: [UInt8]) {
    self.position = position
    self.state = state
  }
}
