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
    columns(record, OTLPLogColumns(record, promoted))
    if out.count == first { out.truncate(to: start) } else { out.append("]") }
    if var body {
      key("\"body\":")
      try anyValue(&body, depth: 0)
    }
  }

  private mutating func columns(_ record: OTLPRecord, _ columns: OTLPLogColumns) {
    if columns.isEmpty { return }
    if columns.contains(.tick) && rules.leaves("tick") {
      integer("{\"key\":\"tick\",\"value\":", record.tick ?? 0)
    }
    if columns.contains(.duration) && rules.leaves("duration_us") {
      integer("{\"key\":\"duration_us\",\"value\":", (record.duration ?? 0) / 1000)
    }
    if columns.contains(.category) && rules.leaves("category") {
      string("{\"key\":\"category\",\"value\":", record.category)
    }
    if columns.contains(.event) && rules.leaves("event.name") {
      string("{\"key\":\"event.name\",\"value\":", record.event)
    }
    if columns.contains(.correlation) && rules.leaves("correlation") {
      string("{\"key\":\"correlation\",\"value\":", record.correlation)
    }
    if columns.contains(.uid) && rules.leaves("log.record.uid") {
      string("{\"key\":\"log.record.uid\",\"value\":", record.uid)
    }
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
}
