import Store
import Telemetry
import Wire

extension OTLPRecord {
  /// The row as the encoder needs it; its texts stay where they are. Nil for a kind of row that is not known.
  /// `withOrigin`: the line tells whose it is.
  init?(_ row: StoredRow, withOrigin: Bool) {
    guard let kind = row.kind else { return nil }
    self.init(id: row.id, kind: kind)
    time = row.time
    duration = row.duration
    auxiliary = row.auxiliary
    tick = row.tick
    bits = row.bits
    severity = row.severity
    trace = row.trace
    span = row.span
    parent = row.parent
    category = row.category
    event = row.event
    correlation = row.correlation
    uid = row.uid
    data = row.data
    ext = row.ext
    resource.attributes = row.resourceAttributes
    resource.dropped = UInt32(truncatingIfNeeded: row.resourceDropped)
    resource.schemaURL = row.resourceSchemaURL
    resource.entityRefs = row.entityRefs
    scope.name = row.scopeName
    scope.version = row.scopeVersion
    scope.attributes = row.scopeAttributes
    scope.dropped = UInt32(truncatingIfNeeded: row.scopeDropped)
    scope.schemaURL = row.scopeSchemaURL
    if withOrigin {
      var origin = OTLPRecord.Source()
      origin.source = row.source
      origin.session = row.session
      origin.component = row.component
      origin.gameModule = row.gameModule
      origin.modFingerprint = row.modFingerprint
      self.origin = origin
    }
    guard kind.isPoint else { return }
    guard let type = row.metricType else { return nil }
    switch row.value {
    case .integer(let value): number = .integer(value)
    case .real(let value): number = .double(value)
    default: break
    }
    seriesAttributes = row.seriesAttributes
    metric.name = row.metricName
    metric.unit = row.metricUnit
    metric.description = row.metricDescription
    metric.metadata = row.metricMetadata
    metric.type = type
    metric.temporality = Int32(truncatingIfNeeded: row.metricTemporality)
    metric.monotonic = row.metricMonotonic
  }
}
