import FoundationEssentials
package import Telemetry
import Wire

/// Why a line of a credentials file cannot be used: names keys, never values.
package struct CredentialFault: Error, Sendable, Equatable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// What tokens and UDP keys have in common.
package struct Grant: Sendable, Equatable {
  package var source: String
  /// When it was made; a note for people.
  package var created: String
  /// Nanoseconds since 1970; nil: never.
  package var expires: Int64?
  package var revoked: Int64?
  package var recordsPerSecond: Int64 = 0
  package var bytesPerSecond: Int64 = 0
  package var audience = Audience.server
  package var pseudonymKey: String?

  package init(source: String, created: String) {
    self.source = source
    self.created = created
  }

  package func isLive(at now: Int64) -> Bool {
    if let expires, expires <= now { return false }
    return revoked == nil
  }
}

/// One line of a file of credentials.
package protocol CredentialLine: Sendable {
  associatedtype ID: Hashable
  /// The key of `id` in the line.
  static var idName: String { get }
  var id: ID { get }
  var grant: Grant { get set }
  /// The line without its end.
  var text: [UInt8] { get }
  /// Throws what is wrong with the line.
  init(parsing line: [UInt8]) throws(CredentialFault)
}

/// One line of `tokens.jsonl`.
package struct TokenLine: CredentialLine, Equatable {
  package static let idName = "id"
  /// Eight hexadecimal digits.
  package var id: String
  /// SHA-256 of the whole token.
  package var digest: [UInt8]
  package var scope: Scope
  package var grant: Grant
  package var signals: Set<Signal> = Set(Signal.allCases)
  package var require: [String] = []
  package var isTrusted = false

  package init(id: String, digest: [UInt8], scope: Scope, grant: Grant) {
    self.id = id
    self.digest = digest
    self.scope = scope
    self.grant = grant
  }

  package init(parsing line: [UInt8]) throws(CredentialFault) {
    let fields = try Fields(parsing: line)
    id = try fields.required("id", fields.id)
    guard id.utf8.count == 8, Hex.bytes(id) != nil, id == id.lowercased() else {
      throw CredentialFault("`id` must be 8 lower hexadecimal digits")
    }
    guard let digest = Hex.bytes(try fields.required("sha256", fields.sha256)), digest.count == 32 else {
      throw CredentialFault("`sha256` must be 64 hexadecimal digits")
    }
    self.digest = digest
    guard let scope = Scope(rawValue: try fields.required("scope", fields.scope)) else {
      throw CredentialFault("`scope` must be ingest, read or admin")
    }
    self.scope = scope
    grant = try fields.grant()
    if let names = fields.signals {
      signals = []
      for name in names {
        guard let signal = Signal.allCases.first(where: { $0.name == name }) else {
          throw CredentialFault("`signals` may hold traces, metrics and logs")
        }
        signals.insert(signal)
      }
    }
    require = fields.require ?? []
    isTrusted = fields.trusted ?? false
  }

  /// As it stands in the file, without the line end.
  package var text: [UInt8] {
    var line = Array("{\"id\":\"\(id)\",\"sha256\":\"\(Hex.text(digest))\",\"scope\":\"\(scope.rawValue)\",".utf8)
    line.appendMember("source", grant.source)
    grant.appendDates(to: &line)
    let names = Signal.allCases.filter(signals.contains).map { "\"\($0.name)\"" }
    line += Array(",\"signals\":[\(names.joined(separator: ","))]".utf8)
    grant.appendLimits(to: &line)
    line += Array(",\"require\":[".utf8)
    for (index, key) in require.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      line.appendJSON(key)
    }
    line.append(UInt8(ascii: "]"))
    grant.appendPseudonymKey(to: &line)
    line += Array(",\"trusted\":\(isTrusted)}".utf8)
    return line
  }
}

/// One line of `udp.jsonl`.
package struct UDPKeyLine: CredentialLine, Equatable {
  package static let idName = "key_id"
  package var id: UInt32
  /// 32 bytes: the HMAC cannot be checked with a hash of them.
  package var key: [UInt8]
  /// Component of events that name none.
  package var component: String?
  package var grant: Grant

  package init(id: UInt32, key: [UInt8], component: String?, grant: Grant) {
    self.id = id
    self.key = key
    self.component = component
    self.grant = grant
  }

  /// With a new key.
  package static func make(id: UInt32, component: String?, grant: Grant) -> UDPKeyLine {
    UDPKeyLine(id: id, key: Token.random(32), component: component, grant: grant)
  }

  /// `KEY_ID:HEX`, as senders take it. A secret.
  package var secretText: String { "\(id):\(Hex.text(key))" }

  package init(parsing line: [UInt8]) throws(CredentialFault) {
    let fields = try Fields(parsing: line)
    guard let id = UInt32(exactly: try fields.required("key_id", fields.keyID)), id > 0 else {
      throw CredentialFault("`key_id` must be 1 to 4294967295")
    }
    self.id = id
    guard let key = Hex.bytes(try fields.required("key", fields.key)), key.count == 32 else {
      throw CredentialFault("`key` must be 64 hexadecimal digits")
    }
    self.key = key
    component = fields.component
    grant = try fields.grant()
  }

  package var text: [UInt8] {
    var line = Array("{\"key_id\":\(id),\"key\":\"\(Hex.text(key))\",".utf8)
    line.appendMember("source", grant.source)
    if let component {
      line.append(UInt8(ascii: ","))
      line.appendMember("component", component)
    }
    grant.appendDates(to: &line)
    grant.appendLimits(to: &line)
    grant.appendPseudonymKey(to: &line)
    line.append(UInt8(ascii: "}"))
    return line
  }
}

extension Grant {
  fileprivate func appendDates(to line: inout [UInt8]) {
    line.append(UInt8(ascii: ","))
    line.appendMember("created", created)
    line += Array(",\"expires\":\(Self.date(expires)),\"revoked\":\(Self.date(revoked))".utf8)
  }

  fileprivate func appendLimits(to line: inout [UInt8]) {
    line += Array(",\"records_per_s\":\(recordsPerSecond),\"bytes_per_s\":\(bytesPerSecond),".utf8)
    line.appendMember("audience", audience.rawValue)
  }

  fileprivate func appendPseudonymKey(to line: inout [UInt8]) {
    line += Array(",\"pseudonym_key\":".utf8)
    if let pseudonymKey { line.appendJSON(pseudonymKey) } else { line += Array("null".utf8) }
  }

  private static func date(_ time: Int64?) -> String { time.map { "\"\(Timestamp.text($0))\"" } ?? "null" }
}

extension [UInt8] {
  fileprivate mutating func appendMember(_ name: String, _ value: String) {
    self += Array("\"\(name)\":".utf8)
    appendJSON(value)
  }
}

/// The members as JSON has them; keys that nobody here knows are left to whoever wrote them.
private struct Fields: Decodable {
  var id: String?
  var sha256: String?
  var keyID: Int64?
  var key: String?
  var scope: String?
  var source: String?
  var component: String?
  var created: String?
  var expires: String?
  var revoked: String?
  var signals: [String]?
  var recordsPerSecond: Int64?
  var bytesPerSecond: Int64?
  var audience: String?
  var require: [String]?
  var pseudonymKey: String?
  var trusted: Bool?

  private enum CodingKeys: String, CodingKey {
    case id, sha256, key, scope, source, component, created, expires, revoked, signals, audience, require, trusted
    case keyID = "key_id"
    case recordsPerSecond = "records_per_s"
    case bytesPerSecond = "bytes_per_s"
    case pseudonymKey = "pseudonym_key"
  }

  init(parsing line: [UInt8]) throws(CredentialFault) {
    do {
      self = try JSONDecoder().decode(Fields.self, from: Data(line))
    } catch let DecodingError.typeMismatch(_, context) {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw CredentialFault("`\(path)` has a value of another kind")
    } catch {
      throw CredentialFault("no JSON object")
    }
  }

  func required<Value>(_ name: String, _ value: Value?) throws(CredentialFault) -> Value {
    guard let value else { throw CredentialFault("`\(name)` is missing") }
    return value
  }

  func grant() throws(CredentialFault) -> Grant {
    var grant = Grant(source: try required("source", source), created: created ?? "")
    guard SourceName.isValid(grant.source) else { throw CredentialFault("`source` must be \(SourceName.rule)") }
    grant.expires = try time("expires", expires)
    grant.revoked = try time("revoked", revoked)
    grant.recordsPerSecond = recordsPerSecond ?? 0
    grant.bytesPerSecond = bytesPerSecond ?? 0
    guard grant.recordsPerSecond >= 0, grant.bytesPerSecond >= 0 else {
      throw CredentialFault("`records_per_s` and `bytes_per_s` must not be negative")
    }
    if let audience {
      guard let known = Audience(rawValue: audience) else {
        throw CredentialFault("`audience` must be server, player or ci")
      }
      grant.audience = known
    }
    grant.pseudonymKey = pseudonymKey
    return grant
  }

  private func time(_ name: String, _ text: String?) throws(CredentialFault) -> Int64? {
    guard let text else { return nil }
    guard let time = Moment.parse(text) else {
      throw CredentialFault("`\(name)` must be null or a time like 2027-03-01T18:30:00Z")
    }
    return time
  }
}
