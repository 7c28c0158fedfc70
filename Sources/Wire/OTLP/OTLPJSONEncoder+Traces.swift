import Telemetry

extension OTLPJSONEncoder {
  /// Left open for its events; see `closeSpan`.
  mutating func span(_ record: OTLPRecord) throws(JSONFault) {
    comma()
    out.append("{")
    id("\"traceId\":", record.trace)
    id("\"spanId\":", record.span)
    id("\"parentSpanId\":", record.parent)
    if record.bits & Bits.spanUnnamed == 0 { text("\"name\":", record.event) }
    var start = UInt64(bitPattern: record.time)
    var status = UnsafeRawBufferPointer(start: nil, count: 0)
    var statusMessage = status
    let kind = record.bits & 15
    if kind != 0 && kind != Bits.spanKindInExt {
      key("\"kind\":")
      out.appendInteger(kind)
    }
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          start = try ext.cursor.storedUnsigned()
        } else if name.spells("status") {
          status = try ext.cursor.storedDigits()
        } else if name.spells("status_message") {
          statusMessage = try ext.cursor.storedString()
        } else if name.spells("links") {
          try links(&ext.cursor)
        } else {
          let value = try ext.cursor.storedValue()
          if name.spells("kind") {
            key("\"kind\":")
          } else if name.spells("trace_state") {
            key("\"traceState\":")
          } else if name.spells("dropped_attributes_count") {
            key("\"droppedAttributesCount\":")
          } else if name.spells("dropped_events_count") {
            key("\"droppedEventsCount\":")
          } else if name.spells("dropped_links_count") {
            key("\"droppedLinksCount\":")
          } else {
            continue
          }
          out.append(value)
        }
      }
    }
    time("\"startTimeUnixNano\":", start)
    time("\"endTimeUnixNano\":", start &+ UInt64(bitPattern: record.duration ?? 0))
    try attributes("\"attributes\":[", record.data)
    self.status(record.bits >> Bits.spanStatusShift & 3, status, statusMessage)
    count("\"flags\":", UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift))
    levels.isInSpan = true
    levels.spanEvents = 0
  }

  private mutating func status(
    _ code: Int64, _ other: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer
  ) {
    guard code != 0 || message.count > 0 else { return }
    key("\"status\":{")
    if code == Bits.spanStatusInExt {
      if other.count > 0 {
        key("\"code\":")
        out.append(other)
      }
    } else if code != 0 {
      key("\"code\":")
      out.appendInteger(code)
    }
    if message.count > 0 {
      key("\"message\":")
      out.append(message)
    }
    out.append("}")
  }

  private mutating func links(_ c: inout JSONCursor) throws(JSONFault) {
    key("\"links\":[")
    var list = StoredArray(c)
    while try list.next() {
      comma()
      out.append("{")
      var link = StoredObject(list.cursor)
      while let name = try link.next() {
        if name.spells("attributes") {
          link.cursor = try attributes("\"attributes\":[", link.cursor)
          continue
        }
        let value = try link.cursor.storedValue()
        if name.spells("trace_id") {
          key("\"traceId\":")
        } else if name.spells("span_id") {
          key("\"spanId\":")
        } else if name.spells("trace_state") {
          key("\"traceState\":")
        } else if name.spells("flags") {
          key("\"flags\":")
        } else if name.spells("dropped_attributes_count") {
          key("\"droppedAttributesCount\":")
        } else {
          continue
        }
        out.append(value)
      }
      list.cursor = link.cursor
      out.append("}")
    }
    c = list.cursor
    out.append("]")
  }

  // MARK: events

  mutating func spanEvent(_ record: OTLPRecord) throws(JSONFault) {
    if levels.spanEvents == 0 { key("\"events\":[") } else { out.append(",") }
    levels.spanEvents += 1
    out.append("{")
    if record.bits & Bits.spanEventUnnamed == 0 { text("\"name\":", record.event) }
    var moment = UInt64(bitPattern: record.time)
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.storedUnsigned()
        } else {
          let value = try ext.cursor.storedValue()
          guard name.spells("dropped_attributes_count") else { continue }
          key("\"droppedAttributesCount\":")
          out.append(value)
        }
      }
    }
    time("\"timeUnixNano\":", moment)
    if let cursor = JSONCursor(record.data) {
      let start = out.count
      key("\"attributes\":[")
      let first = out.count
      var object = StoredObject(cursor)
      while let key = try object.next() {
        if key.spells("attributes") && record.bits & Bits.attributesMoved != 0 {
          object.cursor = try keyValues(object.cursor, depth: 0)
        } else {
          try keyValue(key, &object.cursor, depth: 0)
        }
      }
      if out.count == first { out.truncate(to: start) } else { out.append("]") }
    }
    out.append("}")
  }

  mutating func closeSpan() {
    guard levels.isInSpan else { return }
    out.append(levels.spanEvents > 0 ? "]}" : "}")
    levels.isInSpan = false
  }
}
