/// One point that waits to be sent: one sample, or all samples of a histogram or summary.
struct PromPoint: Sendable {
  enum Payload: UInt8, Sendable { case number, classic, native, summary }

  /// Index into the texts of its block.
  var text: Int32 = 0
  /// The point of the same series before it in the block.
  var previous: Int32 = -1
  /// Generated series, that is samples.
  var samples: Int32 = 1
  var road: UInt8 = 0
  var payload = Payload.number
  /// Ends its series (CONFORMANCE PT-09): values are not looked at.
  var isStale = false
  var wasAbsorbed = false
  /// Records that it stands for.
  var records = 1
  var id: Int64 = 0
  /// Milliseconds.
  var time: Int64 = 0
  /// Start of its run in milliseconds; 0: not known.
  var start: Int64 = 0
  var receivedAt: Int64 = 0
  var value = 0.0
  /// Where its numbers lie in `words`.
  var words: Int32 = 0
  /// Where its exemplars lie in `exemplars`.
  var exemplars: Int32 = 0
  var exemplarCount: Int32 = 0
  /// About the bytes of its samples in a request.
  var byteCount: Int32 = 0
}

/// The points of one cut with all that they point to; shared by its parcels.
///
/// Words of a histogram: count, sum, 1 if it has a sum, number n of bounds, n bounds, n counts of all up to each bound.
/// Of a native one: count, sum, scale, zero threshold, zero count, offset and number of the positive buckets, the same of the
/// negative ones, and their counts. Of a summary: count, sum, number n of quantiles, n quantiles, n values. Doubles as
/// their bits.
///
/// Exemplars: value, time in milliseconds, number of labels as eight bytes each, then for each label twice a length of
/// four bytes and the text.
final class RemoteWriteBlock: Sendable {
  let points: [PromPoint]
  let words: [UInt64]
  let exemplars: [UInt8]
  let texts: [SeriesText]

  init(points: [PromPoint], words: [UInt64], exemplars: [UInt8], texts: [SeriesText]) {
    self.points = points
    self.words = words
    self.exemplars = exemplars
    self.texts = texts
  }

  static let empty = RemoteWriteBlock(points: [], words: [], exemplars: [], texts: [])
}

/// `0x7ff0000000000002`, the NaN that means "the series ended here" (CONFORMANCE PT-09).
enum StaleMarker {
  static let bits: UInt64 = 0x7ff0_0000_0000_0002
}
