/// What lets somebody in.
extension TextScrub {
  private static let words: [StaticString] = [
    "password", "passwd", "secret", "token", "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey",
    "authorization",
  ]

  // MARK: name and value

  /// `token=…`, `rcon_password: …`, `"api_key" : "…"`.
  mutating func secret(separator: Int) -> Bool {
    var end = separator
    while end > done, separator - end < 4, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
    if end > done, text[end - 1] == 0x22 || text[end - 1] == 0x27 {
      end -= 1
      if end > done, text[end - 1] == 0x5c { end -= 1 }
    }
    guard end > done, TextClass.endsSecretWord(text[end - 1]), let word = secretWord(before: end) else { return false }
    let isScheme = word == "authorization"
    var start = separator + 1
    while byte(start) == 0x20 || byte(start) == 0x09 { start += 1 }
    let isEscaped = byte(start) == 0x5c && byte(start + 1) == 0x22
    if isEscaped { start += 1 }
    let quote = byte(start)
    if quote == 0x22 || quote == 0x27 {
      return quoted(start + 1, quote, isEscaped: isEscaped)
    }
    // The word of the scheme stays, what follows it is the token.
    if isScheme, spells("bearer ", at: start) || spells("basic ", at: start) {
      return credential(behind: start + (spells("bearer ", at: start) ? 7 : 6))
    }
    if isScheme { return secret(start, until: { $0 < 0x20 || $0 == 0x22 || $0 == 0x2c }) }
    return secret(start, until: Self.endsValue)
  }

  private mutating func secret(_ start: Int, until ends: (UInt8) -> Bool) -> Bool {
    var end = start
    while end < text.count, !ends(text[end]) { end += 1 }
    // A placeholder ends with a bracket, which ends values.
    if byte(start) == 0x5b, byte(end) == 0x5d { end += 1 }
    guard end > start else { return false }
    replace(start..<end, "[secret]", .secret)
    return true
  }

  /// To the closing quote; `\"` closes what `\"` opened, and nothing else.
  private mutating func quoted(_ start: Int, _ quote: UInt8, isEscaped: Bool) -> Bool {
    var end = start
    while end < text.count, text[end] != quote, text[end] != 0x0a, text[end] != 0x0d {
      if text[end] == 0x5c {
        if isEscaped, byte(end + 1) == quote { break }
        end += 1
      }
      end += 1
    }
    end = min(end, text.count)
    guard end > start else { return false }
    replace(start..<end, "[secret]", .secret)
    return true
  }

  /// Whether a name ends in one of the words whose value is a secret.
  static func isSecretName(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let last = name.last, TextClass.endsSecretWord(last) else { return false }
    return TextScrub(name).secretWord(before: name.count) != nil
  }

  private func secretWord(before end: Int) -> String? {
    for word in Self.words where spells(word, before: end) {
      let start = end - word.utf8CodeUnitCount
      let before = start > done ? text[start - 1] : 0
      // `accessToken` is a name of two words, `subtoken` of one.
      let isHump = !TextClass.isWord(before) || text[start] &- 0x41 < 26 && before &- 0x41 >= 26
      if isHump { return word.description }
    }
    return nil
  }

  private static func endsValue(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, UInt8(ascii: "&"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "'"),
      UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "<"), UInt8(ascii: ">"):
      true
    default: false
    }
  }

  // MARK: quotes

  /// `rcon_password "hunter2"`, `rcon 1163 "hunter2" status`.
  mutating func quotedSecret(quote: Int) {
    var end = quote
    while end > done, text[end - 1] == 0x20 { end -= 1 }
    guard end < quote, spells("password", before: end) || spells("passwd", before: end) || isConsole(before: end) else {
      return
    }
    var close = quote + 1
    while close < text.count, text[close] != 0x22, text[close] != 0x0a { close += 1 }
    if close > quote + 1 { replace((quote + 1)..<close, "[secret]", .secret) }
  }

  /// `rcon <number>`
  private func isConsole(before end: Int) -> Bool {
    var at = end
    while at > done, TextClass.isDigit(text[at - 1]) { at -= 1 }
    if at > done, text[at - 1] == 0x2d { at -= 1 }
    return at < end && spells("rcon ", before: at) && isWordStart(at - 5)
  }

  // MARK: URLs

  /// Between `://` and the `@` before the host.
  mutating func userInfo(colon: Int) -> Bool {
    guard byte(colon + 1) == 0x2f, byte(colon + 2) == 0x2f else { return false }
    let start = colon + 3
    var at = start
    var sign = -1
    while at < text.count, !Self.endsAuthority(text[at]) {
      if text[at] == 0x40 { sign = at }
      at += 1
    }
    guard sign > start else { return false }
    replace(start..<sign, "[secret]", .secret)
    return true
  }

  private static func endsAuthority(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "'"),
      UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ","):
      true
    default: false
    }
  }

  // MARK: tokens

  /// What follows `Bearer ` or `Basic `.
  mutating func scheme(blank: Int) {
    if spells("bearer", before: blank), isWordStart(blank - 6) {
      _ = credential(behind: blank + 1)
    } else if spells("basic", before: blank), isWordStart(blank - 5), !isPlainWord(blank + 1) {
      _ = credential(behind: blank + 1)
    }
  }

  private mutating func credential(behind at: Int) -> Bool {
    var start = at
    while byte(start) == 0x20 { start += 1 }
    var end = start
    while end < text.count, !Self.endsValue(text[end]) { end += 1 }
    if byte(start) == 0x5b, byte(end) == 0x5d { end += 1 }
    guard end > start else { return false }
    replace(start..<end, "[token]", .token)
    return true
  }

  /// `Basic settings` is English: small letters, but perhaps the first.
  private func isPlainWord(_ start: Int) -> Bool {
    var at = start + 1
    while byte(at) &- 0x61 < 26 { at += 1 }
    return TextClass.isLetter(byte(start)) && !TextClass.isWord(byte(at)) && byte(at) != 0x3d && byte(at) != 0x2b
      && byte(at) != 0x2f
  }

  /// `eyJ….….…`: `at` is the J.
  mutating func webToken(_ at: Int) {
    guard exact("ey", before: at), isTokenStart(at - 2) else { return }
    let header = run(at + 1)
    guard byte(header) == 0x2e, header > at + 4 else { return }
    let payload = run(header + 1)
    guard payload > header + 4 else { return }
    let end = byte(payload) == 0x2e ? run(payload + 1) : payload
    replace((at - 2)..<end, "[token]", .token)
  }

  mutating func token(underscore at: Int) {
    if exact("gt", before: at), isTokenStart(at - 2) {
      guard (1...8).allSatisfy({ TextClass.isHex(byte(at + $0)) }) else { return }
      token(from: at - 2, atLeast: at + 9)
    } else if exact("github", before: at), spells("pat_", at: at + 1), isTokenStart(at - 6) {
      token(from: at - 6, atLeast: at + 9)
    } else if exact("sk", before: at), spells("live_", at: at + 1), isTokenStart(at - 2) {
      token(from: at - 2, atLeast: at + 10)
    } else if byte(at - 3) == 0x67, byte(at - 2) == 0x68, TextClass.isLetter(byte(at - 1)), isTokenStart(at - 3) {
      token(from: at - 3, atLeast: at + 9)
    }
  }

  mutating func token(hyphen at: Int) {
    if exact("glpat", before: at), isTokenStart(at - 5) {
      token(from: at - 5, atLeast: at + 5)
    } else if exact("xox", before: at - 1), TextClass.isWord(byte(at - 1)), isTokenStart(at - 4) {
      token(from: at - 4, atLeast: at + 5)
    }
  }

  /// `AKIA` and sixteen more: `at` is the K.
  mutating func accessKey(_ at: Int) {
    guard byte(at - 1) == 0x41, byte(at + 1) == 0x49, byte(at + 2) == 0x41, isTokenStart(at - 1) else { return }
    var end = at + 3
    while TextClass.isDigit(byte(end)) || byte(end) &- 0x41 < 26 { end += 1 }
    if end >= at + 15, !TextClass.isWord(byte(end)) { replace((at - 1)..<end, "[token]", .token) }
  }

  private mutating func token(from start: Int, atLeast least: Int) {
    let end = run(start)
    if end >= least { replace(start..<end, "[token]", .token) }
  }

  /// Letters as they are.
  private func exact(_ word: StaticString, before end: Int) -> Bool {
    let start = end - word.utf8CodeUnitCount
    return start >= done && end <= text.count
      && (0..<word.utf8CodeUnitCount).allSatisfy { text[start + $0] == word.utf8Start[$0] }
  }

  /// Not in the middle of a run, so that no run is looked through twice.
  private func isTokenStart(_ at: Int) -> Bool {
    isWordStart(at) && byte(at - 1) != 0x5f && byte(at - 1) != 0x2d
  }

  /// End of the letters, digits, `_` and `-` from `start` on.
  private func run(_ start: Int) -> Int {
    var at = start
    while at < text.count, TextClass.isWord(text[at]) || text[at] == 0x5f || text[at] == 0x2d { at += 1 }
    return at
  }
}
