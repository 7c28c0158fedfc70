import Telemetry

extension OTLPJSONEncoder {
  mutating func log(_ record: OTLPRecord) throws(JSONFault) {
    comma()
    out.append("{")
    var moment = UInt64(bitPattern: record.time)
    let number = record.bits & 31
    if number != 0 && number != Bits.logSeverityInExt {
      key("\"severityNumber\":")
      out.appendInteger(number)
    }
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.storedUnsigned()
          continue
        }
        let value = try ext.cursor.storedValue()
        if name.spells("severity_number") {
          key("\"severityNumber\":")
        } else if name.spells("severity_text") {
          key("\"severityText\":")
        } else if name.spells("dropped_attributes_count") {
          key("\"droppedAttributesCount\":")
        } else {
          continue
        }
        out.append(value)
      }
    }
    logTimes(record, moment)
    if record.bits & Bits.logHasEventName != 0 { text("\"eventName\":", record.event) }
    try logData(record)
    count("\"flags\":", UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift))
    id("\"traceId\":", record.trace)
    id("\"spanId\":", record.span)
    out.append("}")
  }

  /// The row has one of the two times; see `Bits`.
  private mutating func logTimes(_ record: OTLPRecord, _ moment: UInt64) {
    if record.bits & Bits.logTimeWasZero == 0 {
      time("\"timeUnixNano\":", moment)
      if record.bits & Bits.logObservedWasZero == 0 {
        time("\"observedTimeUnixNano\":", moment &+ UInt64(bitPattern: record.auxiliary ?? 0))
      }
    } else if record.bits & Bits.logObservedWasZero == 0 {
      time("\"observedTimeUnixNano\":", moment)
    }
  }

  /// Attributes, and the body among them.
  private mutating func logData(_ record: OTLPRecord) throws(JSONFault) {
    var body: JSONCursor?
    var promoted = OTLPPromotedKeys()
    let start = out.count
    key("\"attributes\":[")
    let first = out.count
    if var object = StoredObject(record.data) {
      while let key = try object.next() {
        if key.spells("body") {
          body = object.cursor
          _ = try object.cursor.storedValue()
        } else if key.spells("attributes") && record.bits & Bits.attributesMoved != 0 {
          object.cursor = try keyValues(object.cursor, depth: 0)
        } else {
          promoted.note(key)
          try keyValue(key, &object.cursor, depth: 0)
        }
      }
    }
    columns(record, promoted)
    if out.count == first { out.truncate(to: start) } else { out.append("]") }
    if var body {
      key("\"body\":")
      try anyValue(&body, depth: 0)
    }
  }

  /// Columns that came from something else than an attribute, e.g. an imported `telemetry.db`: attributes from here on.
  private mutating func columns(_ record: OTLPRecord, _ known: OTLPPromotedKeys) {
    if let tick = record.tick, !known.tick { integer("{\"key\":\"tick\",\"value\":", tick) }
    if let duration = record.duration, !known.duration {
      integer("{\"key\":\"duration_us\",\"value\":", duration / 1000)
    }
    if !known.category && !isDefaultCategory(record) {
      string("{\"key\":\"category\",\"value\":", record.category)
    }
    if record.bits & Bits.logHasEventName == 0 && !known.event && !record.event.spells("log") {
      string("{\"key\":\"event.name\",\"value\":", record.event)
    }
    if record.correlation.count > 0 && !known.correlation {
      string("{\"key\":\"correlation\",\"value\":", record.correlation)
    }
    if record.uid.count > 0 && !known.uid { string("{\"key\":\"log.record.uid\",\"value\":", record.uid) }
  }

  private mutating func integer(_ key: StaticString, _ number: Int64) {
    self.key(key)
    out.append("{\"intValue\":\"")
    out.appendInteger(number)
    out.append("\"}}")
  }

  private mutating func string(_ key: StaticString, _ text: UnsafeRawBufferPointer) {
    self.key(key)
    out.append("{\"stringValue\":")
    out.appendJSONString(text)
    out.append("}}")
  }

  /// Whether a decoder would find the same category by itself (DESIGN §5).
  private func isDefaultCategory(_ record: OTLPRecord) -> Bool {
    if record.category.isEmpty { return true }
    let segment = record.event.prefix { $0 != UInt8(ascii: ".") }
    let isWord =
      segment.count > 0 && segment.count <= 32
      && segment.allSatisfy { byte in
        switch byte {
        case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "_"): true
        default: false
        }
      }
    return isWord ? record.category.elementsEqual(segment) : record.category.spells("log")
  }
}

/// Which attributes that become columns a log record has.
private struct OTLPPromotedKeys {
  var tick = false
  var duration = false
  var category = false
  var event = false
  var correlation = false
  var uid = false

  mutating func note(_ key: UnsafeRawBufferPointer) {
    switch key.count {
    case 4: if key.spells("tick") { tick = true }
    case 8:
      if key.spells("category") { category = true }
      if key.spells("trace_id") { correlation = true }
    case 10:
      if key.spells("event.name") { event = true }
      if key.spells("duration_s") || key.spells("process_us") { duration = true }
    case 11:
      if key.spells("correlation") { correlation = true }
      if key.spells("duration_us") || key.spells("duration_ms") { duration = true }
    case 14:
      if key.spells("event.category") { category = true }
      if key.spells("log.record.uid") { uid = true }
    default: break
    }
  }
}
