import Telemetry

/// The walk over a protobuf request. A message's fields are read once and noted, as numbers or as ranges of bytes, because
/// they may come in any order; then the message is written to the batch. Repeated fields are read again one by one.
struct ProtoDecoder: ~Copyable {
  var builder: BatchBuilder
  var limits: ProtoLimits
  private var joins: ProtoJoins
  /// Bytes of objects that may be written again because of equal keys: honest requests stay far below.
  let rewriteLimit: Int

  /// Where the walk is, for the path in a rejection.
  var resourceIndex = 0
  var scopeIndex = 0
  var itemIndex = 0

  /// Things worth one sentence to the sender, counted.
  var droppedExemplars = 0
  var stringIndexes = 0

  init(_ signal: Signal, options: DecodeOptions, bodyBytes: Int) {
    builder = BatchBuilder(signal: signal, options: options, expectedBytes: bodyBytes)
    limits = ProtoLimits(required: options.required)
    joins = ProtoJoins(bodyBytes: bodyBytes)
    rewriteLimit = 8 * bodyBytes + 1 << 20
  }

  consuming func finish() -> Batch {
    if droppedExemplars > 0 {
      builder.warnings.append(
        "\(droppedExemplars) exemplars without a value or with ids of a wrong length were dropped")
    }
    if stringIndexes > 0 {
      builder.warnings.append("string indexes mean nothing outside profiles; \(stringIndexes) were ignored")
    }
    return builder.finish()
  }

  /// The message of a field that may occur once.
  @inline(__always)
  mutating func joined(_ once: ProtoOnce, _ field: UInt32, of message: ProtoCursor) throws(ProtoFault) -> ProtoCursor {
    once.count <= 1 ? once.last : try joins.join(field, of: message)
  }

  // MARK: request, resource, scope

  /// Export request: `resource_spans`, `resource_metrics` or `resource_logs` 1.
  mutating func request(_ message: ProtoCursor) throws(ProtoFault) {
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 1 {
        try resourceItems(try cursor.range(tag))
        resourceIndex += 1
      } else {
        try cursor.skip(tag)
      }
    }
  }

  /// ResourceSpans and siblings: resource 1, scope_x 2, schema_url 3. Field 1000 held library messages before OTLP 0.15 and
  /// is unknown to us (CONFORMANCE PB-08).
  private mutating func resourceItems(_ message: ProtoCursor) throws(ProtoFault) {
    var resource = ProtoOnce(message)
    var schemaURL = ProtoOnce(message)
    var scopes = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: resource.note(try cursor.range(tag))
      case 2:
        _ = try cursor.range(tag)
        scopes.note(start, cursor.at)
      case 3: schemaURL.note(try cursor.range(tag))
      default: try cursor.skip(tag)
      }
    }
    let rows = builder.rows.count
    builder.beginResource()
    beginResourceLimits()
    try self.resource(try joined(resource, 1, of: message))
    endResourceLimits()
    builder.resources[builder.resources.count - 1].schemaURL = builder.appendText(schemaURL.last.bytes)
    builder.resourceKnown()
    scopeIndex = 0
    cursor = scopes.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 2 {
        try scopeItems(try cursor.range(tag))
        scopeIndex += 1
      } else {
        try cursor.skip(tag)
      }
    }
    // What nothing refers to is not kept: a resource of two bytes would cost twenty times that.
    if builder.rows.count == rows { builder.resources.removeLast() }
  }

  /// Resource: attributes 1, dropped_attributes_count 2, entity_refs 3.
  private mutating func resource(_ message: ProtoCursor) throws(ProtoFault) {
    var attributes = ProtoRun(message)
    var entities = ProtoRun(message)
    var dropped: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1:
        _ = try cursor.range(tag)
        attributes.note(start, cursor.at)
      case 2: dropped = try cursor.uint32(tag)
      case 3:
        _ = try cursor.range(tag)
        entities.note(start, cursor.at)
      default: try cursor.skip(tag)
      }
    }
    var promoted = Promoted()
    var resource = Batch.Resource()
    resource.attributes = try self.attributes(attributes, 1, &promoted).slice
    resource.entityRefs = try entityRefs(entities.cursor)
    resource.droppedAttributes = dropped
    builder.resources[builder.resources.count - 1] = resource
    builder.resourcePromoted = promoted
  }

  /// ScopeSpans and siblings: scope 1, items 2, schema_url 3.
  private mutating func scopeItems(_ message: ProtoCursor) throws(ProtoFault) {
    var scope = ProtoOnce(message)
    var schemaURL = ProtoOnce(message)
    var items = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: scope.note(try cursor.range(tag))
      case 2:
        _ = try cursor.range(tag)
        items.note(start, cursor.at)
      case 3: schemaURL.note(try cursor.range(tag))
      default: try cursor.skip(tag)
      }
    }
    let rows = builder.rows.count
    builder.beginScope()
    beginScopeLimits()
    try self.scope(try joined(scope, 1, of: message))
    endScopeLimits()
    builder.streams[builder.streams.count - 1].schemaURL = builder.appendText(schemaURL.last.bytes)
    itemIndex = 0
    switch builder.signal {
    case .traces: try spans(items.cursor)
    case .logs: try logs(items.cursor)
    case .metrics: try metrics(items.cursor)
    }
    if builder.rows.count == rows { builder.streams.removeLast() }
  }

  // MARK: rows over the limit

  @inline(__always) func isFull(adding rows: Int = 1) -> Bool {
    builder.rows.count &+ rows > builder.options.rowLimit
  }

  /// Refuses a record for which there is no room.
  mutating func rejectForSize() {
    let (resource, scope, item) = (resourceIndex, scopeIndex, itemIndex)
    let names: (resource: String, scope: String, item: String) =
      switch builder.signal {
      case .traces: ("resourceSpans", "scopeSpans", "spans")
      case .logs: ("resourceLogs", "scopeLogs", "logRecords")
      case .metrics: ("resourceMetrics", "scopeMetrics", "metrics")
      }
    builder.reject(
      .tooLarge, path: "\(names.resource)[\(resource)].\(names.scope)[\(scope)].\(names.item)[\(item)]", record: "")
  }

  /// InstrumentationScope: name 1, version 2, attributes 3, dropped_attributes_count 4.
  private mutating func scope(_ message: ProtoCursor) throws(ProtoFault) {
    var name = ProtoOnce(message)
    var version = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var dropped: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: name.note(try cursor.range(tag))
      case 2: version.note(try cursor.range(tag))
      case 3:
        _ = try cursor.range(tag)
        attributes.note(start, cursor.at)
      case 4: dropped = try cursor.uint32(tag)
      default: try cursor.skip(tag)
      }
    }
    let last = builder.streams.count - 1
    builder.streams[last].name = builder.appendText(name.last.bytes)
    builder.streams[last].version = builder.appendText(version.last.bytes)
    builder.streams[last].droppedAttributes = dropped
    if !attributes.cursor.isAtEnd {
      var promoted = Promoted()
      builder.streams[last].attributes = try self.attributes(attributes, 3, &promoted).slice
      builder.scopePromoted = promoted
    }
  }

  // MARK: ids

  /// 16 bytes that are not all zero.
  @inline(__always) func traceID(_ bytes: ProtoCursor) -> (UInt64, UInt64)? {
    guard bytes.count == 16 else { return nil }
    let id = UnsafeRawPointer(bytes.at).loadUnaligned(as: (UInt64, UInt64).self)
    return id.0 | id.1 == 0 ? nil : id
  }

  /// 8 bytes that are not all zero.
  @inline(__always) func spanID(_ bytes: ProtoCursor) -> UInt64? {
    guard bytes.count == 8 else { return nil }
    let id = UnsafeRawPointer(bytes.at).loadUnaligned(as: UInt64.self)
    return id == 0 ? nil : id
  }
}

/// Where the occurrences of a repeated field lie: from the first to the last, other fields possibly between them.
struct ProtoRun {
  private var start: UnsafePointer<UInt8>
  private var end: UnsafePointer<UInt8>
  private(set) var count = 0

  @inline(__always) init(_ message: ProtoCursor) {
    start = message.end
    end = message.end
  }

  @inline(__always) mutating func note(_ first: UnsafePointer<UInt8>, _ behind: UnsafePointer<UInt8>) {
    if count == 0 { start = first }
    end = behind
    count &+= 1
  }

  @inline(__always) var cursor: ProtoCursor { ProtoCursor(at: start, end: end) }
}
