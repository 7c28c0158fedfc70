/// A statement cut into words, as far as telling its shape needs it.
struct SQLToken {
  enum Kind {
    /// Not quoted.
    case word
    case string
    case number
    /// `:name`, `@name`, `$name`.
    case parameter
    /// Everything else, one to two bytes.
    case sign
  }

  var kind: Kind
  /// Lower-case, except for strings and parameters.
  var text: String
  /// Places in the bytes of the statement.
  var range: Range<Int>

  /// Nil for what is not understood: quoted names, blobs, an end inside of a string.
  static func all(_ sql: [UInt8]) -> [SQLToken]? {
    var tokens: [SQLToken] = []
    var at = 0
    func byte(_ index: Int) -> UInt8 { index < sql.count ? sql[index] : 0 }
    while at < sql.count {
      let start = at
      switch sql[at] {
      case 0x20, 0x09, 0x0a, 0x0c, 0x0d:
        at += 1
        continue
      case UInt8(ascii: "-") where byte(at + 1) == UInt8(ascii: "-"):
        while at < sql.count && sql[at] != 0x0a { at += 1 }
        continue
      case UInt8(ascii: "/") where byte(at + 1) == UInt8(ascii: "*"):
        at += 2
        while at < sql.count && !(sql[at] == UInt8(ascii: "*") && byte(at + 1) == UInt8(ascii: "/")) { at += 1 }
        at += 2
        continue
      case UInt8(ascii: "'"):
        guard let end = endOfString(sql, at) else { return nil }
        at = end
        tokens.append(SQLToken(kind: .string, text: text(sql[start..<at]), range: start..<at))
        continue
      case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"):
        at += 1
        while isNamePart(byte(at)) { at += 1 }
        if at == start + 1 { return nil }
        tokens.append(SQLToken(kind: .parameter, text: text(sql[start..<at]), range: start..<at))
        continue
      case 0x30...0x39:
        while isNamePart(byte(at)) || byte(at) == UInt8(ascii: ".") { at += 1 }
      case let first where isNamePart(first):
        while isNamePart(byte(at)) { at += 1 }
        // A literal of bytes: x'00'.
        if byte(at) == UInt8(ascii: "'") { return nil }
      case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: "*"), UInt8(ascii: ";"),
        UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "%"):
        at += 1
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "|"):
        at += 1
        if [UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "|")].contains(byte(at)) { at += 1 }
      default: return nil
      }
      let kind: Kind =
        (0x30...0x39).contains(sql[start]) ? .number : isNamePart(sql[start]) ? .word : .sign
      tokens.append(SQLToken(kind: kind, text: text(sql[start..<at]).lowercased(), range: start..<at))
    }
    return tokens
  }

  private static func endOfString(_ sql: [UInt8], _ start: Int) -> Int? {
    var at = start + 1
    while at < sql.count {
      if sql[at] == 0 { return nil }
      if sql[at] == UInt8(ascii: "'") {
        if at + 1 >= sql.count || sql[at + 1] != UInt8(ascii: "'") { return at + 1 }
        at += 1
      }
      at += 1
    }
    return nil
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): true
    default: false
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
