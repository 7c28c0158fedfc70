/// Cuts an object that this module wrote itself into its members, one by one; not for input.
struct JSONMembers: IteratorProtocol {
  struct Member {
    /// The key without quotes, as written (escaped).
    var key: Range<Int>
    /// `"key":value`
    var all: Range<Int>
  }

  private let text: [UInt8]
  private var at = 1

  init(_ text: [UInt8]) { self.text = text }

  mutating func next() -> Member? {
    guard at < text.count && text[at] == UInt8(ascii: "\"") else { return nil }
    let start = at
    let key = endOfString(start)
    at = endOfValue(key + 1)
    defer { if at < text.count && text[at] == UInt8(ascii: ",") { at += 1 } }
    return Member(key: start + 1..<key - 1, all: start..<at)
  }

  private func endOfString(_ start: Int) -> Int {
    var at = start + 1
    while text[at] != UInt8(ascii: "\"") { at += text[at] == UInt8(ascii: "\\") ? 2 : 1 }
    return at + 1
  }

  private func endOfValue(_ start: Int) -> Int {
    var at = start
    var depth = 0
    while at < text.count {
      switch text[at] {
      case UInt8(ascii: "\""):
        at = endOfString(at)
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return at }
        depth -= 1
      case UInt8(ascii: ",") where depth == 0: return at
      default: break
      }
      at += 1
    }
    return at
  }
}
