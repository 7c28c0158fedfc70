import Telemetry

/// What is open around the next record.
struct OTLPLevels {
  enum Level: Int, Comparable {
    case request, resource, scope, metric
    static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  var level = Level.request
  var isStarted = false
  var resource = OTLPLevelKey()
  var scope = OTLPLevelKey()
  var metric = OTLPLevelKey()
  /// A span is open, for its events.
  var isInSpan = false
  var spanEvents = 0
}

/// Copy of the texts that make a level what it is.
struct OTLPLevelKey: Equatable {
  private var bytes: [UInt8] = []

  mutating func add(_ text: UnsafeRawBufferPointer) {
    add(Int64(text.count))
    bytes.append(contentsOf: text)
  }

  mutating func add(_ number: Int64) { withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) } }
}

extension OTLPJSONEncoder {
  /// Closes what the record does not belong to and opens what it belongs to.
  mutating func open(_ record: OTLPRecord) throws(JSONFault) {
    if !levels.isStarted {
      levels.isStarted = true
      switch signal {
      case .traces: out.append("{\"resourceSpans\":[")
      case .logs: out.append("{\"resourceLogs\":[")
      case .metrics: out.append("{\"resourceMetrics\":[")
      }
    }
    let resource = record.resource.key
    let scope = record.scope.key
    if levels.level >= .resource && levels.resource != resource { close(to: .request) }
    if levels.level >= .scope && levels.scope != scope { close(to: .resource) }
    if levels.level == .request {
      try open(record.resource)
      levels.resource = resource
    }
    if levels.level == .resource {
      try open(record.scope)
      levels.scope = scope
    }
    guard signal == .metrics else { return }
    let metric = record.metric.key
    if levels.level == .metric && levels.metric != metric { close(to: .scope) }
    if levels.level == .scope {
      try open(record.metric)
      levels.metric = metric
    }
  }

  mutating func close(to level: OTLPLevels.Level) {
    if levels.level == .metric && level < .metric { out.append("]}}") }
    if levels.level >= .scope && level < .scope { out.append("]}") }
    if levels.level >= .resource && level < .resource { out.append("]}") }
    levels.level = Swift.min(levels.level, level)
  }

  mutating func open(_ resource: OTLPRecord.Resource) throws(JSONFault) {
    _ = try open(resource, adding: [])
  }

  /// Gives where further attributes could go.
  mutating func open(
    _ resource: OTLPRecord.Resource, adding added: [OTLPAddedAttribute]
  ) throws(JSONFault) -> Int {
    comma()
    out.append("{\"resource\":{")
    try rules.beginResource(resource.attributes)
    defer { rules.endResource() }
    let start = out.count
    key("\"attributes\":[")
    let first = out.count
    if let cursor = JSONCursor(resource.attributes) { _ = try keyValues(cursor, depth: 0) }
    if rules.isServiceUnknown { add(.unknownService) }
    for attribute in added { add(attribute) }
    let end = out.count
    if end == first { out.truncate(to: start) } else { out.append("]") }
    count("\"droppedAttributesCount\":", resource.dropped)
    try entityRefs(resource.entityRefs)
    out.append("}")
    text("\"schemaUrl\":", resource.schemaURL)
    switch signal {
    case .traces: key("\"scopeSpans\":[")
    case .logs: key("\"scopeLogs\":[")
    case .metrics: key("\"scopeMetrics\":[")
    }
    levels.level = .resource
    return end
  }

  private mutating func add(_ attribute: OTLPAddedAttribute) {
    comma()
    out.append("{\"key\":\"")
    out.append(attribute.key)
    out.append("\",\"value\":{\"stringValue\":")
    out.appendJSONString(attribute.text)
    out.append("}}")
  }

  private mutating func entityRefs(_ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard let cursor = JSONCursor(json) else { return }
    var list = StoredArray(cursor)
    key("\"entityRefs\":[")
    while try list.next() {
      var passed = list.cursor
      if rules.isActive, try !rules.leaves(entity: passed.storedValue()) {
        list.cursor = passed
        continue
      }
      comma()
      out.append("{")
      var entity = StoredObject(list.cursor)
      while let name = try entity.next() {
        let value = try entity.cursor.storedValue()
        if name.spells("schema_url") {
          key("\"schemaUrl\":")
        } else if name.spells("type") {
          key("\"type\":")
        } else if name.spells("id_keys") {
          key("\"idKeys\":")
        } else if name.spells("description_keys") {
          key("\"descriptionKeys\":")
        } else {
          continue
        }
        out.append(value)
      }
      list.cursor = entity.cursor
      out.append("}")
    }
    out.append("]")
  }

  mutating func open(_ scope: OTLPRecord.Scope) throws(JSONFault) {
    comma()
    out.append("{\"scope\":{")
    text("\"name\":", scope.name)
    text("\"version\":", scope.version)
    try attributes("\"attributes\":[", scope.attributes)
    count("\"droppedAttributesCount\":", scope.dropped)
    out.append("}")
    text("\"schemaUrl\":", scope.schemaURL)
    switch signal {
    case .traces: key("\"spans\":[")
    case .logs: key("\"logRecords\":[")
    case .metrics: key("\"metrics\":[")
    }
    levels.level = .scope
  }

  mutating func open(_ metric: OTLPRecord.Metric) throws(JSONFault) {
    comma()
    out.append("{")
    text("\"name\":", metric.name)
    text("\"description\":", metric.description)
    text("\"unit\":", metric.unit)
    try attributes("\"metadata\":[", metric.metadata)
    switch metric.type {
    case .gauge: key("\"gauge\":{")
    case .sum: key("\"sum\":{")
    case .histogram: key("\"histogram\":{")
    case .exponentialHistogram: key("\"exponentialHistogram\":{")
    case .summary: key("\"summary\":{")
    }
    if metric.temporality != 0 {
      key("\"aggregationTemporality\":")
      out.appendInteger(Int64(metric.temporality))
    }
    if metric.monotonic { key("\"isMonotonic\":true") }
    key("\"dataPoints\":[")
    levels.level = .metric
  }
}

extension OTLPRecord.Resource {
  fileprivate var key: OTLPLevelKey {
    var key = OTLPLevelKey()
    key.add(attributes)
    key.add(schemaURL)
    key.add(entityRefs)
    key.add(Int64(dropped))
    return key
  }
}

extension OTLPRecord.Scope {
  fileprivate var key: OTLPLevelKey {
    var key = OTLPLevelKey()
    key.add(name)
    key.add(version)
    key.add(attributes)
    key.add(schemaURL)
    key.add(Int64(dropped))
    return key
  }
}

extension OTLPRecord.Metric {
  fileprivate var key: OTLPLevelKey {
    var key = OTLPLevelKey()
    key.add(name)
    key.add(unit)
    key.add(description)
    key.add(metadata)
    key.add(Int64(type.rawValue) << 40 | Int64(UInt32(bitPattern: temporality)) << 1 | (monotonic ? 1 : 0))
    return key
  }
}
