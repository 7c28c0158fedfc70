import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct ZipkinBuilderTests {
  static func span(_ members: String, resource: String = "", scope: String = "") -> String {
    """
    {"resourceSpans":[{"resource":{"attributes":[\(resource)]},"scopeSpans":[{"scope":{\(scope)},"spans":[\
    {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a",\
    "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000005000"\(members)}]}]}]}
    """
  }

  static func made(
    _ members: String, resource: String = "", scope: String = "", filter: AttributeFilter = AttributeFilter()
  ) throws -> JSONTree {
    let json = span(members, resource: resource, scope: scope)
    return ParcelLab.tree(try ParcelLab.parcels(ZipkinBuilder(filter), .traces, json).first).elements.first ?? .null
  }

  static func attribute(_ key: String, _ value: String) -> String { "{\"key\":\"\(key)\",\"value\":{\(value)}}" }

  static func sorted(_ tree: JSONTree) -> JSONTree {
    switch tree {
    case .object(let members):
      .object(
        members.map { JSONTree.Member(key: $0.key, value: sorted($0.value)) }.sorted { $0.key < $1.key })
    case .array(let elements): .array(elements.map(sorted))
    default: tree
    }
  }

  @Test func makesNoRequestLongerThanItsLimit() throws {
    let json = Self.span(",\"attributes\":[\(Self.attribute("a", "\"stringValue\":\"b\""))]")
    let batch = try ParcelLab.batch(.traces, json)
    let limit = 1_000
    let builder = ZipkinBuilder(bytesPerRequest: limit)
    for id in 1...40 { ParcelLab.add(batch, to: builder, firstID: Int64(id)) }
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.flatMap { $0.items.map(\.id) } == Array(1...40))
    let lengths = parcels.map { ParcelLab.body($0).count }
    #expect(lengths.allSatisfy { $0 <= limit } && lengths.count > 2, "\(lengths)")
    for parcel in parcels { #expect(ParcelLab.tree(parcel).elements.count == parcel.items.count) }
    // What each holds, and not what all do.
    #expect(parcels.reduce(0) { $0 + $1.byteCount } < 2 * (lengths.reduce(0, +) + 40 * 100))
    // One that is longer goes alone.
    let small = ZipkinBuilder(bytesPerRequest: 10)
    for id in 1...3 { ParcelLab.add(batch, to: small, firstID: Int64(id)) }
    #expect(small.cut(laneCount: 1).map(\.items.count) == [1, 1, 1])
  }

  @Test func makesWhatTheGoldenPairSays() throws {
    let batch = try ParcelLab.batch(.traces, ParcelLab.fixture("zipkin/otlp-in.json"))
    let builder = ZipkinBuilder()
    ParcelLab.add(batch, to: builder)
    let ours = ParcelLab.tree(builder.cut(laneCount: 1).first)
    let golden = JSONTree(ParcelLab.fixture("zipkin/otlp-in.expected-zipkin.json"))
    #expect(Self.sorted(ours) == Self.sorted(golden))
  }

  @Test(arguments: [
    ("\"stringValue\":\"<a> & \\\"b\\\"\"", "<a> & \"b\""), ("\"boolValue\":false", "false"),
    ("\"intValue\":\"9223372036854775807\"", "9223372036854775807"), ("\"doubleValue\":1.0", "1"),
    ("\"doubleValue\":1.5", "1.5"), ("\"doubleValue\":1e-5", "0.00001"), ("\"doubleValue\":1e-7", "1e-7"),
    ("\"doubleValue\":1e21", "1e+21"), ("\"doubleValue\":1.25e20", "125000000000000000000"),
    ("\"doubleValue\":-12345678901234567890", "-12345678901234567000"), ("\"doubleValue\":0.0", "0"),
    ("\"doubleValue\":\"NaN\"", "NaN"), ("\"doubleValue\":\"-Infinity\"", "-Infinity"),
    ("\"bytesValue\":\"AQID\"", "AQID"), ("", ""),
    (
      "\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{},{\"doubleValue\":\"NaN\"},{\"bytesValue\":\"AQ==\"}]}",
      "[\"a\",null,\"NaN\",\"AQ==\"]"
    ),
    ("\"kvlistValue\":{\"values\":[{\"key\":\"$x\",\"value\":{\"doubleValue\":2.0}}]}", "{\"$x\":2}"),
    ("\"arrayValue\":{}", "[]"), ("\"kvlistValue\":{}", "{}"),
  ])
  func writesValuesAsText(value: String, text: String) throws {
    let span = try Self.made(",\"attributes\":[\(Self.attribute("v", value))]")
    #expect(span["tags"]?["v"] == .text(text))
  }

  @Test(arguments: [(0, nil), (1, nil), (2, "SERVER"), (3, "CLIENT"), (4, "PRODUCER"), (5, "CONSUMER"), (77, nil)])
  func namesKinds(kind: Int, name: String?) throws {
    #expect(try Self.made(",\"kind\":\(kind)")["kind"]?.string == name)
  }

  @Test(arguments: [
    ("{\"code\":0}", nil, nil), ("{\"code\":1,\"message\":\"x\"}", "OK", nil),
    ("{\"code\":2,\"message\":\"boom\"}", "ERROR", "boom"), ("{\"code\":2}", "ERROR", ""),
  ])
  func saysTheStatusInTags(status: String, code: String?, error: String?) throws {
    let attributes = Self.attribute("error", "\"stringValue\":\"false\"")
    let span = try Self.made(",\"status\":\(status),\"attributes\":[\(attributes)]")
    #expect(span["tags"]?["otel.status_code"]?.string == code)
    #expect(span["tags"]?["error"]?.string == error)
  }

  @Test(arguments: [
    ("peer.service", "\"stringValue\":\"db\"", "{\"serviceName\":\"db\"}"),
    ("service.peer.name", "\"stringValue\":\"db\"", "{\"serviceName\":\"db\"}"),
    ("server.address", "\"stringValue\":\"h.example\"", "{\"serviceName\":\"h.example\"}"),
    ("network.peer.address", "\"stringValue\":\"10.0.0.1\"", "{\"ipv4\":\"10.0.0.1\",\"port\":80}"),
    ("network.peer.address", "\"stringValue\":\"::1\"", "{\"ipv6\":\"::1\",\"port\":80}"),
    ("network.peer.address", "\"stringValue\":\"10.0.0.256\"", "{\"serviceName\":\"10.0.0.256\",\"port\":80}"),
    ("net.sock.peer.addr", "\"stringValue\":\"10.0.0.2\"", "{\"ipv4\":\"10.0.0.2\"}"),
    ("server.socket.domain", "\"stringValue\":\"d\"", "{\"serviceName\":\"d\"}"),
    ("db.name", "\"stringValue\":\"main\"", "{\"serviceName\":\"main\"}"),
    ("peer.service", "\"stringValue\":\"\"", "null"),
  ])
  func findsTheRemoteEndpoint(key: String, value: String, endpoint: String) throws {
    let attributes = [
      Self.attribute(key, value), Self.attribute("network.peer.port", "\"intValue\":\"80\""),
      Self.attribute("net.sock.peer.port", "\"intValue\":\"0\""),
    ].joined(separator: ",")
    for kind in [3, 4] {
      let span = try Self.made(",\"kind\":\(kind),\"attributes\":[\(attributes)]")
      #expect((span["remoteEndpoint"] ?? .null) == JSONTree(Array(endpoint.utf8)))
    }
    #expect(try Self.made(",\"kind\":2,\"attributes\":[\(attributes)]")["remoteEndpoint"] == nil)
  }

  @Test func ranksRemoteEndpoints() throws {
    let keys = ["db.name", "network.peer.address", "server.address", "peer.hostname"]
    let attributes = keys.map { Self.attribute($0, "\"stringValue\":\"\($0)\"") }.joined(separator: ",")
    let span = try Self.made(",\"kind\":3,\"attributes\":[\(attributes)]")
    #expect(span["remoteEndpoint"]?["serviceName"] == .text("server.address"))
  }

  @Test(arguments: [
    ("", "unknown_service"), (attribute("service.name", "\"stringValue\":\"\""), "unknown_service"),
    (attribute("service.name", "\"intValue\":\"5\""), "5"), (attribute("service.name", "\"stringValue\":\"s\""), "s"),
  ])
  func namesTheService(resource: String, name: String) throws {
    #expect(try Self.made("", resource: resource)["localEndpoint"]?["serviceName"] == .text(name))
  }

  /// Tags occur once: the span's own attribute counts before the scope's, this before the resource's.
  @Test func keepsTagsApart() throws {
    let span = try Self.made(
      ",\"attributes\":[\(Self.attribute("host.name", "\"stringValue\":\"span\""))]",
      resource: [
        Self.attribute("host.name", "\"stringValue\":\"resource\""), Self.attribute("z", "\"intValue\":\"1\""),
        Self.attribute("otel.scope.a", "\"stringValue\":\"resource\""),
      ].joined(separator: ","),
      scope: "\"name\":\"lib\",\"attributes\":[\(Self.attribute("a", "\"stringValue\":\"scope\""))]")
    #expect(
      span["tags"]?.members == [
        .init(key: "host.name", value: .text("span")), .init(key: "otel.scope.name", value: .text("lib")),
        .init(key: "otel.library.name", value: .text("lib")), .init(key: "otel.scope.a", value: .text("scope")),
        .init(key: "z", value: .text("1")),
      ])
  }

  @Test func putsLinksIntoATag() throws {
    let link =
      "{\"traceId\":\"5b8efff798038103d269b633813fc60d\",\"spanId\":\"eee19b7ec3c1b175\",\"attributes\":["
      + "\(Self.attribute("a", "\"doubleValue\":1.0")),\(Self.attribute("b", "\"boolValue\":true"))]}"
    let json = JSONTree(Array((try Self.made(",\"links\":[\(link)]")["tags"]?["otel.links"]?.string ?? "").utf8))
    #expect(json.elements.first?["trace_id"] == .text("5b8efff798038103d269b633813fc60d"))
    #expect(json.elements.first?["attributes"] == JSONTree(Array("{\"a\":1,\"b\":true}".utf8)))
    let filtered = try Self.made(",\"links\":[\(link)]", filter: AttributeFilter(deny: ["b"]))
    let rest = JSONTree(Array((filtered["tags"]?["otel.links"]?.string ?? "").utf8))
    #expect(rest.elements.first?["attributes"] == JSONTree(Array("{\"a\":1}".utf8)))
  }

  @Test func leavesOutWhatDoesNotLeave() throws {
    let event = "{\"name\":\"e\",\"timeUnixNano\":\"1\",\"attributes\":[\(Self.attribute("k", "\"intValue\":\"1\""))]}"
    let span = try Self.made(
      ",\"attributes\":[\(Self.attribute("k", "\"intValue\":\"1\""))],\"events\":[\(event)]",
      resource: Self.attribute("k", "\"intValue\":\"1\""), filter: AttributeFilter(deny: ["k"]))
    #expect(span["tags"] == nil)
    #expect(span["annotations"]?.elements.first?["value"] == .text("e"))
  }

  /// Times nobody knows are left out; what took less than a microsecond took one.
  @Test(
    arguments: [
      ("0", "5000", nil, nil), ("5000", "4000", 5, nil), ("5000", "5001", 5, 1), ("5000", "8999", 5, 3),
      ("18446744073709551615", "18446744073709551615", 18_446_744_073_709_551, 1),
    ] as [(String, String, Int?, Int?)])
  func countsMicroseconds(start: String, end: String, timestamp: Int?, duration: Int?) throws {
    let json = """
      {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",\
      "spanId":"eee19b7ec3c1b174","startTimeUnixNano":"\(start)","endTimeUnixNano":"\(end)",\
      "parentSpanId":"0000000000000000"}]}]}]}
      """
    let span = ParcelLab.tree(try ParcelLab.parcels(ZipkinBuilder(), .traces, json).first).elements[0]
    #expect(span["timestamp"]?.int == timestamp)
    #expect(span["duration"]?.int == duration)
    #expect(span["parentId"] == nil && span["name"] == nil && span["tags"] == nil && span["annotations"] == nil)
  }

  @Test(arguments: [Signal.logs, .metrics])
  func takesSpansOnly(signal: Signal) throws {
    let builder = ZipkinBuilder()
    for batch in try ParcelLab.samples(signal, 0..<3) {
      #expect(ParcelLab.add(batch, to: builder).allSatisfy { $0 == .skipped })
    }
    #expect(builder.cut(laneCount: 1).isEmpty)
  }

  @Test func splitsAnywhere() throws {
    var random = SampleRandom(seed: 3)
    for batch in try ParcelLab.samples(.traces, 0..<30) {
      let builder = ZipkinBuilder()
      ParcelLab.add(batch, to: builder)
      guard let parcel = builder.cut(laneCount: 1).first else { continue }
      let whole = ParcelLab.tree(parcel).elements
      #expect(whole.count == batch.recordCount && parcel.items.count == whole.count)
      for split in ParcelLab.splits(parcel.items.count, &random) {
        #expect(split.flatMap { JSONTree(parcel.body($0, form: 0)).elements } == whole)
      }
    }
  }

  @Test func survivesDamage() throws {
    let result = try ParcelLab.damage({ ZipkinBuilder() }, .traces, seeds: 0..<20, rounds: 20)
    #expect(result.taken > 100 && result.refused > 100)
  }
}
