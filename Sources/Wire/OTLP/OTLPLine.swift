package import Telemetry

/// What a line of an OTLP/JSON file says of itself, before it is decoded: which signals it has, and the identity that
/// `OTLPJSONEncoder` wrote into it. Unknown members are passed over.
package struct OTLPLine: Sendable {
  package private(set) var signals: [Signal] = []
  /// Store that the ids belong to; nil: not written by us.
  package private(set) var store: String?
  /// Arrival of records without a time.
  package private(set) var arrival: Int64?
  /// Closed ranges, in the order of the records.
  package private(set) var ids: [ClosedRange<Int64>] = []
  /// Runs, in the order of the records.
  package private(set) var origins: [(origin: Origin, count: Int)] = []

  /// Throws when the line is no JSON object.
  package init(_ line: UnsafeRawBufferPointer) throws(DecodeError) {
    guard var object = StoredObject(line) else { throw DecodeError(.truncated, "JSON: the line is empty", at: 0) }
    do throws(JSONFault) {
      while let key = try object.next() {
        let first = try object.cursor.peek()
        if key.spells("garner") && first == UInt8(ascii: "{") {
          object.cursor = try identity(object.cursor)
          continue
        }
        if key.spells("resourceSpans") { note(.traces) }
        if key.spells("resourceLogs") { note(.logs) }
        if key.spells("resourceMetrics") { note(.metrics) }
        _ = try object.cursor.storedValue()
      }
      object.cursor.skipSpace()
      guard object.cursor.left == 0 else { throw object.cursor.fault(.trailing) }
    } catch {
      let offset = Int(error.address &- UInt(bitPattern: line.baseAddress))
      throw DecodeError(.malformed, "JSON: \(error.message)", at: offset)
    }
  }

  private mutating func note(_ signal: Signal) {
    if !signals.contains(signal) { signals.append(signal) }
  }

  private mutating func identity(_ cursor: JSONCursor) throws(JSONFault) -> JSONCursor {
    var object = StoredObject(cursor)
    while let key = try object.next() {
      let first = try object.cursor.peek()
      if key.spells("store") && first == UInt8(ascii: "\"") {
        store = String(decoding: try object.cursor.storedString().dropFirst().dropLast(), as: UTF8.self)
      } else if key.spells("at") {
        arrival = Int64(exactly: try object.cursor.storedUnsigned())
      } else if key.spells("ids") {
        try runs(&object.cursor)
      } else if key.spells("origins") {
        origins = try OTLPOriginRuns.read(&object.cursor)
      } else {
        _ = try object.cursor.storedValue()
      }
    }
    return object.cursor
  }

  /// `[[first,count],…]`
  private mutating func runs(_ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    while try list.next() {
      var pair = StoredArray(list.cursor)
      var numbers: [Int64] = []
      while try pair.next() {
        guard let number = Int64(exactly: try pair.cursor.storedUnsigned()), numbers.count < 2 else {
          throw pair.cursor.fault(.outOfRange)
        }
        numbers.append(number)
      }
      list.cursor = pair.cursor
      guard numbers.count == 2, numbers[1] > 0, numbers[0] <= .max - numbers[1] else {
        throw list.cursor.fault(.outOfRange)
      }
      ids.append(numbers[0]...(numbers[0] + numbers[1] - 1))
    }
    c = list.cursor
  }

  /// Ids of the `count` records of a line; nil when the line says another number, and its identity means nothing.
  package func recordIDs(count: Int) -> [Int64]? {
    var total = 0
    for range in ids {
      let (sum, over) = total.addingReportingOverflow(Int(range.upperBound - range.lowerBound) + 1)
      guard !over, sum <= count else { return nil }
      total = sum
    }
    guard store != nil, total == count else { return nil }
    return ids.flatMap { Array($0) }
  }

  /// Origin of each of the `count` records, as places in a list; empty when the line says none or another number.
  package func recordOrigins(count: Int) -> (origins: [Origin], indices: [Int32]) {
    guard !origins.isEmpty, origins.reduce(0, { $0 &+ $1.count }) == count else { return ([], []) }
    var list = OriginList()
    var indices: [Int32] = []
    for run in origins {
      indices.append(contentsOf: repeatElement(list.index(of: run.origin), count: run.count))
    }
    return (list.origins, indices)
  }
}
