import Telemetry
import Testing
import Wire

/// The acceptance cases whose body is OTLP/JSON, at the level of the decoder: `Fixtures/otlp/cases.json` says what may come of
/// each; `golden-collector` is what a real Collector made of it.
@Suite struct VectorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var id: String
    var signal: Signal
    var file: String
    /// Any of these is right.
    var outcomes: [Outcome]
    var testDescription: String { id }

    var body: [UInt8] {
      switch id {
      case "t18-depth-20000": Array(Self.nestedArrays(20_000).utf8)
      case "t19-unknown-deep":
        Array("{\"unknown\":\(String(repeating: "[", count: 50_000))\(String(repeating: "]", count: 50_000))}".utf8)
      default: Fixture.read(file) ?? []
      }
    }

    static func nestedArrays(_ depth: Int) -> String {
      "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\","
        + "\"spanId\":\"eee19b7ec3c1b174\",\"name\":\"d\",\"attributes\":[{\"key\":\"v\",\"value\":"
        + String(repeating: "{\"arrayValue\":{\"values\":[", count: depth) + "{\"intValue\":1}"
        + String(repeating: "]}}", count: depth) + "}]}]}]}]}"
    }
  }

  struct Outcome: Sendable {
    var refused: Bool
    var records: Int?
    var rejected: Int?
    /// Numbers and texts of attributes of the first record.
    var attributes: [String: String]
  }

  static let cases: [Case] =
    JSONTree(Fixture.read("cases.json") ?? [])["cases"]?.elements.compactMap { tree in
      guard let id = tree["id"]?.string, let file = tree["file"]?.string, file.hasPrefix("edge/json-"),
        let expect = tree["expect"],
        let signal = Signal.allCases.first(where: { tree["request"]?["path"]?.string == "/v1/\($0.name)" })
      else { return nil }
      let outcomes = (expect["any_of"]?.elements ?? [expect]).map { outcome in
        Outcome(
          refused: outcome["status"]?.elements.contains { $0.int == 400 } ?? false,
          records: (outcome["spans"] ?? outcome["points"] ?? outcome["records"])?.int,
          rejected: outcome["rejected"]?.int,
          attributes: (outcome["attrs"]?.members ?? []).reduce(into: [:]) { $0[$1.key] = $1.value.string })
      }
      return Case(id: id, signal: signal, file: file, outcomes: outcomes)
    } ?? []

  @Test func findsTheCases() { #expect(Self.cases.count == 34) }

  @Test(arguments: cases)
  func decodesAsTheCaseAllows(_ one: Case) {
    let outcome = JSONOutcome(one.signal, one.body)
    let fits = one.outcomes.contains { expected in
      guard let batch = outcome.batch else { return expected.refused }
      return !expected.refused && (expected.records ?? batch.recordCount) == batch.recordCount
        && (expected.rejected ?? 0) == batch.rejectedCount
        && expected.attributes.allSatisfy { outcome.firstData?[$0.key]?.string == $0.value }
    }
    #expect(fits, "\(outcome.error?.message ?? outcome.lines.joined(separator: "\n"))")
  }

  /// Where the cases leave a choice, this is ours: refused whole, or (records, refused alone).
  @Test(arguments: [
    ("t03-id-wrong-length", false, 1, 1), ("t04-zero-ids", false, 1, 2), ("t05-empty-string-ids", false, 0, 1),
    ("t09-int-as-float-forms", false, 1, 0), ("t11-snake-case", false, 0, 0), ("t15-bytes", false, 1, 0),
    ("t17-depth-64", false, 1, 0), ("t18-depth-20000", true, 0, 0), ("t19-unknown-deep", true, 0, 0),
    ("t21-oneof-twice", false, 1, 0), ("t24-bom", true, 0, 0), ("m02-temporality-unspecified", false, 3, 0),
  ])
  func choosesTheSameEveryTime(id: String, refused: Bool, records: Int, rejected: Int) throws {
    let one = try #require(Self.cases.first { $0.id == id })
    let outcome = JSONOutcome(one.signal, one.body)
    #expect((outcome.error != nil) == refused)
    #expect((outcome.batch?.recordCount ?? 0) == records)
    #expect((outcome.batch?.rejectedCount ?? 0) == rejected)
  }

  // MARK: the Collector

  /// What the Collector changes on its way through, which we do not.
  static let collectorDiffers: [String: String] = [
    "t11-snake-case": "it takes snake_case names",
    "t11b-snake-case-inner": "it takes snake_case names",
    "t14-doubles": "it writes -0.0 as 0",
    "l01-body-kinds": "it gives a log without a body an empty one",
    "l04-events": "it gives a log without a body an empty one",
    "m07-no-recorded-value": "it gives an exponential histogram both bucket lists, and an empty sum",
  ]

  @Test(arguments: cases)
  func readsWhatTheCollectorWroteTheSame(_ one: Case) throws {
    guard let golden = Fixture.read("golden-collector/\(one.id).json") else { return }
    let ours = JSONOutcome(one.signal, one.body)
    // The file is an array of requests, here always of one.
    let first = try #require(golden.firstIndex(of: UInt8(ascii: "{")))
    let last = try #require(golden.lastIndex(of: UInt8(ascii: "}")))
    let theirs = JSONOutcome(one.signal, Array(golden[first...last]))
    #expect(theirs.error == nil)
    if let reason = Self.collectorDiffers[one.id] {
      #expect(ours.lines != theirs.lines, "no longer true: \(reason)")
    } else {
      #expect(ours.lines == theirs.lines)
    }
  }

  // MARK: examples of others

  @Test(arguments: [
    ("proto-examples/trace.json", Signal.traces, 1), ("proto-examples/logs.json", .logs, 1),
    ("proto-examples/events.json", .logs, 1), ("proto-examples/metrics.json", .metrics, 4),
    ("java-logging/expected-spans-wrapper.json", .traces, 2), ("java-logging/expected-logs-wrapper.json", .logs, 2),
    ("java-logging/expected-metrics-wrapper.json", .metrics, 2), ("rust-otlp/logs.json", .logs, 1),
    ("rust-otlp/metrics.json", .metrics, 3),
  ])
  func readsWhatOtherImplementationsWrite(path: String, signal: Signal, records: Int) throws {
    let body = try #require(Fixture.read("examples/\(path)"))
    let outcome = JSONOutcome(signal, body)
    #expect(outcome.error == nil)
    #expect(outcome.batch?.recordCount == records)
    #expect(outcome.batch?.rejectedCount == 0)
  }

  /// Neither of its points has one.
  @Test func refusesPointsWithoutAValueAlone() throws {
    let body = try #require(Fixture.read("examples/rust-otlp/serialized_metrics.json"))
    let batch = try #require(JSONOutcome(.metrics, body).batch)
    #expect(batch.recordCount == 0)
    #expect(batch.rejections.map(\.reason) == [.noValue, .noValue])
  }

  /// The ids of the official example are empty, which makes its spans invalid.
  @Test(arguments: [("logs", Signal.logs, 8, 0), ("metrics", .metrics, 16, 0), ("traces", .traces, 0, 8)])
  func readsTheExamplesOfTheFileFormat(name: String, signal: Signal, records: Int, rejected: Int) throws {
    let file = try #require(Fixture.read("examples/file-exporter/\(name).jsonl"))
    let batches = try file.split(separator: UInt8(ascii: "\n")).map {
      try #require(JSONOutcome(signal, Array($0)).batch)
    }
    #expect(batches.map(\.recordCount).reduce(0, +) == records)
    #expect(batches.map(\.rejectedCount).reduce(0, +) == rejected)
  }
}
