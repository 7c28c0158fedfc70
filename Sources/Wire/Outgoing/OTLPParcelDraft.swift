import Telemetry

/// Records of one signal between two cuts.
final class OTLPParcelDraft {
  typealias Bytes = UnsafeRawBufferPointer

  let signal: Signal
  private let encoder: any OTLPItemEncoder
  private let options: OTLPParcelOptions
  private var resources = OTLPLevelTable()
  private var scopes = OTLPLevelTable()
  private var metrics = OTLPLevelTable()
  private(set) var items: [ParcelItem] = []
  /// Hashes of the items' sources, where the order of a source matters.
  private(set) var lanes: [UInt64] = []
  private var source = OTLPSourceHash()
  private let hasLanes: Bool
  /// The last item is a span, whose events may come.
  private var isInSpan = false
  private var spanID: UInt64 = 0

  init(_ signal: Signal, _ options: OTLPParcelOptions, _ rules: OTLPAttributeRules) {
    self.signal = signal
    self.options = options
    encoder =
      switch options.encoding {
      case .protobuf: OTLPProtoItems(rules)
      case .json: OTLPJSONItems(signal, rules)
      }
    hasLanes =
      switch options.laneBySource {
      case .none: false
      case .metricsOnly: signal == .metrics
      case .all: true
      }
  }

  var byteCount: Int { encoder.byteCount }

  // MARK: adding

  func add(_ record: OTLPRecord) -> ParcelTake {
    endSpan()
    if record.kind.isPoint && !Self.fits(record.kind, record.metric.type) { return .refused("invalid") }
    do throws(JSONFault) {
      let origin = options.provenance == nil ? nil : OTLPParcelOrigin(record)
      let group = try group(record, origin)
      let before = encoder.byteCount
      if let origin { encoder.number(origin.id) }
      var item = ParcelItem(record)
      do throws(JSONFault) {
        item.start = try encoder.item(record)
      } catch {
        encoder.truncate(to: before)
        throw error
      }
      item.end = encoder.byteCount
      item.group = group
      items.append(item)
    } catch {
      return .refused("invalid")
    }
    if hasLanes { lanes.append(source.hash(record.origin?.source ?? Bytes(start: nil, count: 0))) }
    if record.kind == .span {
      isInSpan = true
      spanID = Self.word(record.span)
    }
    return .taken
  }

  private static func fits(_ kind: RowKind, _ type: MetricType) -> Bool {
    switch type {
    case .gauge, .sum: kind == .number
    case .histogram, .exponentialHistogram, .summary: kind == .distribution
    }
  }

  /// An event of the span before it; without that one it belongs nowhere.
  func addEvent(_ record: OTLPRecord) -> ParcelTake {
    guard isInSpan, Self.word(record.span) == spanID else { return .skipped }
    do throws(JSONFault) {
      try encoder.event(record)
    } catch {
      return .refused("invalid")
    }
    items[items.count - 1].end = encoder.byteCount
    return .taken
  }

  /// What comes next is no event of the last span.
  func endSpan() {
    guard isInSpan else { return }
    isInSpan = false
    encoder.endItem()
    items[items.count - 1].end = encoder.byteCount
  }

  /// A span id; 0 for none.
  private static func word(_ id: Bytes) -> UInt64 { id.count == 8 ? id.loadUnaligned(as: UInt64.self) : 0 }

  // MARK: levels

  /// Index of the innermost level of the record.
  private func group(_ record: OTLPRecord, _ origin: OTLPParcelOrigin?) throws(JSONFault) -> Int {
    let scope = try scope(record, in: try resource(record, origin))
    guard signal == .metrics else { return scope }
    let metric = record.metric
    metrics.begin()
    metrics.add(scope)
    metrics.add(metric.name)
    metrics.add(metric.unit)
    metrics.add(metric.description)
    metrics.add(metric.metadata)
    metrics.add(
      Int(metric.type.rawValue) << 40 | Int(UInt32(bitPattern: metric.temporality)) << 1 | (metric.monotonic ? 1 : 0))
    if let known = metrics.find() { return known }
    do throws(JSONFault) {
      var level = try encoder.metric(metric)
      level.parent = scope
      return metrics.insert(level)
    } catch {
      metrics.giveUp()
      throw error
    }
  }

  private func scope(_ record: OTLPRecord, in resource: Int) throws(JSONFault) -> Int {
    let scope = record.scope
    scopes.begin()
    scopes.add(resource)
    scopes.add(scope.name)
    scopes.add(scope.version)
    scopes.add(scope.attributes)
    scopes.add(scope.schemaURL)
    scopes.add(Int(scope.dropped))
    if let known = scopes.find() { return known }
    do throws(JSONFault) {
      var level = try encoder.scope(scope)
      level.parent = resource
      return scopes.insert(level)
    } catch {
      scopes.giveUp()
      throw error
    }
  }

  private func resource(_ record: OTLPRecord, _ origin: OTLPParcelOrigin?) throws(JSONFault) -> Int {
    let resource = record.resource
    resources.begin()
    resources.add(resource.attributes)
    resources.add(resource.schemaURL)
    resources.add(resource.entityRefs)
    resources.add(Int(resource.dropped))
    if let origin {
      resources.add(origin.store)
      if let source = record.origin?.source { resources.add(source) }
    }
    if let known = resources.find() { return known }
    do throws(JSONFault) {
      return resources.insert(try self.resource(record, origin, options.provenance))
    } catch {
      resources.giveUp()
      throw error
    }
  }

  private func resource(
    _ record: OTLPRecord, _ origin: OTLPParcelOrigin?, _ provenance: OTLPParcelOptions.Provenance?
  ) throws(JSONFault) -> OTLPParcelLevel {
    guard let origin, let provenance else { return try encoder.resource(record.resource, adding: []) }
    let encoder = encoder
    return try provenance.withTexts { (store, key) throws(JSONFault) in
      var added = [OTLPAddedAttribute(key: "garner.store", text: origin.store.isEmpty ? store : origin.store)]
      added.append(OTLPAddedAttribute(key: "garner.source", text: record.origin?.source ?? Bytes(start: nil, count: 0)))
      if let key { added.append(OTLPAddedAttribute(key: "garner.protected", text: key)) }
      return try encoder.resource(record.resource, adding: added)
    }
  }

  // MARK: cutting

  /// What was added, nil for nothing; the draft begins anew.
  func take() -> (contents: OTLPParcelContents, items: [ParcelItem], lanes: [UInt64])? {
    endSpan()
    if items.isEmpty && encoder.byteCount == 0 { return nil }
    let items = items
    let lanes = lanes
    self.items = []
    self.lanes = []
    self.items.reserveCapacity(items.count)
    // Levels of records that were refused, if there are any.
    let levels = (resources.take(), scopes.take(), metrics.take())
    let contents = OTLPParcelContents(
      signal: signal, encoding: options.encoding, hasProvenance: options.provenance != nil, resources: levels.0,
      scopes: levels.1, metrics: levels.2, bytes: encoder.take())
    return items.isEmpty ? nil : (contents, items, lanes)
  }
}

/// A hash that is the same in every process: the order of a source's records must survive a restart.
private struct OTLPSourceHash {
  private var last: [UInt8] = []
  private var lastHash: UInt64 = 0
  private var isKnown = false

  mutating func hash(_ source: UnsafeRawBufferPointer) -> UInt64 {
    if isKnown && last.count == source.count && last.elementsEqual(source) { return lastHash }
    var state = KeyedHash(k0: 0, k1: 0).start()
    state.add(source)
    lastHash = state.finish().low
    last = [UInt8](source)
    isKnown = true
    return lastHash
  }
}

extension OTLPParcelOptions.Provenance {
  fileprivate func withTexts<T>(
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) throws(JSONFault) -> T
  ) throws(JSONFault) -> T {
    let store = [UInt8](storeID.utf8)
    let key = protectedKeyID.map { [UInt8]($0.utf8) }
    return try store.span.bytes.withUnsafeBytes { (store) throws(JSONFault) in
      guard let key else { return try body(store, nil) }
      return try key.span.bytes.withUnsafeBytes { (key) throws(JSONFault) in try body(store, key) }
    }
  }
}
