import Telemetry

/// Writes the lines. A structure, for each access to a variable of a class costs a look into the list of accesses.
struct WebhookWriter: ~Copyable {
  var out = Arena(capacity: 1 << 16)
  private let filter: AttributeFilter
  private let columns: WebhookColumns
  private var resources = RecordOrigins<Resource>()
  private var clock = TimestampText()

  private struct Resource {
    var json: [UInt8]
    /// `service.instance.id` that may not leave.
    var instance: [UInt8]
  }

  init(_ filter: AttributeFilter) {
    self.filter = filter
    columns = WebhookColumns(filter)
  }

  mutating func line(_ record: OTLPRecord) throws(JSONFault) {
    let filter = filter
    let columns = columns
    let resource = try resources.index(of: record) { () throws(JSONFault) in
      var text = Arena(capacity: 1_024)
      try text.appendObject(record.resource.attributes, filter)
      return Resource(
        json: [UInt8](text.bytes(0, text.count)),
        instance: columns.instance ? [] : try Self.instance(record.resource.attributes))
    }
    let origin = record.origin
    let isInstance = origin?.session.elementsEqual(resources.values[resource].instance) ?? false
    out.append("{\"id\":")
    out.appendInteger(record.id)
    switch record.kind.signal {
    case .traces: out.append(",\"signal\":\"traces\",\"timestamp\":\"")
    case .metrics: out.append(",\"signal\":\"metrics\",\"timestamp\":\"")
    case .logs: out.append(",\"signal\":\"logs\",\"timestamp\":\"")
    }
    clock.write(record.time, &out)
    out.append("\"")
    text(",\"session_id\":", columns.session && !isInstance ? origin?.session : nil)
    text(",\"component\":", columns.component ? origin?.component : nil)
    text(",\"game_module\":", columns.gameModule ? origin?.gameModule : nil)
    text(",\"mod_fingerprint\":", columns.modFingerprint ? origin?.modFingerprint : nil)
    text(",\"category\":", columns.category(record) ? record.category : nil)
    if columns.event(record) { text(",\"event\":", record.event) } else { out.append(",\"event\":\"log\"") }
    switch record.severity {
    case .trace: out.append(",\"severity\":\"trace\",\"data\":")
    case .debug: out.append(",\"severity\":\"debug\",\"data\":")
    case .info: out.append(",\"severity\":\"info\",\"data\":")
    case .warn: out.append(",\"severity\":\"warn\",\"data\":")
    case .error: out.append(",\"severity\":\"error\",\"data\":")
    }
    try out.appendEventData(record, filter)
    out.append(",\"duration_us\":")
    let duration = columns.duration(record) ? record.duration : nil
    if let duration, duration >= 0 { out.appendInteger(duration / 1000) } else { out.append("null") }
    out.append(",\"tick\":")
    if let tick = record.tick, columns.tick { out.appendInteger(tick) } else { out.append("null") }
    if record.trace.isEmpty {
      text(",\"correlation\":", columns.correlation ? record.correlation : nil)
    } else {
      out.append(",\"correlation\":\"")
      out.appendHex(record.trace)
      out.append("\"")
    }
    out.append(",\"resource\":")
    out.append(resources.values[resource].json[...])
    out.append("}\n")
  }

  private static func instance(_ json: UnsafeRawBufferPointer) throws(JSONFault) -> [UInt8] {
    var attributes = StoredAttributes(json)
    while let member = try attributes.next() {
      guard member.key.spells("service.instance.id") else { continue }
      var text = Arena(capacity: 256)
      try text.appendText(member.value)
      return [UInt8](text.bytes(0, text.count))
    }
    return []
  }

  /// Null where there is none.
  private mutating func text(_ name: StaticString, _ bytes: UnsafeRawBufferPointer?) {
    out.append(name)
    if let bytes, !bytes.isEmpty { out.appendJSONString(bytes) } else { out.append("null") }
  }
}
