import Telemetry

/// Spans as an array of Zipkin v2 JSON (CONFORMANCE ZIP). Resource, scope and attributes become tags, which are texts;
/// span events become annotations; links are the tag `otel.links`, in JSON.
package final class ZipkinBuilder: ParcelBuilder {
  private var writer: ZipkinWriter
  private let bytesPerRequest: Int
  private var items: [ParcelItem] = []
  /// The last item's object is not closed yet.
  private var isInSpan = false
  private var hasAnnotations = false

  /// `bytesPerRequest`: more only for one span that is longer.
  package init(_ filter: AttributeFilter = AttributeFilter(), bytesPerRequest: Int = .max) {
    writer = ZipkinWriter(filter)
    self.bytesPerRequest = bytesPerRequest
  }

  package var pendingRecords: Int { items.count }
  package var pendingBytes: Int { writer.out.count }

  package func add(_ record: OTLPRecord) -> ParcelTake {
    switch record.kind {
    case .span: break
    case .spanEvent: return isInSpan ? addEvent(record) : .skipped
    case .log, .number, .distribution: return .skipped
    }
    closeSpan()
    guard record.trace.contains(where: { $0 != 0 }), record.span.contains(where: { $0 != 0 }) else {
      return .refused("invalid")
    }
    let start = writer.out.count
    do throws(JSONFault) {
      try writer.span(record)
    } catch {
      writer.out.truncate(to: start)
      return .refused("invalid")
    }
    isInSpan = true
    hasAnnotations = false
    var item = ParcelItem(record)
    item.start = start
    items.append(item)
    return .taken
  }

  private func addEvent(_ record: OTLPRecord) -> ParcelTake {
    let start = writer.out.count
    do throws(JSONFault) {
      try writer.annotation(record, isFirst: !hasAnnotations)
    } catch {
      writer.out.truncate(to: start)
      return .refused("invalid")
    }
    hasAnnotations = true
    return .taken
  }

  private func closeSpan() {
    guard isInSpan else { return }
    isInSpan = false
    writer.out.append(hasAnnotations ? "]}" : "}")
    items[items.count - 1].end = writer.out.count
    // Between this item and the next one.
    writer.out.append(",")
  }

  package func cut(laneCount: Int) -> [any Parcel] {
    closeSpan()
    guard !items.isEmpty else { return [] }
    let size = writer.out.count
    let bytes = ParcelBytes(taking: &writer.out)
    writer.out.reserve(min(size, 1 << 20))
    defer { items = [] }
    // Whoever asks for a cut does so when there is more than goes into one request.
    var parcels: [any Parcel] = []
    var first = 0
    for place in items.indices where place > first {
      // With both brackets.
      guard items[place].end - items[first].start > bytesPerRequest - 2 else { continue }
      parcels.append(JoinedParcel(.array, road: 0, Array(items[first..<place]), bytes))
      first = place
    }
    return parcels + [JoinedParcel(.array, road: 0, Array(items[first...]), bytes)]
  }
}
