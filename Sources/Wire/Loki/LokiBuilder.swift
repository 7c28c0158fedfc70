import Telemetry

/// Log records as pushes to Loki, one stream a parcel (CONFORMANCE LOKI).
///
/// ```
/// resource ── labels ──▶ stream        line ◀── body, else event name
/// scope, rest of resource, attributes, ids, severity ──▶ structured metadata of the entry
/// ```
package final class LokiBuilder: ParcelBuilder {
  private let options: LokiOptions
  private var writer: LokiWriter
  private var pending: [LokiEntry] = []
  private var batch: [(stream: LokiStream, state: LokiStreamState)] = []
  private var streams: LokiStreams
  private var origins: RecordOrigins<LokiOrigin>

  package init(_ options: LokiOptions = LokiOptions()) {
    self.options = options
    writer = LokiWriter(options.attributes)
    streams = LokiStreams(limit: options.maxStreams)
    var parts: RecordOriginParts = []
    if options.labels.contains("row.component") { parts.insert(.component) }
    if options.labels.contains("row.game_module") { parts.insert(.gameModule) }
    if options.labels.contains("row.category") { parts.insert(.category) }
    origins = RecordOrigins(parts)
  }

  package var pendingRecords: Int { pending.count }
  package var pendingBytes: Int { writer.out.count }
  /// Streams within the last hour of arrivals.
  package var activeStreams: Int? { streams.openCount }
  /// Records whose stream was one too many.
  package var limitedCount: Int64 { streams.limitedCount }

  package func state() -> [UInt8] { streams.encoded() }

  package func restore(_ state: [UInt8]) -> Bool {
    origins.removeAll()
    return streams.restore(state)
  }

  // MARK: adding

  package func add(_ record: OTLPRecord) -> ParcelTake {
    guard record.kind == .log else { return .skipped }
    let start = writer.out.count
    do throws(JSONFault) {
      let index = try origins.index(of: record) { () throws(JSONFault) in
        try LokiOrigin(record, options, &streams)
      }
      let origin = origins.values[index]
      let isCut = try writer.read(record)
      if isCut && options.longLines == .refuse { return .refused("too_large") }
      let shape = streams.admits(origin.full.state, at: record.receivedAt) ? origin.full : origin.limited
      writer.encode(record, shape.metadata, isCut: isCut)
      keep(record, start, shape)
    } catch {
      writer.out.truncate(to: start)
      return .refused("invalid")
    }
    return .taken
  }

  private func keep(_ record: OTLPRecord, _ start: Int, _ shape: LokiOrigin.Shape) {
    let slot: Int
    if let known = shape.state.slot {
      slot = known
    } else {
      slot = batch.count
      shape.state.slot = slot
      batch.append((shape.stream, shape.state))
    }
    pending.append(
      LokiEntry(
        slot: slot, id: record.id, time: record.time, arrival: record.receivedAt, start: start, end: writer.out.count))
  }

  // MARK: cutting

  package func cut(laneCount: Int) -> [any Parcel] {
    guard !pending.isEmpty else { return [] }
    let size = writer.out.count
    for index in pending.indices {
      pending[index].road = road(pending[index], behind: batch[pending[index].slot].state.newest)
    }
    if !pending.indices.dropFirst().allSatisfy({ pending[$0 - 1].precedes(pending[$0]) }) {
      pending.sort { $0.precedes($1) }
    }
    let bytes = ParcelBytes(taking: &writer.out)
    var parcels: [any Parcel] = []
    var first = 0
    while first < pending.count {
      let slot = pending[first].slot
      let road = pending[first].road
      var length = batch[slot].stream.labels.count + 16
      var end = first
      while end < pending.count && pending[end].slot == slot && pending[end].road == road
        && (end == first || length + pending[end].length <= LokiLimit.request)
      {
        length += pending[end].length
        end += 1
      }
      if road == LokiRoad.usual {
        let state = batch[slot].state
        state.newest = max(state.newest, pending[end - 1].time)
      }
      parcels.append(LokiParcel(batch[slot].stream, road, pending[first..<end].map(\.item), bytes))
      first = end
    }
    finish(size)
    return parcels
  }

  private func road(_ entry: LokiEntry, behind newest: Int64) -> Int {
    if entry.time > entry.arrival &+ LokiLimit.aheadOfClock { return LokiRoad.future }
    if entry.time < entry.arrival &- LokiLimit.behindClock { return LokiRoad.tooOld }
    return newest != Int64.min && entry.time < newest &- LokiLimit.behindStream ? LokiRoad.late : LokiRoad.usual
  }

  private func finish(_ size: Int) {
    writer.out.reserve(min(size, 1 << 20))
    for stream in batch { stream.state.slot = nil }
    if streams.forget() { origins.removeAll() }
    batch.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
  }
}

/// An entry before it is known which request it goes with.
struct LokiEntry {
  var slot: Int
  var road = 0
  var id: Int64
  var time: Int64
  var arrival: Int64
  var start: Int
  var end: Int

  init(slot: Int, id: Int64, time: Int64, arrival: Int64, start: Int, end: Int) {
    self.slot = slot
    self.id = id
    self.time = time
    self.arrival = arrival
    self.start = start
    self.end = end
  }

  /// With its tag and length.
  var length: Int { end - start + 5 }

  var item: ParcelItem {
    var item = ParcelItem(.logs, id: id, time: time)
    item.start = start
    item.end = end
    return item
  }

  @inline(__always) func precedes(_ other: LokiEntry) -> Bool {
    if slot != other.slot { return slot < other.slot }
    if road != other.road { return road < other.road }
    if time != other.time { return time < other.time }
    return id < other.id
  }
}
