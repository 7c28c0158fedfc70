/// Metric records → requests of Prometheus remote write.
///
/// Roads, each with requests of its own: 0 samples, 1 native histograms, 2 samples not newer than what their series sent, 3
/// `target_info`, 4 native histograms not newer. A lane is a share of the series.
package final class RemoteWriteBuilder: ParcelBuilder {
  private let fold: PrometheusFold

  package init(options: PrometheusOptions = PrometheusOptions()) { fold = PrometheusFold(options) }

  package var pendingRecords: Int { fold.points.count }
  package var pendingBytes: Int { fold.pendingBytes }
  package var heldRecords: Int { fold.heldRecords }

  package func add(_ record: OTLPRecord) -> ParcelTake { fold.add(record) }

  /// Clock time, nanoseconds: sums that wait for rows to come go out although none comes. Never ahead of what later rows'
  /// arrival will be.
  package func advance(_ now: Int64) { fold.advance(now) }

  /// Set to `totals` when the far end does not take native histograms; what was cut before stays as it is.
  package var exponential: PrometheusOptions.Exponential {
    get { fold.exponential }
    set { fold.exponential = newValue }
  }

  /// Time series that are remembered.
  package var activeSeries: Int? { fold.weight }

  package func state() -> [UInt8] { fold.state() }
  package func restore(_ state: [UInt8]) -> Bool { fold.restore(state) }

  package func cut(laneCount: Int) -> [any Parcel] {
    let hashes = fold.texts.map { Self.laneHash($0) }
    let block = fold.take()
    let lanes = max(laneCount, 1)
    var groups = [[Int32]](repeating: [], count: lanes * RemoteWriteRoad.count)
    for (index, point) in block.points.enumerated() {
      let lane = Int(hashes[Int(point.text)] % UInt64(lanes))
      groups[Int(point.road) * lanes + lane].append(Int32(index))
    }
    var parcels: [any Parcel] = []
    for (number, group) in groups.enumerated() where !group.isEmpty {
      split(Self.byTime(group, block), block, lane: number % lanes, road: number / lanes, into: &parcels)
    }
    return parcels
  }

  /// Which lane a series goes. What makes the spread even is not what makes an identity: a collision costs nothing.
  private static func laneHash(_ text: SeriesText) -> UInt64 {
    let start = text.metric.name.withUnsafeBytes { QuickHash.hash($0) }
    return QuickHash.mix(text.labels.withUnsafeBytes { QuickHash.hash($0, start) })
  }

  /// Halves of a parcel are earlier and later points; those of one series are in order in every part.
  private static func byTime(_ group: [Int32], _ block: RemoteWriteBlock) -> [Int32] {
    var last = Int64.min
    for index in group {
      let time = block.points[Int(index)].time
      // Equal times keep their order, which a sort would have to be asked for.
      if time < last {
        return group.sorted {
          let a = block.points[Int($0)].time
          let b = block.points[Int($1)].time
          return a == b ? $0 < $1 : a < b
        }
      }
      last = time
    }
    return group
  }

  private func split(
    _ order: [Int32], _ block: RemoteWriteBlock, lane: Int, road: Int, into parcels: inout [any Parcel]
  ) {
    var start = 0
    var samples = 0
    var bytes = 0
    for (place, index) in order.enumerated() {
      let point = block.points[Int(index)]
      if place > start
        && (samples + Int(point.samples) > fold.options.samplesPerRequest
          || bytes + Int(point.byteCount) > fold.options.bytesPerRequest)
      {
        parcels.append(RemoteWriteParcel(block, Array(order[start..<place]), lane: lane, road: road, bytes: bytes))
        start = place
        samples = 0
        bytes = 0
      }
      samples += Int(point.samples)
      bytes += Int(point.byteCount)
    }
    parcels.append(RemoteWriteParcel(block, Array(order[start...]), lane: lane, road: road, bytes: bytes))
  }
}
