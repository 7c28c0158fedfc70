import Store

extension RowFilter {
  /// What is left out beside the times, for a manifest.
  var json: String {
    var members: [String] = []
    if !categories.isEmpty {
      members.append("\"categories\":[" + categories.map { JSONText.quoted($0) }.joined(separator: ",") + "]")
    }
    if let trace { members.append("\"trace\":\"\(HexText.lower(trace))\"") }
    if let gameID { members.append("\"game\":\(JSONText.quoted(gameID))") }
    if !players.isEmpty {
      members.append("\"players\":[" + players.joined(separator: ",") + "]")
    }
    if !classes.isEmpty {
      members.append("\"classes\":[" + classes.map { JSONText.quoted($0) }.joined(separator: ",") + "]")
    }
    if includeRestricted { members.append("\"restricted\":true") }
    return "{" + members.joined(separator: ",") + "}"
  }
}

enum HexText {
  /// Nil: there is something else than pairs of digits.
  static func bytes(_ text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  static func lower(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
