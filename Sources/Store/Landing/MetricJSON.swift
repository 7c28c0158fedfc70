import Telemetry

/// The texts of a metric and a series that the view `telemetry_events` puts into `data` of its points.
enum MetricJSON {
  /// `"type":"sum","unit":"ms","temporality":"cumulative","monotonic":true`: members, without braces.
  static func text(_ batch: Batch, _ metric: Batch.Metric) -> String {
    var text = "\"type\":\"\(metric.type.name)\",\"unit\":\(quoted(batch.text(metric.unit)))"
    switch metric.type {
    case .sum, .histogram, .exponentialHistogram:
      let name =
        metric.temporality == 0
        ? "unspecified"
        : metric.temporality == 1 ? "delta" : metric.temporality == 2 ? "cumulative" : String(metric.temporality)
      text += ",\"temporality\":\"\(name)\""
    case .gauge, .summary: break
    }
    if metric.type == .sum { text += ",\"monotonic\":\(metric.monotonic)" }
    return text
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  private static let reserved: Set<String> = ["value", "count", "sum", "min", "max", "metric", "attributes"]

  /// The attributes with those that are named like a key of ours moved into `"attributes":{}` (DESIGN §5); nil: none is.
  static func moved(_ attributes: UnsafeRawBufferPointer) -> String? {
    let members = members(attributes)
    let clashes = members.filter { reserved.contains($0.key) }
    if clashes.isEmpty { return nil }
    let rest = members.filter { !reserved.contains($0.key) }.map(\.text)
    return "{" + (rest + ["\"attributes\":{" + clashes.map(\.text).joined(separator: ",") + "}"]).joined(separator: ",")
      + "}"
  }

  /// Top-level members of an object that our own decoders wrote.
  private static func members(_ bytes: UnsafeRawBufferPointer) -> [(key: String, text: String)] {
    var members: [(String, String)] = []
    var at = 1
    var start = 1
    var depth = 0
    var inString = false
    var keyEnd: Int?
    func close() {
      if at > start, let end = keyEnd {
        members.append(
          (
            String(decoding: bytes[(start + 1)..<end], as: UTF8.self),
            String(decoding: bytes[start..<at], as: UTF8.self)
          ))
      }
      start = at + 1
      keyEnd = nil
    }
    while at < bytes.count - 1 {
      let byte = bytes[at]
      if inString {
        if byte == UInt8(ascii: "\\") {
          at += 1
        } else if byte == UInt8(ascii: "\"") {
          inString = false
          if depth == 0 && keyEnd == nil { keyEnd = at }
        }
      } else if byte == UInt8(ascii: "\"") {
        inString = true
      } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        depth += 1
      } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
        depth -= 1
      } else if byte == UInt8(ascii: ",") && depth == 0 {
        close()
      }
      at += 1
    }
    close()
    return members
  }
}
