import Telemetry

/// Origins of the records of a line: `"origins":[[count,"source","session","component",module,fingerprint],…]`, the last
/// two null where there is none.
struct OTLPOriginRuns {
  private var runs: [(text: [UInt8], count: Int)] = []
  private var key = OTLPLevelKey()
  private var isWhole = true

  mutating func append(_ origin: OTLPRecord.Source?) {
    guard let origin else {
      isWhole = false
      return
    }
    var key = OTLPLevelKey()
    key.add(origin.source)
    key.add(origin.session)
    key.add(origin.component)
    key.add(origin.gameModule)
    key.add(origin.modFingerprint)
    if !runs.isEmpty && key == self.key {
      runs[runs.count - 1].count += 1
      return
    }
    self.key = key
    var text = Arena(capacity: 256)
    for required in [origin.source, origin.session, origin.component] {
      text.append(",")
      text.appendJSONString(required)
    }
    for optional in [origin.gameModule, origin.modFingerprint] {
      text.append(",")
      if optional.isEmpty { text.append("null") } else { text.appendJSONString(optional) }
    }
    runs.append(([UInt8](text.bytes(0, text.count)), 1))
  }

  /// Nothing, unless all records of the line have one.
  func write(_ out: inout Arena) {
    guard isWhole, !runs.isEmpty else { return }
    out.append(",\"origins\":[")
    for (index, run) in runs.enumerated() {
      out.append(index > 0 ? ",[" : "[")
      out.appendInteger(Int64(run.count))
      run.text.withUnsafeBytes { out.append($0) }
      out.append("]")
    }
    out.append("]")
  }

  /// More records than these are on no line of ours.
  private static let countLimit: UInt64 = 1_000_000

  static func read(_ c: inout JSONCursor) throws(JSONFault) -> [(origin: Origin, count: Int)] {
    var runs: [(origin: Origin, count: Int)] = []
    var list = StoredArray(c)
    while try list.next() {
      var fields = StoredArray(list.cursor)
      var count: UInt64 = 0
      var texts: [String?] = []
      while try fields.next() {
        if count == 0 {
          count = try fields.cursor.storedUnsigned()
          guard count > 0, count <= countLimit else { throw fields.cursor.fault(.outOfRange) }
        } else if try fields.cursor.passesNull() {
          texts.append(nil)
        } else {
          texts.append(try text(&fields.cursor))
        }
      }
      list.cursor = fields.cursor
      guard texts.count == 5, let source = texts[0], let session = texts[1], let component = texts[2] else {
        throw list.cursor.fault(.outOfRange)
      }
      let origin = Origin(
        source: source, session: session, component: component, gameModule: texts[3], modFingerprint: texts[4])
      runs.append((origin, Int(count)))
    }
    c = list.cursor
    return runs
  }

  private static func text(_ c: inout JSONCursor) throws(JSONFault) -> String {
    guard try c.peek() == UInt8(ascii: "\"") else { throw c.fault(.notString) }
    var text = Arena(capacity: 64)
    c.at += 1
    try c.text(into: &text)
    return String(decoding: text.bytes(0, text.count), as: UTF8.self)
  }
}
