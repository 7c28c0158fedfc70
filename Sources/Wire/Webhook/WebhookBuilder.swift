import Telemetry

/// A line of JSON per record for a webhook: `id`, `signal`, then the other twelve columns of `telemetry_events` with
/// `data` as an object, then `resource`. Values have the escapes of `docs/schema.md`. Span events are rows of
/// `telemetry_events` too: their lines follow their span's and go with it.
package final class WebhookBuilder: ParcelBuilder {
  private var writer: WebhookWriter
  private var items: [ParcelItem] = []
  /// The last item is a span whose events may follow.
  private var isInSpan = false

  package init(_ filter: AttributeFilter = AttributeFilter()) { writer = WebhookWriter(filter) }

  package var pendingRecords: Int { items.count }
  package var pendingBytes: Int { writer.out.count }

  package func add(_ record: OTLPRecord) -> ParcelTake {
    let start = writer.out.count
    if record.kind == .spanEvent && !isInSpan { return .skipped }
    do throws(JSONFault) {
      try writer.line(record)
    } catch {
      writer.out.truncate(to: start)
      if record.kind.isRecord { isInSpan = false }
      return .refused("invalid")
    }
    if record.kind == .spanEvent {
      items[items.count - 1].end = writer.out.count
      return .taken
    }
    isInSpan = record.kind == .span
    var item = ParcelItem(record)
    item.start = start
    item.end = writer.out.count
    items.append(item)
    return .taken
  }

  package func cut(laneCount: Int) -> [any Parcel] {
    isInSpan = false
    guard !items.isEmpty else { return [] }
    let size = writer.out.count
    let parcel = JoinedParcel(.lines, road: 0, items, ParcelBytes(taking: &writer.out))
    writer.out.reserve(min(size, 1 << 20))
    items = []
    return [parcel]
  }
}

/// What a request says of itself.
package enum WebhookDelivery {
  /// `Garner-Delivery`: the same for the same records, so that a receiver knows what it has already.
  package static func header(store: String, destination: String, _ ids: ClosedRange<Int64>) -> String {
    "\(store):\(destination):\(ids.lowerBound)-\(ids.upperBound)"
  }

  /// The text whose HMAC-SHA-256 is `v1` of `Garner-Signature: t=<unix>,v1=<hex>`.
  package static func signed(at second: Int64, _ body: [UInt8]) -> [UInt8] {
    Array("\(second).".utf8) + body
  }
}
