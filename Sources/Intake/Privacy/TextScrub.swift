/// One text, decoded, looked through from left to right; what the rules find is replaced, the rest stays byte for byte.
///
/// Every rule starts at a byte that it cannot do without (`TextClass`) and looks around it, never to the left of what was
/// replaced already. No rule looks further than the end of what it finds, so the work grows with the text only.
struct TextScrub {
  let text: UnsafeBufferPointer<UInt8>
  /// False under keys that name a version.
  let findsAddresses: Bool
  /// Makes the pseudonym of 17 digits.
  private let steam: (([UInt8]) -> [UInt8])?
  private let count: ((PrivacyRule) -> Void)?
  /// Up to here the text is in `out` already.
  private(set) var done = 0
  private(set) var out: [UInt8] = []
  private(set) var changed = false

  init(
    _ text: UnsafeBufferPointer<UInt8>, findsAddresses: Bool = true, steam: (([UInt8]) -> [UInt8])? = nil,
    count: ((PrivacyRule) -> Void)? = nil
  ) {
    self.text = text
    self.findsAddresses = findsAddresses
    self.steam = steam
    self.count = count
  }

  static func finds(in text: [UInt8]) -> Bool {
    text.withUnsafeBufferPointer {
      var scrub = TextScrub($0)
      return scrub.run() != nil
    }
  }

  /// Nil: nothing was found.
  mutating func run() -> [UInt8]? {
    let table = TextClass.table
    var at = 0
    while at < text.count {
      let kind = table[Int(text[at])]
      // A rule that found something has set `done` behind it.
      if kind != TextClass.plain { look(kind, at) }
      at = max(at + 1, done)
    }
    guard changed else { return nil }
    out += text[done...]
    return out
  }

  private mutating func look(_ kind: UInt8, _ at: Int) {
    switch kind {
    case TextClass.dot: if findsAddresses { address(dot: at) }
    case TextClass.colon:
      if secret(separator: at) || userInfo(colon: at) || steamID(colon: at) { return }
      if findsAddresses && address(colon: at) { return }
      _ = hardware(separator: at)
    case TextClass.hyphen: if !hardware(separator: at) { token(hyphen: at) }
    case TextClass.equals: _ = secret(separator: at)
    case TextClass.at: email(at, length: 1)
    case TextClass.percent: if byte(at + 1) == 0x34 && byte(at + 2) == 0x30 { email(at, length: 3) }
    case TextClass.slash, TextClass.backslash: userPath(separator: at)
    case TextClass.upperJ: webToken(at)
    case TextClass.upperK: accessKey(at)
    case TextClass.underscore: token(underscore: at)
    case TextClass.blank: scheme(blank: at)
    case TextClass.seven: steamDigits(at)
    case TextClass.quote: if !chat(quote: at) { quotedSecret(quote: at) }
    default: break
    }
  }

  // MARK: bytes

  @inline(__always) func byte(_ at: Int) -> UInt8 { at >= 0 && at < text.count ? text[at] : 0 }

  /// Letters of `word` in lower case.
  func spells(_ word: StaticString, at start: Int) -> Bool {
    guard start >= 0, start + word.utf8CodeUnitCount <= text.count else { return false }
    for index in 0..<word.utf8CodeUnitCount where KeyPattern.lower(text[start + index]) != word.utf8Start[index] {
      return false
    }
    return true
  }

  func spells(_ word: StaticString, before end: Int) -> Bool {
    end - word.utf8CodeUnitCount >= done && spells(word, at: end - word.utf8CodeUnitCount)
  }

  /// No letter or digit before or at the place.
  func isWordStart(_ at: Int) -> Bool { at >= done && !TextClass.isWord(byte(at - 1)) }

  // MARK: replacing

  /// What stands in a text already is no finding: scrubbing twice is scrubbing once.
  static let placeholders: [StaticString] = ["[ip]", "[mac]", "[email]", "[user]", "[token]", "[secret]", "[chat]"]

  func isPlaceholder(_ range: Range<Int>) -> Bool {
    Self.placeholders.contains { range.count == $0.utf8CodeUnitCount && spells($0, at: range.lowerBound) }
  }

  mutating func replace(_ range: Range<Int>, _ word: StaticString, _ rule: PrivacyRule) {
    if isPlaceholder(range) {
      out += text[done..<range.upperBound]
      done = range.upperBound
    } else {
      replace(range, with: word.withUTF8Buffer { Array($0) }, rule)
    }
  }

  private mutating func replace(_ range: Range<Int>, with bytes: [UInt8], _ rule: PrivacyRule) {
    out += text[done..<range.lowerBound]
    out += bytes
    done = range.upperBound
    changed = true
    count?(rule)
  }

  // MARK: SteamIDs

  private mutating func steamID(colon: Int) -> Bool {
    var start = colon - 1
    if byte(start) | 0x20 == 0x75 {
      start -= 1
      guard byte(start) == UInt8(ascii: "[") else { return false }
    } else {
      start -= 6
      guard spells("steam_", before: colon - 1), isWordStart(start) else { return false }
    }
    guard start >= done, let found = SteamID.parse(text, start), !TextClass.isWord(byte(found.end)) else {
      return false
    }
    pseudonym(start..<found.end, found.number)
    return true
  }

  /// 7656119 and ten more digits: accounts of people. Other numbers of 17 digits are times.
  private mutating func steamDigits(_ at: Int) {
    guard isWordStart(at), spells("7656119", at: at), at + 17 <= text.count, !TextClass.isWord(byte(at + 17)) else {
      return
    }
    var number: UInt64 = 0
    for digit in text[at..<(at + 17)] {
      guard TextClass.isDigit(digit) else { return }
      number = number * 10 + UInt64(digit & 15)
    }
    pseudonym(at..<(at + 17), number)
  }

  private mutating func pseudonym(_ range: Range<Int>, _ number: UInt64) {
    replace(range, with: steam?(Array(String(number).utf8)) ?? [], .steamID)
  }

  // MARK: what players write

  /// `"Al<12><…><CT>" say "meet "now""`: from the first quote behind `say` to the last one of the line.
  private mutating func chat(quote: Int) -> Bool {
    let length: Int
    if spells("\" say ", at: quote) {
      length = 6
    } else if spells("\" say_team ", at: quote) {
      length = 11
    } else {
      return false
    }
    let end = lineEnd(quote + length)
    guard let first = text[(quote + length)..<end].firstIndex(of: UInt8(ascii: "\"")) else { return false }
    let last = text[(first + 1)..<end].lastIndex(of: UInt8(ascii: "\"")) ?? end
    if last > first + 1 { replace((first + 1)..<last, "[chat]", .chat) }
    return true
  }

  func lineEnd(_ start: Int) -> Int {
    text[start...].firstIndex { $0 == 0x0a || $0 == 0x0d } ?? text.count
  }
}
