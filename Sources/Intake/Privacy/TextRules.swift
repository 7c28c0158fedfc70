/// The rules applied to single texts while one batch is protected, and how often each was.
///
/// A class, because the walks inside walks share it; lives for one batch on one thread.
final class TextRules {
  /// JSON in a string in JSON in a string …: each level doubles the backslashes, so more than this is nobody's.
  private static let depthLimit = 8
  private static let passLimit = 8

  let rules: KeyRules
  private let hash: PseudonymHash
  private let isTrusted: Bool
  private(set) var counts = [Int](repeating: 0, count: PrivacyRule.allCases.count)
  private(set) var hasCounts = false
  private var cache = PseudonymCache()
  private var depth = 0

  /// For a dry run: told of each count, with where it was.
  let observer: ((PrivacyRule, String) -> Void)?
  /// The table or column, and inside JSON the key.
  private var level = ""
  var place = ""
  var observes: Bool { observer != nil }

  init(_ rules: KeyRules, _ hash: PseudonymHash, trusted: Bool, observer: ((PrivacyRule, String) -> Void)? = nil) {
    self.rules = rules
    self.hash = hash
    isTrusted = trusted
    self.observer = observer
  }

  func begin(_ level: String) {
    self.level = level
    place = ""
  }

  func count(_ rule: PrivacyRule) {
    counts[rule.index] += 1
    hasCounts = true
    // The key could be what was found.
    observer?(rule, place.isEmpty ? level : "\(level).\(TextScrub.finds(in: Array(place.utf8)) ? "*" : place)")
  }

  // MARK: texts

  func scrubbed(_ text: [UInt8], _ rule: KeyRule) -> [UInt8]? {
    text.withUnsafeBufferPointer { scrubbed($0, rule) }
  }

  /// A decoded text, or JSON inside one. Nil: it stays as it is.
  func scrubbed(_ text: UnsafeBufferPointer<UInt8>, _ rule: KeyRule) -> [UInt8]? {
    guard rules.readsTexts else { return nil }
    if let isChanged = container(text, rule.intersection(.exempt)) { return isChanged.json }
    guard rules.scrubsTexts, !rule.contains(.exempt) else { return nil }
    return scrubbed(text, rule, passes: Self.passLimit)
  }

  /// What was cut out can bring together what was apart, so what changed is looked at again.
  private func scrubbed(_ text: UnsafeBufferPointer<UInt8>, _ rule: KeyRule, passes: Int) -> [UInt8]? {
    var scrub = TextScrub(
      text, findsAddresses: !rule.contains(.version), steam: { [self] in cache.text(.player, $0, hash) },
      count: { [self] in count($0) })
    guard let found = scrub.run() else { return nil }
    let again = found.withUnsafeBufferPointer {
      passes > 1 && TextClass.isSuspect($0) ? scrubbed($0, rule, passes: passes - 1) : nil
    }
    return again ?? found
  }

  /// Nil: not JSON. Otherwise the changed text, nil when nothing is to be changed.
  private func container(_ text: UnsafeBufferPointer<UInt8>, _ rule: KeyRule) -> (json: [UInt8]?, Void)? {
    guard depth < Self.depthLimit, let first = text.first(where: { $0 > 0x20 }),
      first == UInt8(ascii: "{") || first == UInt8(ascii: "["), JSONText.isContainer(text),
      var walk = JSONWalk(text, self, hasEscapes: false)
    else { return nil }
    depth += 1
    defer { depth -= 1 }
    return (walk.attributes(rule), ())
  }

  // MARK: pseudonyms

  enum Outcome {
    case stays
    /// Plain letters and digits.
    case text([UInt8])
    /// JSON whose elements were replaced.
    case container([UInt8])
  }

  /// `value` decoded, numbers in decimal.
  func pseudonym(_ value: [UInt8], _ rule: KeyRule) -> Outcome {
    if value.isEmpty || value.elementsEqual("BOT".utf8) { return .stays }
    if isTrusted, Pseudonym.looksLike(value) { return .stays }
    let found = value.withUnsafeBufferPointer {
      container($0, rule.intersection([.player, .device, .slots]))
    }
    if let found { return found.json.map(Outcome.container) ?? .stays }
    count(.pseudonym)
    return .text(cache.text(rule.contains(.device) ? .device : .player, value, hash))
  }
}
