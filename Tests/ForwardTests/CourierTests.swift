import Synchronization
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct CourierTests {
  private static let parcel = LinesParcel(
    [ParcelItem(.logs, id: 1, time: 0)], ["1"], lane: nil, road: 0, bytesEach: 10)

  private func answer(
    _ server: ScriptedServer, _ path: String = "/a", timeout: Duration = .seconds(30)
  ) async throws
    -> Answer
  {
    var options = ForwardLab.transport()
    options.timeout = timeout
    let transport = try HTTPTransport(options)
    let answer = await transport.post(server.url + path, Array("1\n".utf8), headers: [])
    await transport.close()
    return answer
  }

  @Test func followsARedirectToTheSameHostOnce() async throws {
    let server = try await ScriptedServer.started { request, _ in
      request.path == "/a" ? .answer(308, [("Location", "/b")]) : .ok
    }
    #expect(try await answer(server).outcome == .status(200))
    #expect(server.requests.map(\.path) == ["/a", "/b"])
    #expect(server.requests.map(\.text) == ["1\n", "1\n"])
    server.script { _, _ in .answer(307, [("Location", server.url + "/again")]) }
    #expect(try await answer(server).outcome == .status(307))
    #expect(server.requests.count == 4)
    server.script { _, _ in .answer(307, [("Location", "http://elsewhere.invalid/a")]) }
    #expect(try await answer(server).outcome == .status(307))
    #expect(server.requests.count == 5)
    await server.stop()
  }

  static let locations: [(String, String, String?)] = [
    ("http://h:1/a", "/b", "http://h:1/b"), ("http://h:1/a", "http://h:1/b", "http://h:1/b"),
    ("http://h:1/a", "http://h:11/b", nil), ("http://h:1/a", "//other/b", nil), ("http://h:1/a", "https://h:1/b", nil),
    ("http://h:1/a", "b", "http://h:1/b"), ("http://h:1", "/b", "http://h:1/b"),
    ("http://h:1/a", "http://h:1.evil/b", nil), ("http://h:1/a", "http://h:1@evil/b", nil),
    ("http://h:1/a", "//h:1/b", "http://h:1/b"), ("http://h:1", "b", "http://h:1/b"),
    ("http://h:1/v1/logs?x=1", "moved", "http://h:1/v1/moved"), ("http://h:1/v1/logs", "./a/../b", "http://h:1/v1/b"),
    ("http://h:1/v1/logs", "../../../b?c=/..", "http://h:1/b?c=/.."), ("http://h:1/v1/logs", "..", "http://h:1/"),
    ("http://h:1/v1/logs?x=1", "?y=2", "http://h:1/v1/logs?y=2"), ("http://h:1/a/", "b#part", "http://h:1/a/b"),
    ("http://h:80/a", "HTTP://H/b", "HTTP://H/b"), ("https://h/a", "https://h:443/b", "https://h:443/b"),
    ("http://h:1/a", "ftp://h:1/b", nil), ("http://h:1/a", "mailto:x", nil), ("http://h:1/a", "", nil),
    ("http://h:1/a", "#part", nil), ("http://h:1/a", "b:c/d", nil), ("http://h:1/a", "b/c:d", "http://h:1/b/c:d"),
  ]

  @Test(arguments: locations) func staysOnTheHost(_ url: String, _ location: String, _ target: String?) {
    #expect(Redirect.target(of: location, from: url) == target)
  }

  @Test func followsARedirectToANeighbour() async throws {
    let server = try await ScriptedServer.started { request, _ in
      request.path == "/v1/logs" ? .answer(308, [("Location", "moved")]) : .ok
    }
    #expect(try await answer(server, "/v1/logs").outcome == .status(200))
    #expect(server.requests.map(\.path) == ["/v1/logs", "/v1/moved"])
    await server.stop()
  }

  @Test(arguments: [
    ("", "/v1/logs"), ("/", "/v1/logs"), ("/sub/path/", "/sub/path/v1/logs"), ("/q?tenant=1", "/q/v1/logs?tenant=1"),
    ("?a=/b/", "/v1/logs?a=/b/"),
  ])
  func putsTheRoadBeforeTheQuery(_ base: String, _ path: String) async throws {
    let server = try await ScriptedServer.started()
    let courier = try OTLPCourier(endpoint: server.url + base, isJSON: false, ForwardLab.transport())
    let parcel = LinesParcel([], [], lane: nil, road: Int(Signal.logs.rawValue), bytesEach: 0)
    #expect(await courier.send(parcel, 0..<0, form: 0).isSuccess)
    #expect(server.requests.map(\.path) == [path])
    await courier.close()
    await server.stop()
  }

  @Test func sendsAgainAtOnceOverAConnectionThatDiedUnanswered() async throws {
    let server = try await ScriptedServer.started { _, count in count == 1 ? .close : .ok }
    let transport = try HTTPTransport(ForwardLab.transport())
    for _ in 0..<2 {
      #expect(await transport.post(server.url + "/a", [], headers: []).outcome == .status(200))
    }
    #expect(server.requests.count == 3)
    await transport.close()
    await server.stop()
  }

  @Test func takesTheStatusForTheAnswerWhateverFollows() async throws {
    let server = try await ScriptedServer.started { request, _ in
      request.path == "/half" ? .half(200) : .answer(200, [], [UInt8](repeating: 0x61, count: 5 << 20))
    }
    #expect(try await answer(server, "/half").outcome == .status(200))
    let long = try await answer(server, "/long")
    #expect(long.outcome == .status(200))
    #expect(long.body.count == HTTPTransport.bodyLimit)
    await server.stop()
  }

  @Test func takesGarbageAndSilenceForNoAnswer() async throws {
    let server = try await ScriptedServer.started { request, _ in
      request.path == "/garbage" ? .garbage : request.path == "/hang" ? .hang : .close
    }
    for path in ["/garbage", "/close", "/hang"] {
      let answer = try await answer(server, path, timeout: path == "/hang" ? .milliseconds(50) : .seconds(30))
      #expect(AnswerTable.otlp.verdict(answer) == .outage(after: nil), "\(path): \(answer.outcome)")
      #expect(!answer.words.isEmpty)
    }
    await server.stop()
    #expect(AnswerTable.otlp.verdict(try await answer(server)) == .outage(after: nil))
  }

  @Test func tellsWhoItIs() async throws {
    let server = try await ScriptedServer.started()
    var options = ForwardLab.transport()
    options.userAgent = "garner/9"
    options.storeID = "the-store"
    options.headers = { [("X-Mine", "1"), ("Authorization", "Bearer t")] }
    let transport = try HTTPTransport(options)
    _ = await transport.post(server.url + "/a", [], headers: [("content-type", "text/plain")])
    let request = try #require(server.requests.first)
    #expect(request.header("user-agent") == "garner/9")
    #expect(request.header("garner-via") == "the-store")
    #expect(request.header("x-mine") == "1")
    #expect(request.header("authorization") == "Bearer t")
    #expect(request.header("content-type") == "text/plain")
    await transport.close()
    await server.stop()
  }

  // MARK: formats

  private func metrics(_ lab: ForwardLab) -> Int64 {
    lab.records.append(20) { TestRow(kind: .number, metric: "m\($0 % 4)", number: Int64($0)) }
  }

  private func prometheus(_ lab: ForwardLab, _ version: RemoteWriteCourier.Version = .auto) -> Destination {
    var options = ForwardLab.options("d", .prometheus)
    options.filter.signals = [.metrics]
    options.pace.concurrency = 1
    options.pace.records = 1_000
    let fallback = NativeFallback()
    let url = lab.server.url + "/api/v1/write"
    return Destination(options) { _ in
      try RemoteWriteCourier(url: url, version: version, fallback: fallback, ForwardLab.transport())
    } builder: {
      var prometheus = PrometheusOptions()
      prometheus.targetInfo = false
      return PrometheusBuilder(prometheus, fallback: fallback)
    }
  }

  private static func form(_ request: ScriptedServer.Request) -> Int {
    request.header("x-prometheus-remote-write-version") == "2.0.0" ? 2 : 1
  }

  private static func samples(_ request: ScriptedServer.Request) -> Int {
    RemoteWriteMessage(request.body, form: form(request))?.series.reduce(0) { $0 + $1.samples.count } ?? 0
  }

  @Test(arguments: [415, 204, 400]) func fallsBackToTheFirstVersion(_ status: Int) async throws {
    let lab = try await ForwardLab { request, _ in Self.form(request) == 2 ? .answer(status) : .answer(204) }
    let last = metrics(lab)
    try await lab.run([prometheus(lab)]) { $0.position.low == last }
    #expect(lab.server.requests.map(Self.form).prefix(2) == [2, 1])
    #expect(lab.server.requests.dropFirst().allSatisfy { Self.form($0) == 1 })
    #expect(lab.server.requests.dropFirst().map(Self.samples).reduce(0, +) == 20)
    #expect(try lab.state().books.sent == 20)
    await lab.stop()
  }

  @Test func countsWhatTheSecondVersionSaysIsNotWritten() async throws {
    let lab = try await ForwardLab { request, _ in
      .answer(
        400, [("X-Prometheus-Remote-Write-Samples-Written", String(Self.samples(request) - 3))],
        Array("out of order sample".utf8))
    }
    let last = metrics(lab)
    try await lab.run([prometheus(lab)]) { $0.position.low == last }
    #expect(lab.server.requests.count == 1)
    #expect(try lab.state().books.sent == 17)
    #expect(try lab.state().books.refused["out_of_order"]?.count == 3)
    await lab.stop()
  }

  @Test func stopsWhenNeitherVersionIsKnown() async throws {
    let lab = try await ForwardLab { _, _ in .answer(415) }
    _ = metrics(lab)
    let forwarder = lab.forwarder()
    try forwarder.start([prometheus(lab)])
    await eventually { await forwarder.status()[0].state == "stopped" }
    await forwarder.stop()
    #expect(lab.server.requests.map(Self.form) == [2, 1])
    #expect(try lab.state().books.refusedCount == 0)
    await lab.stop()
  }

  static let lokiAnswers: [(Int, String, Int64, String)] = [
    (400, "entry out of order, total ignored: 3 out of 10", 3, "out_of_order"),
    (400, "2 errors like: entry too far behind, 1 errors like: entry too far behind", 3, "out_of_order"),
    (400, "entry has timestamp too old: 2020", 1, "too_old"),
    (400, "max entry size '262144' bytes exceeded", 1, "too_large"),
    (400, "something else", 1, "invalid"),
    (400, "total ignored: 900 out of 900", 10, "invalid"),
  ]

  @Test(arguments: lokiAnswers)
  func countsWhatLokiSaysItIgnored(_ status: Int, _ text: String, _ refused: Int64, _ reason: String) async throws {
    let lab = try await ForwardLab { _, _ in .answer(status, [], Array(text.utf8)) }
    let last = lab.records.append(10)
    var options = ForwardLab.options("d", .loki)
    options.filter.signals = [.logs]
    options.pace.records = 1_000
    let url = lab.server.url + "/loki/api/v1/push"
    try await lab.run([
      Destination(options) { _ in
        try LokiCourier(url: url, ForwardLab.transport())
      } builder: {
        LokiBuilder()
      }
    ]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(lab.server.requests.count == 1)
    #expect(books.refused[reason]?.count == refused)
    #expect(books.sent == 10 - refused)
    await lab.stop()
  }

  @Test func takesA422OfLokiForNothingToTake() async throws {
    let lab = try await ForwardLab { _, _ in .answer(422, [], Array("at least one valid entry is required".utf8)) }
    let last = lab.records.append(10)
    var options = ForwardLab.options("d", .loki)
    options.filter.signals = [.logs]
    let url = lab.server.url + "/loki/api/v1/push"
    try await lab.run([
      Destination(options) { _ in
        try LokiCourier(url: url, ForwardLab.transport())
      } builder: {
        LokiBuilder()
      }
    ]) { $0.position.low == last }
    #expect(try lab.state().books.refusedCount == 0)
    #expect(try lab.state().books.sent == 10)
    await lab.stop()
  }

  @Test func speaksEveryFormatToAFarEndThatTakesAll() async throws {
    let lab = try await ForwardLab { request, _ in
      // ClickHouse is asked for its tables, with whatever columns.
      request.text.hasPrefix("DESCRIBE") ? .answer(404) : .ok
    }
    lab.records.append((1...30).map { TestRow(kind: .span, span: UInt8($0)) })
    lab.records.append(30)
    let last = lab.records.append(30) { TestRow(kind: .number, metric: "m\($0)") }
    let url = lab.server.url
    let transport = { () -> TransportOptions in
      var transport = ForwardLab.transport()
      transport.compression = .gzip
      transport.storeID = "s"
      return transport
    }()
    func options(_ name: String, _ type: DestinationType) -> DestinationOptions {
      var options = ForwardLab.options(name, type)
      options.filter.signals = type.defaultSignals
      return options
    }
    let otlp = Destination(options("otlp", .otlp)) { _ in
      try OTLPCourier(endpoint: url, isJSON: false, transport)
    } builder: {
      OTLPParcelBuilder(OTLPParcelOptions())
    }
    let zipkin = Destination(options("zipkin", .zipkin)) { _ in
      try ZipkinCourier(url: url + "/zipkin", transport)
    } builder: {
      ZipkinBuilder()
    }
    let webhook = Destination(options("webhook", .webhook)) { _ in
      try WebhookCourier(
        url: url + "/hook", name: "webhook", secret: Array("key".utf8), transport, now: { 5_000_000_000 })
    } builder: {
      WebhookBuilder()
    }
    let click = Destination(options("click", .clickhouse)) { _ in
      try ClickHouseCourier(
        url: url + "/click", name: "click", database: "otel", names: ClickHouseNames(), transport, creates: false,
        ttl: 0)
    } builder: {
      ClickHouseBuilder()
    }
    let forwarder = lab.forwarder()
    try forwarder.start([otlp, zipkin, webhook, click])
    for name in ["otlp", "zipkin", "webhook"] {
      await lab.storage.until("\(name)/live") { $0.position.low == last }
    }
    await eventually { await forwarder.status().contains { $0.destination == "click" && $0.state == "stopped" } }
    await forwarder.stop()
    #expect(try lab.state("otlp/live").books.sent == 90)
    #expect(try lab.state("zipkin/live").books.sent == 30)
    #expect(try lab.state("webhook/live").books.sent == 90)
    #expect(try lab.state("click/live").books.settled == 0)
    let hook = try #require(lab.server.requests.first { $0.path == "/hook" })
    #expect(hook.header("garner-signature")?.hasPrefix("t=5,v1=") ?? false)
    #expect(hook.header("garner-delivery")?.hasPrefix("s:webhook:") ?? false)
    let paths = Set(lab.server.requests.map(\.path))
    #expect(paths.isSuperset(of: ["/v1/traces", "/v1/metrics", "/v1/logs", "/zipkin", "/hook"]))
    await lab.stop()
  }
}
