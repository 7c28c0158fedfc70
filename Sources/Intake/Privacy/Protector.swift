import Door
package import Telemetry

/// The privacy policy, compiled: what every batch passes between decoding and the store.
///
/// A batch in which nothing is found comes back as the same object. Otherwise a new one is made whose arena is the old
/// bytes with the changed texts behind them; no slice of it refers to what was removed.
package final class Protector: Sendable {
  package let vitals: PrivacyVitals
  private let active: PseudonymHash
  private let byID: [String: PseudonymHash]
  /// By audience (players' machines or others) and whether the sender may set `garner.*`.
  private let rules: [KeyRules]

  package init(_ policy: PrivacyPolicy, keys: PseudonymKeys, vitals: PrivacyVitals = PrivacyVitals()) {
    self.vitals = vitals
    active = PseudonymHash(key: keys.active.key)
    byID = Dictionary(
      keys.entries.map { ($0.id, PseudonymHash(key: $0.key)) }, uniquingKeysWith: { _, last in last })
    rules = [Audience.server, .player].flatMap { audience in
      [true, false].map { KeyRules(policy, audience: audience, stripsOwn: $0) }
    }
  }

  /// For untrusted senders and trusted ones, on any thread. `batch` is not changed.
  package func protect(_ batch: Batch, sender: PrivacySender = .anonymous) -> Batch {
    protect(batch, texts(sender, observer: nil))
  }

  /// The same as a dry run: `observer` is told each rule that applies and where, never a value.
  package func inspect(_ batch: Batch, sender: PrivacySender, observer: @escaping (PrivacyRule, String) -> Void) {
    var work = BatchProtection(batch, texts(sender, observer: observer))
    _ = work.run()
  }

  /// One text of a record that is no batch, e.g. what a door writes to its log. Nil: it stays as it is.
  package func scrubbed(_ text: String, sender: PrivacySender = .anonymous) -> String? {
    texts(sender, observer: nil).scrubbed(Array(text.utf8), []).map { String(decoding: $0, as: UTF8.self) }
  }

  private func protect(_ batch: Batch, _ texts: TextRules) -> Batch {
    var work = BatchProtection(batch, texts)
    let protected = work.run()
    if texts.hasCounts { vitals.add(texts.counts) }
    return protected
  }

  private func texts(_ sender: PrivacySender, observer: ((PrivacyRule, String) -> Void)?) -> TextRules {
    let rules = rules[(sender.audience == .player ? 2 : 0) + (sender.trusted ? 1 : 0)]
    let hash = sender.pseudonymKey.flatMap { byID[$0] } ?? active
    return TextRules(rules, hash, trusted: sender.trusted, observer: observer)
  }
}
