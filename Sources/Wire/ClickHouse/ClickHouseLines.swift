import Telemetry

/// The rows of one table since the last cut.
final class ClickHouseLines {
  private let table: ClickHouseTable
  private var writer: ClickHouseWriter
  private(set) var items: [ParcelItem] = []
  /// The last item is a span that is not closed yet.
  private var isInSpan = false

  init(_ table: ClickHouseTable, _ layout: ClickHouseLayout, _ filter: AttributeFilter) {
    self.table = table
    writer = ClickHouseWriter(layout, filter)
  }

  /// What it throws left nothing behind.
  func add(_ record: OTLPRecord, _ origin: ClickHouseOrigin) throws(JSONFault) {
    let start = writer.out.count
    do throws(JSONFault) {
      try writer.row(record, table, origin)
    } catch {
      writer.out.truncate(to: start)
      throw error
    }
    var item = ParcelItem(record)
    item.start = start
    if table == .traces {
      isInSpan = true
    } else {
      writer.out.append("}\n")
      item.end = writer.out.count
    }
    items.append(item)
  }

  // MARK: span events

  func addEvent(_ record: OTLPRecord) -> ParcelTake {
    guard isInSpan else { return .skipped }
    do throws(JSONFault) {
      try writer.event(record)
    } catch {
      return .refused("invalid")
    }
    return .taken
  }

  func closeSpan() {
    guard isInSpan else { return }
    isInSpan = false
    writer.closeEvents()
    writer.out.append("}\n")
    items[items.count - 1].end = writer.out.count
  }

  var byteCount: Int { writer.out.count }

  // MARK: cutting

  func cut() -> (any Parcel)? {
    closeSpan()
    guard !items.isEmpty else { return nil }
    let size = writer.out.count
    let parcel = JoinedParcel(.lines, road: table.rawValue, items, ParcelBytes(taking: &writer.out))
    writer.out.reserve(min(size, 1 << 20))
    items = []
    return parcel
  }
}
