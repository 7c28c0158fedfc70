import Forward
import Synchronization
import Wire

/// The page for those who pull (FORWARD §5): the latest values of what came in, behind the destination's position like all
/// that leaves.
///
/// `@unchecked Sendable`: `page` is only touched under `lock`.
final class ReceivedPage: @unchecked Sendable {
  private let lock = Mutex<Void>(())
  private let page: ScrapePage

  init(_ options: PrometheusOptions, expiry: Duration) {
    page = ScrapePage(options: options, expiry: expiry.wholeNanoseconds)
  }

  var activeSeries: Int { lock.withLock { _ in page.activeSeries } }

  func add(_ record: OTLPRecord) -> ParcelTake { lock.withLock { _ in page.add(record) } }

  func text(now: Int64, _ accept: ScrapeAccept) -> (body: [UInt8], contentType: String) {
    let body = lock.withLock { _ in page.page(now: now, format: accept.format, quotesNames: accept.quotesNames) }
    return (body, accept.format.contentType)
  }
}

/// Takes records into a page instead of sending them.
final class PageBuilder: ParcelBuilder {
  private let page: ReceivedPage
  private var items: [ParcelItem] = []

  init(_ page: ReceivedPage) { self.page = page }

  var pendingRecords: Int { items.count }
  var pendingBytes: Int { 0 }
  var activeSeries: Int? { page.activeSeries }

  func add(_ record: OTLPRecord) -> ParcelTake {
    let take = page.add(record)
    switch take {
    case .taken, .absorbed:
      items.append(ParcelItem(record))
      return .taken
    case .duplicate, .refused, .skipped: return take
    }
  }

  func cut(laneCount: Int) -> [any Parcel] {
    defer { items = [] }
    return items.isEmpty ? [] : [PageParcel(items)]
  }
}

/// What is on the page already.
private final class PageParcel: Parcel {
  let items: [ParcelItem]
  init(_ items: [ParcelItem]) { self.items = items }
  var lane: UInt64? { 0 }
  var road: Int { 0 }
  var byteCount: Int { items.count * MemoryLayout<ParcelItem>.stride }
  func body(_ range: Range<Int>, form: Int) -> [UInt8] { [] }
}

struct PageCourier: Courier {
  func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer { Answer(.status(200)) }
  func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    .accept(refused: 0, reason: "", message: "")
  }
}
