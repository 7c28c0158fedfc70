import Intake
import Telemetry
import TestSupport
import Wire

/// One attribute object on its way through the door, by OTLP/JSON.
enum PrivacySample {
  static let key = [UInt8](0...0x1f)
  static let protector = Protector(PrivacyPolicy(), keys: PseudonymKeys(key: key))

  static func decode(_ signal: Signal, _ body: [UInt8], protobuf: Bool = false) throws -> Batch {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(body.count, 1), alignment: 1)
    copy.copyBytes(from: body)
    defer { copy.deallocate() }
    let bytes = UnsafeRawBufferPointer(rebasing: copy[..<body.count])
    let options = DecodeOptions(now: 1_700_000_000_000_000_000)
    return protobuf
      ? try OTLPDecoder.decodeProtobuf(signal, bytes, options: options)
      : try OTLPDecoder.decodeJSON(signal, bytes, options: options)
  }

  /// A log record with these attributes (JSON of a list of KeyValues without its brackets) and this body.
  static func log(attributes: String = "", body: String? = nil) throws -> Batch {
    let body = body.map { ",\"body\":\($0)" } ?? ""
    return try decode(
      .logs,
      Array(
        """
        {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","attributes":[\(attributes)]\(body)}]}]}]}
        """.utf8))
  }

  /// The column `data` of a record with the attribute `key`, whose AnyValue is `value`.
  static func data(
    _ key: String, _ value: String, _ protector: Protector = protector, sender: PrivacySender = .anonymous
  ) throws -> String {
    let batch = try log(attributes: "{\"key\":\(quoted(key)),\"value\":\(value)}")
    let protected = protector.protect(batch, sender: sender)
    return protected.rows.first.map { protected.text($0.data) } ?? ""
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\0"..<" ":
        out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  static func string(_ text: String) -> String { "{\"stringValue\":\(quoted(text))}" }
}
