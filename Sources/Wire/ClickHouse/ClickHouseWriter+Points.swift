import Telemetry

extension ClickHouseWriter {
  mutating func point(_ record: OTLPRecord) throws(JSONFault) {
    let ext = try StoredExt(record.ext)
    let metric = record.metric
    text(.metricName, metric.name)
    text(.metricDescription, metric.description)
    text(.metricUnit, metric.unit)
    if begins(.attributes) {
      var attributes = StoredAttributes(of: record)
      try map(record, &attributes)
    }
    if let sinceStart = record.auxiliary {
      let start = (ext.time ?? UInt64(bitPattern: record.time)) &- UInt64(bitPattern: sinceStart)
      time(.startTime, Int64(min(start, UInt64(Int64.max))))
    }
    time(.time, record.time)
    integer(.flags, Int64(UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift)))
    if metric.type != .gauge && metric.type != .summary { integer(.temporality, Int64(metric.temporality)) }
    switch metric.type {
    case .gauge: try number(record, ext)
    case .sum:
      try number(record, ext)
      if begins(.isMonotonic) { out.append(metric.monotonic ? "true" : "false") }
    case .histogram:
      try total(record)
      try counts(.bucketCounts, ext.counts)
      try floats(.explicitBounds, ext.bounds)
    case .exponentialHistogram:
      try total(record)
      try digits(.scale, ext.scale)
      try digits(.zeroCount, ext.zeroCount)
      try buckets(ext.positive, .positiveOffset, .positiveCounts)
      try buckets(ext.negative, .negativeOffset, .negativeCounts)
    case .summary:
      try total(record)
      if !ext.quantiles.isEmpty {
        try list(.quantiles, ext.quantiles, "quantile")
        try list(.quantileValues, ext.quantiles, "value")
      }
    }
    if metric.type != .summary { try exemplars(ext.exemplars) }
  }

  /// A point without a value says so in its flags, and has 0.
  private mutating func number(_ record: OTLPRecord, _ ext: StoredExt) throws(JSONFault) {
    guard begins(.value) else { return }
    if !ext.value.isEmpty { return try out.appendFloat(ext.value) }
    switch record.number {
    case .none: out.append("0")
    case .integer(let number): out.appendInteger(number)
    case .double(let number): out.appendFloat(number)
    }
  }

  private mutating func total(_ record: OTLPRecord) throws(JSONFault) {
    guard var data = StoredObject(record.data) else { return }
    while let name = try data.next() {
      let value = try data.cursor.storedValue()
      if name.spells("count") {
        try digits(.count, value)
      } else if name.spells("sum") {
        try float(.sum, value)
      } else if name.spells("min") {
        try float(.min, value)
      } else if name.spells("max") {
        try float(.max, value)
      }
    }
  }

  private mutating func float(_ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    if begins(column) { try out.appendFloat(json) }
  }

  private mutating func digits(_ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard var cursor = JSONCursor(json), begins(column) else { return }
    out.append(try cursor.storedDigits())
  }

  private mutating func floats(_ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    try elements(column, json) { (out, value) throws(JSONFault) in try out.appendFloat(value) }
  }

  private mutating func counts(_ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer) throws(JSONFault) {
    try elements(column, json) { (out, value) throws(JSONFault) in
      guard var cursor = JSONCursor(value) else { return }
      out.append(try cursor.storedDigits())
    }
  }

  private mutating func elements(
    _ column: ClickHouseColumn, _ json: UnsafeRawBufferPointer,
    _ write: (inout Arena, UnsafeRawBufferPointer) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    guard let cursor = JSONCursor(json), begins(column) else { return }
    out.append("[")
    var list = StoredArray(cursor)
    var isFirst = true
    while try list.next() {
      if !isFirst { out.append(",") }
      isFirst = false
      try write(&out, try list.cursor.storedValue())
    }
    out.append("]")
  }

  private mutating func buckets(
    _ json: UnsafeRawBufferPointer, _ offset: ClickHouseColumn, _ counts: ClickHouseColumn
  ) throws(JSONFault) {
    guard var object = StoredObject(json) else { return }
    while let name = try object.next() {
      let value = try object.cursor.storedValue()
      if name.spells("offset") {
        try digits(offset, value)
      } else if name.spells("counts") {
        try self.counts(counts, value)
      }
    }
  }

  private mutating func exemplars(_ json: UnsafeRawBufferPointer) throws(JSONFault) {
    guard !json.isEmpty else { return }
    try list(.exemplarsAttributes, json, "filtered_attributes")
    try list(.exemplarsTime, json, "time_unix_nano")
    try list(.exemplarsValue, json, "value")
    try list(.exemplarsSpanID, json, "span_id")
    try list(.exemplarsTraceID, json, "trace_id")
  }
}
