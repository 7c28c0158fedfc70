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
    let answer = try #require(try await answers(server, timeout: .seconds(2)).first)
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

  private static let empty = "Content-Length: 0\r\n\r\n"

  /// What is no answer, though it looks like one.
  static let odd = [
    "HTTP/1.1 099 OK\r\n\(empty)", "HTTP/1.1 000 OK\r\n\(empty)", "HTTP/1.0 050 OK\r\n\r\n",
    "HTTP/1.1 99 OK\r\n\(empty)", "HTTP/1.1 1000 OK\r\n\(empty)", "HTTP/1.1 65535 OK\r\n\(empty)",
    "HTTP/1.1 65736 OK\r\n\(empty)", "HTTP/1.1 -200 OK\r\n\(empty)", "HTTP/1.1 abc OK\r\n\(empty)",
    "HTTP/1.1 OK\r\n\(empty)", "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 100 Continue\r\n\r\n0\r\n\r\n", "HTTP/1.1 101 Switching\r\n\(empty)",
    "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nBINARY\u{0}\u{1}", "HTTP/0.9 200 OK\r\n\(empty)",
    "HTTP/2.0 200 OK\r\n\(empty)", "HTTP/9.9 200 OK\r\n\(empty)", "ICY 200 OK\r\n\(empty)",
    "POST / HTTP/1.1\r\n\(empty)",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 099 B\r\n\(empty)", "HTTP/1.1 099 A\r\n\(empty)HTTP/1.1 200 B\r\n\(empty)",
    "\u{0}", "\r\n\r\n\r\n",
  ]

  @Test(arguments: odd) func takesWhatOnlyLooksLikeAnAnswerForNone(_ text: String) async throws {
    let server = try await ScriptedServer.started { _, _ in .raw(text) }
    let answer = try #require(try await answers(server, timeout: .milliseconds(300)).first)
    #expect(AnswerTable.otlp.verdict(answer) == .outage(after: nil), "\(answer.outcome)")
    #expect(!answer.words.isEmpty)
    await server.stop()
  }

  /// What has more around it than it needs.
  static let strange: [(String, Int)] = [
    ("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", 204), ("HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\nabc", 304),
    ("HTTP/1.1 200 A\r\n\(empty)HTTP/1.1 500 B\r\n\(empty)", 200), ("HTTP/1.1 200 OK\r\n\(empty)garbage\r\n\r\n", 200),
    ("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 103 B\r\nLink: x\r\n\r\nHTTP/1.1 200 C\r\n\(empty)", 200),
    ("HTTP/1.1 199 A\r\n\r\nHTTP/1.1 503 C\r\n\(empty)", 503), ("HTTP/1.1 999 Odd\r\n\(empty)", 999),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n", 200),
    ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", 200),
    ("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\nabcd", 200),
  ]

  @Test(arguments: strange) func takesTheFirstStatusForTheAnswer(_ text: String, _ status: Int) async throws {
    let server = try await ScriptedServer.started { _, count in count == 0 ? .raw(text) : .ok }
    let first = try await answers(server, timeout: .milliseconds(300), count: 1)
    #expect(first.map(\.outcome) == [.status(status)])
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
