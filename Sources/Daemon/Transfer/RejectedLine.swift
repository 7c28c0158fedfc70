import Store
import Telemetry
import Wire

/// A line of the reject log (`<data>/rejected/*.ndjson`) as what it was, so that a log can be imported once the rule that
/// refused its records is mended.
///
/// A span comes back as a span without its events, a log record as one, both with times, resource and scope. Of a data point
/// the log keeps too little. What the log says went through the privacy rules before. The same line is known again in
/// whichever file it comes.
enum RejectedLine {
  private static let start = Array("{\"time\":\"".utf8)
  private static let columns = [
    "$.door", "$.reason", "$.signal", "$.source", "$.time", "$.record.name", "$.record.trace_id", "$.record.span_id",
    "$.record.parent_span_id", "$.record.time", "$.record.duration", "$.record.auxiliary", "$.record.bits",
    "$.record.severity", "$.record.scope.name", "$.record.scope.version", "$.more",
  ]
  private static let objects = [
    "$.record", "$.record.attributes", "$.record.ext", "$.record.resource.attributes", "$.record.scope.attributes",
  ]

  struct Request {
    /// OTLP/JSON with the identity of the record.
    var json: [UInt8]
    var source: [UInt8]
  }

  /// Nil: it is no such line. Throws when the log kept nothing of the record, or not enough.
  static func request(_ line: [UInt8]) throws(DecodeError) -> Request? {
    guard line.starts(with: start), let fields = fields(line), fields[0].string != nil, fields[1].string != nil else {
      return nil
    }
    let signal = Signal.allCases.first { $0.name == fields[2].string }
    let texts = objects.indices.map { Array((fields[columns.count + $0].string ?? "").utf8) }
    if case .integer(let more) = fields[16] {
      throw DecodeError(.malformed, "of \(more) more records of that request the reject log kept nothing", at: 0)
    }
    guard let signal, !texts[0].isEmpty, texts[0] != Array("null".utf8) else {
      throw DecodeError(.malformed, "the reject log kept nothing of this record", at: 0)
    }
    guard signal != .metrics, case .integer(let bits) = fields[12] else {
      throw DecodeError(.malformed, "the reject log keeps too little of such a record to store it", at: 0)
    }
    var record = OTLPRecord(id: number(line), kind: signal == .traces ? .span : .log)
    record.bits = bits
    record.time = fields[9].number ?? 0
    record.duration = fields[10].number
    record.auxiliary = fields[11].number
    record.severity = Severity(rawValue: UInt8(truncatingIfNeeded: fields[13].number ?? 1)) ?? .info
    let names = [5, 14, 15].map { Array((fields[$0].string ?? "").utf8) }
    let ids = [6, 7, 8].map { HexText.bytes(fields[$0].string ?? "") ?? [] }
    let day = String((fields[4].string ?? "").prefix(10))
    let json = try encode(record, signal, texts, names, ids, store: "rejected:" + day)
    return Request(json: json, source: Array((fields[3].string ?? "").utf8))
  }

  private static func encode(
    _ bare: OTLPRecord, _ signal: Signal, _ texts: [[UInt8]], _ names: [[UInt8]], _ ids: [[UInt8]], store: String
  ) throws(DecodeError) -> [UInt8] {
    // All of them one after the other, since a record points to its texts.
    let all = texts + names + ids
    var ends: [Int] = []
    for text in all { ends.append((ends.last ?? 0) + text.count) }
    let line = Array(all.joined()).withUnsafeBytes { bytes -> Result<[UInt8]?, OTLPEncodingError> in
      func part(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
      }
      var record = bare
      record.data = part(1)
      record.ext = part(2)
      record.resource.attributes = part(3)
      record.scope.attributes = part(4)
      record.event = part(5)
      record.scope.name = part(6)
      record.scope.version = part(7)
      record.trace = part(8)
      record.span = part(9)
      record.parent = part(10)
      var encoder = OTLPJSONEncoder(signal)
      do throws(OTLPEncodingError) { try encoder.append(record) } catch { return .failure(error) }
      return .success(encoder.finish(store: store))
    }
    switch line {
    case .success(let json?): return json
    case .success(nil): throw DecodeError(.malformed, "the reject log kept nothing of this record", at: 0)
    case .failure(let error): throw DecodeError(.malformed, error.reason, at: 0)
    }
  }

  private static func fields(_ line: [UInt8]) -> [SQLValue]? {
    let list = columns.map { "?1 ->> '\($0)'" } + objects.map { "?1 -> '\($0)'" }
    return try? Connection(":memory:", .create).rows(
      "SELECT \(list.joined(separator: ","))", .text(String(decoding: line, as: UTF8.self))
    ).first
  }

  /// FNV-1a over the line: its identity among those of its day.
  private static func number(_ line: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in line { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(hash >> 2)
  }
}

extension SQLValue {
  fileprivate var number: Int64? {
    if case .integer(let number) = self { return number }
    return nil
  }

  fileprivate var string: String? {
    if case .text(let text) = self { return text }
    return nil
  }
}
