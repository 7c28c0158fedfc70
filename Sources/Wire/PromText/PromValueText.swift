/// Stored values as the texts that formats without types have for them (CONFORMANCE DM-10).
enum PromValueText {
  /// The value before `c` into `out`: texts as they are, lists and maps as JSON.
  static func append(_ c: inout JSONCursor, to out: inout Arena) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "\""):
      c.at += 1
      try c.text(into: &out)
    case UInt8(ascii: "n"): try c.literal("null")
    default: try inner(&c, to: &out, isTop: true)
    }
  }

  /// A value inside of a list or a map.
  private static func inner(_ c: inout JSONCursor, to out: inout Arena, isTop: Bool) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "["):
      out.append("[")
      var list = StoredArray(c)
      var isFirst = true
      while try list.next() {
        if !isFirst { out.append(",") }
        isFirst = false
        try inner(&list.cursor, to: &out, isTop: false)
      }
      c = list.cursor
      out.append("]")
    case UInt8(ascii: "{"): try object(&c, to: &out, isTop: isTop)
    case UInt8(ascii: "-"), 0x30...0x39: number(try c.storedValue(), to: &out)
    default: out.append(try c.storedValue())
    }
  }

  private static func object(_ c: inout JSONCursor, to out: inout Arena, isTop: Bool) throws(JSONFault) {
    var object = StoredObject(c)
    var isFirst = true
    let start = out.count
    out.append("{")
    while let key = try object.next() {
      if isFirst && (key.spells("$bytes") || key.spells("$double")) {
        let text = try object.cursor.storedString()
        out.truncate(to: start)
        out.append(isTop ? UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()) : text)
        guard try object.next() == nil else { throw object.cursor.fault(.unexpected) }
        c = object.cursor
        return
      }
      out.append(isFirst ? "\"" : ",\"")
      isFirst = false
      // A key that begins with `$` was written with a second one.
      out.append(key.first == UInt8(ascii: "$") ? UnsafeRawBufferPointer(rebasing: key.dropFirst()) : key)
      out.append("\":")
      try inner(&object.cursor, to: &out, isTop: false)
    }
    c = object.cursor
    out.append("}")
  }

  /// Stored doubles always have a fraction or an exponent; a fraction of nothing is left out.
  private static func number(_ text: UnsafeRawBufferPointer, to out: inout Arena) {
    let hasExponent = text.contains { $0 | 0x20 == UInt8(ascii: "e") }
    let isWhole = !hasExponent && text.count > 2 && text[text.count - 1] == 0x30 && text[text.count - 2] == 0x2e
    out.append(isWhole ? UnsafeRawBufferPointer(rebasing: text.dropLast(2)) : text)
  }
}
