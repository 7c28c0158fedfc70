import Glibc
import TestSupport
import Testing

/// Who may come in, as an operator meets it.
@Suite(.serialized) struct TokenTests {
  private static func token(_ folder: ScratchFolder, _ arguments: String...) async throws -> GarnerProcess.Outcome {
    try await GarnerProcess.run(["token"] + arguments + ["--data-dir", folder.data], in: folder)
  }

  private static func post(_ daemon: GarnerDaemon, _ token: String?) async throws -> HTTPClient.Answer? {
    let body = LoadBody.logs(1)
    var headers = ["Content-Type": body.type]
    if let token { headers["Authorization"] = "Bearer \(token)" }
    return try await HTTPClient(port: daemon.port).request("POST", "/v1/logs", headers: headers, body: body.bytes)
  }

  @Test func aDoorForOthersDoesNotOpenWithoutAToken() async throws {
    let folder = ScratchFolder()
    let outcome = try await GarnerProcess.run(
      ["serve", "--data-dir", folder.data, "--otlp-http", "0.0.0.0:0", "--console", "none"], in: folder)
    #expect(outcome.status == 78)
    #expect(outcome.errors.contains("garner token create --scope ingest"))
  }

  @Test func aTokenOpensTheDoorUntilItIsRevoked() async throws {
    let folder = ScratchFolder()
    let made = try await Self.token(folder, "create", "--scope", "ingest", "--source", "relay-eu-1")
    let token = try #require(made.lines.first)
    #expect(made.status == 0 && made.lines.count == 1 && token.hasPrefix("gt_") && token.utf8.count == 76)
    let daemon = try await GarnerDaemon.start(folder, ["--otlp-http", "0.0.0.0:0"])
    #expect(try await Self.post(daemon, nil)?.status == 401)
    #expect(try await Self.post(daemon, String(token.dropLast()) + "x")?.status == 401)
    #expect(try await Self.post(daemon, token)?.status == 200)

    let listed = try await Self.token(folder, "list", "--format", "ndjson")
    #expect(listed.lines.count == 1 && listed.output.contains("\"source\":\"relay-eu-1\""))
    #expect(!listed.output.contains(token.dropFirst(12)) && !listed.output.contains("sha256"))
    #expect(!ScratchFolder.read(folder.data + "/keys/tokens.jsonl").contains(token.dropFirst(12)))

    let id = String(token.dropFirst(3).prefix(8))
    #expect(try await Self.token(folder, "revoke", id).status == 0)
    // Asked again and again; the daemon looks by itself.
    var status = 200
    while status == 200 { status = try await Self.post(daemon, token)?.status ?? 0 }
    #expect(status == 401)
    let after = try await Self.token(folder, "list", "--format", "ndjson")
    #expect(after.output.contains("\"state\":\"revoked\""))
    #expect(await daemon.stop().status == 0)

    let sources = try await GarnerProcess.run(
      ["query", "--data-dir", folder.data, "--format", "ndjson", "SELECT DISTINCT source FROM logs"], in: folder)
    #expect(sources.lines == [#"{"source":"relay-eu-1"}"#])
  }

  @Test func aTokenMadeWhileTheDaemonRunsIsTaken() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder, environment: ["GARNER_AUTH_ALLOW_ANONYMOUS=false"])
    #expect(try await Self.post(daemon, nil)?.status == 401)
    let token = try #require(try await Self.token(folder, "create", "--source", "late").lines.first)
    var status = 401
    while status == 401 { status = try await Self.post(daemon, token)?.status ?? 0 }
    #expect(status == 200)
    #expect(await daemon.stop().status == 0)
  }

  @Test func aDatagramKeyIsShownAsItsNumberAndHexadecimalDigits() async throws {
    let folder = ScratchFolder()
    for number in 1...2 {
      let made = try await Self.token(folder, "create", "--udp", "--source", "relay-eu-1", "--component", "relay")
      #expect(made.lines.first?.hasPrefix("\(number):") == true && made.lines.first?.utf8.count == 66)
    }
    #expect(try await Self.token(folder, "revoke", "1").status == 0)
    let listed = try await Self.token(folder, "list", "--format", "csv")
    #expect(listed.lines.count == 3 && listed.output.contains("udp,1,") && listed.output.contains("revoked"))
  }

  @Test(arguments: [
    ["create", "--source", "local"], ["create", "--source", "a", "--scope", "root"],
    ["create", "--source", "a", "--signals", "spans"], ["create", "--source", "a", "--expires", "2001-01-01"],
    ["create", "--source", "a", "--audience", "all"], ["create", "--source", "a", "--udp", "--scope", "read"],
    ["create"],
  ])
  func saysWhatCannotBe(arguments: [String]) async throws {
    let folder = ScratchFolder()
    let outcome = try await GarnerProcess.run(["token"] + arguments + ["--data-dir", folder.data], in: folder)
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test func anUnknownIdIsNotRevoked() async throws {
    let folder = ScratchFolder()
    #expect(try await Self.token(folder, "revoke", "00000000").status == 3)
  }

  @Test func aFileThatOthersCanReadKeepsTheDaemonFromStarting() async throws {
    let folder = ScratchFolder()
    #expect(try await Self.token(folder, "create", "--source", "a").status == 0)
    chmod(folder.data + "/keys/tokens.jsonl", 0o644)
    let outcome = try await GarnerProcess.run(
      ["serve", "--data-dir", folder.data, "--otlp-http", "127.0.0.1:0", "--console", "none"], in: folder)
    #expect(outcome.status == 78 && outcome.errors.contains("chmod 600"))
  }
}
