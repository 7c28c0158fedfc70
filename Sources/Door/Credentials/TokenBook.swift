/// The tokens of one state of the file. A value: whoever holds it is not disturbed by a change.
package struct TokenBook: Sendable {
  private struct Entry: Sendable {
    let line: TokenLine
    let credential: Credential
  }

  package enum Answer: Sendable {
    case live(Credential)
    /// No such token, or not this one; which is nobody's business.
    case unknown
    case expired
    case revoked
  }

  private let entries: [String: Entry]
  /// Compared with when there is no such id, so that both take as long.
  private static let decoy = [UInt8](repeating: 0, count: 32)

  package init() { entries = [:] }

  /// `previous`: tokens that stay as they are keep what they have used of their rates.
  package init(
    _ lines: [TokenLine], previous: TokenBook = TokenBook(),
    clock: @escaping @Sendable () -> Int64 = Allowance.monotonic
  ) throws(CredentialFault) {
    var entries: [String: Entry] = [:]
    for line in lines {
      var credential = Credential(kind: .token(id: line.id), scope: line.scope, source: line.grant.source)
      credential.signals = line.signals
      credential.audience = line.grant.audience
      credential.require = line.require
      credential.isTrusted = line.isTrusted && line.scope == .ingest
      credential.pseudonymKey = line.grant.pseudonymKey
      credential.allowance = line.grant.allowance(keeping: previous.entries[line.id]?.credential.allowance, clock)
      guard entries.updateValue(Entry(line: line, credential: credential), forKey: line.id) == nil else {
        throw CredentialFault("`id` is used twice")
      }
    }
    self.entries = entries
  }

  package var lines: [TokenLine] { entries.values.map(\.line).sorted { $0.id < $1.id } }

  /// `now`: nanoseconds since 1970.
  package func find(_ token: Token, now: Int64) -> Answer {
    let entry = entries[token.id]
    let matches = ConstantTime.equal(token.digest, entry?.line.digest ?? Self.decoy)
    guard let entry, matches else { return .unknown }
    if entry.line.grant.revoked != nil { return .revoked }
    guard entry.line.grant.isLive(at: now) else { return .expired }
    return .live(entry.credential)
  }

  /// Whether somebody holds a live token that opens one of `scopes`.
  package func hasLive(_ scopes: Set<Scope>, now: Int64) -> Bool {
    entries.values.contains { scopes.contains($0.line.scope) && $0.line.grant.isLive(at: now) }
  }

  package func owns(source: String) -> Bool { entries.values.contains { $0.line.grant.source == source } }
}

extension Grant {
  /// Nil: no limits. `previous` is kept when its rates are the same.
  func allowance(keeping previous: Allowance?, _ clock: @escaping @Sendable () -> Int64) -> Allowance? {
    guard recordsPerSecond > 0 || bytesPerSecond > 0 else { return nil }
    if let previous, previous.recordsPerSecond == recordsPerSecond, previous.bytesPerSecond == bytesPerSecond {
      return previous
    }
    return Allowance(recordsPerSecond: recordsPerSecond, bytesPerSecond: bytesPerSecond, clock: clock)
  }
}
