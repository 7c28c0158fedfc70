import Telemetry

/// From the attributes of a record to the labels of its series.
extension PrometheusFold {
  func stream(_ record: OTLPRecord) throws(JSONFault) -> PromStream {
    let (found, place) = streams.find(record)
    if let found { return found }
    let resource: PromResource
    if let known = streams.resource(place) {
      resource = known
    } else {
      resource = try self.resource(record.resource)
      streams.insert(resource, place)
    }
    let stream = try newStream(record, resource, metric: place.metric)
    streams.insert(stream, record, place)
    return stream
  }

  private func newStream(
    _ record: OTLPRecord, _ resource: PromResource, metric place: Int
  ) throws(JSONFault) -> PromStream {
    let metric = record.metric
    let needsTemporality = metric.type != .gauge && metric.type != .summary
    if needsTemporality && metric.temporality != 1 && metric.temporality != 2 {
      return PromStream(.refused("unsupported"), resource)
    }
    if metric.type == .exponentialHistogram && exponential == .drop { return PromStream(.skipped, resource) }
    let metricText: MetricText
    if let known = metricTexts[place] {
      metricText = known
    } else {
      metricText = try self.metricText(metric)
      metricTexts[place] = metricText
    }
    if metricText.name.isEmpty { return PromStream(.refused("unsupported"), resource) }

    var labels = resource.labels
    var isSummed = false
    try forEachAttribute(record.seriesAttributes) { key, value in
      guard isLabel(key) else {
        isSummed = true
        return
      }
      labels.add(labelName(key), value, key: key, .attribute)
    }
    if options.scopeLabels { try addScope(record.scope, &labels, &isSummed) }
    let kind: SeriesKind =
      switch metric.type {
      case .gauge, .sum: .number
      case .histogram: .classic
      case .exponentialHistogram: exponential == .native ? .native : .classic
      case .summary: .summary
      }
    if isSummed && !needsTemporality { return PromStream(.refused("high_cardinality"), resource) }
    let text = labels.text(metricText, kind)
    if text.byteCount > options.bytesPerRequest { return PromStream(.refused("too_large"), resource) }
    return PromStream(
      .series, resource, text: text, key: text.key(hash), sourceKey: try sourceKey(record, resource),
      isSummed: isSummed)
  }

  /// Everything that tells one stream from another (CONFORMANCE MET-14).
  private func sourceKey(_ record: OTLPRecord, _ resource: PromResource) throws(JSONFault) -> ReceiptKey {
    var state = hash.start()
    state.add(UInt64(record.metric.type.rawValue) << 8 | (record.metric.monotonic ? 1 : 0))
    for text in [record.scope.name, record.scope.version, record.metric.name, record.metric.unit] { state.add(text) }
    for key in [resource.key, try attributesKey(record.scope.attributes), try attributesKey(record.seriesAttributes)] {
      state.add(key.high)
      state.add(key.low)
    }
    return state.finish()
  }

  /// The same in whatever order they come: a process that starts again may tell them in another one.
  private func attributesKey(_ json: UnsafeRawBufferPointer) throws(JSONFault) -> ReceiptKey {
    var sum = ReceiptKey(high: 0, low: 0)
    guard var object = StoredObject(json) else { return sum }
    while let key = try object.next() {
      var state = hash.start()
      state.add(key)
      state.add(try object.cursor.storedValue())
      let one = state.finish()
      sum.high &+= one.high
      sum.low &+= one.low
    }
    return sum
  }

  private func metricText(_ metric: OTLPRecord.Metric) throws(JSONFault) -> MetricText {
    let isCounter = metric.type == .sum && metric.monotonic
    var type: PromType =
      switch metric.type {
      case .gauge: .gauge
      case .sum: isCounter ? .counter : .gauge
      case .histogram, .exponentialHistogram: .histogram
      case .summary: .summary
      }
    if metric.type == .gauge {
      try forEachAttribute(metric.metadata) { key, value in
        guard key.elementsEqual("prometheus.type".utf8) else { return }
        switch String(decoding: value, as: UTF8.self) {
        case "unknown": type = .unknown
        case "info": type = .info
        case "stateset": type = .stateset
        default: break
        }
      }
    }
    let unit = String(decoding: metric.unit, as: UTF8.self)
    let name = namer.metric(
      String(decoding: metric.name, as: UTF8.self), unit: unit,
      role: isCounter ? .counter : metric.type == .gauge ? .gauge : .other)
    return MetricText(
      name: Array(name.utf8), type: type, help: Array(metric.description),
      unit: Array(PromUnits.words(unit).whole.utf8))
  }

  /// `otel_scope_…`; attributes of a scope that would become one of the first three are left out (PN-10).
  private func addScope(
    _ scope: OTLPRecord.Scope, _ labels: inout PromLabels, _ isSummed: inout Bool
  ) throws(JSONFault) {
    let names = ["otel_scope_name", "otel_scope_version", "otel_scope_schema_url"].map { Array($0.utf8) }
    for (name, value) in zip(names, [scope.name, scope.version, scope.schemaURL]) {
      labels.add(name, Array(value), key: name, .attribute)
    }
    var denied = false
    try forEachAttribute(scope.attributes) { key, value in
      guard isLabel(key) else {
        denied = true
        return
      }
      let name = labelName(Array("otel_scope_".utf8) + key)
      if !names.contains(name) { labels.add(name, value, key: key, .attribute) }
    }
    isSummed = isSummed || denied
  }

  // MARK: resources

  private func resource(_ stored: OTLPRecord.Resource) throws(JSONFault) -> PromResource {
    let resource = PromResource()
    resource.key = try attributesKey(stored.attributes)
    var name: [UInt8] = []
    var namespace: [UInt8] = []
    var instance: [UInt8] = []
    var info = PromLabels()
    let promotes = !options.resourceLabels.isEmpty
    try forEachAttribute(stored.attributes) { key, value in
      // Which attributes of points are labels (`labels.allow`) says nothing of those that are asked for by name.
      guard key.withUnsafeBytes({ options.attributes.allows($0) && denied.allows($0) }) else { return }
      if promotes && key.withUnsafeBytes({ resourceFilter.allows($0) }) {
        resource.labels.add(labelName(key), value, key: key, .resource)
      }
      switch String(decoding: key, as: UTF8.self) {
      case "service.name": name = value
      case "service.namespace": namespace = value
      case "service.instance.id": instance = value
      default: if isLabel(key) { info.add(labelName(key), value, key: key, .attribute) }
      }
    }
    var identity = PromLabels()
    let job = namespace.isEmpty || name.isEmpty ? name : namespace + [UInt8(ascii: "/")] + name
    identity.add(Array("job".utf8), job, key: [], .identity)
    identity.add(Array("instance".utf8), instance, key: [], .identity)
    var fixed = PromLabels()
    for (name, value) in options.staticLabels.sorted(by: { $0.key < $1.key }) {
      fixed.add(labelName(Array(name.utf8)), Array(value.utf8), key: [], .fixed)
    }
    resource.labels.add(identity)
    resource.labels.add(fixed)
    // Nothing but who it is would tell nothing (PN-09).
    guard options.targetInfo, !info.isEmpty, !identity.isEmpty else { return resource }
    info.add(identity)
    info.add(fixed)
    let text = info.text(Self.targetInfoText, .targetInfo)
    var state = hash.start()
    for part in [job, instance] { part.withUnsafeBytes { state.add($0) } }
    let key = state.finish()
    if infos[key] == nil {
      guard infos.count < options.maxSeries else { return resource }
      infos[key] = TargetInfo()
      infos[key]?.active = clock
    }
    resource.info = infos[key]
    resource.infoText = text
    resource.infoKey = text.key(hash)
    return resource
  }

  static let targetInfoText = MetricText(
    name: Array("target_info".utf8), type: .gauge, help: Array("Target metadata".utf8), unit: [])

  // MARK: attributes

  func labelName(_ key: [UInt8]) -> [UInt8] {
    if let known = labelNames[key] { return known }
    let name = Array(namer.label(String(decoding: key, as: UTF8.self)).utf8)
    labelNames[key] = name
    return name
  }

  /// The members of a stored object with their values as text. Nothing for no bytes.
  func forEachAttribute(
    _ json: UnsafeRawBufferPointer, _ body: (_ key: [UInt8], _ value: [UInt8]) -> Void
  ) throws(JSONFault) {
    guard var object = StoredObject(json) else { return }
    while let key = try object.next() {
      scratch.truncate(to: 0)
      if key.contains(UInt8(ascii: "\\")), let start = key.baseAddress?.assumingMemoryBound(to: UInt8.self) {
        var text = JSONCursor(at: start, end: start + key.count + 1)
        try text.text(into: &scratch)
      } else {
        scratch.append(key)
      }
      // A key that begins with `$` was written with a second one.
      let skipped = scratch.count > 0 && scratch.base[0] == UInt8(ascii: "$") ? 1 : 0
      let name = Array(scratch.bytes(skipped, scratch.count - skipped))
      scratch.truncate(to: 0)
      try scratch.appendText(try object.cursor.storedValue())
      body(name, Array(scratch.bytes(0, scratch.count)))
    }
  }
}
