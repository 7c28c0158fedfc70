import Telemetry

extension OTLPJSONEncoder {
  mutating func numberPoint(_ record: OTLPRecord) throws(JSONFault) {
    comma()
    out.append("{")
    var moment = UInt64(bitPattern: record.time)
    var isSpecial = false
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("value") {
          isSpecial = true
          key("\"asDouble\":")
          try double(&ext.cursor)
        } else if name.spells("time") {
          moment = try ext.cursor.storedUnsigned()
        } else if name.spells("exemplars") {
          try exemplars(&ext.cursor)
        } else {
          _ = try ext.cursor.storedValue()
        }
      }
    }
    switch record.number {
    case .integer(let number):
      key("\"asInt\":\"")
      out.appendInteger(number)
      out.append("\"")
    case .double(let number) where !isSpecial:
      key("\"asDouble\":")
      out.appendDouble(number)
    default: break
    }
    try endPoint(record, moment)
  }

  /// Start, time, attributes and flags of a point.
  private mutating func endPoint(_ record: OTLPRecord, _ moment: UInt64) throws(JSONFault) {
    if let sinceStart = record.auxiliary {
      time("\"startTimeUnixNano\":", moment &- UInt64(bitPattern: sinceStart))
    }
    time("\"timeUnixNano\":", moment)
    try attributes("\"attributes\":[", record.seriesAttributes)
    count("\"flags\":", UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift))
    out.append("}")
  }

  // MARK: distributions

  mutating func distribution(_ record: OTLPRecord) throws(JSONFault) {
    comma()
    out.append("{")
    var moment = UInt64(bitPattern: record.time)
    if var data = StoredObject(record.data) {
      while let name = try data.next() {
        if name.spells("count") {
          let digits = try data.cursor.storedDigits()
          if digits.spells("0") { continue }
          key("\"count\":")
          quoted(digits: digits)
        } else if name.spells("sum") && record.metric.type == .summary {
          try double("\"sum\":", unlessZero: &data.cursor)
        } else if name.spells("sum") {
          key("\"sum\":")
          try double(&data.cursor)
        } else if name.spells("min") {
          key("\"min\":")
          try double(&data.cursor)
        } else if name.spells("max") {
          key("\"max\":")
          try double(&data.cursor)
        } else {
          _ = try data.cursor.storedValue()
        }
      }
    }
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.storedUnsigned()
        } else {
          try distributionMember(name, &ext.cursor)
        }
      }
    }
    try endPoint(record, moment)
  }

  private mutating func distributionMember(
    _ name: UnsafeRawBufferPointer, _ c: inout JSONCursor
  ) throws(JSONFault) {
    if name.spells("bounds") {
      try doubles("\"explicitBounds\":", &c)
    } else if name.spells("counts") {
      try counts("\"bucketCounts\":", &c)
    } else if name.spells("exemplars") {
      try exemplars(&c)
    } else if name.spells("scale") {
      let scale = try c.storedDigits()
      guard !scale.spells("0") else { return }
      key("\"scale\":")
      out.append(scale)
    } else if name.spells("zero_count") {
      key("\"zeroCount\":")
      quoted(digits: try c.storedDigits())
    } else if name.spells("zero_threshold") {
      key("\"zeroThreshold\":")
      try double(&c)
    } else if name.spells("positive") {
      try buckets("\"positive\":{", &c)
    } else if name.spells("negative") {
      try buckets("\"negative\":{", &c)
    } else if name.spells("quantiles") {
      try quantiles(&c)
    } else {
      _ = try c.storedValue()
    }
  }

  private mutating func buckets(_ name: StaticString, _ c: inout JSONCursor) throws(JSONFault) {
    key(name)
    var object = StoredObject(c)
    while let name = try object.next() {
      if name.spells("offset") {
        let offset = try object.cursor.storedDigits()
        guard !offset.spells("0") else { continue }
        key("\"offset\":")
        out.append(offset)
      } else if name.spells("counts") {
        try counts("\"bucketCounts\":", &object.cursor)
      } else {
        _ = try object.cursor.storedValue()
      }
    }
    c = object.cursor
    out.append("}")
  }

  private mutating func quantiles(_ c: inout JSONCursor) throws(JSONFault) {
    key("\"quantileValues\":[")
    var list = StoredArray(c)
    while try list.next() {
      comma()
      out.append("{")
      var object = StoredObject(list.cursor)
      while let name = try object.next() {
        if name.spells("quantile") {
          try double("\"quantile\":", unlessZero: &object.cursor)
        } else if name.spells("value") {
          try double("\"value\":", unlessZero: &object.cursor)
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      list.cursor = object.cursor
      out.append("}")
    }
    c = list.cursor
    out.append("]")
  }

  // MARK: exemplars

  private mutating func exemplars(_ c: inout JSONCursor) throws(JSONFault) {
    key("\"exemplars\":[")
    var list = StoredArray(c)
    while try list.next() {
      comma()
      out.append("{")
      var object = StoredObject(list.cursor)
      while let name = try object.next() { try exemplarMember(name, &object.cursor) }
      list.cursor = object.cursor
      out.append("}")
    }
    c = list.cursor
    out.append("]")
  }

  private mutating func exemplarMember(_ name: UnsafeRawBufferPointer, _ c: inout JSONCursor) throws(JSONFault) {
    if name.spells("time_unix_nano") {
      key("\"timeUnixNano\":")
      quoted(digits: try c.storedDigits())
    } else if name.spells("value") {
      try exemplarValue(&c)
    } else if name.spells("trace_id") {
      key("\"traceId\":")
      out.append(try c.storedString())
    } else if name.spells("span_id") {
      key("\"spanId\":")
      out.append(try c.storedString())
    } else if name.spells("filtered_attributes") {
      c = try attributes("\"filteredAttributes\":[", c)
    } else {
      _ = try c.storedValue()
    }
  }

  private mutating func exemplarValue(_ c: inout JSONCursor) throws(JSONFault) {
    guard try c.peek() != UInt8(ascii: "{") else {
      key("\"asDouble\":")
      return try double(&c)
    }
    let text = try c.storedValue()
    if text.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
      key("\"asDouble\":")
      out.append(text)
    } else {
      key("\"asInt\":")
      quoted(digits: text)
    }
  }
}
