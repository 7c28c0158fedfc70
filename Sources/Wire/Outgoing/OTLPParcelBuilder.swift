import Telemetry

/// Makes export requests of OTLP: one parcel for each signal and lane. Everything that `OTLPJSONEncoder` writes goes
/// out, but for what the options keep back; its member `garner` is for our own imports and does not.
///
/// It remembers nothing between cuts: the same rows give the same requests. Of its roads, 0 is traces, 1 metrics, 2
/// logs. Records need their origin where lanes go by source, and for provenance.
package final class OTLPParcelBuilder: ParcelBuilder {
  private let options: OTLPParcelOptions
  /// By signal.
  private let drafts: [OTLPParcelDraft]
  package private(set) var pendingRecords = 0

  package init(_ options: OTLPParcelOptions) {
    self.options = options
    let rules = OTLPAttributeRules(options)
    let order: [Signal] = [.traces, .metrics, .logs]
    drafts = order.map { OTLPParcelDraft($0, options, rules) }
  }

  package var pendingBytes: Int { drafts.reduce(0) { $0 + $1.byteCount } }

  /// A span event is taken into the span before it. Without that one, or with it refused, it is skipped; an event that
  /// cannot be read is refused alone, and the span goes without it.
  package func add(_ record: OTLPRecord) -> ParcelTake {
    let draft = drafts[Int(record.kind.signal.rawValue)]
    if record.kind == .spanEvent { return draft.addEvent(record) }
    if record.kind != .span { drafts[Int(Signal.traces.rawValue)].endSpan() }
    let take = draft.add(record)
    if take == .taken { pendingRecords += 1 }
    return take
  }

  /// Fewer records than this are not worth a request of their own.
  private static let recordsWorthSplitting = 1_000

  package func cut(laneCount: Int) -> [any Parcel] {
    pendingRecords = 0
    let laneCount = max(laneCount, 1)
    return drafts.flatMap { draft -> [any Parcel] in
      guard let (contents, items, lanes) = draft.take() else { return [] }
      if options.onePerResource { return Self.byResource(contents, items, lanes) }
      if lanes.isEmpty {
        let parts = min(laneCount, max(1, items.count / Self.recordsWorthSplitting))
        return (0..<parts).map { part in
          let range = items.count * part / parts..<items.count * (part + 1) / parts
          return OTLPParcel(contents, parts == 1 ? items : Array(items[range]), lane: nil, share: parts)
        }
      }
      var byLane = [[ParcelItem]](repeating: [], count: laneCount)
      for (item, lane) in zip(items, lanes) { byLane[Int(lane % UInt64(laneCount))].append(item) }
      let used = byLane.count { !$0.isEmpty }
      return byLane.enumerated().compactMap { lane, items in
        items.isEmpty ? nil : OTLPParcel(contents, items, lane: UInt64(lane), share: used)
      }
    }
  }

  /// A parcel for each resource and lane, in the order of their first items.
  private static func byResource(
    _ contents: OTLPParcelContents, _ items: [ParcelItem], _ lanes: [UInt64]
  ) -> [any Parcel] {
    struct Key: Hashable {
      var resource: Int
      var lane: UInt64?
    }
    var places: [Key: Int] = [:]
    var groups: [(key: Key, items: [ParcelItem])] = []
    for (index, item) in items.enumerated() {
      let key = Key(resource: contents.resource(of: item), lane: lanes.isEmpty ? nil : lanes[index])
      if let place = places[key] {
        groups[place].items.append(item)
      } else {
        places[key] = groups.count
        groups.append((key, [item]))
      }
    }
    return groups.map { OTLPParcel(contents, $0.items, lane: $0.key.lane, share: groups.count) }
  }
}
