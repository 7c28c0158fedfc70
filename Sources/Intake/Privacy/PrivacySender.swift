package import Door

/// What the protector has to know of a sender. From its credential; nobody without one is trusted.
package struct PrivacySender: Sendable, Equatable {
  /// Another Garner: pseudonyms and `garner.*` pass.
  package var trusted: Bool
  package var audience: Audience
  /// Id of the pseudonym key; nil: the active one.
  package var pseudonymKey: String?

  /// Its records are stamped with the audience: a credential told it.
  package var isStamped = false

  package init(trusted: Bool = false, audience: Audience = .server, pseudonymKey: String? = nil) {
    self.trusted = trusted
    self.audience = audience
    self.pseudonymKey = pseudonymKey
  }

  package static let anonymous = PrivacySender()
}
