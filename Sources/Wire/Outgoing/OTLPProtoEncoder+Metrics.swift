import Telemetry

extension OTLPProtoEncoder {
  /// NumberDataPoint: start 2, time 3, as_double 4, exemplars 5, as_int 6, attributes 7, flags 8.
  mutating func numberPoint(_ record: OTLPRecord) throws(JSONFault) {
    var moment = UInt64(bitPattern: record.time)
    var isSpecial = false
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("value") {
          isSpecial = true
          try double(0x21, &ext.cursor)
        } else if name.spells("time") {
          moment = try ext.cursor.unsigned64()
        } else if name.spells("exemplars") {
          try exemplars(0x2a, &ext.cursor)
        } else {
          _ = try ext.cursor.storedValue()
        }
      }
    }
    switch record.number {
    case .integer(let number): fixed64(0x31, UInt64(bitPattern: number))
    case .double(let number) where !isSpecial: fixed64(0x21, number.bitPattern)
    default: break
    }
    times(record, moment)
    try attributes(0x3a, record.seriesAttributes)
    varint(0x40, unlessZero: flags(record))
  }

  /// Of all kinds of points start is 2 and time 3.
  private mutating func times(_ record: OTLPRecord, _ moment: UInt64) {
    if let sinceStart = record.auxiliary { fixed64(0x11, unlessZero: moment &- UInt64(bitPattern: sinceStart)) }
    fixed64(0x19, unlessZero: moment)
  }

  private func flags(_ record: OTLPRecord) -> UInt64 {
    UInt64(UInt32(truncatingIfNeeded: record.bits >> Bits.flagsShift))
  }

  // MARK: distributions

  /// HistogramDataPoint: count 4, sum 5, bucket_counts 6, explicit_bounds 7, exemplars 8, attributes 9, flags 10,
  /// min 11, max 12. ExponentialHistogramDataPoint: attributes 1, count 4, sum 5, scale 6, zero_count 7, positive 8,
  /// negative 9, flags 10, exemplars 11, min 12, max 13, zero_threshold 14. SummaryDataPoint: count 4, sum 5,
  /// quantile_values 6, attributes 7, flags 8.
  mutating func distribution(_ record: OTLPRecord) throws(JSONFault) {
    let type = record.metric.type
    var moment = UInt64(bitPattern: record.time)
    if var data = StoredObject(record.data) {
      while let name = try data.next() {
        if name.spells("count") {
          fixed64(0x21, unlessZero: try data.cursor.unsigned64())
        } else if name.spells("sum") && type == .summary {
          try double(0x29, unlessZero: &data.cursor)
        } else if name.spells("sum") {
          try double(0x29, &data.cursor)
        } else if name.spells("min") && type != .summary {
          try double(type == .histogram ? 0x59 : 0x61, &data.cursor)
        } else if name.spells("max") && type != .summary {
          try double(type == .histogram ? 0x61 : 0x69, &data.cursor)
        } else {
          _ = try data.cursor.storedValue()
        }
      }
    }
    if var ext = StoredObject(record.ext) {
      while let name = try ext.next() {
        if name.spells("time") {
          moment = try ext.cursor.unsigned64()
          continue
        }
        switch type {
        case .histogram: try histogramMember(name, &ext.cursor)
        case .exponentialHistogram: try exponentialMember(name, &ext.cursor)
        case .summary where name.spells("quantiles"): try quantiles(&ext.cursor)
        default: _ = try ext.cursor.storedValue()
        }
      }
    }
    times(record, moment)
    switch type {
    case .exponentialHistogram: try attributes(0x0a, record.seriesAttributes)
    case .summary: try attributes(0x3a, record.seriesAttributes)
    default: try attributes(0x4a, record.seriesAttributes)
    }
    varint(type == .summary ? 0x40 : 0x50, unlessZero: flags(record))
  }

  private mutating func histogramMember(_ name: UnsafeRawBufferPointer, _ c: inout JSONCursor) throws(JSONFault) {
    if name.spells("bounds") {
      let start = open(0x3a)
      var list = StoredArray(c)
      while try list.next() { fixed64(try list.cursor.storedDouble().bitPattern) }
      c = list.cursor
      closeOrLeaveOut(start)
    } else if name.spells("counts") {
      let start = open(0x32)
      var list = StoredArray(c)
      while try list.next() { fixed64(try list.cursor.unsigned64()) }
      c = list.cursor
      closeOrLeaveOut(start)
    } else if name.spells("exemplars") {
      try exemplars(0x42, &c)
    } else {
      _ = try c.storedValue()
    }
  }

  private mutating func exponentialMember(_ name: UnsafeRawBufferPointer, _ c: inout JSONCursor) throws(JSONFault) {
    if name.spells("scale") {
      zigzag(0x30, unlessZero: try c.signed32())
    } else if name.spells("zero_count") {
      fixed64(0x39, unlessZero: try c.unsigned64())
    } else if name.spells("zero_threshold") {
      try double(0x71, unlessZero: &c)
    } else if name.spells("positive") {
      try buckets(0x42, &c)
    } else if name.spells("negative") {
      try buckets(0x4a, &c)
    } else if name.spells("exemplars") {
      try exemplars(0x5a, &c)
    } else {
      _ = try c.storedValue()
    }
  }

  /// Buckets: offset 1, bucket_counts 2. A message without content says that the field is there.
  private mutating func buckets(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    let start = open(tag)
    var object = StoredObject(c)
    while let name = try object.next() {
      if name.spells("offset") {
        zigzag(0x08, unlessZero: try object.cursor.signed32())
      } else if name.spells("counts") {
        let counts = open(0x12)
        var list = StoredArray(object.cursor)
        while try list.next() { varint(try list.cursor.unsigned64()) }
        object.cursor = list.cursor
        closeOrLeaveOut(counts)
      } else {
        _ = try object.cursor.storedValue()
      }
    }
    c = object.cursor
    close(start)
  }

  /// ValueAtQuantile: quantile 1, value 2.
  private mutating func quantiles(_ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() {
      let start = open(0x32)
      var object = StoredObject(list.cursor)
      while let name = try object.next() {
        if name.spells("quantile") {
          try double(0x09, unlessZero: &object.cursor)
        } else if name.spells("value") {
          try double(0x11, unlessZero: &object.cursor)
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      list.cursor = object.cursor
      close(start)
    }
    c = list.cursor
  }

  /// A packed array without elements is no field.
  private mutating func closeOrLeaveOut(_ start: Int) {
    if out.count == start { out.truncate(to: start - 2) } else { close(start) }
  }

  // MARK: exemplars

  /// Exemplar: time 2, as_double 3, span_id 4, trace_id 5, as_int 6, filtered_attributes 7.
  private mutating func exemplars(_ tag: UInt8, _ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() {
      let start = open(tag)
      var object = StoredObject(list.cursor)
      while let name = try object.next() {
        if name.spells("time_unix_nano") {
          fixed64(0x11, unlessZero: try object.cursor.unsigned64())
        } else if name.spells("value") {
          try exemplarValue(&object.cursor)
        } else if name.spells("trace_id") {
          try hex(0x2a, &object.cursor)
        } else if name.spells("span_id") {
          try hex(0x22, &object.cursor)
        } else if name.spells("filtered_attributes") {
          try keyValues(0x3a, &object.cursor, depth: 0)
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      list.cursor = object.cursor
      close(start)
    }
    c = list.cursor
  }

  private mutating func exemplarValue(_ c: inout JSONCursor) throws(JSONFault) {
    var end = c
    let token = try end.storedValue()
    if token.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
      try double(0x19, &c)
    } else {
      fixed64(0x31, UInt64(bitPattern: try c.signed64()))
    }
  }
}
