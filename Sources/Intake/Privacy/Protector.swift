import Door
import Synchronization
package import Telemetry

/// The privacy policy, compiled: what every batch passes between decoding and the store.
///
/// A batch in which nothing is found comes back as the same object. Otherwise a new one is made whose arena is the old
/// bytes with the changed texts behind them; no slice of it refers to what was removed.
package final class Protector: Sendable {
  package let vitals: PrivacyVitals
  // covers: the rules in force, which are never changed but exchanged; a batch keeps those that it began with.
  private let book: Mutex<Rulebook>

  private final class Rulebook: Sendable {
    let active: PseudonymHash
    let byID: [String: PseudonymHash]
    /// By audience (players' machines or others) and whether the sender may set `garner.*`.
    let rules: [KeyRules]
    let tombstones: Tombstones

    init(_ policy: PrivacyPolicy, _ keys: PseudonymKeys, _ tombstones: Tombstones) {
      active = PseudonymHash(key: keys.active.key)
      byID = Dictionary(
        keys.entries.map { ($0.id, PseudonymHash(key: $0.key)) }, uniquingKeysWith: { _, last in last })
      rules = [Audience.server, .player].flatMap { audience in
        [true, false].map { KeyRules(policy, audience: audience, stripsOwn: $0) }
      }
      self.tombstones = tombstones
    }

    func rules(_ sender: PrivacySender) -> KeyRules {
      rules[(sender.audience == .player ? 2 : 0) + (sender.trusted ? 1 : 0)]
    }

    func texts(_ sender: PrivacySender, observer: ((PrivacyRule, String) -> Void)?) -> TextRules {
      let hash = sender.pseudonymKey.flatMap { byID[$0] } ?? active
      return TextRules(rules(sender), hash, trusted: sender.trusted, observer: observer)
    }
  }

  package init(
    _ policy: PrivacyPolicy, keys: PseudonymKeys, tombstones: Tombstones = Tombstones(),
    vitals: PrivacyVitals = PrivacyVitals()
  ) {
    self.vitals = vitals
    book = Mutex(Rulebook(policy, keys, tombstones))
  }

  /// Other rules from the next batch on.
  package func replace(_ policy: PrivacyPolicy, keys: PseudonymKeys, tombstones: Tombstones) {
    let new = Rulebook(policy, keys, tombstones)
    book.withLock { $0 = new }
  }

  /// Whether the file of keys has this one. A sender whose key is not there gets pseudonyms of the active one.
  package func knows(pseudonymKey id: String) -> Bool { rulebook.byID[id] != nil }

  func texts(_ sender: PrivacySender) -> TextRules { rulebook.texts(sender, observer: nil) }

  private var rulebook: Rulebook { book.withLock { $0 } }

  /// For untrusted senders and trusted ones, on any thread. `batch` is not changed.
  package func protect(_ batch: Batch, sender: PrivacySender = .anonymous) -> Batch {
    let book = rulebook
    let texts = book.texts(sender, observer: nil)
    var work = BatchProtection(batch, texts)
    let protected = work.run()
    if texts.hasCounts { vitals.add(texts.counts) }
    if book.tombstones.isEmpty { return protected }
    var erasure = Erasure(protected, book.tombstones, book.rules(sender))
    let rest = erasure.run()
    vitals.add(.erased, erasure.count)
    return rest
  }

  /// The same as a dry run: `observer` is told each rule that applies and where, never a value.
  package func inspect(_ batch: Batch, sender: PrivacySender, observer: @escaping (PrivacyRule, String) -> Void) {
    var work = BatchProtection(batch, rulebook.texts(sender, observer: observer))
    _ = work.run()
  }

  /// One text of a record that is no batch, e.g. what a door writes to its log. Nil: it stays as it is.
  package func scrubbed(_ text: String, sender: PrivacySender = .anonymous) -> String? {
    rulebook.texts(sender, observer: nil).scrubbed(Array(text.utf8), []).map { String(decoding: $0, as: UTF8.self) }
  }
}
