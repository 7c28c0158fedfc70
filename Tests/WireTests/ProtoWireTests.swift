import Telemetry
import TestSupport
import Testing
import Wire

/// What bytes are a request: wire types, unknown fields, repeated fields, limits.
@Suite struct ProtoWireTests {
  private typealias P = ProtoBytes

  private func kind(_ body: [UInt8], _ change: (inout DecodeOptions) -> Void = { _ in }) -> DecodeError.Kind? {
    do throws(DecodeError) {
      _ = try Batch.decoded(.traces, body, change)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test(arguments: Signal.allCases)
  func takesNothingForARequestWithoutRecords(signal: Signal) throws {
    let batch = try Batch.decoded(signal, [])
    #expect(batch.rows.isEmpty && batch.resources.isEmpty && batch.recordCount == 0)
  }

  // MARK: unknown and malformed

  @Test func skipsUnknownFieldsOfEveryWireType() throws {
    let group = P.field(100, 3, P.field(1, varint: 7) + P.field(2, 3, P.field(3, "x") + P.field(2, 4, [])))
    let unknown =
      P.field(99, varint: .max) + P.field(99, fixed: 1) + P.field(99, "text") + P.field(99, fixed32: 2) + group
      + P.field(100, 4, []) + P.field(1000, "library spans")
    let span = unknown + P.span(unknown + P.field(9, unknown + P.keyValue("k", unknown + P.field(1, "v") + unknown)))
    let request = P.field(1, unknown + P.field(2, P.field(2, span) + unknown)) + unknown
    let batch = try Batch.decoded(.traces, request)
    #expect(batch.recordCount == 1)
    #expect(batch.data(0) == "{\"k\":\"v\"}")
  }

  @Test(arguments: [
    ("a varint of eleven bytes", P.field(99, 0, Array(repeating: 0x80, count: 10) + [1]), DecodeError.Kind.malformed),
    ("a varint of 65 bits", P.field(99, 0, Array(repeating: 0xff, count: 9) + [2]), .malformed),
    ("a varint without its end", P.field(99, 0, [0x80]), .truncated),
    ("a length over what is left", P.field(1, 2, [5, 0]), .truncated),
    ("a negative length", P.field(1, 2, Array(repeating: 0xff, count: 9) + [1]), .truncated),
    ("half a fixed64", P.field(99, 1, [1, 2, 3, 4]), .truncated),
    ("half a fixed32", P.field(99, 5, [1, 2]), .truncated),
    ("field number 0", [0x02, 0x00], .malformed),
    ("wire type 6", P.field(99, 6, []), .malformed),
    ("wire type 7", P.field(99, 7, []), .malformed),
    ("a group without its end", P.field(99, 3, []), .truncated),
    ("a group that ends as another", P.field(99, 3, P.field(98, 4, [])), .malformed),
    ("the end of no group", P.field(99, 4, []), .malformed),
    ("groups in groups", Array(repeating: P.field(99, 3, []), count: 100_000).flatMap { $0 }, .tooDeep),
  ])
  func refusesWhatIsNoMessage(_ what: String, body: [UInt8], expected: DecodeError.Kind) {
    #expect(kind(body) == expected)
    #expect(kind(P.request(P.span(body))) == expected, "inside of a span")
    #expect(kind(P.request(P.span(P.field(9, P.keyValue("k", body))))) == expected, "inside of a value")
  }

  /// Each field of Span once with every wire type that is not its own.
  @Test(arguments: 1...16)
  func refusesAKnownFieldOfTheWrongWireType(field: UInt64) {
    let own: UInt64 = [6, 10, 12, 14].contains(field) ? 0 : [7, 8].contains(field) ? 1 : field == 16 ? 5 : 2
    let payloads: [(UInt64, [UInt8])] = [(0, [1]), (1, Array(repeating: 0, count: 8)), (2, [0]), (5, [0, 0, 0, 0])]
    for (wire, payload) in payloads where wire != own {
      #expect(kind(P.request(P.span(P.field(field, wire, payload)))) == .malformed, "wire type \(wire)")
    }
  }

  @Test func tellsWhereItWentWrong() {
    #expect(throws: DecodeError(.malformed, "protobuf: a known field has the wrong wire type", at: 1)) {
      _ = try Batch.decoded(.traces, [0x08, 0x01])
    }
  }

  /// A request cut anywhere is refused, or is the request of the fields before the cut; nothing is read behind the cut.
  @Test(arguments: Signal.allCases)
  func survivesACutAtEveryByte(signal: Signal) {
    let body = OTLPSample(signal, seed: 3).protobuf
    for length in 0..<min(body.count, 4000) {
      let outcome = JSONOutcome(signal, protobuf: Array(body[..<length]))
      #expect((outcome.batch == nil) != (outcome.error == nil))
    }
  }

  // MARK: repeated

  @Test func letsTheLastScalarWin() throws {
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(5, "last") + P.field(7, fixed: 5 * P.second))))
    #expect(batch.name(0) == "last")
    #expect(batch.rows[0].time == 5_000_000_000)
  }

  @Test func letsTheLastMemberOfAOneofWin() throws {
    let values: [([UInt8], String)] = [
      (P.field(1, "a") + P.field(3, varint: 7), "7"), (P.field(3, varint: 7) + P.field(1, "a"), "\"a\""),
      (P.field(5, P.field(1, P.field(1, "x"))) + P.field(2, varint: 0), "false"),
      (P.field(1, "a") + P.field(5, []), "[]"), (P.field(6, []) + P.field(5, []) + P.field(6, []), "{}"),
    ]
    for (value, expected) in values {
      let batch = try Batch.decoded(.traces, P.request(P.span(P.field(9, P.keyValue("v", value)))))
      #expect(batch.data(0) == "{\"v\":\(expected)}")
    }
  }

  @Test func refusesAMalformedArrayAlsoWhenItIsReplaced() {
    let value = P.field(5, P.field(1, 2, [9])) + P.field(2, varint: 1)
    #expect(kind(P.request(P.span(P.field(9, P.keyValue("v", value))))) == .truncated)
  }

  @Test func mergesMessagesThatOccurTwice() throws {
    let array = { (text: String) in P.field(5, P.field(1, P.field(1, text))) }
    let pair = P.field(2, array("a")) + P.field(1, "v") + P.field(2, array("b") + array("c"))
    let status = P.field(15, P.field(2, "late")) + P.field(15, P.field(3, varint: 2))
    let batch = try Batch.decoded(.traces, P.request(P.span(P.field(9, pair) + status)))
    #expect(batch.data(0) == "{\"v\":[\"a\",\"b\",\"c\"]}")
    #expect(batch.ext(0) == "{\"status_message\":\"late\"}")
    #expect(batch.rows[0].severity == .error)
  }

  @Test func findsTheResourceAndTheScopeBehindWhatIsTheirs() throws {
    let attribute = { P.field($0, P.keyValue($1, text: $2)) }
    let scopeItems =
      P.field(2, P.span()) + P.field(3, "https://scope") + P.field(1, P.field(1, "lib")) + P.field(2, P.span())
      + P.field(1, attribute(3, "component", "engine"))
    let resource =
      P.field(2, scopeItems) + P.field(1, attribute(1, "service.name", "relay")) + P.field(3, "https://resource")
      + P.field(1, attribute(1, "session.id", "s-1"))
    let batch = try Batch.decoded(.traces, P.field(1, resource))
    #expect(batch.text(batch.resources[0].attributes) == "{\"service.name\":\"relay\",\"session.id\":\"s-1\"}")
    #expect(batch.text(batch.resources[0].schemaURL) == "https://resource")
    #expect(batch.text(batch.streams[0].name) == "lib")
    #expect(batch.text(batch.streams[0].schemaURL) == "https://scope")
    #expect(batch.recordCount == 2)
    #expect(batch.text(batch.context(0).source) == "relay")
    #expect(batch.text(batch.context(1).session) == "s-1")
    #expect(batch.text(batch.context(1).component) == "engine")
  }

  /// Messages joined inside of joined messages would be copied once for each level.
  @Test func boundsWhatRepetitionCosts() {
    var value = P.field(1, String(repeating: "x", count: 4096))
    for _ in 0..<30 { value = P.field(5, P.field(1, value)) + P.field(5, []) }
    #expect(kind(P.request(P.span(P.field(9, P.keyValue("v", value))))) == .malformed)
  }

  /// Maps with equal keys in each other would be written again for each level.
  @Test func boundsWhatEqualKeysCost() {
    var value = P.field(1, String(repeating: "x", count: 100_000))
    for _ in 0..<100 { value = P.field(6, P.field(1, P.keyValue("k", text: "")) + P.field(1, P.keyValue("k", value))) }
    #expect(kind(P.request(P.span(P.field(9, P.keyValue("v", value))))) == .malformed)
  }

  @Test func readsPackedUnpackedAndMixedNumbersAlike() throws {
    let one = { (number: UInt64) in Array(P.field(1, fixed: number).dropFirst()) }
    let bounds = [1.5, 2.5].map(\.bitPattern)
    let forms = [
      P.field(6, one(1) + one(2) + one(3)) + P.field(7, one(bounds[0]) + one(bounds[1])),
      P.field(6, fixed: 1) + P.field(7, fixed: bounds[0]) + P.field(6, fixed: 2) + P.field(7, fixed: bounds[1])
        + P.field(6, fixed: 3),
      P.field(6, one(1)) + P.field(6, []) + P.field(6, fixed: 2) + P.field(7, one(bounds[0]))
        + P.field(7, fixed: bounds[1]) + P.field(6, one(3)),
    ]
    for form in forms {
      let batch = try Batch.decoded(.metrics, P.request(P.metric(9, P.point(P.field(4, fixed: 6) + form))))
      #expect(batch.ext(0) == "{\"bounds\":[1.5,2.5],\"counts\":[1,2,3]}")
    }
    let buckets = P.field(1, varint: 3) + P.field(2, [1, 0xac, 2]) + P.field(2, varint: 7) + P.field(2, [])
    let batch = try Batch.decoded(
      .metrics, P.request(P.metric(10, P.point(P.field(4, fixed: 308) + P.field(8, buckets)))))
    #expect(batch.ext(0) == "{\"scale\":0,\"positive\":{\"offset\":-2,\"counts\":[1,300,7]}}")
  }

  @Test func refusesPackedNumbersWithAPieceLeftOver() {
    #expect(throws: DecodeError.self) {
      _ = try Batch.decoded(.metrics, P.request(P.metric(9, P.point(P.field(6, Array(repeating: 0, count: 12))))))
    }
  }

  // MARK: depth

  private static func nested(_ levels: Int) -> [UInt8] {
    var value = P.field(1, "leaf")
    for level in 0..<levels {
      value = level % 2 == 0 ? P.field(5, P.field(1, value)) : P.field(6, P.field(1, P.keyValue("n", value)))
    }
    return P.request(P.span(P.field(9, P.keyValue("deep", value))))
  }

  @Test func takesValuesUpToTheDepthLimit() throws {
    #expect(kind(Self.nested(64)) == nil)
    #expect(kind(Self.nested(64)) { $0.depthLimit = 63 } == .tooDeep)
    #expect(kind(Self.nested(256)) == nil)
    #expect(kind(Self.nested(257)) == .tooDeep)
  }

  @Test func staysWithinASmallStack() {
    let body = Self.nested(256)
    let deeper = Self.nested(20_000)
    onSmallStack {
      #expect(throws: Never.self) { _ = try Batch.decoded(.traces, body) }
      #expect(throws: DecodeError.self) { _ = try Batch.decoded(.traces, deeper) }
    }
  }

  // MARK: acceptance cases

  /// Nil records: refused whole.
  @Test(
    arguments: [
      ("p03-metrics-exphist", Signal.metrics, 8, 0), ("p05-unknown-fields", .traces, 1, 0),
      ("p09-merge-submessages", .traces, 1, 0), ("p10-truncated", .traces, nil, 0),
      ("p13-wrong-wiretype", .traces, nil, 0), ("p15-bad-id-length", .traces, 0, 1), ("p16-field-1000", .traces, 0, 0),
      ("p17-depth-64", .traces, 1, 0), ("p20-overlong-varint", .traces, nil, 0),
      ("p21-bad-then-good-metrics", .metrics, 1, 4),
    ] as [(String, Signal, Int?, Int)])
  func decodesTheAcceptanceCases(id: String, signal: Signal, records: Int?, rejected: Int) throws {
    let body = try #require(Fixture.read("edge/proto/\(id).binpb"))
    let outcome = JSONOutcome(signal, protobuf: body)
    #expect(outcome.batch?.recordCount == records)
    #expect((outcome.batch?.rejectedCount ?? 0) == rejected)
  }

  @Test(arguments: [
    ("p09-merge-submessages", Signal.traces), ("p17-depth-64", .traces), ("p21-bad-then-good-metrics", .metrics),
  ])
  func readsWhatTheCollectorReads(id: String, signal: Signal) throws {
    let golden = try #require(Fixture.read("golden-collector/\(id).json"))
    let body = try #require(Fixture.read("edge/proto/\(id).binpb"))
    let theirs = JSONOutcome(signal, String(decoding: golden.dropFirst().dropLast(), as: UTF8.self))
    #expect(theirs.error == nil)
    #expect(JSONOutcome(signal, protobuf: body).lines == theirs.lines)
  }
}
