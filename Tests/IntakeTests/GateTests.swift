import Door
import HTTPTypes
import Intake
import Telemetry
import TestSupport
import Testing

/// Who comes in, by what they say.
struct GateTests {
  static let secret = String(repeating: "ab", count: 32)
  static let ingest = "gt_00000001_\(secret)"
  static let read = "gt_00000002_\(secret)"
  static let admin = "gt_00000003_\(secret)"
  static let logsOnly = "gt_00000004_\(secret)"
  static let expired = "gt_00000005_\(secret)"
  static let revoked = "gt_00000006_\(secret)"
  static let slow = "gt_00000007_\(secret)"
  static let demanding = "gt_00000008_\(secret)"
  static let unknown = "gt_00000009_\(secret)"

  static func book() throws -> CredentialBook {
    func line(
      _ text: String, _ scope: Scope, _ source: String, _ change: (inout TokenLine) -> Void = { _ in }
    ) throws -> TokenLine {
      let token = try #require(Token(parsing: text))
      var line = TokenLine(id: token.id, digest: token.digest, scope: scope, grant: Grant(source: source, created: ""))
      change(&line)
      return line
    }
    return CredentialBook(
      tokens: try TokenBook([
        try line(ingest, .ingest, "relay-eu-1"), try line(read, .read, "ops"), try line(admin, .admin, "boss"),
        try line(logsOnly, .ingest, "client") { $0.signals = [.logs] },
        try line(expired, .ingest, "gone") { $0.grant.expires = 1 },
        try line(revoked, .ingest, "gone") { $0.grant.revoked = 1 },
        try line(slow, .ingest, "slow") { $0.grant.recordsPerSecond = 1 },
        try line(demanding, .ingest, "strict") { $0.require = ["game_id", "b"] },
      ]))
  }

  struct Visit: Sendable, CustomTestStringConvertible {
    var name: String
    var authorization: String?
    var certificate: String?
    var access = Access.ingest(.traces)
    var anonymous = false
    /// Source of the credential, or the cause of the refusal.
    var answer: String
    var testDescription: String { name }
  }

  @Test(
    arguments: [
      Visit(name: "nothing", answer: "no_credential"), Visit(name: "nobody", anonymous: true, answer: ""),
      Visit(name: "a token", authorization: "Bearer \(ingest)", answer: "relay-eu-1"),
      Visit(name: "any case of the scheme", authorization: "bEARER  \(ingest)", answer: "relay-eu-1"),
      Visit(name: "unknown", authorization: "Bearer \(unknown)", answer: "bad_credential"),
      Visit(
        name: "checked also where nobody asks", authorization: "Bearer \(unknown)", anonymous: true,
        answer: "bad_credential"),
      Visit(name: "not a bearer", authorization: "Basic \(ingest)", anonymous: true, answer: "bad_credential"),
      Visit(name: "empty", authorization: "", anonymous: true, answer: "bad_credential"),
      Visit(name: "two", authorization: "Bearer \(ingest), Bearer \(ingest)", answer: "bad_credential"),
      Visit(name: "without scheme", authorization: ingest, answer: "bad_credential"),
      Visit(name: "expired", authorization: "Bearer \(expired)", answer: "expired_credential"),
      Visit(name: "revoked", authorization: "Bearer \(revoked)", answer: "revoked_credential"),
      Visit(name: "read does not send", authorization: "Bearer \(read)", answer: "wrong_scope"),
      Visit(name: "admin does not send", authorization: "Bearer \(admin)", answer: "wrong_scope"),
      Visit(name: "read reads", authorization: "Bearer \(read)", access: .read, answer: "ops"),
      Visit(name: "admin reads", authorization: "Bearer \(admin)", access: .read, answer: "boss"),
      Visit(name: "ingest does not read", authorization: "Bearer \(ingest)", access: .read, answer: "wrong_scope"),
      Visit(name: "read changes nothing", authorization: "Bearer \(read)", access: .admin, answer: "wrong_scope"),
      Visit(name: "another signal", authorization: "Bearer \(logsOnly)", answer: "wrong_signal"),
      Visit(name: "its signal", authorization: "Bearer \(logsOnly)", access: .ingest(.logs), answer: "client"),
      Visit(name: "a certificate", certificate: "relay-eu-2", answer: "relay-eu-2"),
      Visit(
        name: "a token wins", authorization: "Bearer \(ingest)", certificate: "relay-eu-2", answer: "relay-eu-1"),
      Visit(
        name: "also a bad one", authorization: "Bearer \(unknown)", certificate: "relay-eu-2",
        answer: "bad_credential"),
      Visit(name: "a certificate does not read", certificate: "relay-eu-2", access: .read, answer: "wrong_scope"),
      Visit(name: "a certificate of no use", certificate: "*.example.org", answer: "bad_credential"),
    ])
  func lets(_ visit: Visit) throws {
    let gate = Gate(try Self.book(), admitsAnonymous: visit.anonymous)
    var answer: String
    do throws(DoorError) {
      answer = try gate.check(
        authorization: visit.authorization, certificate: visit.certificate, for: visit.access
      ).source
    } catch {
      answer = error.cause ?? "?"
    }
    #expect(answer == visit.answer)
  }

  // MARK: over HTTP

  private static func door(_ test: @Sendable (RunningDoor) async throws -> Void) async throws {
    var options = OTLPDoorOptions()
    options.gate = Gate(try book(), admitsAnonymous: false)
    try await withDoor(options, test)
  }

  private static func headers(_ token: String?) -> [String: String] {
    var headers = ["Content-Type": "application/json"]
    if let token { headers["Authorization"] = "Bearer \(token)" }
    return headers
  }

  @Test(
    arguments: [
      (nil, 401, "no_credential"), (unknown, 401, "bad_credential"), (expired, 401, "expired_credential"),
      (revoked, 401, "revoked_credential"), (read, 403, "wrong_scope"), (logsOnly, 403, "wrong_signal"),
    ] as [(String?, Int, String)])
  func refusesBeforeTheBodyIsSent(token: String?, status: Int, reason: String) async throws {
    try await Self.door { door in
      let client = try door.connect()
      var head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n"
      if let token { head += "Authorization: Bearer \(token)\r\n" }
      await client.send(head + "\r\n")
      let answer = try #require(await client.receive())
      #expect(answer.status == status)
      #expect(answer.headers["www-authenticate"] == (status == 401 ? "Bearer" : nil))
      #expect(answer.headers["content-type"] == "application/json")
      #expect(answer.text.hasPrefix(status == 401 ? #"{"code":16,"# : #"{"code":7,"#))
      #expect(!answer.text.contains("gt_0") && !answer.text.contains("abab"))
      #expect(door.vitals.refused(cause: reason) == 1)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func doesNotInviteABodyThatWillBeRefused() async throws {
    try await Self.door { door in
      let client = try door.connect()
      await client.send(EdgeTests.head("Content-Length: 10", "Expect: 100-continue"))
      #expect(await client.receive()?.status == 401)
    }
  }

  @Test func answersAProtobufRequestInProtobuf() async throws {
    try await Self.door { door in
      let answer = try await door.post("/v1/traces", ["Content-Type": "application/x-protobuf"], [1, 2, 3])
      #expect(answer.status == 401 && answer.headers["content-type"] == "application/x-protobuf")
      #expect(Array(answer.body.prefix(2)) == [8, 16])
    }
  }

  @Test func recordsBelongToTheSourceOfTheToken() async throws {
    try await Self.door { door in
      let body = try fixture("x00-plain.json")
      #expect(try await door.post("/v1/traces", Self.headers(Self.ingest), body).status == 200)
      let batch = try #require(door.sink.batches.first)
      #expect(batch.contexts.map { batch.text($0.source) } == ["relay-eu-1"])
    }
  }

  @Test func theSameBodyOfAnotherCredentialIsAnotherRequest() async throws {
    try await Self.door { door in
      let body = Array(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#.utf8)
      for token in [Self.ingest, Self.logsOnly, Self.ingest] {
        let answer = try await door.post("/v1/logs", Self.headers(token), body)
        #expect(answer.status == 200)
      }
      #expect(door.sink.batches.count == 2)
      #expect(door.vitals.duplicates.value == 1)
    }
  }

  @Test func saysWhenToComeBackAfterTooMuch() async throws {
    try await Self.door { door in
      let records = Array(repeating: "{}", count: 500).joined(separator: ",")
      let body = Array(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(records)]}]}]}"#.utf8)
      #expect(try await door.post("/v1/logs", Self.headers(Self.slow), body).status == 200)
      let answer = try await door.post("/v1/logs", Self.headers(Self.slow), body)
      #expect(answer.status == 429)
      let seconds = try #require(answer.headers["retry-after"].flatMap { Int($0) })
      // The bucket fills while the test runs.
      #expect((100...500).contains(seconds))
      #expect(answer.text.contains(#""code":8"#) && answer.text.contains("RetryInfo"))
      #expect(door.vitals.refused(cause: "rate_limited") == 1)
      #expect(door.sink.recordCount == 500)
    }
  }

  @Test func refusesRecordsAloneThatLackWhatTheTokenAsksFor() async throws {
    try await Self.door { door in
      let body = #"""
        {"resourceLogs":[{"resource":{"attributes":[{"key":"b","value":{"intValue":"1"}}]},"scopeLogs":[{"logRecords":[
        {"attributes":[{"key":"game_id","value":{"stringValue":"g"}}]},
        {"attributes":[{"key":"game","value":{"stringValue":"secret"}}]}]}]}]}
        """#
      let answer = try await door.post("/v1/logs", Self.headers(Self.demanding), Array(body.utf8))
      #expect(answer.status == 200)
      let rejection = try #require(door.rejects.records.first)
      #expect(rejection.reason == .missingRequired && rejection.source == "strict")
      #expect(rejection.path == "resourceLogs[0].scopeLogs[0].logRecords[1].attributes.game_id")
      #expect(door.sink.recordCount == 1)
      #expect(door.vitals.rejected(.logs, .missingRequired) == 1)
    }
  }
}
