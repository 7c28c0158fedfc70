/// Which attributes leave for a destination: `allow` (empty: all) and `deny`, which wins. Patterns: `*` stands for any run.
package struct AttributeFilter: Sendable, Equatable {
  private let allow: [[UInt8]]
  private let deny: [[UInt8]]

  package init(allow: [String] = [], deny: [String] = []) {
    self.allow = allow.map { [UInt8]($0.utf8) }
    self.deny = deny.map { [UInt8]($0.utf8) }
  }

  /// Everything leaves: nothing needs to be asked.
  package var letsAllThrough: Bool { allow.isEmpty && deny.isEmpty }

  package func allows(_ key: UnsafeRawBufferPointer) -> Bool {
    if deny.contains(where: { Self.matches($0[...], key[...]) }) { return false }
    return allow.isEmpty || allow.contains { Self.matches($0[...], key[...]) }
  }

  package func allows(all keys: [String]) -> Bool {
    keys.allSatisfy { key in Array(key.utf8).withUnsafeBytes { allows($0) } }
  }

  /// Greedy with one way back: linear for one star, never exponential.
  package static func matches(_ pattern: ArraySlice<UInt8>, _ text: Slice<UnsafeRawBufferPointer>) -> Bool {
    var p = pattern.startIndex
    var t = text.startIndex
    var star: Int?
    var mark = t
    while t < text.endIndex {
      if p < pattern.endIndex && pattern[p] == UInt8(ascii: "*") {
        star = p
        mark = t
        p += 1
      } else if p < pattern.endIndex && pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = star {
        p = last + 1
        mark += 1
        t = mark
      } else {
        return false
      }
    }
    while p < pattern.endIndex && pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.endIndex
  }
}
