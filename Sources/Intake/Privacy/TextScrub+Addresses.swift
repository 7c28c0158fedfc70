/// Addresses of machines and people.
extension TextScrub {
  // MARK: IPv4

  /// `dot` is the first one of four parts, or there is nothing to find.
  mutating func address(dot: Int) {
    var start = dot
    while start > done, dot - start < 4, TextClass.isDigit(text[start - 1]) { start -= 1 }
    guard start < dot, let end = quad(start), !isBeside(byte(start - 1)), !isPart(before: start) else { return }
    guard !isPart(behind: end), !isHome(start) else { return }
    replace(start..<port(end), "[ip]", .ip)
  }

  private func isBeside(_ byte: UInt8) -> Bool { TextClass.isWord(byte) }

  private func isPart(before start: Int) -> Bool {
    byte(start - 1) == UInt8(ascii: ".") && TextClass.isWord(byte(start - 2))
  }

  private func isPart(behind end: Int) -> Bool {
    TextClass.isWord(byte(end)) || byte(end) == UInt8(ascii: ".") && TextClass.isWord(byte(end + 1))
  }

  /// End of four numbers to 255 with dots between.
  private func quad(_ start: Int) -> Int? {
    var at = start
    for part in 0..<4 {
      if part > 0 {
        guard byte(at) == UInt8(ascii: ".") else { return nil }
        at += 1
      }
      let first = at
      var number = 0
      while at - first < 4, TextClass.isDigit(byte(at)) {
        number = number * 10 + Int(byte(at) & 15)
        at += 1
      }
      guard at > first, at - first < 4, number < 256 else { return nil }
    }
    return at
  }

  /// 127.* and 0.0.0.0 say nothing of anybody.
  private func isHome(_ start: Int) -> Bool {
    spells("127.", at: start) || spells("0.0.0.0", at: start)
  }

  /// Behind `:27005`, if there is one.
  private func port(_ end: Int) -> Int {
    guard byte(end) == UInt8(ascii: ":") else { return end }
    var at = end + 1
    while at - end < 7, TextClass.isDigit(byte(at)) { at += 1 }
    return at > end + 1 && at - end < 7 && !TextClass.isWord(byte(at)) ? at : end
  }

  // MARK: IPv6

  /// `colon` is the first one.
  mutating func address(colon: Int) -> Bool {
    var start = colon
    while start > done, colon - start < 5, TextClass.isHex(text[start - 1]) { start -= 1 }
    let firstGroup = colon - start
    let isMapped = firstGroup == 0 && spells("::ffff:", at: colon)
    guard firstGroup == 3 || firstGroup == 4 || isMapped else { return false }
    let before = byte(start - 1)
    guard !TextClass.isWord(before), before != 0x3a, before != 0x2e || !TextClass.isWord(byte(start - 2)) else {
      return false
    }
    guard let end = groups(start) else { return false }
    // Two groups of letters only are rather a name: `face::add`.
    let words = text[start..<end].split(separator: 0x3a).count
    guard words > 2 || text[start..<end].contains(where: TextClass.isDigit) else { return false }
    guard !(isMapped && isHome(start + 7)) else { return false }
    if before == UInt8(ascii: "["), start > done, byte(end) == UInt8(ascii: "]") {
      replace((start - 1)..<port(end + 1), "[ip]", .ip)
    } else {
      replace(start..<(isMapped ? port(end) : end), "[ip]", .ip)
    }
    return true
  }

  /// End of eight groups, or of fewer with one `::`; the last two may be an IPv4, a zone may follow.
  private func groups(_ start: Int) -> Int? {
    var at = start
    var count = 0
    var gap = false
    if byte(at) == 0x3a {
      gap = true
      at += 2
    }
    while true {
      if let end = quad(at), !isPart(behind: end), count <= 6 {
        at = end
        count += 2
        break
      }
      let first = at
      while at - first < 5, TextClass.isHex(byte(at)) { at += 1 }
      if at == first { break }
      guard at - first < 5, count < 8 else { return nil }
      count += 1
      guard byte(at) == 0x3a else { break }
      if byte(at + 1) == 0x3a {
        guard !gap else { break }
        gap = true
        at += 2
      } else if TextClass.isHex(byte(at + 1)) {
        at += 1
      } else {
        break
      }
    }
    guard gap ? count < 8 : count == 8, !TextClass.isWord(byte(at)) else { return nil }
    return byte(at) == 0x25 ? zone(at) : at
  }

  private func zone(_ percent: Int) -> Int {
    var at = percent + 1
    while at < text.count, TextClass.isWord(text[at]) { at += 1 }
    return at > percent + 1 ? at : percent
  }

  // MARK: hardware

  /// Six pairs with the same separator, this the first.
  mutating func hardware(separator: Int) -> Bool {
    let start = separator - 2
    guard start >= done, separator + 15 <= text.count, !TextClass.isWord(byte(start - 1)) else { return false }
    let sign = text[separator]
    guard byte(start - 1) != sign else { return false }
    for index in 0..<17 {
      let fits = index % 3 == 2 ? text[start + index] == sign : TextClass.isHex(text[start + index])
      if !fits { return false }
    }
    let end = start + 17
    guard !TextClass.isWord(byte(end)), byte(end) != sign || !TextClass.isWord(byte(end + 1)) else { return false }
    replace(start..<end, "[mac]", .mac)
    return true
  }

  // MARK: e-mail

  /// `name@host.tld`; `length` is 3 for `%40`.
  mutating func email(_ sign: Int, length: Int) {
    var start = sign
    // Longer names do not exist, and looking back without end would cost the square of the text.
    while start > done, sign - start < 320, Self.isNamePart(text[start - 1]) { start -= 1 }
    while start < sign, text[start] == UInt8(ascii: ".") { start += 1 }
    var end = sign + length
    // Whether a part behind a dot begins like the name of a domain: what stands behind that may be anything.
    var hasDomain = false
    while end < text.count, Self.isHostPart(text[end]) {
      if text[end] == UInt8(ascii: ".") {
        // A dot that ends a sentence is none of the host's.
        guard end > sign + length, end + 1 < text.count, Self.isHostPart(text[end + 1]), text[end + 1] != 0x2e else {
          break
        }
        hasDomain = hasDomain || Self.isDomain(text[(end + 1)...])
      }
      end += 1
    }
    guard start < sign, hasDomain else { return }
    replace(start..<end, "[email]", .email)
  }

  /// Two letters and no digit up to the next dot or hyphen.
  private static func isDomain(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var count = 0
    for byte in text.prefix(64) {
      if TextClass.isDigit(byte) { return false }
      guard TextClass.isLetter(byte) || byte >= 0x80 else { break }
      count += 1
    }
    return count >= 2
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    if TextClass.isWord(byte) || byte >= 0x80 { return true }
    switch byte {
    case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "%"), UInt8(ascii: "+"), UInt8(ascii: "-"): return true
    default: return false
    }
  }

  private static func isHostPart(_ byte: UInt8) -> Bool {
    TextClass.isWord(byte) || byte >= 0x80 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
  }

  // MARK: folders of people

  /// The name behind `/home/`, `/Users/`, `X:\Users\`, up to the next separator; blanks belong to it.
  mutating func userPath(separator: Int) {
    let isUnix =
      text[separator] == UInt8(ascii: "/")
      && (spells("/home/", at: separator) && exactly("home", separator + 1)
        || spells("/users/", at: separator) && exactly("Users", separator + 1))
    var start = separator
    if isUnix {
      start += byte(separator + 1) == UInt8(ascii: "h") ? 6 : 7
    } else {
      guard byte(separator - 1) == 0x3a, TextClass.isLetter(byte(separator - 2)),
        !TextClass.isWord(byte(separator - 3))
      else { return }
      while isSeparator(start) { start += 1 }
      guard spells("users", at: start), isSeparator(start + 5) else { return }
      start += 5
    }
    while isSeparator(start) { start += 1 }
    var end = start
    while end < text.count, !Self.endsName(text[end]) { end += 1 }
    if end > start { replace(start..<end, "[user]", .userPath) }
  }

  private func exactly(_ word: StaticString, _ start: Int) -> Bool {
    (0..<word.utf8CodeUnitCount).allSatisfy { text[start + $0] == word.utf8Start[$0] }
  }

  private func isSeparator(_ at: Int) -> Bool { byte(at) == UInt8(ascii: "/") || byte(at) == UInt8(ascii: "\\") }

  /// What no folder of a person has in its name.
  private static func endsName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"),
      UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: ":"),
      UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: ")"), 0..<0x20:
      true
    default: false
    }
  }
}
