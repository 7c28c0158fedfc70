import Intake
package import Store
import Telemetry

/// `garner why`: the life of one item, from the files of a directory.
package enum WhyReport {
  package static let columns = ["time", "kind", "id", "step", "door", "source", "count", "where", "detail"]

  /// In order of time. Empty: nobody knows it.
  package static func events(
    _ text: String, _ directory: DataDirectory, config: GarnerConfig
  ) throws -> [LifeEvent] {
    let items = LifeItem.parse(text)
    var events = try Life.events(items, directory)
    events += try ForwardedLife.events(events, directory, config)
    for item in items where item.kind == .record {
      let isStored = events.contains { $0.kind == .record && $0.step != .rejected }
      if !isStored { events += try datagrams(item, directory) }
    }
    return Life.sorted(events)
  }

  package static func row(_ event: LifeEvent) -> [TableValue] {
    func text(_ text: String?) -> TableValue { text.flatMap { $0.isEmpty ? nil : .text($0) } ?? .null }
    return [
      text(event.time), .text(event.kind.rawValue), .text(event.id), .text(event.step.rawValue), text(event.door),
      text(event.source), event.count.map { .integer($0) } ?? .null, text(event.place), text(event.detail),
    ]
  }

  /// What the streams of the UDP door know of `boot:number`.
  private static func datagrams(_ item: LifeItem, _ directory: DataDirectory) throws -> [LifeEvent] {
    let parts = item.id.split(separator: ":")
    guard parts.count == 2, parts[0].utf8.count == 16, let boot = UInt64(parts[0], radix: 16),
      let number = UInt64(parts[1])
    else { return [] }
    let marks = try StoredMarks.read(directory, prefix: UDPMarks.prefix)
    return UDPMarks.fates(marks, boot: boot, number: number, now: FileSystem.now()).map { fate in
      let step: LifeEvent.Step
      let detail: String
      switch fate.kind {
      case .lost: (step, detail) = (.lost, "its packet did not come")
      case .pending: (step, detail) = (.lost, "its packet may still come")
      case .before: (step, detail) = (.lost, "sent before this source was first heard")
      case .used: (step, detail) = (.rejected, "its packet came, but was refused, or the event in it was")
      }
      return LifeEvent(
        step, item, time: Timestamp.text(fate.since), door: "udp", source: fate.source, count: 1, detail: detail)
    }
  }
}
