import Telemetry

/// Writes the lines. A structure, for each access to a variable of a class costs a look into the list of accesses.
struct WebhookWriter: ~Copyable {
  var out = Arena(capacity: 1 << 16)
  private let filter: AttributeFilter
  private var resources = RecordOrigins<[UInt8]>()
  private var clock = TimestampText()

  init(_ filter: AttributeFilter) { self.filter = filter }

  mutating func line(_ record: OTLPRecord) throws(JSONFault) {
    let filter = filter
    let resource = try resources.index(of: record) { () throws(JSONFault) in
      var text = Arena(capacity: 1_024)
      try text.appendObject(record.resource.attributes, filter)
      return [UInt8](text.bytes(0, text.count))
    }
    out.append("{\"id\":")
    out.appendInteger(record.id)
    switch record.kind.signal {
    case .traces: out.append(",\"signal\":\"traces\",\"timestamp\":\"")
    case .metrics: out.append(",\"signal\":\"metrics\",\"timestamp\":\"")
    case .logs: out.append(",\"signal\":\"logs\",\"timestamp\":\"")
    }
    clock.write(record.time, &out)
    out.append("\"")
    text(",\"session_id\":", record.origin?.session)
    text(",\"component\":", record.origin?.component)
    text(",\"game_module\":", record.origin?.gameModule)
    text(",\"mod_fingerprint\":", record.origin?.modFingerprint)
    text(",\"category\":", record.category)
    text(",\"event\":", record.event)
    switch record.severity {
    case .trace: out.append(",\"severity\":\"trace\",\"data\":")
    case .debug: out.append(",\"severity\":\"debug\",\"data\":")
    case .info: out.append(",\"severity\":\"info\",\"data\":")
    case .warn: out.append(",\"severity\":\"warn\",\"data\":")
    case .error: out.append(",\"severity\":\"error\",\"data\":")
    }
    try out.appendEventData(record, filter)
    out.append(",\"duration_us\":")
    if let duration = record.duration, duration >= 0 { out.appendInteger(duration / 1000) } else { out.append("null") }
    out.append(",\"tick\":")
    if let tick = record.tick { out.appendInteger(tick) } else { out.append("null") }
    if record.trace.isEmpty {
      text(",\"correlation\":", record.correlation)
    } else {
      out.append(",\"correlation\":\"")
      out.appendHex(record.trace)
      out.append("\"")
    }
    out.append(",\"resource\":")
    out.append(resources.values[resource][...])
    out.append("}\n")
  }

  /// Null where there is none.
  private mutating func text(_ name: StaticString, _ bytes: UnsafeRawBufferPointer?) {
    out.append(name)
    if let bytes, !bytes.isEmpty { out.appendJSONString(bytes) } else { out.append("null") }
  }
}
