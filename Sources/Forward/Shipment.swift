import Wire

/// What a pump read: rows `first...last`, of which these parcels go out.
struct CutBatch: Sendable {
  var first: Int64
  var last: Int64
  var parcels: [any Parcel] = []
  /// What needs no far end: records refused before sending, skipped ones.
  var books = ForwardBooks()
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
