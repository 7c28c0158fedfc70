import Telemetry

/// The newest values of received metrics for a Prometheus that comes to fetch them (CONFORMANCE EXP-01 to EXP-05).
///
/// Deltas are summed up, attributes that are no labels summed away, and series refused, as for remote write; exponential
/// histograms are shown as count, sum and the bucket of all.
package final class ScrapePage {
  package enum Format: Sendable {
    /// Version 0.0.4.
    case text
    /// Version 1.0.0.
    case openMetrics

    package var contentType: String {
      switch self {
      case .text: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  /// The newest point of one series with its numbers, laid out as in `RemoteWriteBlock`.
  struct Latest {
    var text: SeriesText
    var point: PromPoint
    var words: [UInt64]
    var exemplars: [UInt8]
  }

  private let fold: PrometheusFold
  private let expiry: Int64
  private var infoExpiry: Int64 { max(expiry, 120 * 1_000_000_000) }
  private var latest: [ReceiptKey: Latest] = [:]
  /// Series that the page written last left out, because another metric has their name with another type (EXP-03).
  package private(set) var conflicts = 0

  /// Points that may wait before the table is brought up to date.
  private static let waiting = 4_096

  /// `expiry`: nanoseconds after the arrival of its newest point that a series is shown for.
  package init(options: PrometheusOptions = PrometheusOptions(), expiry: Int64 = 300 * 1_000_000_000) {
    var options = options
    if options.exponential == .native { options.exponential = .totals }
    fold = PrometheusFold(options)
    self.expiry = expiry
  }

  package var activeSeries: Int { fold.weight }

  /// Never `absorbed`: what is on the page, or will be, is taken.
  package func add(_ record: OTLPRecord) -> ParcelTake {
    let take = fold.add(record)
    if fold.points.count >= Self.waiting { update() }
    return take == .absorbed ? .taken : take
  }

  /// What it remembers of counters; the values shown come anew with their next points.
  package func state() -> [UInt8] {
    update()
    return fold.state()
  }

  package func restore(_ state: [UInt8]) -> Bool { fold.restore(state) }

  /// The page at a clock time in nanoseconds. `quotesNames`: whoever reads it said that names may have any characters;
  /// others get underscores for them.
  package func page(now: Int64, format: Format, quotesNames: Bool = false) -> [UInt8] {
    fold.advance(now)
    update()
    // Expiry is longer for what is told once a minute.
    let oldest = now - expiry
    let oldestInfo = now - infoExpiry
    latest = latest.filter { $1.point.receivedAt >= ($1.text.kind == .targetInfo ? oldestInfo : oldest) }
    var writer = ScrapePageWriter(format: format, quotesNames: quotesNames)
    writer.write(Array(latest.values))
    conflicts = writer.conflicts
    return writer.finish()
  }

  private func update() {
    if fold.points.isEmpty { return }
    let block = fold.take()
    let keys = block.texts.map { $0.key(fold.hash) }
    for point in block.points {
      let key = keys[Int(point.text)]
      if point.isStale {
        // The page just leaves out what has ended (PT-09).
        latest[key] = nil
        continue
      }
      if let known = latest[key], known.point.time > point.time { continue }
      let text = block.texts[Int(point.text)]
      latest[key] = Latest(
        text: text, point: point, words: Self.words(point, block), exemplars: Self.exemplars(point, block))
    }
    let oldest = fold.clock - infoExpiry
    if latest.count > 2 * fold.series.count + 64 { latest = latest.filter { $1.point.receivedAt >= oldest } }
  }

  private static func words(_ point: PromPoint, _ block: RemoteWriteBlock) -> [UInt64] {
    let at = Int(point.words)
    let count: Int
    switch point.payload {
    case .number, .native: return []
    case .classic: count = 4 + 2 * Int(block.words[at + 3])
    case .summary: count = 3 + 2 * Int(block.words[at + 2])
    }
    return Array(block.words[at..<at + count])
  }

  private static func exemplars(_ point: PromPoint, _ block: RemoteWriteBlock) -> [UInt8] {
    if point.exemplarCount == 0 { return [] }
    var end = Int(point.exemplars)
    for one in PromExemplars(block.exemplars, at: end, count: Int(point.exemplarCount)) { end = one.end }
    return Array(block.exemplars[Int(point.exemplars)..<end])
  }
}
