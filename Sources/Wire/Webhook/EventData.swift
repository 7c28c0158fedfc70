import Telemetry

/// The column `data` of `telemetry_events` from a stored row (DESIGN §5), which its view puts together likewise.
extension Arena {
  mutating func appendEventData(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    switch record.kind {
    case .span: try appendObject(record.data, filter)
    case .log: try appendMembers(of: record.data, open: "{", filter, keeping: true, record.hasMovedAttributes)
    case .spanEvent:
      append("{\"span_id\":\"")
      appendHex(record.span)
      append("\"")
      try appendMembers(of: record.data, open: ",", filter, keeping: false, record.hasMovedAttributes)
    case .number, .distribution: try appendPoint(record, filter)
    }
  }

  /// An object without the attributes that do not leave.
  mutating func appendObject(_ json: Bytes, _ filter: AttributeFilter) throws(JSONFault) {
    try appendMembers(of: json, open: "{", filter, keeping: false, false)
  }

  /// The members and the closing brace. `open` comes before the first one; a brace, also when there is none.
  /// `keeping`: the body of a log, which is no attribute.
  private mutating func appendMembers(
    of json: Bytes, open: StaticString, _ filter: AttributeFilter, keeping: Bool, _ isMoved: Bool
  ) throws(JSONFault) {
    if filter.letsAllThrough, var cursor = JSONCursor(json) {
      guard try cursor.peek() == UInt8(ascii: "{") else { throw cursor.fault(.notObject) }
      let text = try cursor.storedValue()
      if text.count > 2 || open.utf8Start.pointee == UInt8(ascii: "{") {
        append(open)
        append(Bytes(rebasing: text.dropFirst()))
      } else {
        append("}")
      }
      return
    }
    var isFirst = true
    if var object = StoredObject(json) {
      while let key = try object.next() {
        let start = count
        append(isFirst ? open : ",")
        append("\"")
        append(key)
        append("\":")
        if keeping && key.spells("body") {
          append(try object.cursor.storedValue())
        } else if isMoved && key.spells("attributes") {
          try appendObject(try object.cursor.storedValue(), filter)
        } else {
          let value = try object.cursor.storedValue()
          guard filter.allows(stored: key.withoutEscape) else {
            truncate(to: start)
            continue
          }
          append(value)
        }
        isFirst = false
      }
    }
    append(isFirst && open.utf8Start.pointee == UInt8(ascii: "{") ? "{}" : "}")
  }

  // MARK: points

  private mutating func appendPoint(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    append("{")
    try appendPointAttributes(record, filter)
    var rest = StoredObject(record.ext)
    if record.kind == .distribution {
      if var data = StoredObject(record.data) {
        while let key = try data.next() {
          appendMember(key, try data.cursor.storedValue())
          append(",")
        }
      }
    } else {
      switch record.number {
      case .integer(let number):
        append("\"value\":")
        appendInteger(number)
        append(",")
      case .double(let number):
        append("\"value\":")
        appendDouble(number)
        append(",")
      case .none:
        while let key = try rest?.next() {
          guard let value = try rest?.cursor.storedValue(), key.spells("value") else { continue }
          appendMember(key, value)
          append(",")
        }
      }
    }
    append("\"metric\":{")
    try appendMetric(record, filter)
    append("}}")
  }

  private mutating func appendMember(_ key: Bytes, _ value: Bytes) {
    append("\"")
    append(key)
    append("\":")
    append(value)
  }

  /// Those that are named like a key of ours go into an object of their own.
  private mutating func appendPointAttributes(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    var clashes: [(key: Bytes, value: Bytes)] = []
    if var object = StoredObject(record.seriesAttributes) {
      while let key = try object.next() {
        let value = try object.cursor.storedValue()
        guard filter.allows(stored: key.withoutEscape) else { continue }
        if key.isPointMember {
          clashes.append((key, value))
        } else {
          appendMember(key, value)
          append(",")
        }
      }
    }
    guard !clashes.isEmpty else { return }
    append("\"attributes\":{")
    for (index, clash) in clashes.enumerated() {
      if index > 0 { append(",") }
      appendMember(clash.key, clash.value)
    }
    append("},")
  }

  private mutating func appendMetric(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    let metric = record.metric
    append("\"type\":\"")
    append(metric.type.word)
    append("\",\"unit\":")
    appendJSONString(metric.unit)
    switch metric.type {
    case .sum, .histogram, .exponentialHistogram:
      append(",\"temporality\":\"")
      switch metric.temporality {
      case 0: append("unspecified")
      case 1: append("delta")
      case 2: append("cumulative")
      default: appendInteger(Int64(metric.temporality))
      }
      append("\"")
    case .gauge, .summary: break
    }
    if metric.type == .sum { append(metric.monotonic ? ",\"monotonic\":true" : ",\"monotonic\":false") }
    if let sinceStart = record.auxiliary {
      append(",\"start_time_unix_nano\":")
      appendInteger(record.time &- sinceStart)
    }
    if record.bits >> Bits.flagsShift != 0 {
      append(",\"flags\":")
      appendInteger(UInt64(UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift)))
    }
    guard var ext = StoredObject(record.ext) else { return }
    while let key = try ext.next() {
      let value = try ext.cursor.storedValue()
      if key.spells("value") || key.spells("time") { continue }
      append(",")
      if key.spells("exemplars") && !filter.letsAllThrough {
        append("\"exemplars\":")
        try appendExemplars(value, filter)
      } else {
        appendMember(key, value)
      }
    }
  }

  /// They have attributes too.
  private mutating func appendExemplars(_ json: Bytes, _ filter: AttributeFilter) throws(JSONFault) {
    guard let cursor = JSONCursor(json) else { return append("[]") }
    var list = StoredArray(cursor)
    append("[")
    var isFirst = true
    while try list.next() {
      if !isFirst { append(",") }
      isFirst = false
      var object = StoredObject(list.cursor)
      append("{")
      var isFirstMember = true
      while let key = try object.next() {
        if !isFirstMember { append(",") }
        isFirstMember = false
        let value = try object.cursor.storedValue()
        if key.spells("filtered_attributes") {
          append("\"filtered_attributes\":")
          try appendObject(value, filter)
        } else {
          appendMember(key, value)
        }
      }
      append("}")
      list.cursor = object.cursor
    }
    append("]")
  }
}

extension MetricType {
  fileprivate var word: StaticString {
    switch self {
    case .gauge: "gauge"
    case .sum: "sum"
    case .histogram: "histogram"
    case .exponentialHistogram: "exponential_histogram"
    case .summary: "summary"
    }
  }
}

extension OTLPRecord {
  fileprivate var hasMovedAttributes: Bool { bits & Bits.attributesMoved != 0 }
}

extension UnsafeRawBufferPointer {
  fileprivate var isPointMember: Bool {
    switch count {
    case 3: spells("sum") || spells("min") || spells("max")
    case 5: spells("value") || spells("count")
    case 6: spells("metric")
    case 10: spells("attributes")
    default: false
    }
  }
}
