import Door

/// What the policy says of one key; one byte, so that it fits beside a hash.
struct KeyRule: OptionSet, Sendable {
  let rawValue: UInt8

  static let strip = KeyRule(rawValue: 1)
  static let drop = KeyRule(rawValue: 2)
  static let player = KeyRule(rawValue: 4)
  static let device = KeyRule(rawValue: 8)
  /// With a pseudonym: integers 0–255 stay.
  static let slots = KeyRule(rawValue: 16)
  /// The last part names a version: what looks like an address is none.
  static let version = KeyRule(rawValue: 32)
  /// Something was found in the key itself.
  static let foundInKey = KeyRule(rawValue: 64)
  /// The value is not scrubbed.
  static let exempt = KeyRule(rawValue: 128)

  static let removes: KeyRule = [.strip, .drop]
  static let hashes: KeyRule = [.player, .device]
  /// What is done to a key or a value beside scrubbing.
  static let actions: KeyRule = [.strip, .drop, .player, .device, .slots]
  /// What a longer path can say of a key that its last part does not.
  static let ofPath: KeyRule = actions.union(.exempt)
  /// What holds for all that is inside a map, too.
  static let inherited: KeyRule = [.player, .device, .slots, .exempt]
}

/// The rules of one audience over all keys, each key looked at once.
///
/// `@unchecked Sendable`: nothing is written after `init` but `memo`, with atomics.
final class KeyRules: @unchecked Sendable {
  private let strips: KeyPatterns
  private let drops: KeyPatterns
  private let players: KeyPatterns
  private let devices: KeyPatterns
  private let scrubs: KeyPatterns
  private let slots = KeyPatterns(PrivacyPolicy.slotKeys)
  /// False: texts are left alone whatever is in them.
  let scrubsTexts: Bool
  /// False: nor are keys in them anybody's business.
  let readsTexts: Bool
  /// What paths can add to the rules of keys. Where only some keys are scrubbed, not to be one of them is no exception.
  let ofPath: KeyRule
  let memo = KeyMemo()
  /// By `TextColumn`.
  private(set) var columns: [KeyRule] = []

  init(_ policy: PrivacyPolicy, audience: Audience, stripsOwn: Bool) {
    let active = policy.base == .standard
    let byDevice = policy.pseudonymize.filter { $0.hasPrefix("device:") }.map { String($0.dropFirst(7)) }
    let exceptions = policy.pseudonymize.filter { $0.hasPrefix("!") }
    strips = KeyPatterns(stripsOwn ? ["garner.*"] : [])
    let standard = PrivacyPolicy.standardDrops + (audience == .player ? PrivacyPolicy.playerDrops : [])
    drops = KeyPatterns(active ? standard : [], adding: policy.drop)
    players = KeyPatterns(
      active ? PrivacyPolicy.standardPlayers : [], adding: policy.pseudonymize.filter { !$0.hasPrefix("device:") })
    devices = KeyPatterns(active ? PrivacyPolicy.standardDevices : [], adding: byDevice + exceptions)
    scrubs = KeyPatterns(active ? ["*"] : [], adding: policy.scrub)
    readsTexts = active || !(policy.drop + policy.pseudonymize + policy.scrub).isEmpty
    ofPath = active && !policy.scrub.contains("!*") ? .ofPath : .actions
    scrubsTexts = active || policy.scrub.contains { !$0.hasPrefix("!") }
    columns = TextColumn.allCases.map { column in
      column.keys.reduce(into: []) { $0.formUnion(classify(Array($1.utf8))) }
    }
  }

  /// The rule of a key, from the memo or looked up.
  func rule(_ key: [UInt8]) -> KeyRule {
    let hash = KeyMemo.hash(key)
    if let known = memo.find(hash) { return known }
    let rule = classify(key)
    memo.insert(hash, rule)
    return rule
  }

  /// `key` decoded. Slow: `memo` is asked first.
  @inline(never) func classify(_ key: [UInt8]) -> KeyRule {
    let lower = key.map(KeyPattern.lower)
    var rule: KeyRule = []
    if strips.matches(lower) { rule.insert(.strip) }
    if drops.matches(lower) { rule.insert(.drop) }
    if devices.matches(lower) {
      rule.insert(.device)
    } else if players.matches(lower) {
      rule.insert(.player)
      if slots.matches(lower) { rule.insert(.slots) }
    }
    if !scrubs.matches(lower) { rule.insert(.exempt) }
    if Self.namesVersion(lower) { rule.insert(.version) }
    if scrubsTexts && TextScrub.finds(in: key) { rule.insert(.foundInKey) }
    return rule
  }

  private static func namesVersion(_ key: [UInt8]) -> Bool {
    let part = key.lastIndex(of: UInt8(ascii: ".")).map { key[($0 + 1)...] } ?? key[...]
    let word = Array("version".utf8)
    guard part.count >= word.count else { return false }
    return (part.startIndex...(part.endIndex - word.count)).contains {
      part[$0..<($0 + word.count)].elementsEqual(word)
    }
  }
}
