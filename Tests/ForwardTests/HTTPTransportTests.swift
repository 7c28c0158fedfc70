import Telemetry
import Testing
import Wire

@testable import Forward

/// One exchange over HTTP, whatever its other side does.
@Suite(.timeLimit(.minutes(5))) struct HTTPTransportTests {
  private func answers(
    _ server: ScriptedServer, timeout: Duration = .seconds(30), count: Int = 1
  ) async throws -> [Answer] {
    var options = ForwardLab.transport()
    options.timeout = timeout
    let transport = try HTTPTransport(options)
    var answers: [Answer] = []
    for _ in 0..<count { answers.append(await transport.post(server.url + "/a", Array("1\n".utf8), headers: [])) }
    await transport.close()
    return answers
  }

  @Test(arguments: [200, 429, 503]) func waitsForNoBodyLongerThanTheTimeout(_ status: Int) async throws {
    let server = try await ScriptedServer.started { _, _ in .stalled(status) }
    let answer = try #require(try await answers(server, timeout: .milliseconds(200)).first)
    #expect(answer.outcome == .status(status))
    #expect(answer.words == "stalled")
    await server.stop()
  }

  @Test func countsANewConnectionThatEndsAsOneAttempt() async throws {
    let server = try await ScriptedServer.started { _, _ in .close }
    let answers = try await answers(server, count: 2)
    #expect(answers.map(\.words) == [HTTPTransport.lostConnection, HTTPTransport.lostConnection])
    #expect(server.requests.count == 2)
    await server.stop()
  }

  @Test func sendsAgainAtOnceOnlyOnce() async throws {
    let server = try await ScriptedServer.started { _, count in count == 0 ? .ok : .close }
    let answers = try await answers(server, count: 2)
    #expect(answers.map(\.code) == ["200", "no answer"])
    #expect(server.requests.count == 3)
    await server.stop()
  }

  private func probe(_ url: String, creates: Bool = false) async throws -> Answer {
    let courier = try ClickHouseCourier(
      url: url, name: "c", database: "otel", names: ClickHouseNames(), ForwardLab.transport(), creates: creates, ttl: 0)
    let parcel = LinesParcel([], [], lane: nil, road: Int(Signal.traces.rawValue), bytesEach: 0)
    let answer = await courier.send(parcel, 0..<0, form: 0)
    await courier.close()
    return answer
  }

  /// It would take an insertion of nothing for none.
  @Test func asksClickHouseForATableWhenThereIsNothingToSend() async throws {
    let server = try await ScriptedServer.started { request, _ in
      request.text.hasPrefix("SELECT 1") ? .ok : .answer(404, [], Array("no such table".utf8))
    }
    #expect(try await probe(server.url).outcome == .unfit("no such table"))
    #expect(server.requests.first?.text.contains("otel_traces") ?? false)
    #expect(try await probe(server.url, creates: true).outcome == .status(200))
    await server.stop()
    let answer = try await probe(server.url)
    #expect(AnswerTable.clickhouse.verdict(answer) == .outage(after: nil))
    #expect(answer.code == "no answer")
  }

  static let addresses: [(String, [String])] = [
    ("https://127.0.0.1:4318/v1/logs?a=b", ["127.0.0.1", ":4318", "127.0.0.1:4318", "/v1/logs?a=b"]),
    ("HTTPS://[::1]:4318", ["::1", ":4318", "[::1]:4318", ""]),
    ("https://[fe80::1]/", ["fe80::1", "", "[fe80::1]", "/"]),
    ("https://hub.example.org?key=1", ["hub.example.org", "", "hub.example.org", "?key=1"]),
  ]

  @Test(arguments: addresses) func takesAnAddressApart(_ url: String, _ parts: [String]) throws {
    let found = try #require(HTTPClients.parts(url))
    #expect([found.host, found.port, found.authority, found.rest] == parts)
  }

  @Test func hasNoOtherNameForAnAddressWithoutTLS() {
    #expect(HTTPClients.parts("http://127.0.0.1:4318/") == nil)
  }
}
