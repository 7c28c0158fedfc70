import HTTPTypes
import Telemetry

/// What a store sends on and meets again at a door of its own: taken with success, so that nobody tries again, and only
/// counted.
enum LoopGuard {
  /// Of each forwarded request: uuid of the store that sends it.
  static let header = HTTPField.Name("Garner-Via")

  /// `via`: the value of the header, several of them with commas between. Empty `store`: nothing is a loop.
  static func isLoop(_ via: String?, to store: String) -> Bool {
    guard let via, !store.isEmpty else { return false }
    return via.split { $0 == "," || $0 == " " }.contains { $0.lowercased() == store }
  }
}

extension Batch {
  /// Nothing but the count of the records, refused ones included.
  func looped() -> Batch {
    var filtered = filtered
    for row in rows where row.kind.isRecord {
      filtered.loops[text(contexts[Int(row.context)].source), default: 0] += 1
    }
    for (tally, count) in rejectionCounts { filtered.loops[tally.source, default: 0] += count }
    filtered.records = Array(0..<(recordCount + rejectedCount + filtered.records.count))
    return Batch(
      signal: signal, rows: [], names: [], resources: [], streams: [], contexts: [], metrics: [], series: [],
      rejections: [], rejectionCounts: [:], warnings: [], recordCount: 0,
      arena: UnsafeRawBufferPointer(start: nil, count: 0), filtered: filtered)
  }

  /// Without the records that were stored here first, and their span events; the batch itself when there are none.
  /// `identities`: one for each record, or none at all.
  func withoutOwn(_ identities: [RecordIdentity], of store: String) -> Batch {
    guard !store.isEmpty, identities.contains(where: { $0.store == store }) else { return self }
    let places = filtered.rest(of: Array(0..<(recordCount + filtered.records.count)))
    var filtered = filtered
    var rest: [Row] = []
    var record = -1
    var isOwn = false
    for row in rows {
      if row.kind.isRecord {
        record += 1
        isOwn = identities[record].store == store
        if isOwn {
          filtered.records.append(places[record])
          filtered.loops[text(contexts[Int(row.context)].source), default: 0] += 1
        }
      }
      if !isOwn { rest.append(row) }
    }
    filtered.records.sort()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, arena.count), alignment: 16)
    memory.copyMemory(from: arena)
    return Batch(
      signal: signal, rows: rest, names: names, resources: resources, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: rejectionCounts, warnings: warnings,
      recordCount: rest.count(where: { $0.kind.isRecord }),
      arena: UnsafeRawBufferPointer(rebasing: memory[..<arena.count]), filtered: filtered)
  }
}
