import Telemetry

/// What entries have of their resource and scope: the stream, and metadata that is the same in all of them.
final class LokiOrigin {
  /// With a stream and what is no label of it.
  struct Shape {
    var stream: LokiStream
    var state: LokiStreamState
    var metadata: LokiBlock
  }

  let full: Shape
  /// For when there are too many streams: service and static labels only.
  let limited: Shape

  init(_ record: OTLPRecord, _ options: LokiOptions, _ streams: inout LokiStreams) throws(JSONFault) {
    full = try Self.shape(record, options, &streams, isLimited: false)
    limited = try Self.shape(record, options, &streams, isLimited: true)
  }

  private static func shape(
    _ record: OTLPRecord, _ options: LokiOptions, _ streams: inout LokiStreams, isLimited: Bool
  ) throws(JSONFault) -> Shape {
    let wanted = isLimited ? ["service.name"] : options.labels
    var labels = LokiLabels(options.staticLabels)
    let block = LokiBlock()
    var spent: Set<String> = []
    for key in wanted where labels.hasRoom {
      if let text = rowText(record, key, options.attributes) {
        labels.add(key.replacing("row.", with: ""), String(decoding: text, as: UTF8.self))
      } else if let text = try attribute(key, record.resource.attributes, options.attributes) {
        if labels.add(key, text) { spent.insert(key) }
      } else if key == "service.name" {
        labels.add(key, "")
      }
    }
    labels.complete()
    try block.fill(record, options.attributes, without: spent)
    let stream = LokiStream(labels.labels)
    return Shape(stream: stream, state: streams.state(of: stream), metadata: block)
  }

  /// Nil: it is no column. Empty: it has none, or none that may leave.
  private static func rowText(
    _ record: OTLPRecord, _ key: String, _ filter: AttributeFilter
  ) -> UnsafeRawBufferPointer? {
    let text: UnsafeRawBufferPointer?
    let attributes: [String]
    switch key {
    case "row.component": (text, attributes) = (record.origin?.component, ["component", "service.name"])
    case "row.game_module": (text, attributes) = (record.origin?.gameModule, ["game_module", "game.module"])
    case "row.category": (text, attributes) = (record.category, ["category", "event.category"])
    default: return nil
    }
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    return filter.allows(all: attributes) ? text ?? none : none
  }

  private static func attribute(
    _ key: String, _ json: UnsafeRawBufferPointer, _ filter: AttributeFilter
  ) throws(JSONFault) -> String? {
    var attributes = StoredAttributes(json)
    while let member = try attributes.next() {
      guard member.key.elementsEqual(key.utf8), filter.allows(stored: member.key) else { continue }
      var text = Arena(capacity: 256)
      try text.appendText(member.value)
      return String(decoding: text.bytes(0, text.count), as: UTF8.self)
    }
    return nil
  }
}

/// Labels of a stream while they are gathered.
private struct LokiLabels {
  private(set) var labels: [(name: [UInt8], value: [UInt8])] = []

  init(_ fixed: [(name: String, value: String)]) {
    for label in fixed where hasRoom { add(label.name, label.value) }
  }

  var hasRoom: Bool { labels.count < LokiLimit.labels }

  /// Whether the label says all of it: it was not there before, and its value was not cut.
  @discardableResult mutating func add(_ key: String, _ value: String) -> Bool {
    var out = Arena(capacity: 64)
    var key = key
    key.withUTF8 { LokiName.write(UnsafeRawBufferPointer($0), &out) }
    let name = [UInt8](out.bytes(0, out.count))
    guard !labels.contains(where: { $0.name == name }) else { return false }
    var value = value.isEmpty && key == "service.name" ? "unknown_service" : value
    // An empty label is none.
    guard !value.isEmpty else { return false }
    let (text, isWhole) = value.withUTF8 { bytes in
      let cut = UnsafeRawBufferPointer(bytes).cut(to: LokiLimit.labelValue)
      return ([UInt8](cut), cut.count == bytes.count)
    }
    labels.append((name, text))
    return isWhole
  }

  /// Loki wants one at least.
  mutating func complete() {
    if labels.isEmpty { add("service.name", "") }
  }
}

/// Metadata that all entries of an origin share: as it is sent, and as a list for entries whose own names clash.
final class LokiBlock {
  /// `structuredMetadata` fields of an entry, one behind the other.
  private(set) var encoded: [UInt8] = []
  private(set) var byteCount = 0
  private(set) var entryCount = 0
  private var names = InternTable(capacity: 64)
  private var hashes: [UInt64] = []
  /// In the order in which entries get their names: of the scope, those attributes that every scope has first.
  private var list = LokiMetadata()
  private var fixedCount = 0

  fileprivate func fill(
    _ record: OTLPRecord, _ filter: AttributeFilter, without spent: Set<String>
  ) throws(JSONFault) {
    let scope = record.scope
    if !scope.name.isEmpty { try list.add("scope_name") { $0.append(scope.name) } }
    if !scope.version.isEmpty { try list.add("scope_version") { $0.append(scope.version) } }
    if scope.dropped > 0 {
      try list.add("scope_dropped_attributes_count") { $0.appendInteger(UInt64(scope.dropped)) }
    }
    fixedCount = list.entries.count
    try add(.scope, scope.attributes, filter, [])
    try add(.resource, record.resource.attributes, filter, spent)
    var out = Arena(capacity: 1_024)
    list.encode(&out)
    encoded = [UInt8](out.bytes(0, out.count))
    byteCount = list.byteCount
    entryCount = list.entries.count
    for entry in list.entries {
      hashes.append(entry.hash)
      names.insert(entry.hash)
    }
  }

  private func add(
    _ kind: LokiMetadata.Kind, _ json: UnsafeRawBufferPointer, _ filter: AttributeFilter, _ spent: Set<String>
  ) throws(JSONFault) {
    var attributes = StoredAttributes(json)
    while let member = try attributes.next() {
      guard filter.allows(stored: member.key) else { continue }
      if !spent.isEmpty && spent.contains(String(decoding: member.key, as: UTF8.self)) { continue }
      try list.add(kind, member)
    }
  }

  func hasName(_ hash: UInt64) -> Bool { names.find(hash) { hashes[$0] == hash } != nil }

  /// Puts its entries where names are given: the fixed ones before the record's own attributes, the others behind.
  func addFixed(to other: inout LokiMetadata) {
    for index in 0..<fixedCount { other.add(list, index) }
  }

  func addRest(to other: inout LokiMetadata) {
    for index in fixedCount..<list.entries.count { other.add(list, index) }
  }
}
