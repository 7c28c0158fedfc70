import Telemetry

extension OTLPProtoEncoder {
  /// LogRecord: time 1, severity_number 2, severity_text 3, body 5, attributes 6, dropped_attributes_count 7, flags 8,
  /// trace_id 9, span_id 10, observed_time 11, event_name 12.
  mutating func log(_ record: OTLPRecord) throws(JSONFault) {
    var moment = UInt64(bitPattern: record.time)
    let number = record.bits & 31
    if number != Bits.logSeverityInExt { signed(0x10, unlessZero: number) }
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.unsigned64()
        } else if name.spells("severity_number") {
          try signed32(0x10, &ext.cursor)
        } else if name.spells("severity_text") {
          try string(0x1a, &ext.cursor)
        } else if name.spells("dropped_attributes_count") {
          try unsigned32(0x38, &ext.cursor)
        } else {
          _ = try ext.cursor.storedValue()
        }
      }
    }
    // The row has one of the two times; see `Bits`.
    if record.bits & Bits.logTimeWasZero == 0 {
      fixed64(0x09, unlessZero: moment)
      if record.bits & Bits.logObservedWasZero == 0 {
        fixed64(0x59, unlessZero: moment &+ UInt64(bitPattern: record.auxiliary ?? 0))
      }
    } else if record.bits & Bits.logObservedWasZero == 0 {
      fixed64(0x59, unlessZero: moment)
    }
    if record.bits & Bits.logHasEventName != 0 { text(0x62, record.event) }
    let promoted = try logData(record)
    columns(record, OTLPLogColumns(record, promoted))
    let flags = UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift)
    if flags != 0 {
      out.append(0x45)
      fixed32(flags)
    }
    bytes(0x4a, record.trace)
    bytes(0x52, record.span)
  }

  /// Attributes, and the body among them.
  private mutating func logData(_ record: OTLPRecord) throws(JSONFault) -> OTLPPromotedKeys {
    var promoted = OTLPPromotedKeys()
    guard var c = JSONCursor(record.data) else { return promoted }
    let isMoved = record.bits & Bits.attributesMoved != 0
    var hasBody = false
    try c.expect(UInt8(ascii: "{"), .notObject)
    if c.passes(UInt8(ascii: "}")) { return promoted }
    repeat {
      let start = open(0x32)
      let length = try key(&c)
      let key = out.bytes(out.count - length, length)
      if key.spells("body") {
        // A second one would be joined with the first.
        guard !hasBody else { throw c.fault(.unexpected) }
        hasBody = true
        out.truncate(to: start - 2)
        try anyValue(0x2a, &c, depth: 0)
      } else if isMoved && key.spells("attributes") {
        out.truncate(to: start - 2)
        try keyValues(0x32, &c, depth: 0)
      } else {
        promoted.note(key)
        if rules.isActive && !rules.leaves(key) {
          out.truncate(to: start - 2)
          _ = try c.storedValue()
        } else {
          try anyValue(0x12, &c, depth: 0)
          close(start)
        }
      }
    } while try c.hasMore(UInt8(ascii: "}"))
    return promoted
  }

  private mutating func columns(_ record: OTLPRecord, _ columns: OTLPLogColumns) {
    if columns.isEmpty { return }
    if columns.contains(.tick) && rules.leaves("tick") { attribute(0x32, "tick", record.tick ?? 0) }
    if columns.contains(.duration) && rules.leaves("duration_us") {
      attribute(0x32, "duration_us", (record.duration ?? 0) / 1000)
    }
    if columns.contains(.category) && rules.leaves("category") { attribute(0x32, "category", record.category) }
    if columns.contains(.event) && rules.leaves("event.name") { attribute(0x32, "event.name", record.event) }
    if columns.contains(.correlation) && rules.leaves("correlation") {
      attribute(0x32, "correlation", record.correlation)
    }
    if columns.contains(.uid) && rules.leaves("log.record.uid") { attribute(0x32, "log.record.uid", record.uid) }
  }
}
