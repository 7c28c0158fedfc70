import Door
import Intake
import Telemetry
import TestSupport
import Testing

/// Records that another Garner passes on, and our own that come back.
@Suite struct RelayTests {
  static let ours = "11111111-2222-4333-8444-555555555555"
  static let theirs = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
  static let relay = "gt_0000000a_\(GateTests.secret)"

  /// A token of scope `relay` and an ordinary one.
  static func book() throws -> CredentialBook {
    let lines = try [(relay, true), (GateTests.ingest, false)].map { text, isTrusted in
      let token = try #require(Token(parsing: text))
      let grant = Grant(source: isTrusted ? "hub-link" : "relay-eu-1", created: "")
      var line = TokenLine(id: token.id, digest: token.digest, scope: .ingest, grant: grant)
      line.isTrusted = isTrusted
      return line
    }
    return CredentialBook(tokens: try TokenBook(lines))
  }

  static func options() throws -> OTLPDoorOptions {
    var options = OTLPDoorOptions()
    options.storeID = ours
    options.gate = Gate(try book(), admitsAnonymous: true)
    options.protector = PrivacySample.protector
    return options
  }

  static func headers(_ token: String? = relay, _ more: [String: String] = [:]) -> [String: String] {
    var headers = more
    headers["Content-Type"] = "application/json"
    if let token { headers["Authorization"] = "Bearer \(token)" }
    return headers
  }

  /// A resource with spans of these names; one without a name has no trace id. `ids` in Base64.
  static func resource(
    _ spans: [String], store: String = theirs, ids: String?, source: String = "relay-eu-7", attributes: String = ""
  ) -> String {
    let spans = spans.enumerated().map { index, name in
      let trace = name.isEmpty ? "" : "5b8efff798038103d269b633813fc60c"
      return #"{"traceId":"\#(trace)","spanId":"eee19b7ec3c1b17\#(index)","name":"\#(name)","startTimeUnixNano":"1","#
        + #""attributes":[\#(attributes)],"events":[{"name":"event","timeUnixNano":"1"}]}"#
    }
    func text(_ key: String, _ value: String) -> String { #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"# }
    var added = [
      text("garner.store", store), text("garner.source", source), text("garner.protected", "k1"),
      text("service.name", "relay"),
    ]
    if let ids { added.insert(#"{"key":"garner.ids","value":{"bytesValue":"\#(ids)"}}"#, at: 1) }
    return #"{"resource":{"attributes":[\#(added.joined(separator: ","))]},"#
      + #""scopeSpans":[{"spans":[\#(spans.joined(separator: ","))]}]}"#
  }

  static func body(_ resources: String...) -> [UInt8] {
    Array(#"{"resourceSpans":[\#(resources.joined(separator: ","))]}"#.utf8)
  }

  static func sources(_ batch: Batch) -> [String] {
    batch.rows.filter(\.kind.isRecord).map { batch.text(batch.contexts[Int($0.context)].source) }
  }

  static func uids(_ batch: Batch) -> [String?] {
    batch.rows.filter(\.kind.isRecord).map { $0.present.contains(.uid) ? batch.text($0.uid) : nil }
  }

  // MARK: identities

  @Test func takesOverWhereARecordIsFrom() async throws {
    try await withDoor(try Self.options()) { door in
      let answer = try await door.post(
        "/v1/traces", Self.headers(), Self.body(Self.resource(["a", "b"], ids: "rALe/f////////8B")))
      #expect(answer.status == 200)
      let batch = try #require(door.sink.batches.first)
      #expect(door.sink.identities == [300, 10].map { RecordIdentity(store: Self.theirs, id: $0) })
      #expect(Self.uids(batch) == ["\(Self.theirs):300", "\(Self.theirs):10"])
      #expect(Self.sources(batch) == ["hub-link/relay-eu-7", "hub-link/relay-eu-7"])
      let attributes = batch.text(batch.resources[0].attributes)
      #expect(attributes == #"{"service.name":"relay"}"#)
    }
  }

  @Test func countsTheIdOfARecordThatIsRefused() async throws {
    try await withDoor(try Self.options()) { door in
      let body = Self.body(Self.resource(["", "b"], ids: "BQI="), Self.resource([""], ids: "BQ=="))
      let answer = try await door.post("/v1/traces", Self.headers(), body)
      #expect(answer.status == 200)
      #expect(door.sink.identities == [RecordIdentity(store: Self.theirs, id: 7)])
      #expect(door.sink.batches.first?.rejectedCount == 2)
    }
  }

  @Test func leavesAUIDThatARecordHas() async throws {
    let own = #"{"key":"log.record.uid","value":{"stringValue":"mine"}}"#
    try await withDoor(try Self.options()) { door in
      let body = Self.body(Self.resource(["a"], ids: "BQ==", attributes: own))
      _ = try await door.post("/v1/traces", Self.headers(), body)
      #expect(Self.uids(try #require(door.sink.batches.first)) == ["mine"])
      #expect(door.sink.identities == [RecordIdentity(store: Self.theirs, id: 5)])
    }
  }

  @Test(
    arguments: [
      ("one id too many", resource(["a"], ids: "BQI=")), ("one too few", resource(["a", "b"], ids: "BQ==")),
      ("a number that is cut off", resource(["a"], ids: "hQ==")),
      ("no store", resource(["a"], store: "x", ids: "BQ==")),
      ("no ids", resource(["a"], ids: nil)),
    ])
  func doesWithoutIdsThatDoNotFit(_ name: String, _ resource: String) async throws {
    try await withDoor(try Self.options()) { door in
      let answer = try await door.post("/v1/traces", Self.headers(), Self.body(resource))
      #expect(answer.status == 200)
      let batch = try #require(door.sink.batches.first)
      #expect(Self.uids(batch).allSatisfy { $0 == nil })
      #expect(door.sink.identities.isEmpty)
      #expect(!batch.text(batch.resources[0].attributes).contains("garner.ids"))
    }
  }

  @Test func tellsRecordsWithIdsFromThoseWithout() async throws {
    try await withDoor(try Self.options()) { door in
      let body = Self.body(
        Self.resource(["a"], ids: nil), Self.resource(["b"], ids: "BQ=="), Self.resource(["c"], ids: nil))
      _ = try await door.post("/v1/traces", Self.headers(), body)
      #expect(door.sink.identities == [.unknown, RecordIdentity(store: Self.theirs, id: 5), .unknown])
    }
  }

  @Test(arguments: [("Ärger 1", "_rger_1"), (String(repeating: "x", count: 200), String(repeating: "x", count: 128))])
  func makesASourceOfWhatTheOtherCallsIt(_ told: String, _ kept: String) async throws {
    try await withDoor(try Self.options()) { door in
      _ = try await door.post("/v1/traces", Self.headers(), Self.body(Self.resource(["a"], ids: "BQ==", source: told)))
      #expect(Self.sources(try #require(door.sink.batches.first)) == ["hub-link/\(kept)"])
    }
  }

  @Test(arguments: [nil, GateTests.ingest])
  func believesNobodyElse(_ token: String?) async throws {
    try await withDoor(try Self.options()) { door in
      _ = try await door.post("/v1/traces", Self.headers(token), Self.body(Self.resource(["a", "b"], ids: "BQI=")))
      let batch = try #require(door.sink.batches.first)
      #expect(door.sink.identities.isEmpty)
      #expect(Self.uids(batch) == [nil, nil])
      #expect(Self.sources(batch).allSatisfy { $0 == (token == nil ? "relay" : "relay-eu-1") })
      for key in ["store", "ids", "source", "protected"] {
        #expect(!batch.text(batch.resources[0].attributes).contains("garner.\(key)"))
      }
    }
  }

  // MARK: loops

  @Test func onlyCountsItsOwnRecordsThatAnotherSendsBack() async throws {
    try await withDoor(try Self.options()) { door in
      let body = Self.body(Self.resource(["a", "b"], store: Self.ours, ids: "BQI="), Self.resource(["c"], ids: "BQ=="))
      let answer = try await door.post("/v1/traces", Self.headers(), body)
      #expect(answer.status == 200)
      let batch = try #require(door.sink.batches.first)
      #expect(batch.recordCount == 1 && batch.rows.count == 2)
      #expect(batch.filtered == Batch.Filtered(records: [0, 1], loops: ["hub-link/relay-eu-7": 2]))
      #expect(door.sink.identities == [RecordIdentity(store: Self.theirs, id: 5)])
    }
  }

  @Test(arguments: [ours, "\(theirs), \(ours)", ours.uppercased()])
  func onlyCountsWhatItHasSentItself(_ via: String) async throws {
    try await withDoor(try Self.options()) { door in
      let body = Self.body(Self.resource(["a", ""], ids: "BQI="))
      let answer = try await door.post("/v1/traces", Self.headers(nil, ["Garner-Via": via]), body)
      #expect(answer.status == 200)
      #expect(String(decoding: answer.body, as: UTF8.self) == "{}")
      let batch = try #require(door.sink.batches.first)
      #expect(batch.rows.isEmpty && batch.rejectedCount == 0)
      #expect(batch.filtered == Batch.Filtered(records: [0, 1], loops: ["relay": 2]))
      #expect(door.sink.keys == [nil])
    }
  }

  @Test func takesWhatAnotherStoreHasSent() async throws {
    try await withDoor(try Self.options()) { door in
      let body = Self.body(Self.resource(["a"], ids: nil))
      _ = try await door.post("/v1/traces", Self.headers(nil, ["Garner-Via": Self.theirs]), body)
      #expect(door.sink.recordCount == 1)
    }
  }

  @Test func knowsItsOwnCallsOverGRPCToo() async throws {
    let options = try Self.options()
    try await withGRPCDoor {
      $0 = options
    } _: { door in
      let client = try await door.connectGRPC()
      let message = GRPCDoorTests.span
      let headers = GRPCClient.headers(GRPCClient.traces, ["garner-via": Self.ours])
      let answer = try await client.call(headers, GRPCClient.framed(message))
      #expect(answer.status == 0)
      #expect(answer.message == [0, 0, 0, 0, 0])
      let batch = try #require(door.sink.batches.first)
      #expect(batch.rows.isEmpty && batch.filtered.loops.values.reduce(0, +) > 0)
      await client.close()
    }
  }

  // MARK: spans of our own

  @Test func tellsOfEachRequestButNotOfThoseAboutItself() async throws {
    var options = try Self.options()
    let spans = SelfSpans(limit: 3)
    options.spans = spans
    try await withDoor(options) { door in
      let body = Self.body(Self.resource(["a", ""], ids: nil))
      for _ in 0..<2 { _ = try await door.post("/v1/traces", Self.headers(nil), body) }
      let itself = """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"garner"}}]},\
        "scopeSpans":[{"scope":{"name":"garner"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",\
        "spanId":"eee19b7ec3c1b174","name":"garner.intake","startTimeUnixNano":"1"}]}]}]}
        """
      _ = try await door.post("/v1/traces", Self.headers(nil), Array(itself.utf8))
      _ = try await door.post("/v1/logs", Self.headers(nil), Array("{".utf8))
      let (taken, dropped) = spans.take()
      #expect(taken.map(\.result) == ["stored", "duplicate", "refused"])
      #expect(taken.map(\.records) == [2, 2, 0])
      #expect(taken.map(\.bytes) == [body.count, body.count, 1])
      #expect(taken.allSatisfy { $0.door == "otlp_http" } && dropped == 0)
      for _ in 0..<5 { _ = try await door.post("/v1/traces", Self.headers(nil), body) }
      let more = spans.take()
      #expect(more.spans.count == 3 && more.dropped == 2)
    }
  }
}
