import Telemetry
import TestSupport
import Wire

/// Bytes of protobuf, written by hand where a test wants what no encoder writes.
struct ProtoBytes {
  var bytes: [UInt8] = []

  static func varint(_ number: UInt64) -> [UInt8] {
    var out: [UInt8] = []
    var rest = number
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return out + [UInt8(rest)]
  }

  static func field(_ number: UInt64, _ wire: UInt64, _ payload: [UInt8]) -> [UInt8] {
    varint(number << 3 | wire) + payload
  }

  static func field(_ number: UInt64, varint value: UInt64) -> [UInt8] { field(number, 0, varint(value)) }

  static func field(_ number: UInt64, fixed value: UInt64) -> [UInt8] {
    field(number, 1, (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) })
  }

  static func field(_ number: UInt64, fixed32 value: UInt32) -> [UInt8] {
    field(number, 5, (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) })
  }

  static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    field(number, 2, varint(UInt64(bytes.count)) + bytes)
  }

  static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  // MARK: messages

  static func keyValue(_ key: String, _ value: [UInt8]) -> [UInt8] { field(1, key) + field(2, value) }

  static func keyValue(_ key: String, text: String) -> [UInt8] { keyValue(key, field(1, text)) }

  /// A request of one resource and one scope. Items of all signals are field 2.
  static func request(_ items: [UInt8]..., resource: [UInt8] = [], scope: [UInt8] = []) -> [UInt8] {
    field(1, field(1, resource) + field(2, field(1, scope) + items.flatMap { field(2, $0) }))
  }

  static let traceID = (1...16).map { UInt8($0) }
  static let spanID = (1...8).map { UInt8($0) }
  static let second: UInt64 = 1_000_000_000

  /// A span from second 1 to 2.
  static func span(_ more: [UInt8] = []) -> [UInt8] {
    field(1, traceID) + field(2, spanID) + field(5, "op") + field(7, fixed: second) + field(8, fixed: 2 * second) + more
  }

  static func log(_ more: [UInt8] = []) -> [UInt8] { field(1, fixed: second) + more }

  /// A point of one of the kinds whose time is field 3.
  static func point(_ more: [UInt8] = []) -> [UInt8] { field(3, fixed: second) + more }

  /// `kind` is the field of `Metric`: 5 gauge, 7 sum, 9 histogram, 10 exponential histogram, 11 summary.
  static func metric(_ kind: UInt64, _ points: [UInt8]..., more: [UInt8] = []) -> [UInt8] {
    field(1, "m") + field(kind, points.flatMap { field(1, $0) } + more)
  }
}

extension Batch {
  static func decoded(
    _ signal: Signal, _ body: [UInt8], _ change: (inout DecodeOptions) -> Void = { _ in }
  ) throws(DecodeError) -> Batch {
    var options = DecodeOptions(now: 42)
    change(&options)
    return try body.span.bytes.withUnsafeBytes { (bytes) throws(DecodeError) in
      try OTLPDecoder.decodeProtobuf(signal, bytes, options: options)
    }
  }

  func data(_ row: Int) -> String { text(rows[row].data) }
  func ext(_ row: Int) -> String? { rows[row].present.contains(.ext) ? text(rows[row].ext) : nil }
  func name(_ row: Int) -> String { text(names[Int(rows[row].name)].event) }
  func context(_ row: Int) -> Batch.Context { contexts[Int(rows[row].context)] }
  func series(_ row: Int) -> String { text(series[Int(rows[row].series)].attributes) }
}
