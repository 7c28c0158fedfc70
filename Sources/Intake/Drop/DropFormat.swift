import Telemetry
import Wire

/// What a file is, by its content; its name breaks ties.
enum DropFormat {
  private static let headBytes = 1 << 18

  /// The pieces of what `content` holds. Throws when it is nothing we know, or too big.
  static func source(
    _ content: DropContent, name: String, sidecar: FileSidecar, _ defaults: EventLineDefaults
  ) throws(DropFault) -> any DropSource {
    let head = content.head(headBytes)
    let source = String(decoding: defaults.source, as: UTF8.self)
    if content.isTooBig() { throw DropFault(.tooBig) }
    if DropFrames.begins(head, length: content.length) {
      let first = DropFrames.first(head)
      let isJSON = first.first == UInt8(ascii: "{")
      let told = sidecar.signal ?? signal(named: name)
      let signal = told ?? first.withUnsafeBytes { OTLPFrame.signal(protobuf: $0) }
      if signal == nil && !isJSON { throw DropFault(.signalUnknown, at: 0) }
      return DropFrames(content, source, signal: signal)
    }
    let text = head.starts(with: [0xef, 0xbb, 0xbf]) ? head[3...] : head[...]
    guard let first = text.first(where: { $0 > 0x20 }) else {
      // Nothing but white space has no lines to refuse.
      if text.contains(where: { $0 != 0x0a && $0 != 0x0d && $0 != 0x09 && $0 != 0x20 }) {
        throw DropFault(.unknownFormat, at: 0)
      }
      return DropLines(content, format: "ndjson", defaults)
    }
    let stem = plainName(name).lowercased()
    if first == UInt8(ascii: "{") {
      return DropLines(
        content, format: text.withUnsafeBytes { $0.holds("\"resource") } ? "otlp_json" : "ndjson", defaults,
        isDocument: isDocument(content, text))
    }
    if first == UInt8(ascii: "[") {
      let format = text.withUnsafeBytes { $0.holds("\"resource") } ? "otlp_json" : "ndjson"
      if DropArray.hasLines(text, isCut: head.count == headBytes) {
        return DropLines(content, format: format, defaults, isArray: true)
      }
      if DropArray.begins(text) { return try DropArray(content, format: format, defaults) }
    }
    if DropCSV.begins(head) || stem.hasSuffix(".csv") && !head.contains(0) { return try DropCSV(content, source) }
    // A first line that is broken does not make the others so.
    let hasObjects = text.split(separator: 0x0a).dropFirst().contains { $0.first == UInt8(ascii: "{") }
    let isNamed = [".jsonl", ".ndjson", ".json"].contains { stem.hasSuffix($0) }
    if !text.contains(0), hasObjects || isNamed {
      return DropLines(content, format: "ndjson", defaults)
    }
    throw DropFault(.unknownFormat, at: 0)
  }

  static func isDatabase(_ head: [UInt8]) -> Bool { head.starts(with: Array("SQLite format 3\0".utf8)) }

  static func signal(named name: String) -> Signal? {
    let name = name.lowercased()
    if name.contains("trace") { return .traces }
    if name.contains("metric") { return .metrics }
    return name.contains("log") ? .logs : nil
  }

  /// Without the suffix of its compression.
  static func plainName(_ name: String) -> String {
    for suffix in [".gz", ".zst"] where name.lowercased().hasSuffix(suffix) && name.count > suffix.count {
      return String(name.dropLast(suffix.count))
    }
    return name
  }

  /// One object over many lines: its first line is none, all of it is.
  private static func isDocument(_ content: DropContent, _ text: ArraySlice<UInt8>) -> Bool {
    let first = text.drop { $0 <= 0x20 }.prefix { $0 != 0x0a }
    if first.withUnsafeBytes({ JSONShape.isObject($0) }) { return false }
    // A line that is longer than what was looked at is a line.
    guard first.endIndex < text.endIndex, let whole = content.whole(limit: DropLines.lineLimitBytes) else {
      return false
    }
    let start = whole.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    return whole[start...].withUnsafeBytes { JSONShape.isObject($0) }
  }
}
