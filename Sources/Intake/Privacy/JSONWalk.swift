/// One walk over one JSON text: members are dropped, values pseudonymised, strings scrubbed, the rest is copied as it is.
///
/// While nothing is found nothing is written: the walk reads each byte once, and keys cost a hash and a look into the memo.
/// Texts are our own or were checked before (`JSONText.isContainer`); one that is neither ends the walk early.
struct JSONWalk {
  private let text: UnsafeBufferPointer<UInt8>
  private let base: UnsafePointer<UInt8>
  private let end: Int
  private let scrubber: TextRules
  private let rules: KeyRules
  /// Values that JSON does not know are objects like `{"$bytes":"…"}`, as in our own texts.
  private let hasEscapes: Bool
  private var at = 0
  /// Up to here the text is in `out`.
  private var copied = 0
  private static let pathLimit = 8
  private var out: [UInt8] = []
  private var isChanged = false
  /// The member that is being looked at: its key without quotes, and the keys of the maps around it.
  private var member = 0..<0
  private var parents: [Range<Int>] = []
  private var depth = 0
  /// The value at hand belongs to a name like `token`, in JSON that is a text: what is written there is written out.
  private var isSecret = false
  /// The value at hand is of a map that stands for a player, under a key that names nobody: numbers in it are figures.
  private var isFigure = false

  /// `text` lives as long as the walk and is not empty.
  init?(_ text: UnsafeBufferPointer<UInt8>, _ scrubber: TextRules, hasEscapes: Bool) {
    guard let base = text.baseAddress, text.count > 1 else { return nil }
    self.text = text
    self.base = base
    end = text.count
    self.scrubber = scrubber
    rules = scrubber.rules
    self.hasEscapes = hasEscapes
  }

  /// Attributes, or any other value whose keys are the sender's. Nil: nothing is to be changed.
  mutating func attributes(_ rule: KeyRule = []) -> [UInt8]? {
    skipSpace()
    value(rule)
    return finish()
  }

  /// An object or array whose keys are ours, like the column `ext`; attributes in it are the sender's.
  mutating func ownKeys() -> [UInt8]? {
    ownValue()
    return finish()
  }

  private mutating func finish() -> [UInt8]? {
    guard isChanged else { return nil }
    out.append(contentsOf: text[copied...])
    return out
  }

  // MARK: grammar

  @inline(__always) private mutating func skipSpace() {
    while at < end, base[at] <= 0x20 { at &+= 1 }
  }

  @inline(__always) private mutating func value(_ rule: KeyRule) {
    guard at < end else { return }
    switch base[at] {
    case UInt8(ascii: "\""): string(rule)
    case UInt8(ascii: "{"): map(rule)
    case UInt8(ascii: "["): array(rule)
    default: scalar(rule)
    }
  }

  @inline(never) private mutating func map(_ rule: KeyRule) {
    if hasEscapes, isEscape() { return escape(rule) }
    let isNested = depth > 0
    depth &+= 1
    if isNested { parents.append(member) }
    members(rule.intersection(.inherited))
    if isNested { parents.removeLast() }
    depth &-= 1
  }

  @inline(never) private mutating func array(_ rule: KeyRule) {
    let key = member
    at &+= 1
    skipSpace()
    while at < end, base[at] != UInt8(ascii: "]") {
      value(rule)
      member = key
      skipSpace()
      if at < end, base[at] == UInt8(ascii: ",") { at &+= 1 }
      skipSpace()
    }
    at &+= 1
  }

  private mutating func members(_ inherited: KeyRule) {
    var comma = at
    var isFirst = true
    var renamed: [[UInt8]] = []
    at &+= 1
    skipSpace()
    while at < end, base[at] == UInt8(ascii: "\"") {
      let start = at
      var own = key()
      if !parents.isEmpty { own.formUnion(ruleOfPath(own)) }
      let rule = own.union(inherited)
      if rule.isDisjoint(with: .removes) {
        isFirst = false
        if rule.contains(.foundInKey) { rename(&renamed) }
        if inherited.contains(.slots) {
          ofPlayer(rule, isOwn: !own.isDisjoint(with: .hashes))
        } else {
          memberValue(rule)
        }
        skipSpace()
      } else {
        remove(from: isFirst ? start : comma, isFirst: isFirst, rule)
        if isFirst && at < end && base[at] == UInt8(ascii: "\"") { continue }
      }
      guard at < end, base[at] == UInt8(ascii: ",") else { break }
      comma = at
      at &+= 1
      skipSpace()
    }
    at &+= 1
  }

  @inline(__always) private mutating func memberValue(_ rule: KeyRule) {
    if hasEscapes || isSecret { value(rule) } else { named(rule) }
  }

  /// `{"player":{"id":7,"rating":1500}}`: the id is somebody, the rating is not. All texts are hashed, since any could be a
  /// name. `isOwn`: its own key says that it is hashed.
  @inline(never) private mutating func ofPlayer(_ rule: KeyRule, isOwn: Bool) {
    let before = isFigure
    isFigure = !isOwn && PlayerFigure.isFigure(named: decoded(member))
    memberValue(rule)
    isFigure = before
  }

  /// A member of JSON in a text, which the rules for texts hold for: `"token":"…"` as well as `token=…`.
  @inline(never) private mutating func named(_ rule: KeyRule) {
    if rules.scrubsTexts, !rule.contains(.exempt) {
      let name = UnsafeBufferPointer(rebasing: text[member])
      isSecret =
        name.contains(UInt8(ascii: "\\"))
        ? decoded(member).withUnsafeBufferPointer { TextScrub.isSecretName($0) } : TextScrub.isSecretName(name)
    }
    value(rule)
    isSecret = false
  }

  /// The member behind its colon, with the comma before it, or, for the first one, the comma behind it.
  @inline(never) private mutating func remove(from start: Int, isFirst: Bool, _ rule: KeyRule) {
    note()
    skipValue()
    let last = at
    skipSpace()
    if isFirst, at < end, base[at] == UInt8(ascii: ",") {
      at &+= 1
      skipSpace()
      replace(start..<at, with: [])
    } else {
      replace(start..<last, with: [])
    }
    scrubber.count(rule.contains(.strip) ? .strip : .drop)
  }

  private mutating func skipValue() {
    var depth = 0
    repeat {
      guard at < end else { return }
      switch base[at] {
      case UInt8(ascii: "\""): _ = skipString()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        at &+= 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        at &+= 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0...0x20: at &+= 1
      default: skipScalar()
      }
    } while depth > 0
  }

  private mutating func skipScalar() {
    while at < end {
      switch base[at] {
      case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20: return
      default: at &+= 1
      }
    }
  }

  /// Range of the inside.
  private mutating func skipString() -> Range<Int> {
    let start = at &+ 1
    at = start
    while at < end, base[at] != UInt8(ascii: "\"") { at &+= base[at] == UInt8(ascii: "\\") ? 2 : 1 }
    let last = min(at, end)
    at &+= 1
    return start..<last
  }

  // MARK: keys

  /// Passes key and colon. The hash is taken eight bytes at a time while looking for the quote.
  @inline(__always) private mutating func key() -> KeyRule {
    let start = at &+ 1
    var hash = KeyMemo.Hash()
    var place = start
    while place &+ 8 <= end {
      let word = UInt64(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self))
      let hit = Self.quoteOrBackslash(word)
      if hit == 0 {
        hash.add(word)
        place &+= 8
        continue
      }
      let count = hit.trailingZeroBitCount >> 3
      guard base[place &+ count] == UInt8(ascii: "\"") else { break }
      let tail = word & ~(~0 << (UInt64(count) &* 8))
      place &+= count
      member = start..<place
      at = place &+ 1
      passColon()
      let key = hash.finish(tail, count: place &- start)
      return rules.memo.find(key) ?? rule(key)
    }
    return oddKey()
  }

  /// The highest bit of each byte that is one of the two; the lowest of them is exact.
  @inline(__always) private static func quoteOrBackslash(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let slash = word ^ (ones &* 0x5c)
    return ((quote &- ones) & ~quote | (slash &- ones) & ~slash) & (ones &* 0x80)
  }

  @inline(__always) private mutating func passColon() {
    if at < end, base[at] == UInt8(ascii: ":") { at &+= 1 } else { passSpacedColon() }
    skipSpace()
  }

  @inline(never) private mutating func passSpacedColon() {
    skipSpace()
    if at < end, base[at] == UInt8(ascii: ":") { at &+= 1 }
  }

  /// Near the end of the text, or with escapes.
  @inline(never) private mutating func oddKey() -> KeyRule {
    member = skipString()
    passColon()
    return rules.rule(decoded(member))
  }

  @inline(never) private func rule(_ hash: UInt64) -> KeyRule {
    let rule = rules.classify(Array(text[member]))
    rules.memo.insert(hash, rule)
    return rule
  }

  /// `{"player":{"id":…}}` is `player.id` to everybody who reads it; the maps around are looked at, as long as their keys are
  /// single words. No pattern has more of these.
  @inline(never) private func ruleOfPath(_ own: KeyRule) -> KeyRule {
    guard own.isDisjoint(with: .actions) else { return [] }
    var path = Array(text[member])
    var exempt: KeyRule = []
    for parent in parents.suffix(Self.pathLimit).reversed() {
      guard !text[parent].contains(UInt8(ascii: ".")) else { break }
      path = Array(text[parent]) + [UInt8(ascii: ".")] + path
      let found = rules.rule(path).intersection(rules.ofPath)
      exempt.formUnion(found.intersection(.exempt))
      // Not to be scrubbed says nothing of what else is to be done: the maps around may say that.
      if !found.isDisjoint(with: .actions) { return found.union(exempt) }
    }
    return exempt
  }

  /// Two keys of one map that become the same stay two keys.
  private mutating func rename(_ renamed: inout [[UInt8]]) {
    let name = decoded(member)
    guard let scrubbed = scrubber.scrubbed(name, []) else { return }
    let before = renamed.count { $0 == scrubbed }
    renamed.append(scrubbed)
    note()
    var key: [UInt8] = []
    JSONText.appendEscaped(scrubbed, to: &key)
    if before > 0 { key += Array(" (\(before + 1))".utf8) }
    replace(member, with: key)
  }

  // MARK: strings

  @inline(__always) private mutating func string(_ rule: KeyRule) {
    let start = at &+ 1
    let table = TextClass.table
    var place = start
    var isSuspect = false
    var isEscaped = false
    while place < end {
      let kind = table[Int(base[place])]
      if kind == TextClass.plain {
        place &+= 1
        continue
      }
      if kind == TextClass.quote { break }
      if kind == TextClass.backslash {
        isEscaped = true
        place &+= 2
        continue
      }
      if !isSuspect { isSuspect = TextClass.isSuspect(kind, base, place, start, end) }
      place &+= 1
    }
    at = place &+ 1
    if !rule.isDisjoint(with: .hashes) {
      pseudonym(start..<min(place, end), isEscaped, rule)
    } else if isSecret {
      hide(start..<min(place, end))
    } else if isSuspect || isEscaped {
      scrub(start..<min(place, end), isEscaped, rule)
    }
  }

  private func decoded(_ range: Range<Int>) -> [UInt8] {
    JSONText.decoded(UnsafeBufferPointer(rebasing: text[range]))
  }

  @inline(never) private mutating func scrub(_ range: Range<Int>, _ isEscaped: Bool, _ rule: KeyRule) {
    note()
    let inside = UnsafeBufferPointer(rebasing: text[range])
    let found = isEscaped ? scrubber.scrubbed(JSONText.decoded(inside), rule) : scrubber.scrubbed(inside, rule)
    guard let found else { return }
    var escaped: [UInt8] = []
    escaped.reserveCapacity(found.count + 16)
    JSONText.appendEscaped(found, to: &escaped)
    replace(range, with: escaped)
  }

  @inline(never) private mutating func hide(_ range: Range<Int>, quote: [UInt8] = []) {
    let word = Array("[secret]".utf8)
    guard !range.isEmpty, !text[range].elementsEqual(word) else { return }
    note()
    replace(range, with: quote + word + quote)
    scrubber.count(.secret)
  }

  // MARK: pseudonyms

  @inline(never) private mutating func pseudonym(_ range: Range<Int>, _ isEscaped: Bool, _ rule: KeyRule) {
    let value = isEscaped ? decoded(range) : Array(text[range])
    note()
    switch scrubber.pseudonym(value, rule) {
    case .stays: return
    case .text(let text): replace(range, with: text)
    case .container(let json):
      var escaped: [UInt8] = []
      JSONText.appendEscaped(json, to: &escaped)
      replace(range, with: escaped)
    }
  }

  @inline(__always) private mutating func scalar(_ rule: KeyRule) {
    let start = at
    skipScalar()
    // A byte that begins no value: the text is none of ours.
    if at == start { at = end }
    if !rule.isDisjoint(with: .hashes) {
      number(start..<at, rule)
    } else if isSecret, start < at, TextClass.isDigit(base[start]) || base[start] == UInt8(ascii: "-") {
      hide(start..<at, quote: [UInt8(ascii: "\"")])
    }
  }

  @inline(never) private mutating func number(_ range: Range<Int>, _ rule: KeyRule) {
    guard let first = text[range].first, TextClass.isDigit(first) || first == UInt8(ascii: "-") else { return }
    var value = Array(text[range])
    // 7 and 7.0 are one id.
    if value.count > 2, value.suffix(2).elementsEqual(Array(".0".utf8)) { value.removeLast(2) }
    if rule.contains(.slots), value.count <= 3, let slot = Int(String(decoding: value, as: UTF8.self)),
      (0...255).contains(slot)
    {
      return
    }
    if isFigure, PlayerFigure.isFigure(value) { return }
    note()
    if case .text(let text) = scrubber.pseudonym(value, rule) {
      replace(range, with: [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")])
    }
  }

  // MARK: escapes

  private func isEscape() -> Bool {
    at &+ 4 < end && base[at &+ 1] == UInt8(ascii: "\"") && base[at &+ 2] == UInt8(ascii: "$")
      && base[at &+ 3] != UInt8(ascii: "$")
  }

  /// `{"$bytes":"…"}` is looked into when the bytes are text; `{"$double":"…"}` is a number.
  private mutating func escape(_ rule: KeyRule) {
    let start = at
    at &+= 1
    let isBytes = text[skipString()].elementsEqual(Array("$bytes".utf8))
    passColon()
    let inside = at < end && base[at] == UInt8(ascii: "\"") ? skipString() : at..<at
    skipSpace()
    at &+= 1
    let range = start..<min(at, end)
    guard isBytes, !inside.isEmpty, let bytes = Base64.decoded(UnsafeBufferPointer(rebasing: text[inside])) else {
      return
    }
    note()
    if !rule.isDisjoint(with: .hashes) {
      if case .text(let text) = scrubber.pseudonym(bytes, rule) {
        replace(range, with: [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")])
      }
    } else if String(validating: bytes, as: UTF8.self) != nil, let found = scrubber.scrubbed(bytes, rule) {
      replace(inside, with: Base64.encoded(found))
    }
  }

  // MARK: keys of ours

  private mutating func ownValue() {
    guard at < end else { return }
    switch base[at] {
    case UInt8(ascii: "\""): string([])
    case UInt8(ascii: "{"):
      if isEscape() { return escape([]) }
      ownMembers()
    case UInt8(ascii: "["):
      at &+= 1
      while at < end, base[at] != UInt8(ascii: "]") {
        ownValue()
        if at < end, base[at] == UInt8(ascii: ",") { at &+= 1 }
      }
      at &+= 1
    default: scalar([])
    }
  }

  private mutating func ownMembers() {
    at &+= 1
    while at < end, base[at] == UInt8(ascii: "\"") {
      member = skipString()
      passColon()
      let isAttributes = text[member].elementsEqual("attributes".utf8)
      if isAttributes || text[member].elementsEqual("filtered_attributes".utf8), at < end,
        base[at] == UInt8(ascii: "{")
      {
        members([])
      } else {
        ownValue()
      }
      if at < end, base[at] == UInt8(ascii: ",") { at &+= 1 }
    }
    at &+= 1
  }

  // MARK: changes

  private mutating func replace(_ range: Range<Int>, with bytes: [UInt8]) {
    if !isChanged { out.reserveCapacity(end + 64) }
    isChanged = true
    out.append(contentsOf: text[copied..<range.lowerBound])
    out.append(contentsOf: bytes)
    copied = range.upperBound
  }

  /// For a dry run: which key the next count is for.
  private func note() {
    guard scrubber.observes else { return }
    scrubber.place = (parents + [member]).map { String(decoding: text[$0], as: UTF8.self) }.joined(separator: ".")
  }
}
