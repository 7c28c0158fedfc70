package import Telemetry

/// What a parcel says of one of its items: usually one record; a sum over records that were put together says how many.
package struct ParcelItem: Sendable {
  package var signal: Signal
  /// Row id of the record; of several the last one.
  package var id: Int64
  /// Nanoseconds since 1970: what halves of a parcel are cut by.
  package var time: Int64
  /// Records that it stands for.
  package var records = 1
  /// Records that were counted as taken before the item was made; see `ParcelTake.absorbed`.
  package var wasAbsorbed = false
  /// The format's own: its bytes, its group.
  package var start = 0
  package var end = 0
  package var group = 0

  package init(_ signal: Signal, id: Int64, time: Int64) {
    self.signal = signal
    self.id = id
    self.time = time
  }

  package init(_ record: OTLPRecord) { self.init(record.kind.signal, id: record.id, time: record.time) }
}

/// The records of one batch that go out together: one request, or, when a far end wants less at once, several over parts
/// of the items. Never changes.
package protocol Parcel: AnyObject, Sendable {
  /// In the order they are sent in.
  var items: [ParcelItem] { get }
  /// Hash of the order key of all of its items: parcels of one lane go one after the other. Nil: any lane.
  var lane: UInt64? { get }
  /// Which of its destination's roads it goes: of OTLP the signal, of remote write samples, histograms or late ones.
  var road: Int { get }
  /// About how much memory it holds.
  var byteCount: Int { get }
  /// The message of the items in `range`, before compression. `form`: the format's own variant, 0 unless it has several.
  func body(_ range: Range<Int>, form: Int) -> [UInt8]
}

/// What became of a record that was given to a `ParcelBuilder`.
package enum ParcelTake: Sendable, Equatable {
  /// It is in the next cut.
  case taken
  /// It was added to an item that goes out later; the item tells how many it stands for.
  case absorbed
  /// What it says was said before, or is said by another of the same series and moment.
  case duplicate
  /// The destination could not take it: never sent. A word of the closed list in `docs/forward.md`.
  case refused(String)
  /// The destination is not for such records.
  case skipped
}

/// Makes parcels of records; one for each position of a destination, used by one thread.
///
/// What it remembers between batches (last value, last time of a series) is a fold over the records in order of their
/// ids; its only clock is `OTLPRecord.receivedAt`, so that reading the same rows again gives the same parcels.
package protocol ParcelBuilder: AnyObject {
  /// Records since the last cut, and about their bytes: whether it is time to cut is the caller's to say.
  var pendingRecords: Int { get }
  var pendingBytes: Int { get }
  /// Records that were absorbed and are in no item yet.
  var heldRecords: Int { get }
  /// Adds one record; span events follow their span. A row whose JSON cannot be read is refused as `invalid`.
  func add(_ record: OTLPRecord) -> ParcelTake
  /// The clock, nanoseconds since 1970: what waits for more of its like need not wait for rows.
  func advance(_ now: Int64)
  /// Parcels of all since the last cut; `laneCount`: how many lanes there are to spread them over.
  func cut(laneCount: Int) -> [any Parcel]
  /// What it remembers, and to remember that again; empty when it remembers nothing.
  func state() -> [UInt8]
  func restore(_ state: [UInt8]) -> Bool
  /// What it remembers, counted; nil: it knows no such thing.
  var activeSeries: Int? { get }
  var activeStreams: Int? { get }
}

extension ParcelBuilder {
  package var heldRecords: Int { 0 }
  package var activeSeries: Int? { nil }
  package var activeStreams: Int? { nil }
  package func advance(_ now: Int64) {}
  package func state() -> [UInt8] { [] }
  package func restore(_ state: [UInt8]) -> Bool { state.isEmpty }
}
