package import Door

extension PrivacySender {
  package init(_ credential: Credential) {
    self.init(
      trusted: credential.isTrusted, audience: credential.audience ?? .server, pseudonymKey: credential.pseudonymKey)
    isStamped = credential.kind != .anonymous
  }
}
