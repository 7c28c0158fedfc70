import Telemetry

extension OTLPProtoEncoder {
  /// Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9,
  /// dropped_attributes_count 10, events 11, dropped_events_count 12, links 13, dropped_links_count 14, status 15,
  /// flags 16.
  mutating func span(_ record: OTLPRecord) throws(JSONFault) {
    bytes(0x0a, record.trace)
    bytes(0x12, record.span)
    bytes(0x22, record.parent)
    if record.bits & Bits.spanUnnamed == 0 { text(0x2a, record.event) }
    let kind = record.bits & 15
    if kind != Bits.spanKindInExt { signed(0x30, unlessZero: kind) }
    var start = UInt64(bitPattern: record.time)
    var code = record.bits >> Bits.spanStatusShift & 3
    if code == Bits.spanStatusInExt { code = 0 }
    var message: JSONCursor?
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          start = try ext.cursor.unsigned64()
        } else if name.spells("status") {
          code = Int64(try ext.cursor.signed32())
        } else if name.spells("status_message") {
          message = ext.cursor
          _ = try ext.cursor.storedString()
        } else if name.spells("kind") {
          try signed32(0x30, &ext.cursor)
        } else if name.spells("trace_state") {
          try string(0x1a, &ext.cursor)
        } else if name.spells("links") {
          try links(&ext.cursor)
        } else if name.spells("dropped_attributes_count") {
          try unsigned32(0x50, &ext.cursor)
        } else if name.spells("dropped_events_count") {
          try unsigned32(0x60, &ext.cursor)
        } else if name.spells("dropped_links_count") {
          try unsigned32(0x70, &ext.cursor)
        } else {
          _ = try ext.cursor.storedValue()
        }
      }
    }
    fixed64(0x39, unlessZero: start)
    fixed64(0x41, unlessZero: start &+ UInt64(bitPattern: record.duration ?? 0))
    try attributes(0x4a, record.data)
    if code != 0 || message != nil {
      let status = open(0x7a)
      if var message { try string(0x12, &message) }
      signed(0x18, unlessZero: code)
      close(status)
    }
    let flags = UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift)
    if flags != 0 {
      out.append(0x85)
      out.append(0x01)
      fixed32(flags)
    }
  }

  /// Link: trace_id 1, span_id 2, trace_state 3, attributes 4, dropped_attributes_count 5, flags 6.
  private mutating func links(_ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() {
      let start = open(0x6a)
      var link = StoredObject(list.cursor)
      while let name = try link.next() {
        if name.spells("trace_id") {
          try hex(0x0a, &link.cursor)
        } else if name.spells("span_id") {
          try hex(0x12, &link.cursor)
        } else if name.spells("trace_state") {
          try string(0x1a, &link.cursor)
        } else if name.spells("attributes") {
          try keyValues(0x22, &link.cursor, depth: 0)
        } else if name.spells("dropped_attributes_count") {
          try unsigned32(0x28, &link.cursor)
        } else if name.spells("flags") {
          let flags = try link.cursor.unsigned32()
          if flags != 0 {
            out.append(0x35)
            fixed32(flags)
          }
        } else {
          _ = try link.cursor.storedValue()
        }
      }
      list.cursor = link.cursor
      close(start)
    }
    c = list.cursor
  }

  /// The next of `Span.events`. Event: time 1, name 2, attributes 3, dropped_attributes_count 4.
  mutating func spanEvent(_ record: OTLPRecord) throws(JSONFault) {
    let start = open(0x5a)
    if record.bits & Bits.spanEventUnnamed == 0 { text(0x12, record.event) }
    var moment = UInt64(bitPattern: record.time)
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.unsigned64()
        } else if name.spells("dropped_attributes_count") {
          try unsigned32(0x20, &ext.cursor)
        } else {
          _ = try ext.cursor.storedValue()
        }
      }
    }
    fixed64(0x09, unlessZero: moment)
    if record.bits & Bits.attributesMoved == 0 {
      try attributes(0x1a, record.data)
    } else {
      try movedAttributes(0x1a, record.data)
    }
    close(start)
  }

  /// Some are in the member `attributes`, because they are named like one of ours.
  private mutating func movedAttributes(_ tag: UInt8, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard var c = JSONCursor(json) else { return }
    try c.expect(UInt8(ascii: "{"), .notObject)
    if c.passes(UInt8(ascii: "}")) { return }
    repeat {
      let start = open(tag)
      let length = try key(&c)
      let key = out.bytes(out.count - length, length)
      let isMoved = key.spells("attributes")
      if isMoved || rules.isActive && !rules.leaves(key) {
        out.truncate(to: start - 2)
        if isMoved { try keyValues(tag, &c, depth: 0) } else { _ = try c.storedValue() }
        continue
      }
      try anyValue(0x12, &c, depth: 0)
      close(start)
    } while try c.hasMore(UInt8(ascii: "}"))
  }
}
