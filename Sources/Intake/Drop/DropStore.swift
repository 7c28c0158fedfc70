package import Telemetry
package import Wire

/// Identity of a record that a store of this kind has given, as an export tells it.
package struct DropIdentity: Sendable, Hashable {
  package var store: String
  package var id: Int64

  package init(store: String, id: Int64) {
    self.store = store
    self.id = id
  }
}

/// What the drop folder needs of the store.
package protocol DropStore: Sendable {
  /// As `BatchSink.append` without a key; `identities`: one for each record, or none at all. `isExport`: the records say all
  /// of their context, also that they have none.
  func append(
    _ batch: Batch, identities: [DropIdentity], isExport: Bool, marks: [Mark]
  ) async throws(Refusal) -> Receipt
  func admit(byteCount: Int) -> Refusal?
  /// The committed value of a mark; blocks.
  func mark(_ key: [UInt8]) throws -> [UInt8]?
  /// A database of unknown making, to be read in pieces; `name` is what it is called in errors. Blocks.
  func database(at path: String, named name: String) throws(DropFault) -> any DropSource
}

/// Why a file cannot be taken, or not to its end; from a closed list that is in `.why.json`.
package struct DropFault: Error, Sendable, Equatable {
  package enum Reason: String, Sendable, CaseIterable {
    case unknownFormat = "unknown_format"
    case signalUnknown = "signal_unknown"
    case truncated
    case hasWAL = "has_wal"
    case corruptDatabase = "corrupt_database"
    case unsafeSchema = "unsafe_schema"
    case unknownColumn = "unknown_column"
    case tooBig = "too_big"
    case badSidecar = "bad_sidecar"
  }

  package var reason: Reason
  /// Offset in the content where it shows; nil: nowhere in particular.
  package var offset: Int64?

  package init(_ reason: Reason, at offset: Int64? = nil) {
    self.reason = reason
    self.offset = offset
  }
}

/// One line, frame or row that is not stored, or what of it is not.
package struct DropRefusal: Sendable, Equatable {
  /// Counted from 1; 0: the format has no lines.
  package var line: Int
  /// Number of the record in its line or of the frame in its file, counted from 0.
  package var record: Int
  package var offset: Int64
  package var path: String
  package var reason: String

  package init(line: Int, record: Int, offset: Int64, path: String, reason: String) {
    self.line = line
    self.record = record
    self.offset = offset
    self.path = path
    self.reason = reason
  }
}

/// What one transaction takes of a piece.
package struct DropLoad: Sendable {
  package var batch: Batch
  package var identities: [DropIdentity] = []
  /// An export of a Garner: its pseudonyms are ours, its context is whole.
  package var isExport = false
  package var refusals: [DropRefusal] = []
  /// The refused lines as they are, line ends included.
  package var refusedText: [UInt8] = []

  package init(batch: Batch) { self.batch = batch }

  /// Only what cannot be a record.
  package init(refused: [DropRefusal], source: String) {
    var counts: [Rejection.Tally: Int] = [:]
    for refusal in refused {
      let reason = Rejection.Reason(rawValue: refusal.reason) ?? .badFrame
      counts[Rejection.Tally(source: source, reason: reason), default: 0] += 1
    }
    let told = refused.prefix(Rejection.limitPerBatch).enumerated().map { index, refusal in
      Rejection(
        reason: Rejection.Reason(rawValue: refusal.reason) ?? .badFrame, index: index, path: refusal.path,
        source: source, record: "")
    }
    self.init(batch: Batch.refused(told, counts, .logs))
    refusals = refused
  }
}

/// A place between two pieces: everything before it was decoded.
package struct DropPosition: Sendable, Equatable {
  /// Bytes of the content; of a database, pieces.
  package var offset: Int64 = 0
  /// Lines, records or frames before it.
  package var line = 0

  package init(offset: Int64 = 0, line: Int = 0) {
    self.offset = offset
    self.line = line
  }
}

/// Some lines, frames or rows that are decoded together. Decoding the same piece again gives the same loads: a crash between
/// two of them is gone on from by their number.
package protocol DropPiece: Sendable {
  /// Where the next piece begins.
  var end: DropPosition { get }
  func decode(_ options: DecodeOptions) -> [DropLoad]
}

/// The pieces of one file, in order. Used by one thread at a time.
package protocol DropSource: AnyObject, Sendable {
  /// The name in `.why.json`.
  var format: String { get }
  /// Whether what is refused can be cut out; else the file stays whole.
  var hasLines: Bool { get }
  /// To be written before the refused lines.
  var head: [UInt8] { get }
  /// To be called before the first piece; cuts are the same from there on.
  func skip(to position: DropPosition) throws(DropFault)
  /// Nil at the end. What was given before a throw is good.
  func next() throws(DropFault) -> (any DropPiece)?
}
