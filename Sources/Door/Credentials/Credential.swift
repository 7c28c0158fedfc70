package import Telemetry

/// What a token opens.
package enum Scope: String, Sendable, CaseIterable {
  /// Send records.
  case ingest
  /// See them: console, API, metrics.
  case read
  /// Change things; includes `read`, not `ingest`.
  case admin
}

/// Whose word a record is; what privacy drops may depend on it.
package enum Audience: String, Sendable, CaseIterable {
  case server, player, ci
}

/// What a request wants to do.
package enum Access: Sendable, Equatable {
  case ingest(Signal)
  case read
  case admin

  var scope: Scope {
    switch self {
    case .ingest: .ingest
    case .read: .read
    case .admin: .admin
    }
  }
}

/// Who a request is from, once the gate has let it in.
package struct Credential: Sendable {
  package enum Kind: Sendable, Equatable {
    /// Nobody said who they are, and this door takes that.
    case anonymous
    /// The id of the token, which is no secret.
    case token(id: String)
    /// A verified client certificate; `source` is its name.
    case certificate
  }

  package var kind: Kind
  package var scope: Scope
  /// Source of all its records; empty: anonymous, the source is taken from the records.
  package var source: String
  package var signals: Set<Signal> = Set(Signal.allCases)
  /// Nil: anonymous, nothing is stamped.
  package var audience: Audience?
  /// Attributes that each record must have.
  package var require: [String] = []
  /// Pseudonyms and `garner.*` of its records pass as they are: the sender is a Garner.
  package var isTrusted = false
  /// Id of the key for pseudonyms; nil: the active one of this store.
  package var pseudonymKey: String?
  /// Nil: no limit.
  package var allowance: Allowance?

  package static let anonymous = Credential(kind: .anonymous, scope: .ingest, source: "")

  package init(kind: Kind, scope: Scope, source: String) {
    self.kind = kind
    self.scope = scope
    self.source = source
  }

  func allows(_ access: Access) -> Bool {
    switch access {
    case .ingest: scope == .ingest
    case .read: scope != .ingest
    case .admin: scope == .admin
    }
  }
}

/// Names that a credential may give its records.
package enum SourceName {
  private static let reserved: Set<String> = ["local", "other", "drop"]
  /// For messages.
  package static let rule =
    "1 to 64 of A–Z a–z 0–9 . _ / -, but not local, other, drop, nor anything that begins with anon- or peer-"

  package static func isValid(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), !reserved.contains(name), !name.hasPrefix("anon-"),
      !name.hasPrefix("peer-")
    else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "-"): true
      default: false
      }
    }
  }
}
