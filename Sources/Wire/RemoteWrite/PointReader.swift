import Telemetry

/// The numbers of one stored point, out of its JSON. Its arrays are used again for the next one.
struct PointReader {
  private(set) var count: UInt64 = 0
  private(set) var sum = 0.0
  private(set) var hasSum = false
  private(set) var bounds: [Double] = []
  private(set) var counts: [UInt64] = []
  private(set) var scale: Int32 = 0
  private(set) var zeroCount: UInt64 = 0
  private(set) var zeroThreshold = 0.0
  private(set) var positive = ExponentialBuckets()
  private(set) var negative = ExponentialBuckets()
  private(set) var quantiles: [Double] = []
  private(set) var values: [Double] = []
  /// A number that is not finite.
  private(set) var special: Double?
  /// The JSON array; empty for none.
  private(set) var exemplars = UnsafeRawBufferPointer(start: nil, count: 0)

  mutating func read(_ record: OTLPRecord) throws(JSONFault) {
    special = nil
    exemplars = UnsafeRawBufferPointer(start: nil, count: 0)
    if record.kind == .distribution {
      clear()
      try readData(record.data)
    }
    guard var ext = StoredObject(record.ext) else { return }
    while let name = try ext.next() { try member(name, &ext.cursor) }
  }

  private mutating func clear() {
    count = 0
    sum = 0
    hasSum = false
    bounds.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    scale = 0
    zeroCount = 0
    zeroThreshold = 0
    positive.offset = 0
    positive.counts.removeAll(keepingCapacity: true)
    negative.offset = 0
    negative.counts.removeAll(keepingCapacity: true)
    quantiles.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  private mutating func readData(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) {
    guard var data = StoredObject(bytes) else { return }
    while let name = try data.next() {
      if name.spells("count") {
        count = try data.cursor.storedUnsigned()
      } else if name.spells("sum") {
        sum = try Self.double(&data.cursor)
        hasSum = true
      } else {
        _ = try data.cursor.storedValue()
      }
    }
  }

  private mutating func member(_ name: UnsafeRawBufferPointer, _ c: inout JSONCursor) throws(JSONFault) {
    if name.spells("bounds") {
      try Self.doubles(&c, &bounds)
    } else if name.spells("counts") {
      try Self.counts(&c, &counts)
    } else if name.spells("exemplars") {
      exemplars = try c.storedValue()
    } else if name.spells("value") {
      special = try Self.double(&c)
    } else if name.spells("scale") {
      scale = try c.signed32()
    } else if name.spells("zero_count") {
      zeroCount = try c.storedUnsigned()
    } else if name.spells("zero_threshold") {
      zeroThreshold = try Self.double(&c)
    } else if name.spells("positive") {
      try Self.buckets(&c, &positive)
    } else if name.spells("negative") {
      try Self.buckets(&c, &negative)
    } else if name.spells("quantiles") {
      try readQuantiles(&c)
    } else {
      _ = try c.storedValue()
    }
  }

  /// A number, or `{"$double":"NaN"}`.
  static func double(_ c: inout JSONCursor) throws(JSONFault) -> Double {
    guard try c.peek() == UInt8(ascii: "{") else { return try c.double() }
    var object = StoredObject(c)
    guard let key = try object.next(), key.spells("$double") else { throw c.fault(.notNumber) }
    let number = try object.cursor.double()
    guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
    c = object.cursor
    return number
  }

  private static func doubles(_ c: inout JSONCursor, _ out: inout [Double]) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() { out.append(try double(&list.cursor)) }
    c = list.cursor
  }

  private static func counts(_ c: inout JSONCursor, _ out: inout [UInt64]) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() { out.append(try list.cursor.unsigned64()) }
    c = list.cursor
  }

  private static func buckets(_ c: inout JSONCursor, _ out: inout ExponentialBuckets) throws(JSONFault) {
    var object = StoredObject(c)
    while let name = try object.next() {
      if name.spells("offset") {
        out.offset = Int64(try object.cursor.signed32())
      } else if name.spells("counts") {
        try counts(&object.cursor, &out.counts)
      } else {
        _ = try object.cursor.storedValue()
      }
    }
    c = object.cursor
  }

  private mutating func readQuantiles(_ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() {
      var quantile = 0.0
      var value = 0.0
      var object = StoredObject(list.cursor)
      while let name = try object.next() {
        if name.spells("quantile") {
          quantile = try Self.double(&object.cursor)
        } else if name.spells("value") {
          value = try Self.double(&object.cursor)
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      list.cursor = object.cursor
      quantiles.append(quantile)
      values.append(value)
    }
    c = list.cursor
  }

  /// Copies that may be kept.
  var classic: ClassicTotals {
    ClassicTotals(bounds: Array(bounds), counts: Array(counts), count: count, sum: sum, hasSum: hasSum)
  }

  var exponential: ExponentialTotals {
    ExponentialTotals(
      scale: scale, count: count, sum: sum, zeroCount: zeroCount, zeroThreshold: zeroThreshold, positive: positive,
      negative: negative)
  }
}
