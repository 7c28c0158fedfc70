import Telemetry

extension OTLPProtoEncoder {
  /// Content of Resource: attributes 1, dropped_attributes_count 2, entity_refs 3.
  mutating func resource(
    _ resource: OTLPRecord.Resource, adding added: [OTLPAddedAttribute]
  ) throws(JSONFault) {
    try rules.beginResource(resource.attributes)
    defer { rules.endResource() }
    try attributes(0x0a, resource.attributes)
    if rules.isServiceUnknown { add(.unknownService) }
    for attribute in added { add(attribute) }
    varint(0x10, unlessZero: UInt64(resource.dropped))
    guard let cursor = JSONCursor(resource.entityRefs) else { return }
    var list = StoredArray(cursor)
    while try list.next() {
      var entity = list.cursor
      if try rules.leaves(entity: list.cursor.storedValue()) { try entityRef(&entity) }
    }
  }

  private mutating func add(_ attribute: OTLPAddedAttribute) { self.attribute(0x0a, attribute.key, attribute.text) }

  /// EntityRef: schema_url 1, type 2, id_keys 3, description_keys 4.
  private mutating func entityRef(_ c: inout JSONCursor) throws(JSONFault) {
    let start = open(0x1a)
    var entity = StoredObject(c)
    while let name = try entity.next() {
      if name.spells("schema_url") {
        try string(0x0a, &entity.cursor)
      } else if name.spells("type") {
        try string(0x12, &entity.cursor)
      } else if name.spells("id_keys") {
        try strings(0x1a, &entity.cursor)
      } else if name.spells("description_keys") {
        try strings(0x22, &entity.cursor)
      } else {
        _ = try entity.cursor.storedValue()
      }
    }
    close(start)
  }

  private mutating func strings(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() { try string(tag, &list.cursor) }
    c = list.cursor
  }

  /// Content of InstrumentationScope: name 1, version 2, attributes 3, dropped_attributes_count 4.
  mutating func scope(_ scope: OTLPRecord.Scope) throws(JSONFault) {
    text(0x0a, scope.name)
    text(0x12, scope.version)
    try attributes(0x1a, scope.attributes)
    varint(0x20, unlessZero: UInt64(scope.dropped))
  }

  /// Metric but for its points: name 1, description 2, unit 3, metadata 12.
  mutating func metric(_ metric: OTLPRecord.Metric) throws(JSONFault) {
    text(0x0a, metric.name)
    text(0x12, metric.description)
    text(0x1a, metric.unit)
    try attributes(0x62, metric.metadata)
  }

  /// What follows the points: aggregation_temporality 2, is_monotonic 3.
  mutating func metricTail(_ metric: OTLPRecord.Metric) {
    switch metric.type {
    case .gauge, .summary: break
    case .histogram, .exponentialHistogram: signed(0x10, unlessZero: Int64(metric.temporality))
    case .sum:
      signed(0x10, unlessZero: Int64(metric.temporality))
      varint(0x18, unlessZero: metric.monotonic ? 1 : 0)
    }
  }

  /// Tag of the field of Metric with the points.
  static func wrapper(_ type: MetricType) -> UInt8 {
    switch type {
    case .gauge: 0x2a
    case .sum: 0x3a
    case .histogram: 0x4a
    case .exponentialHistogram: 0x52
    case .summary: 0x5a
    }
  }
}
