import Telemetry

/// Points of one lane and road in the order of their times.
package final class RemoteWriteParcel: Parcel {
  package let items: [ParcelItem]
  package let lane: UInt64?
  package let road: Int
  package let byteCount: Int
  let block: RemoteWriteBlock
  /// Indices of the items' points.
  let order: [Int32]

  init(_ block: RemoteWriteBlock, _ order: [Int32], lane: Int, road: Int, bytes: Int) {
    self.block = block
    self.order = order
    self.lane = UInt64(lane)
    self.road = road
    byteCount = bytes + order.count * (MemoryLayout<PromPoint>.stride + MemoryLayout<ParcelItem>.stride)
    items = order.map { index in
      let point = block.points[Int(index)]
      var item = ParcelItem(.metrics, id: point.id, time: point.time &* 1_000_000)
      item.records = point.records
      item.wasAbsorbed = point.wasAbsorbed
      item.group = Int(point.text)
      return item
    }
  }

  /// Native histograms: a receiver may know none.
  package var isNative: Bool { road == Int(RemoteWriteRoad.native) || road == Int(RemoteWriteRoad.lateNative) }

  /// What the items in `range` are in a request: to be compared with what `RemoteWriteAnswer` says was written.
  package func sent(_ range: Range<Int>) -> RemoteWriteAnswer {
    var sent = RemoteWriteAnswer(samples: 0, histograms: 0, exemplars: 0)
    for index in order[range] {
      let point = block.points[Int(index)]
      if point.payload == .native { sent.histograms += 1 } else { sent.samples += Int(point.samples) }
      sent.exemplars += Int(point.exemplarCount)
    }
    return sent
  }

  /// `form` 1: `prometheus.WriteRequest`, 2: `io.prometheus.write.v2.Request`.
  package func body(_ range: Range<Int>, form: Int) -> [UInt8] {
    var body = RemoteWriteBody(block, version: form == 2 ? .second : .first)
    body.write(order[range])
    return body.finish()
  }
}
