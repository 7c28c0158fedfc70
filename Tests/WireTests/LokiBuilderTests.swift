import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct LokiBuilderTests {
  static let second: Int64 = 1_000_000_000

  static func request(_ records: String, resource: String = "", scope: String = "") -> String {
    """
    {"resourceLogs":[{"resource":{"attributes":[\(resource)]},"scopeLogs":[{"scope":{\(scope)},\
    "logRecords":[\(records)]}]}]}
    """
  }

  static func attribute(_ key: String, _ text: String) -> String {
    "{\"key\":\"\(key)\",\"value\":{\"stringValue\":\"\(text)\"}}"
  }

  static func record(_ time: Int64, _ line: String = "x", _ attributes: [String] = []) -> String {
    """
    {"timeUnixNano":"\(time)","body":{"stringValue":"\(line)"},"attributes":[\(attributes.joined(separator: ","))]}
    """
  }

  /// Time, line and metadata of the entries that a JSON push has.
  static func entries(_ tree: JSONTree) -> [(time: String, line: String, metadata: [String: String])] {
    (tree["streams"]?.elements ?? []).flatMap { $0["values"]?.elements ?? [] }.map { entry in
      let parts = entry.elements
      let metadata = parts.count > 2 ? parts[2].members : []
      return (
        parts[0].string ?? "", parts[1].string ?? "",
        metadata.reduce(into: [:]) { $0[$1.key] = $1.value.string }
      )
    }
  }

  static func metadata(_ request: String, _ options: LokiOptions = LokiOptions()) throws -> [String: String] {
    let parcels = try ParcelLab.parcels(LokiBuilder(options), .logs, request)
    return entries(ParcelLab.tree(parcels.first, form: LokiForm.json)).first?.metadata ?? [:]
  }

  static func labels(_ request: String, _ options: LokiOptions = LokiOptions()) throws -> [String: String] {
    let parcels = try ParcelLab.parcels(LokiBuilder(options), .logs, request)
    let stream = ParcelLab.tree(parcels.first, form: LokiForm.json)["streams"]?.elements.first?["stream"]
    return (stream?.members ?? []).reduce(into: [:]) { $0[$1.key] = $1.value.string }
  }

  // MARK: vectors

  /// The record from which the file was made; of the two keys that clash both are kept.
  @Test func makesThePushOfTheVector() throws {
    let record = """
      {"timeUnixNano":"1700000000000000000","observedTimeUnixNano":"1700000000000000005","severityNumber":9,\
      "severityText":"INFO","droppedAttributesCount":2,"body":{"stringValue":"hello"},"attributes":[\
      \(Self.attribute("http.request.method", "GET")),\
      {"key":"http.nested","value":{"kvlistValue":{"values":[{"key":"deep","value":{"kvlistValue":{"values":[\
      {"key":"key","value":{"boolValue":true}}]}}}]}}},\
      {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}},\
      \(Self.attribute("9digit", "x")),{"key":"dup_key","value":{"intValue":2}},\
      {"key":"dup.key","value":{"intValue":1}}]}
      """
    let resource = [
      Self.attribute("service.name", "svc-a"), Self.attribute("service.namespace", "game"),
      Self.attribute("service.instance.id", "i-1"), Self.attribute("host.name", "h1"),
    ].joined(separator: ",")
    let request = Self.request(record, resource: resource, scope: "\"name\":\"lib\",\"version\":\"1.0\"")
    let ours = ParcelLab.tree(
      try ParcelLab.parcels(LokiBuilder(), .logs, request).first, form: LokiForm.json)
    let golden = JSONTree(ParcelLab.fixture("loki/push-from-l07.expected.json"))
    #expect(
      ours["streams"]?.elements.first?["stream"]
        == golden["streams"]?.elements.first?["stream"].map(ZipkinBuilderTests.sorted))
    var expected = try #require(Self.entries(golden).first)
    expected.metadata["dup_key"] = "1"
    expected.metadata["dup_key_2"] = "2"
    let entry = try #require(Self.entries(ours).first)
    #expect(entry.time == expected.time && entry.line == expected.line)
    #expect(entry.metadata == expected.metadata)
  }

  @Test func makesTheSameBytesAsTheVector() throws {
    var options = LokiOptions()
    options.staticLabels = [("env", "prod \"quoted\" \\ back")]
    let record = """
      {"timeUnixNano":"1700000000000000001","traceId":"5b8efff798038103d269b633813fc60c",\
      "body":{"stringValue":"line one"}}
      """
    let parcels = try ParcelLab.parcels(
      LokiBuilder(options), .logs, Self.request(record, resource: Self.attribute("service.name", "svc-a")))
    #expect(parcels.map { ParcelLab.body($0) } == [ParcelLab.fixture("loki/push-valid.binpb")])
  }

  // MARK: lines

  @Test(arguments: [
    ("\"body\":{\"stringValue\":\"a\\n\\\"b\\\" <&>\"}", "a\n\"b\" <&>"), ("\"body\":{\"intValue\":\"-5\"}", "-5"),
    ("\"body\":{\"doubleValue\":2.0}", "2"), ("\"body\":{\"boolValue\":true}", "true"),
    ("\"body\":{\"bytesValue\":\"AQID\"}", "AQID"), ("\"body\":{\"stringValue\":\"\"}", ""), ("\"body\":{}", ""),
    ("\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{}}]}}", "{\"a\":null}"),
    ("\"severityNumber\":1", ""), ("\"eventName\":\"game.start\"", "game.start"),
    ("\"attributes\":[{\"key\":\"event.name\",\"value\":{\"stringValue\":\"game.end\"}}]", "game.end"),
    ("\"eventName\":\"game.start\",\"body\":{\"stringValue\":\"b\"}", "b"),
  ])
  func writesTheLine(members: String, line: String) throws {
    let request = Self.request("{\"timeUnixNano\":\"5\",\(members)}")
    let parcels = try ParcelLab.parcels(LokiBuilder(), .logs, request)
    #expect(Self.entries(ParcelLab.tree(parcels.first, form: LokiForm.json)).map(\.line) == [line])
    let entry = ProtoReader(parcels.first.map { ParcelLab.body($0) } ?? [])?.messages(1).first?.messages(2).first
    #expect((entry?.text(2) ?? "") == line)
  }

  @Test func cutsOrRefusesLongLines() throws {
    let long = String(repeating: "ä", count: 200_000)
    let request = Self.request(Self.record(ParcelLab.now, long))
    let parcels = try ParcelLab.parcels(LokiBuilder(), .logs, request)
    let entry = try #require(Self.entries(ParcelLab.tree(parcels.first, form: LokiForm.json)).first)
    #expect(entry.line.utf8.count == 262_144 && long.hasPrefix(entry.line))
    #expect(entry.metadata["truncated"] == "true")
    var options = LokiOptions()
    options.longLines = .refuse
    let builder = LokiBuilder(options)
    #expect(ParcelLab.add(try ParcelLab.batch(.logs, request), to: builder) == [.refused("too_large")])
    #expect(builder.cut(laneCount: 1).isEmpty && builder.activeStreams == 0)
  }

  @Test(arguments: [Signal.traces, .metrics])
  func takesLogsOnly(signal: Signal) throws {
    for batch in try ParcelLab.samples(signal, 0..<3) {
      #expect(ParcelLab.add(batch, to: LokiBuilder()).allSatisfy { $0 == .skipped })
    }
  }

  // MARK: labels

  @Test func labelsWhatHasNoService() throws {
    #expect(try Self.labels(Self.request(Self.record(5))) == ["service_name": "unknown_service"])
    var options = LokiOptions()
    options.labels = []
    #expect(try Self.labels(Self.request(Self.record(5)), options) == ["service_name": "unknown_service"])
  }

  @Test func labelsRowsAndConstants() throws {
    var options = LokiOptions()
    options.labels = ["service.name", "row.component", "row.category", "row.game_module"]
    options.staticLabels = [("cluster", "eu"), ("empty", "")]
    let request = Self.request(
      Self.record(5, "x", [Self.attribute("component", "relay"), Self.attribute("event.name", "net.lag")]),
      resource: Self.attribute("service.name", "s"))
    #expect(
      try Self.labels(request, options) == [
        "cluster": "eu", "service_name": "s", "component": "relay", "category": "net",
      ])
  }

  /// Fifteen, constants first; what finds no room is metadata, and so is what had to be cut.
  @Test func keepsLabelsFewAndShort() throws {
    var options = LokiOptions()
    options.labels = (0..<20).map { "a\($0)" }
    options.staticLabels = [("one", "1")]
    let long = String(repeating: "v", count: 3_000)
    let resource = (0..<20).map { Self.attribute("a\($0)", $0 == 0 ? long : "v\($0)") }.joined(separator: ",")
    let request = Self.request(Self.record(5), resource: resource)
    let labels = try Self.labels(request, options)
    #expect(labels.count == 15 && labels["one"] == "1" && labels["a13"] == "v13" && labels["a14"] == nil)
    #expect(labels["a0"]?.utf8.count == 2_048)
    let metadata = try Self.metadata(request, options)
    #expect(metadata["a0"] == long && metadata["a14"] == "v14" && metadata["a19"] == "v19" && metadata["a1"] == nil)
  }

  @Test func quotesLabelsAsGoDoes() throws {
    let request = Self.request(Self.record(5), resource: Self.attribute("service.name", "a\\\"b\\\\\\n\\u0001ä"))
    let parcel = try #require(try ParcelLab.parcels(LokiBuilder(), .logs, request).first as? LokiParcel)
    #expect(parcel.labels == "{service_name=\"a\\\"b\\\\\\n\\x01ä\"}")
  }

  // MARK: metadata

  @Test(arguments: [
    ("a.b", "a_b"), ("ünï", "_n_"), ("9a", "key_9a"), ("_a", "key_a"), ("__a", "__a"), ("", "key_"),
    ("a/b c", "a_b_c"), ("a\\\"b", "a_b"), ("$a", "key_a"), (".a", "key_a"), ("A9_", "A9_"),
  ])
  func namesMetadata(key: String, name: String) throws {
    let metadata = try Self.metadata(Self.request(Self.record(5, "x", [Self.attribute(key, "v")])))
    #expect(metadata == [name: "v"])
  }

  /// The earlier keeps its name: Loki's own, then those of the record, the scope, the resource.
  @Test func tellsClashingNamesApart() throws {
    let a = { Self.attribute("a.b", $0) }
    let record = """
      {"timeUnixNano":"5","severityText":"WARN","body":{"stringValue":"x"},\
      "attributes":[\(Self.attribute("severity_text", "mine")),\(Self.attribute("a_b", "second")),\(a("record")),\
      \(Self.attribute("scope.name", "mine"))]}
      """
    let metadata = try Self.metadata(
      Self.request(
        record, resource: "\(a("resource")),\(Self.attribute("resource_a_b", "named so"))",
        scope: "\"name\":\"lib\",\"attributes\":[\(a("scope"))]"))
    #expect(
      metadata == [
        "severity_text": "WARN", "severity_text_2": "mine", "a_b": "record", "a_b_2": "second", "scope_name": "lib",
        "scope_name_2": "mine", "scope_a_b": "scope", "resource_a_b": "resource", "resource_a_b_2": "named so",
      ])
  }

  @Test(arguments: [(126, 128, false), (128, 128, false), (129, 128, true), (500, 128, true)])
  func gathersWhatIsTooMuch(count: Int, kept: Int, isGathered: Bool) throws {
    let attributes = (0..<count).map { Self.attribute("a\($0)", "v\($0)") }
    let metadata = try Self.metadata(Self.request(Self.record(5, "x", attributes)))
    #expect(metadata.count == min(count, kept))
    #expect((metadata["attributes_more"] != nil) == isGathered)
    let more = JSONTree(Array((metadata["attributes_more"] ?? "{}").utf8))
    for index in 0..<count {
      #expect((metadata["a\(index)"] ?? more["a\(index)"]?.string) == "v\(index)")
    }
  }

  @Test func cutsTheLongestValues() throws {
    let long = String(repeating: "w", count: 50_000)
    let attributes = [Self.attribute("a", long), Self.attribute("b", long), Self.attribute("c", "short")]
    let metadata = try Self.metadata(Self.request(Self.record(5, "x", attributes)))
    let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    #expect(size <= 60 << 10 && size > 60_000)
    #expect(metadata["c"] == "short" && metadata["truncated"] == "true")
    #expect(metadata["a"]?.count == metadata["b"]?.count)
  }

  @Test func leavesOutWhatDoesNotLeave() throws {
    var options = LokiOptions()
    options.attributes = AttributeFilter(deny: ["player.*", "service.namespace"])
    let attributes = [Self.attribute("player.id", "p"), Self.attribute("k", "v")]
    let resource = [Self.attribute("service.namespace", "n"), Self.attribute("player.x", "p")]
    let request = Self.request(
      Self.record(5, "x", attributes), resource: resource.joined(separator: ","))
    #expect(try Self.metadata(request, options) == ["k": "v"])
    #expect(try Self.labels(request, options) == ["service_name": "unknown_service"])
  }

  /// A row of an imported file has things in columns that no attribute says.
  @Test func keepsWhatOnlyColumnsSay() throws {
    let texts = Array("relaygame.overs-1{\"body\":null,\"a\":1}".utf8)
    let builder = LokiBuilder()
    texts.withUnsafeBytes { bytes in
      var record = OTLPRecord(id: 1, kind: .log)
      record.time = ParcelLab.now
      record.receivedAt = ParcelLab.now
      record.bits = Bits.logObservedWasZero
      record.category = UnsafeRawBufferPointer(rebasing: bytes[..<5])
      record.event = UnsafeRawBufferPointer(rebasing: bytes[5..<14])
      record.correlation = UnsafeRawBufferPointer(rebasing: bytes[14..<17])
      record.data = UnsafeRawBufferPointer(rebasing: bytes[17...])
      record.tick = 7
      record.duration = 12_345
      #expect(builder.add(record) == .taken)
    }
    let entry = Self.entries(ParcelLab.tree(builder.cut(laneCount: 1).first, form: LokiForm.json)).first
    #expect(entry?.line == "game.over")
    #expect(
      entry?.metadata == [
        "a": "1", "tick": "7", "duration_us": "12", "category": "relay", "event_name": "game.over",
        "correlation": "s-1",
      ])
  }
}
