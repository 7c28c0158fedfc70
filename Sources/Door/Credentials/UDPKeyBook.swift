/// One key that signs packets.
package struct UDPKey: Sendable {
  package let id: UInt32
  /// 32 bytes.
  package let key: [UInt8]
  package let source: String
  /// Component of events that name none.
  package let component: String?
  package let audience: Audience
  package let pseudonymKey: String?
  /// Nil: no limit. Outlives a reload, so that nothing is forgiven by it.
  package let allowance: Allowance?
  /// Nanoseconds since 1970; nil: never.
  package let expires: Int64?
  package let isRevoked: Bool

  package func isLive(at now: Int64) -> Bool {
    if let expires, expires <= now { return false }
    return !isRevoked
  }
}

/// The UDP keys of one state of the file. A value: a receiving thread may keep it and look for a newer one now and then.
package struct UDPKeyBook: Sendable {
  private let keys: [UInt32: UDPKey]
  private let grants: [UInt32: UDPKeyLine]
  private let sources: Set<String>

  package init() {
    keys = [:]
    grants = [:]
    sources = []
  }

  package init(
    _ lines: [UDPKeyLine], previous: UDPKeyBook = UDPKeyBook(),
    clock: @escaping @Sendable () -> Int64 = Allowance.monotonic
  ) throws(CredentialFault) {
    var keys: [UInt32: UDPKey] = [:]
    for line in lines {
      let grant = line.grant
      let key = UDPKey(
        id: line.id, key: line.key, source: grant.source, component: line.component, audience: grant.audience,
        pseudonymKey: grant.pseudonymKey, allowance: grant.allowance(keeping: previous.keys[line.id]?.allowance, clock),
        expires: grant.expires, isRevoked: grant.revoked != nil)
      guard keys.updateValue(key, forKey: line.id) == nil else { throw CredentialFault("`key_id` is used twice") }
    }
    self.keys = keys
    grants = Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0) })
    sources = Set(lines.map(\.grant.source))
  }

  package var lines: [UDPKeyLine] { grants.values.sorted { $0.id < $1.id } }

  /// Nil: unknown, expired or revoked. `now`: nanoseconds since 1970.
  package func find(_ id: UInt32, now: Int64) -> UDPKey? {
    guard let key = keys[id], key.isLive(at: now) else { return nil }
    return key
  }

  package func hasLive(now: Int64) -> Bool { keys.values.contains { $0.isLive(at: now) } }

  package func owns(source: String) -> Bool { sources.contains(source) }
}
