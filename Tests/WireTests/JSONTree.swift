/// JSON as a tree, for expectations in tests: trusting, slow, and nothing in it is shared with the decoder. Numbers keep
/// their text, objects the order of their keys.
indirect enum JSONTree: Equatable {
  case null
  case bool(Bool)
  case number(String)
  case text(String)
  case array([JSONTree])
  case object([Member])

  struct Member: Equatable {
    var key: String
    var value: JSONTree
  }

  init(_ text: [UInt8]) {
    var rest = text[...]
    self = Self.value(&rest)
  }

  subscript(_ key: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  var elements: [JSONTree] {
    if case .array(let elements) = self { elements } else { [] }
  }

  var members: [Member] {
    if case .object(let members) = self { members } else { [] }
  }

  /// A text as it is, a number as written.
  var string: String? {
    switch self {
    case .text(let text), .number(let text): text
    default: nil
    }
  }

  var int: Int? { string.flatMap { Int($0) } }

  // MARK: reading

  private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
    while let byte = rest.first, byte <= 0x20 { rest.removeFirst() }
  }

  private static func passes(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Bool {
    skipSpace(&rest)
    guard rest.first == byte else { return false }
    rest.removeFirst()
    return true
  }

  private static func value(_ rest: inout ArraySlice<UInt8>) -> JSONTree {
    skipSpace(&rest)
    switch rest.first {
    case UInt8(ascii: "{"):
      rest.removeFirst()
      var members: [Member] = []
      while !passes(UInt8(ascii: "}"), &rest), !rest.isEmpty {
        let key = value(&rest).string ?? ""
        _ = passes(UInt8(ascii: ":"), &rest)
        members.append(Member(key: key, value: value(&rest)))
        _ = passes(UInt8(ascii: ","), &rest)
      }
      return .object(members)
    case UInt8(ascii: "["):
      rest.removeFirst()
      var elements: [JSONTree] = []
      while !passes(UInt8(ascii: "]"), &rest), !rest.isEmpty {
        elements.append(value(&rest))
        _ = passes(UInt8(ascii: ","), &rest)
      }
      return .array(elements)
    case UInt8(ascii: "\""): return .text(text(&rest))
    default:
      let word = rest.prefix { $0 > 0x20 && !",]}".utf8.contains($0) }
      rest = rest.dropFirst(word.count)
      switch String(decoding: word, as: UTF8.self) {
      case "null": return .null
      case "true": return .bool(true)
      case "false": return .bool(false)
      case let number: return .number(number)
      }
    }
  }

  private static func text(_ rest: inout ArraySlice<UInt8>) -> String {
    rest.removeFirst()
    var units: [UInt16] = []
    var raw: [UInt8] = []
    func flushed() -> [UInt16] { Array(String(decoding: raw, as: UTF8.self).utf16) }
    while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
      guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
        raw.append(byte)
        continue
      }
      units += flushed()
      raw = []
      switch letter {
      case UInt8(ascii: "n"): units.append(10)
      case UInt8(ascii: "r"): units.append(13)
      case UInt8(ascii: "t"): units.append(9)
      case UInt8(ascii: "b"): units.append(8)
      case UInt8(ascii: "f"): units.append(12)
      case UInt8(ascii: "u"):
        units.append(UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0)
        rest = rest.dropFirst(4)
      default: units.append(UInt16(letter))
      }
    }
    return String(decoding: units + flushed(), as: UTF16.self)
  }
}
