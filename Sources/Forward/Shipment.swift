import Wire

/// What a pump read: rows `first...last`, of which these parcels go out.
struct CutBatch: Sendable {
  var first: Int64
  var last: Int64
  var parcels: [any Parcel] = []
  /// What needs no far end: records refused before sending, skipped ones.
  var books = ForwardBooks()
  /// Records that came in and went out of what the builder holds, more in than out.
  var absorbed: Int64 = 0
  /// What it holds behind this batch.
  var held: Int64 = 0
  /// Moments at which the clock alone sent some of that.
  var ticks: [ClockTick] = []
}

/// The clock passed a moment when a builder had read up to a row, and what it held went out: a fold that is made anew
/// has to do the same there.
package struct ClockTick: Sendable, Equatable, Codable {
  package var row: Int64
  /// Nanoseconds since 1970.
  package var clock: Int64
}

/// One parcel on its way, or a part of it that goes once more.
struct Shipment: Sendable {
  var parcel: any Parcel
  var range: Range<Int>
  /// Its batch; nil: it was counted before.
  var batch: Int?
}

extension DestinationType {
  /// The far end tells a repeated batch by its borders: they have to be the same when it is sent again.
  var knowsBatchByBorders: Bool { self == .clickhouse || self == .webhook }
}
