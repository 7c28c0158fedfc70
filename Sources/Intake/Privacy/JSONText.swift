/// JSON of any origin: what the walk over attributes needs to know of its grammar (RFC 8259).
enum JSONText {
  /// Deeper ones are texts like any other.
  private static let depthLimit = 200

  /// Whether `text` is one object or array and nothing else, so that a walk over it need not look for mistakes.
  static func isContainer(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var at = 0
    space(text, &at)
    guard at < text.count, text[at] == UInt8(ascii: "{") || text[at] == UInt8(ascii: "[") else { return false }
    guard value(text, &at, 0) else { return false }
    space(text, &at)
    return at == text.count
  }

  private static func space(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) {
    while at < text.count, text[at] == 0x20 || text[at] == 0x0a || text[at] == 0x0d || text[at] == 0x09 { at += 1 }
  }

  private static func value(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int, _ depth: Int) -> Bool {
    guard at < text.count, depth < depthLimit else { return false }
    switch text[at] {
    case UInt8(ascii: "\""): return string(text, &at)
    case UInt8(ascii: "{"): return container(text, &at, depth, UInt8(ascii: "}"))
    case UInt8(ascii: "["): return container(text, &at, depth, UInt8(ascii: "]"))
    case UInt8(ascii: "t"): return word("true", text, &at)
    case UInt8(ascii: "f"): return word("false", text, &at)
    case UInt8(ascii: "n"): return word("null", text, &at)
    default: return number(text, &at)
    }
  }

  private static func container(
    _ text: UnsafeBufferPointer<UInt8>, _ at: inout Int, _ depth: Int, _ close: UInt8
  ) -> Bool {
    at += 1
    space(text, &at)
    if at < text.count, text[at] == close {
      at += 1
      return true
    }
    while at < text.count {
      if close == UInt8(ascii: "}") {
        guard string(text, &at) else { return false }
        space(text, &at)
        guard at < text.count, text[at] == UInt8(ascii: ":") else { return false }
        at += 1
        space(text, &at)
      }
      guard value(text, &at, depth + 1) else { return false }
      space(text, &at)
      guard at < text.count else { return false }
      at += 1
      if text[at - 1] == close { return true }
      guard text[at - 1] == UInt8(ascii: ",") else { return false }
      space(text, &at)
    }
    return false
  }

  private static func string(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Bool {
    guard at < text.count, text[at] == UInt8(ascii: "\"") else { return false }
    at += 1
    while at < text.count {
      switch text[at] {
      case UInt8(ascii: "\""):
        at += 1
        return true
      case UInt8(ascii: "\\"):
        guard at + 1 < text.count else { return false }
        switch text[at + 1] {
        case UInt8(ascii: "u"):
          guard at + 5 < text.count, (2...5).allSatisfy({ TextClass.isHex(text[at + $0]) }) else { return false }
          at += 6
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: at += 2
        default: return false
        }
      case 0..<0x20: return false
      default: at += 1
      }
    }
    return false
  }

  private static func word(
    _ word: StaticString, _ text: UnsafeBufferPointer<UInt8>, _ at: inout Int
  ) -> Bool {
    for index in 0..<word.utf8CodeUnitCount {
      guard at < text.count, text[at] == word.utf8Start[index] else { return false }
      at += 1
    }
    return true
  }

  private static func number(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Bool {
    func digits() -> Bool {
      let start = at
      while at < text.count, TextClass.isDigit(text[at]) { at += 1 }
      return at > start
    }
    if text[at] == UInt8(ascii: "-") { at += 1 }
    let leading = at < text.count && text[at] == UInt8(ascii: "0")
    let first = at
    guard digits(), !leading || at == first + 1 else { return false }
    if at < text.count, text[at] == UInt8(ascii: ".") {
      at += 1
      guard digits() else { return false }
    }
    if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
      guard digits() else { return false }
    }
    return true
  }

  // MARK: strings

  /// The inside of a string without its escapes. Half a surrogate pair is U+FFFD.
  static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var at = 0
    while at < text.count {
      guard text[at] == UInt8(ascii: "\\"), at + 1 < text.count else {
        out.append(text[at])
        at += 1
        continue
      }
      at += 2
      switch text[at - 1] {
      case UInt8(ascii: "n"): out.append(0x0a)
      case UInt8(ascii: "r"): out.append(0x0d)
      case UInt8(ascii: "t"): out.append(0x09)
      case UInt8(ascii: "b"): out.append(0x08)
      case UInt8(ascii: "f"): out.append(0x0c)
      case UInt8(ascii: "u"): out += Array(String(Character(scalar(text, &at))).utf8)
      default: out.append(text[at - 1])
      }
    }
    return out
  }

  /// `at` is behind `\u`.
  private static func scalar(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Unicode.Scalar {
    let first = unit(text, at)
    at = min(at + 4, text.count)
    guard first >= 0xd800, first < 0xe000 else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    guard first < 0xdc00, at + 5 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else {
      return "\u{FFFD}"
    }
    let second = unit(text, at + 2)
    guard second >= 0xdc00, second < 0xe000 else { return "\u{FFFD}" }
    at += 6
    return Unicode.Scalar(0x10000 + (first & 0x3ff) << 10 + (second & 0x3ff)) ?? "\u{FFFD}"
  }

  private static func unit(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32 {
    var number: UInt32 = 0
    for at in start..<min(start + 4, text.count) {
      let byte = text[at]
      number = number << 4 | UInt32(TextClass.isDigit(byte) ? byte & 15 : (byte & 15) &+ 9)
    }
    return number
  }

  /// The inside of a string, with the escapes that the store writes.
  static func appendEscaped(_ text: some Sequence<UInt8>, to out: inout [UInt8]) {
    for byte in text {
      switch byte {
      case 0x22: out += [0x5c, 0x22]
      case 0x5c: out += [0x5c, 0x5c]
      case 0x0a: out += [0x5c, 0x6e]
      case 0x0d: out += [0x5c, 0x72]
      case 0x09: out += [0x5c, 0x74]
      case 0..<0x20: out += Array("\\u00".utf8) + Array(Hexadecimal.text(CollectionOfOne(byte)).utf8)
      default: out.append(byte)
      }
    }
  }
}
