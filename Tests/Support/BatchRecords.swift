package import Telemetry
package import Wire

extension Batch {
  /// Its rows as they come back out of a store: the first with the id `firstID`, all of them received at `receivedAt`.
  package func forEachRecord(
    firstID: Int64 = 1, receivedAt: Int64 = 0, _ body: (OTLPRecord) throws -> Void
  ) rethrows {
    for (place, row) in rows.enumerated() {
      try withUnsafeBytes(of: row.trace) { trace in
        try withUnsafeBytes(of: row.span) { span in
          try withUnsafeBytes(of: row.parent) { parent in
            var record = record(row, id: firstID + Int64(place))
            record.receivedAt = receivedAt
            if row.present.contains(.trace) { record.trace = trace }
            if row.present.contains(.span) { record.span = span }
            if row.present.contains(.parent) { record.parent = parent }
            try body(record)
          }
        }
      }
    }
  }

  private func record(_ row: Row, id: Int64) -> OTLPRecord {
    var record = OTLPRecord(id: id, kind: row.kind)
    record.time = row.time
    record.bits = row.bits
    record.severity = row.severity
    if row.present.contains(.duration) { record.duration = row.duration }
    if row.present.contains(.auxiliary) { record.auxiliary = row.auxiliary }
    if row.present.contains(.tick) { record.tick = row.tick }
    if row.present.contains(.data) { record.data = bytes(row.data) }
    if row.present.contains(.ext) { record.ext = bytes(row.ext) }
    if row.present.contains(.correlation) { record.correlation = bytes(row.correlation) }
    if row.present.contains(.uid) { record.uid = bytes(row.uid) }
    record.category = bytes(names[Int(row.name)].category)
    record.event = bytes(names[Int(row.name)].event)
    let context = contexts[Int(row.context)]
    var origin = OTLPRecord.Source()
    origin.source = bytes(context.source)
    origin.session = bytes(context.session)
    origin.component = bytes(context.component)
    origin.gameModule = bytes(context.gameModule)
    origin.modFingerprint = bytes(context.modFingerprint)
    record.origin = origin
    let stream = streams[Int(row.stream)]
    record.scope.name = bytes(stream.name)
    record.scope.version = bytes(stream.version)
    record.scope.attributes = bytes(stream.attributes)
    record.scope.dropped = stream.droppedAttributes
    record.scope.schemaURL = bytes(stream.schemaURL)
    let resource = resources[Int(stream.resource)]
    record.resource.attributes = bytes(resource.attributes)
    record.resource.dropped = resource.droppedAttributes
    record.resource.schemaURL = bytes(resource.schemaURL)
    record.resource.entityRefs = bytes(resource.entityRefs)
    addMetric(row, to: &record)
    return record
  }

  private func addMetric(_ row: Row, to record: inout OTLPRecord) {
    if row.present.contains(.integer) { record.number = .integer(row.value) }
    if row.present.contains(.double) { record.number = .double(Double(bitPattern: UInt64(bitPattern: row.value))) }
    guard row.series >= 0 else { return }
    let series = series[Int(row.series)]
    record.seriesAttributes = bytes(series.attributes)
    let metric = metrics[Int(series.metric)]
    record.metric.name = bytes(metric.name)
    record.metric.unit = bytes(metric.unit)
    record.metric.description = bytes(metric.description)
    record.metric.metadata = bytes(metric.metadata)
    record.metric.type = metric.type
    record.metric.temporality = metric.temporality
    record.metric.monotonic = metric.monotonic
  }
}
