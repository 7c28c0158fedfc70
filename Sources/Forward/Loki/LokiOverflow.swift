import Synchronization
package import Wire

/// Records since the start whose stream was one too many: they are in that of their service, without their other labels.
package final class LokiOverflow: Sendable {
  private let sum = Atomic<Int64>(0)

  package init() {}

  package var count: Int64 { sum.load(ordering: .relaxed) }

  fileprivate func add(_ count: Int64) { sum.add(count, ordering: .relaxed) }
}

/// Loki's builder, which tells of them.
package final class LokiStreamBuilder: ParcelBuilder {
  private let builder: LokiBuilder
  private let overflow: LokiOverflow
  private var told: Int64 = 0

  package init(_ options: LokiOptions, overflow: LokiOverflow) {
    builder = LokiBuilder(options)
    self.overflow = overflow
  }

  package var pendingRecords: Int { builder.pendingRecords }
  package var pendingBytes: Int { builder.pendingBytes }
  package var activeStreams: Int? { builder.activeStreams }
  package func add(_ record: OTLPRecord) -> ParcelTake { builder.add(record) }
  package func advance(_ now: Int64) { builder.advance(now) }
  package func state() -> [UInt8] { builder.state() }

  package func cut(laneCount: Int) -> [any Parcel] {
    overflow.add(builder.limitedCount - told)
    told = builder.limitedCount
    return builder.cut(laneCount: laneCount)
  }

  package func restore(_ state: [UInt8]) -> Bool {
    let isRestored = builder.restore(state)
    told = builder.limitedCount
    return isRestored
  }
}
