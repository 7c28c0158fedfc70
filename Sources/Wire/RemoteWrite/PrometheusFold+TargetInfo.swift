import Telemetry

/// `target_info`: what else is known of a job and instance, once in a minute of their points' time (CONFORMANCE PN-09).
extension PrometheusFold {
  /// Milliseconds.
  private static let infoInterval: Int64 = 60_000
  /// Nanoseconds after which another set of labels takes over: two at a time would make every join of them fail.
  private static let infoSilence: Int64 = 300 * 1_000_000_000

  @inline(__always) func info(_ record: OTLPRecord, _ resource: PromResource) {
    guard let info = resource.info else { return }
    info.active = record.receivedAt
    if info.owner == resource.infoKey {
      if record.time > info.seen { info.seen = record.time }
      guard info.sent == .min || record.time / 1_000_000 >= info.sent + Self.infoInterval else { return }
    }
    sendInfo(record, resource, info)
  }

  @inline(never) private func sendInfo(_ record: OTLPRecord, _ resource: PromResource, _ info: TargetInfo) {
    let time = Self.milliseconds(record.time)
    if info.owner != resource.infoKey {
      if info.sent != .min {
        guard record.time > info.seen &+ Self.infoSilence, time > info.sent else { return }
        if let old = info.text { appendInfo(record, old, time, isStale: true) }
      }
      info.owner = resource.infoKey
      info.seen = record.time
    }
    guard let text = resource.infoText, info.sent == .min || time > info.sent else { return }
    info.text = text
    info.sent = time
    appendInfo(record, text, time, isStale: false)
  }

  private func appendInfo(_ record: OTLPRecord, _ text: SeriesText, _ time: Int64, isStale: Bool) {
    var point = PromPoint()
    point.text = Int32(texts.count)
    point.road = RemoteWriteRoad.targetInfo
    point.records = 0
    point.id = record.id
    point.time = time
    point.receivedAt = record.receivedAt
    point.value = 1
    point.isStale = isStale
    texts.append(text)
    points.append(point)
    close(points.count - 1)
  }
}
