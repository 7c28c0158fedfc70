/// A pattern over keys: bytes without case, `*` for any run, also none.
struct KeyPattern: Sendable, Equatable {
  private let bytes: [UInt8]

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// `{a,b}` makes one pattern for each; lists in lists are not known.
  static func patterns(_ text: String) -> [KeyPattern] { expanded(Array(text.utf8)).map { KeyPattern($0.map(lower)) } }

  private static func expanded(_ text: [UInt8]) -> [[UInt8]] {
    guard let open = text.firstIndex(of: UInt8(ascii: "{")),
      let close = text[open...].firstIndex(of: UInt8(ascii: "}"))
    else { return [text] }
    let rest = expanded(Array(text[(close + 1)...]))
    return text[(open + 1)..<close].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).flatMap {
      word in rest.map { text[..<open] + word + $0 }
    }
  }

  @inline(__always) static func lower(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// `key` is in lower case. Goes back to the last star only, so the work is at most the product of both lengths.
  func matches(_ key: [UInt8]) -> Bool {
    var at = 0
    var next = 0
    var star = -1
    var resume = 0
    while at < key.count {
      if next < bytes.count && bytes[next] == UInt8(ascii: "*") {
        star = next
        next += 1
        resume = at
      } else if next < bytes.count && bytes[next] == key[at] {
        next += 1
        at += 1
      } else if star >= 0 {
        next = star + 1
        resume += 1
        at = resume
      } else {
        return false
      }
    }
    while next < bytes.count && bytes[next] == UInt8(ascii: "*") { next += 1 }
    return next == bytes.count
  }
}

extension KeyPattern {
  /// Whether there is a key that both match.
  func overlaps(_ other: KeyPattern) -> Bool {
    let star = UInt8(ascii: "*")
    let (a, b) = (bytes, other.bytes)
    // By what is left of `b`, for one more byte of `a` each time, from their ends on.
    var after = [Bool](repeating: false, count: b.count + 1)
    for i in stride(from: a.count, through: 0, by: -1) {
      var row = after
      for j in stride(from: b.count, through: 0, by: -1) {
        if i == a.count, j == b.count {
          row[j] = true
        } else if i < a.count, a[i] == star {
          row[j] = after[j] || j < b.count && row[j + 1]
        } else if j < b.count, b[j] == star {
          row[j] = row[j + 1] || i < a.count && after[j]
        } else {
          row[j] = i < a.count && j < b.count && a[i] == b[j] && after[j + 1]
        }
      }
      after = row
    }
    return after[0]
  }
}

/// Patterns of one action, with their exceptions.
struct KeyPatterns: Sendable {
  private var patterns: [KeyPattern] = []
  private var exceptions: [KeyPattern] = []

  init(_ standard: [String], adding own: [String] = []) {
    patterns = standard.flatMap(KeyPattern.patterns)
    for entry in own where !entry.hasPrefix("!") { patterns += KeyPattern.patterns(entry) }
    for entry in own where entry.hasPrefix("!") {
      for pattern in KeyPattern.patterns(String(entry.dropFirst())) {
        if patterns.contains(pattern) { patterns.removeAll { $0 == pattern } } else { exceptions.append(pattern) }
      }
    }
  }

  func matches(_ key: [UInt8]) -> Bool {
    patterns.contains { $0.matches(key) } && !exceptions.contains { $0.matches(key) }
  }
}
