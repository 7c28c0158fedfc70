import Door
import Glibc
import Logging
import Telemetry
import Testing

/// What a line of `tokens.jsonl` or `udp.jsonl` may say, and what the books make of it.
struct CredentialBookTests {
  static let token = "gt_1f2e3d4c_" + String(repeating: "ab", count: 32)
  static let now: Int64 = 1_800_000_000_000_000_000

  static func digest(_ token: String) throws -> String {
    let token = try #require(Token(parsing: token))
    return token.digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func tokenLine(_ more: String = "", id: String = "1f2e3d4c", scope: String = "ingest") throws -> TokenLine {
    let text =
      #"{"note":0\#(more),"id":"\#(id)","sha256":"\#(try digest(token))","scope":"\#(scope)","source":"relay-eu-1"}"#
    return try TokenLine(parsing: Array(text.utf8))
  }

  static func udpLine(_ more: String = "") throws -> UDPKeyLine {
    let key = (0..<32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return try UDPKeyLine(parsing: Array(#"{"key_id":7,"key":"\#(key)","source":"relay-eu-1"\#(more)}"#.utf8))
  }

  @Test func readsTheLineOfTheSpecification() throws {
    let line = try Self.tokenLine(
      #","created":"2026-11-21T10:00:00Z","expires":null,"revoked":null,"signals":["logs"],"records_per_s":5,"#
        + #""bytes_per_s":6,"audience":"player","require":["game_id"],"pseudonym_key":"event","trusted":true"#)
    #expect(line.grant.created == "2026-11-21T10:00:00Z")
    #expect(line.signals == [.logs])
    #expect(line.grant.recordsPerSecond == 5 && line.grant.bytesPerSecond == 6)
    #expect(line.grant.audience == .player && line.require == ["game_id"] && line.isTrusted)
    #expect(line.grant.pseudonymKey == "event")
    #expect(try TokenLine(parsing: line.text) == line)
  }

  @Test func fillsInWhatALineLeavesOut() throws {
    let line = try Self.tokenLine()
    #expect(line.signals == [.traces, .metrics, .logs])
    #expect(line.grant.audience == .server && line.grant.expires == nil && !line.isTrusted)
    #expect(try TokenLine(parsing: line.text) == line)
  }

  @Test func readsAndWritesAUDPKey() throws {
    let line = try Self.udpLine(#","component":"relay","records_per_s":100"#)
    #expect(line.id == 7 && line.key == Array(0..<32) && line.component == "relay")
    #expect(try UDPKeyLine(parsing: line.text) == line)
    #expect(line.secretText.hasPrefix("7:000102"))
  }

  @Test(arguments: [
    ("nonsense", "no JSON object"), ("[]", "`` has a value of another kind"), (#"{"source":"a"}"#, "`id` is missing"),
    (#"{"id":"1f2e3d4","sha256":"00"}"#, "`id` must be 8 lower hexadecimal digits"),
    (#"{"id":"1f2e3d4c","sha256":"s3cret"}"#, "`sha256` must be 64 hexadecimal digits"),
    (#"{"id":"1f2e3d4c","sha256":7}"#, "`sha256` has a value of another kind"),
  ])
  func namesTheKeyThatIsWrongAndNoValue(text: String, fault: String) {
    #expect(throws: CredentialFault(fault)) { try TokenLine(parsing: Array(text.utf8)) }
  }

  @Test(arguments: [
    (#","scope":"root""#, "scope"), (#","source":"local""#, "source"), (#","source":"anon-1""#, "source"),
    (#","expires":"tomorrow""#, "expires"), (#","signals":["spans"]"#, "signals"), (#","audience":"all""#, "audience"),
    (#","records_per_s":-1"#, "records_per_s"), (#","require":"k""#, "require"),
  ])
  func refusesALineThatSaysWhatCannotBe(more: String, key: String) throws {
    // Of equal keys the first one counts.
    do {
      _ = try Self.tokenLine(more)
      Issue.record("taken")
    } catch let fault as CredentialFault {
      #expect(fault.description.contains("`\(key)"))
    }
  }

  @Test(arguments: [
    ("relay-eu-1", true), ("a", true), ("A.b_c/d-9", true), (String(repeating: "x", count: 64), true), ("", false),
    (String(repeating: "x", count: 65), false), ("local", false), ("other", false), ("drop", false),
    ("anon-1", false), ("peer-1", false), ("a b", false), ("ä", false), ("localhost", true),
  ])
  func knowsTheNamesOfSources(name: String, isValid: Bool) {
    #expect(SourceName.isValid(name) == isValid)
  }

  @Test(arguments: [
    ("", "live"), (#","expires":"2027-01-15T08:00:00Z""#, "expired"), (#","expires":"2027-01-15T08:00:01Z""#, "live"),
    (#","expires":"2027-01-15T09:00:00+01:00""#, "expired"), (#","expires":"2027-01-15""#, "expired"),
    (#","revoked":"2020-01-01T00:00:00Z""#, "revoked"), (#","expires":null,"revoked":null"#, "live"),
  ])
  func findsATokenForAsLongAsItLives(more: String, answer: String) throws {
    let book = try TokenBook([try Self.tokenLine(more)])
    let token = try #require(Token(parsing: Self.token))
    let found =
      switch book.find(token, now: Self.now) {
      case .live(let credential): credential.source == "relay-eu-1" ? "live" : credential.source
      case .expired: "expired"
      case .revoked: "revoked"
      case .unknown: "unknown"
      }
    #expect(found == answer)
    #expect(book.hasLive([.ingest], now: Self.now) == (answer == "live"))
    #expect(!book.hasLive([.read, .admin], now: Self.now))
  }

  @Test func knowsATokenOnlyByItsWholeText() throws {
    let book = try TokenBook([try Self.tokenLine()])
    let others = [String(Self.token.dropLast()) + "c", "gt_1f2e3d4d" + String(Self.token.dropFirst(11))]
    for text in others {
      let token = try #require(Token(parsing: text))
      guard case .unknown = book.find(token, now: Self.now) else {
        Issue.record("\(text) came in")
        continue
      }
    }
    #expect(Token(parsing: Self.token.uppercased()) == nil)
    #expect(Token(parsing: Self.token + "0") == nil)
    #expect(book.owns(source: "relay-eu-1") && !book.owns(source: "relay-eu-2"))
  }

  @Test func makesTokensThatAreFoundAgain() throws {
    let token = Token.make(taken: [])
    #expect(Token(parsing: token.text)?.id == token.id)
    #expect(token.digest.count == 32 && Token.make(taken: []).text != token.text)
  }

  @Test func findsUDPKeysWhileTheyLive() throws {
    let book = try UDPKeyBook([try Self.udpLine()])
    #expect(book.find(7, now: Self.now)?.source == "relay-eu-1")
    #expect(book.find(8, now: Self.now) == nil)
    #expect(book.owns(source: "relay-eu-1") && book.hasLive(now: Self.now))
    let ended = try UDPKeyBook([try Self.udpLine(#","revoked":"2020-01-01T00:00:00Z""#)])
    #expect(ended.find(7, now: Self.now) == nil && !ended.hasLive(now: Self.now))
    // Its source stays its own.
    #expect(ended.owns(source: "relay-eu-1"))
  }

  @Test func refusesAnIdThatIsUsedTwice() throws {
    #expect(throws: CredentialFault("`id` is used twice")) {
      try TokenBook([try Self.tokenLine(), try Self.tokenLine()])
    }
    #expect(throws: CredentialFault("`key_id` is used twice")) {
      try UDPKeyBook([try Self.udpLine(), try Self.udpLine()])
    }
  }

  @Test func keepsWhatWasUsedOfARateOverAChangeOfTheFile() throws {
    let before = try TokenBook([try Self.tokenLine(#","records_per_s":10"#)])
    let token = try #require(Token(parsing: Self.token))
    func allowance(_ book: TokenBook) -> Allowance? {
      guard case .live(let credential) = book.find(token, now: Self.now) else { return nil }
      return credential.allowance
    }
    let same = try TokenBook([try Self.tokenLine(#","records_per_s":10,"audience":"ci""#)], previous: before)
    #expect(allowance(same) === allowance(before))
    let other = try TokenBook([try Self.tokenLine(#","records_per_s":11"#)], previous: before)
    #expect(allowance(other) !== allowance(before))
  }
}

/// The files on disk.
struct CredentialFileTests {
  private let folder: String

  init() {
    var template = Array("/tmp/garner-keys-XXXXXX".utf8CString)
    let made = mkdtemp(&template) != nil
    precondition(made, "no folder under /tmp")
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private var tokens: String { folder + "/keys/tokens.jsonl" }
  private var udpKeys: String { folder + "/keys/udp.jsonl" }

  private func quiet() -> Logger {
    Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  }

  private func write(_ lines: [[UInt8]]) throws {
    try CredentialFile(tokens).replace { _ throws(CredentialFault) in lines }
  }

  @Test func replacesAFileThatOnlyItsOwnerCanRead() throws {
    try write([try CredentialBookTests.tokenLine().text])
    var status = stat()
    #expect(stat(tokens, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try CredentialFile(tokens).lines().count == 1)
    #expect(access(tokens + ".tmp", F_OK) != 0)
  }

  @Test func refusesAFileThatOthersCanRead() throws {
    try write([try CredentialBookTests.tokenLine().text])
    chmod(tokens, 0o640)
    #expect(throws: CredentialFault("\(tokens): others can read or change it; `chmod 600` it")) {
      try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    }
  }

  @Test func namesTheLineThatIsWrong() throws {
    try write([try CredentialBookTests.tokenLine().text, [], Array(#"{"id":"s3cret"}"#.utf8)])
    #expect(throws: CredentialFault("\(tokens):3: `id` must be 8 lower hexadecimal digits")) {
      try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    }
  }

  @Test func namesTheLineWhoseIDIsUsedTwice() throws {
    let line = try CredentialBookTests.tokenLine().text
    try write([line, line])
    #expect(throws: CredentialFault("\(tokens):2: `id` is used twice")) {
      try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    }
    try write([])
    let key = Array(#"{"key_id":1,"key":"\#(String(repeating: "00", count: 32))","source":"a"}"#.utf8)
    try CredentialFile(udpKeys).replace { _ throws(CredentialFault) in [key, [], key] }
    #expect(throws: CredentialFault("\(udpKeys):3: `key_id` is used twice")) {
      try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    }
  }

  @Test func takesAChangeOverAndKeepsTheOldBookWhenItIsWrong() throws {
    let now = CredentialBookTests.now
    let book = try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    #expect(!book.tokens.hasLive([.ingest], now: now))
    try write([try CredentialBookTests.tokenLine().text])
    book.refresh(quiet())
    #expect(book.tokens.hasLive([.ingest], now: now))
    try write([Array("broken".utf8)])
    book.refresh(quiet())
    #expect(book.tokens.hasLive([.ingest], now: now))
    try write([try CredentialBookTests.tokenLine(#","revoked":"2020-01-01T00:00:00Z""#).text])
    book.refresh(quiet())
    #expect(!book.tokens.hasLive([.ingest], now: now))
    try CredentialFile(udpKeys).replace { _ throws(CredentialFault) in
      [Array(#"{"key_id":1,"key":"\#(String(repeating: "00", count: 32))","source":"a"}"#.utf8)]
    }
    book.refresh(quiet())
    #expect(book.udpKeys.hasLive(now: now) && book.owns(source: "a"))
  }

  @Test func aFileThatIsRemovedLetsNobodyIn() throws {
    try write([try CredentialBookTests.tokenLine().text])
    let book = try CredentialBook(tokensFile: tokens, udpKeysFile: udpKeys)
    unlink(tokens)
    book.refresh(quiet())
    #expect(book.tokens.lines.isEmpty)
  }
}
