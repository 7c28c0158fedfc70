import Glibc
import Telemetry
import Wire

/// Who may come in at one door. HTTP, gRPC and the console ask the same one, before they read a body.
package struct Gate: Sendable {
  private let book: CredentialBook
  private let admitsAnonymous: Bool
  private let clock: @Sendable () -> Int64

  /// `admitsAnonymous`: what `auth.allow_anonymous` says for this door (see `Anonymous`). `clock`: nanoseconds since 1970.
  package init(
    _ book: CredentialBook, admitsAnonymous: Bool, clock: @escaping @Sendable () -> Int64 = Gate.wallClock
  ) {
    self.book = book
    self.admitsAnonymous = admitsAnonymous
    self.clock = clock
  }

  /// A gate that stands open to those who say nothing, and knows no tokens.
  package static let open = Gate(CredentialBook(), admitsAnonymous: true)

  /// Throws 401 (no or no good credential), 403 (good, but not for this) or 429 (its allowance is used up).
  ///
  /// `authorization`: the header's value, nil when there is none. A token that is sent is always checked, also where nobody
  /// asks for one. `certificate`: name of the verified client certificate (see `PeerIdentity`), nil when there is none.
  package func check(
    authorization: String?, certificate: String?, for access: Access
  ) throws(DoorError) -> Credential {
    let credential = try identify(authorization, certificate)
    if credential.kind == .anonymous { return credential }
    guard credential.allows(access) else { throw .wrongScope(access.scope) }
    if case .ingest(let signal) = access {
      guard credential.signals.contains(signal) else { throw .wrongSignal(signal) }
      if let seconds = credential.allowance?.wait() { throw .rateLimited(retryAfterSeconds: seconds) }
    }
    return credential
  }

  /// Takes a decoded request from the credential's allowance; throws 429 and takes nothing when it does not fit.
  /// `bytes`: of the body after decompression.
  package func charge(_ credential: Credential, records: Int, bytes: Int) throws(DoorError) {
    if let seconds = credential.allowance?.take(records: records, bytes: bytes) {
      throw .rateLimited(retryAfterSeconds: seconds)
    }
  }

  /// Whether records may carry this source only with a credential.
  package func owns(source: String) -> Bool { book.owns(source: source) }

  private func identify(_ authorization: String?, _ certificate: String?) throws(DoorError) -> Credential {
    if let authorization {
      guard let token = Self.bearer(authorization) else { throw .badCredential }
      switch book.tokens.find(token, now: clock()) {
      case .live(let credential): return credential
      case .unknown: throw .badCredential
      case .expired: throw .expiredCredential
      case .revoked: throw .revokedCredential
      }
    }
    if let certificate {
      guard SourceName.isValid(certificate) else { throw .unusableCertificate }
      book.note(certificate: certificate)
      var credential = Credential(kind: .certificate, scope: .ingest, source: certificate)
      credential.audience = .server
      return credential
    }
    guard admitsAnonymous else { throw .noCredential }
    return .anonymous
  }

  /// The token of `Bearer TOKEN`; the scheme is not case-sensitive (RFC 9110 §11.1).
  static func bearer(_ header: String) -> Token? {
    let scheme = header.prefix { $0 != " " }
    guard scheme.lowercased() == "bearer" else { return nil }
    let words = header.dropFirst(scheme.count).split(separator: " ")
    return words.count == 1 ? Token(parsing: String(words[0])) : nil
  }

  package static let wallClock: @Sendable () -> Int64 = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
