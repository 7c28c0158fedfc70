import Door
import Intake
import Store
import Telemetry

/// The files of tokens and UDP keys as `garner token` changes them; a running daemon notices by itself within a second.
package struct Tokens: Sendable {
  /// What the operator asks for; texts as given on the command line.
  package struct Request: Sendable {
    /// `ingest`, `read`, `admin` or `relay`.
    package var scope = ""
    package var source = ""
    /// Nil: all.
    package var signals: [String]?
    /// Nanoseconds since 1970; nil: never.
    package var expires: Int64?
    package var recordsPerSecond: Int64 = 0
    package var bytesPerSecond: Int64 = 0
    package var audience = "server"
    package var require: [String] = []
    package var pseudonymKey: String?
    /// Of UDP keys: component of events that name none.
    package var component: String?

    package init() {}
  }

  /// A value that cannot be, or a file that cannot be changed.
  package enum Failure: Error, Sendable {
    case usage(String)
    case unknown(String)
    case file(String)
  }

  package struct Entry: Sendable {
    package var kind: String
    package var id: String
    package var scope: String
    package var source: String
    package var signals: String
    package var state: String
    package var created: String
    package var expires: String?
    package var revoked: String?
    package var recordsPerSecond: Int64
    package var bytesPerSecond: Int64
    package var audience: String
    package var require: String
    package var isTrusted: Bool
    package var component: String?
    package var pseudonymKey: String?
  }

  private let tokensFile: CredentialFile
  private let udpFile: CredentialFile
  private let privacyKeyFile: String
  /// Nanoseconds since 1970.
  private let now: Int64

  package init(_ config: GarnerConfig) {
    tokensFile = CredentialFile(config.tokensFile)
    udpFile = CredentialFile(config.udpKeysFile)
    privacyKeyFile = config.privacyKeyFile
    now = Gate.wallClock()
  }

  /// Adds a token and gives it; it is nowhere to be had again.
  package func createToken(_ request: Request) throws(Failure) -> String {
    let isRelay = request.scope == "relay"
    guard let scope = isRelay ? .ingest : Scope(rawValue: request.scope) else {
      throw .usage("--scope is ingest, read, admin or relay")
    }
    let grant = try grant(request)
    var signals = Set(Signal.allCases)
    if let names = request.signals {
      signals = []
      for name in names {
        guard let signal = Signal.allCases.first(where: { $0.name == name }) else {
          throw .usage("--signals takes traces, metrics and logs")
        }
        signals.insert(signal)
      }
    }
    var made = ""
    try change(tokensFile) { lines throws(CredentialFault) in
      var taken: Set<String> = []
      for line in lines { taken.insert(try TokenLine(parsing: line).id) }
      let token = Token.make(taken: taken)
      var line = TokenLine(id: token.id, digest: token.digest, scope: scope, grant: grant)
      line.signals = signals
      line.require = request.require
      line.isTrusted = isRelay
      made = token.text
      return lines + [line.text]
    }
    return made
  }

  /// Adds a key for signed packets and gives `KEY_ID:HEX`.
  package func createUDPKey(_ request: Request) throws(Failure) -> String {
    let grant = try grant(request)
    var made = ""
    try change(udpFile) { lines throws(CredentialFault) in
      var last: UInt32 = 0
      for line in lines { last = max(last, try UDPKeyLine(parsing: line).id) }
      guard last < .max else { throw CredentialFault("there is no key id left") }
      let line = UDPKeyLine.make(id: last + 1, component: request.component, grant: grant)
      made = line.secretText
      return lines + [line.text]
    }
    return made
  }

  /// Ends a token (8 hexadecimal digits) or a UDP key (its number) for good.
  package func revoke(_ id: String) throws(Failure) {
    var found = try revoke(tokensFile) { (line: TokenLine) in line.id == id }
    if !found, let number = UInt32(id) { found = try revoke(udpFile) { (line: UDPKeyLine) in line.id == number } }
    guard found else { throw .unknown("there is no token and no UDP key with this id; `garner token list` shows all") }
  }

  /// Whether there was such a line.
  private func revoke<Line: CredentialLine>(
    _ file: CredentialFile, where isMeant: (Line) -> Bool
  ) throws(Failure) -> Bool {
    var found = false
    try change(file) { lines throws(CredentialFault) in
      var changed: [[UInt8]] = []
      for bytes in lines {
        var line = try Line(parsing: bytes)
        if isMeant(line) {
          found = true
          line.grant.revoked = line.grant.revoked ?? now
          changed.append(line.text)
        } else {
          changed.append(bytes)
        }
      }
      return changed
    }
    return found
  }

  /// All, without what would let somebody in.
  package func list() throws(Failure) -> [Entry] {
    do throws(CredentialFault) {
      let tokens = try tokensFile.parse { line throws(CredentialFault) in try TokenLine(parsing: line) }
      let keys = try udpFile.parse { line throws(CredentialFault) in try UDPKeyLine(parsing: line) }
      return tokens.map { entry($0) } + keys.map { entry($0) }
    } catch {
      throw .file("\(error)")
    }
  }

  private func entry(_ line: TokenLine) -> Entry {
    var entry = entry("token", line.id, line.grant)
    entry.scope = line.scope.rawValue
    entry.signals = Signal.allCases.filter(line.signals.contains).map(\.name).joined(separator: ",")
    entry.require = line.require.joined(separator: ",")
    entry.isTrusted = line.isTrusted
    return entry
  }

  private func entry(_ line: UDPKeyLine) -> Entry {
    var entry = entry("udp", "\(line.id)", line.grant)
    entry.scope = Scope.ingest.rawValue
    entry.signals = Signal.logs.name
    entry.component = line.component
    return entry
  }

  private func entry(_ kind: String, _ id: String, _ grant: Grant) -> Entry {
    let state = grant.revoked != nil ? "revoked" : grant.isLive(at: now) ? "live" : "expired"
    return Entry(
      kind: kind, id: id, scope: "", source: grant.source, signals: "", state: state, created: grant.created,
      expires: grant.expires.map { Timestamp.text($0) }, revoked: grant.revoked.map { Timestamp.text($0) },
      recordsPerSecond: grant.recordsPerSecond, bytesPerSecond: grant.bytesPerSecond,
      audience: grant.audience.rawValue, require: "", isTrusted: false, component: nil,
      pseudonymKey: grant.pseudonymKey)
  }

  private func grant(_ request: Request) throws(Failure) -> Grant {
    guard SourceName.isValid(request.source) else { throw .usage("--source must be \(SourceName.rule)") }
    guard let audience = Audience(rawValue: request.audience) else {
      throw .usage("--audience is server, player or ci")
    }
    guard request.recordsPerSecond >= 0, request.bytesPerSecond >= 0 else {
      throw .usage("a rate must not be negative; 0 is no limit")
    }
    if let expires = request.expires, expires <= now { throw .usage("--expires lies in the past") }
    var grant = Grant(source: request.source, created: Timestamp.text(now))
    grant.expires = request.expires
    grant.recordsPerSecond = request.recordsPerSecond
    grant.bytesPerSecond = request.bytesPerSecond
    grant.audience = audience
    grant.pseudonymKey = request.pseudonymKey
    if let id = request.pseudonymKey, let keys = try pseudonymKeys(), !keys.contains(id: id) {
      throw .usage("--pseudonym-key: \(privacyKeyFile) has no key of this id; add its line there first")
    }
    return grant
  }

  private func pseudonymKeys() throws(Failure) -> PseudonymKeys? {
    do throws(PseudonymKeyFile.Fault) {
      return try PseudonymKeyFile.read(privacyKeyFile)
    } catch {
      throw .file("\(error)")
    }
  }

  /// What cannot be checked of a request yet; nil: nothing.
  package func warning(_ request: Request) -> String? {
    guard request.pseudonymKey != nil, !FileSystem.exists(privacyKeyFile) else { return nil }
    return "there is no \(privacyKeyFile) yet: put the key of this id there before anything is sent"
  }

  private func change(
    _ file: CredentialFile, _ edit: ([[UInt8]]) throws(CredentialFault) -> [[UInt8]]
  ) throws(Failure) {
    do throws(CredentialFault) {
      try file.replace(edit)
    } catch {
      throw .file("\(error)")
    }
  }
}
