import Forward
import Telemetry
import Testing

@testable import Daemon

/// What may stand below a name of `destinations`.
@Suite struct DestinationConfigTests {
  private static let far = "endpoint: \"http://127.0.0.1:9\""

  private static let faulty: [(entry: String, words: [String])] = [
    ("{type: otlp, \(far), headers: {X-Prometheus-Remote-Write-Version: a}}", ["set by garner"]),
    ("{type: otlp, \(far), headers: {garner-signature: a}}", ["garner-signature", "set by garner"]),
    ("{type: webhook, \(far), headers: {Garner-Delivery: a}}", ["Garner-Delivery", "set by garner"]),
    ("{type: otlp, \(far), headers: {grpc-timeout: a}}", ["set by garner"]),
    ("{type: otlp, \(far), headers: {Expect: a}}", ["set by garner"]),
    ("{type: otlp, \(far), headers: {authorization: secret}, auth: {username: a}}", ["authorization", "`auth`"]),
    ("{type: loki, \(far), headers: {X-Scope-OrgID: a}, tenant: b}", ["`tenant`"]),
    ("{type: otlp, \(far), headers: {bad name: a}}", ["\"bad name\" is no name"]),
    ("{type: otlp, \(far), headers: {\"\": a}}", ["no name of a header"]),
    ("{type: otlp, \(far), headers: {X-A: a, x-a: b}}", ["x-a is there twice"]),
    ("{type: otlp, \(far), headers: {X-A: \"a\\nsecret\"}}", ["value of the header X-A"]),
    ("{type: otlp, endpoints: {traces: \"http://127.0.0.1:9/t\"}}", ["metrics, logs", "`signals`"]),
    ("{type: otlp, \(far), protocol: grpc, endpoints: {traces: \"http://127.0.0.1:9/t\"}}", ["gRPC"]),
    ("{type: clickhouse, \(far), tables: {otel_lgos: a}}", ["`otel_lgos`", "did you mean `otel_logs`?"]),
    ("{type: clickhouse, \(far), tables: {otel_logs: \"\"}}", ["`tables.otel_logs` is empty"]),
    ("{type: clickhouse, \(far), database: \"\"}", ["`database` is empty"]),
    ("{type: otlp, endpoint: \"http://127.0.0.1:9/a#b\"}", ["fragment", "#"]),
    ("{type: otlp, endpoint: \"http://127.0.0.1:9#b\"}", ["fragment"]),
    ("{type: otlp, \(far), endpoints: {traces: \"http://127.0.0.1:9/t#x\"}}", ["fragment"]),
    ("{type: otlp, \(far), auth: {password_file: a}}", ["`auth.username`"]),
    ("{type: otlp, \(far), auth: {username: \"a:b\", password_file: a}}", ["colon"]),
    ("{type: otlp, \(far), delay: {match: [\"relay.* severity>=warn\"]}}", ["`delay.match`", "category"]),
    ("{type: scrape, path: /metrics}", ["the console has its own /metrics"]),
    ("{type: scrape, path: /healthz}", ["/healthz"]),
    ("{type: scrape, path: received}", ["\"received\" is no path"]),
    ("{type: scrape, path: \"/a?b\"}", ["is no path"]),
    ("{type: loki, \(far), static_labels: {9lives: a}}", ["\"9lives\" is no name of a label"]),
    ("{type: loki, \(far), static_labels: {__name__: a}}", ["__name__"]),
    ("{type: loki, \(far), static_labels: {a.b: c}}", ["a.b"]),
    (
      "{type: loki, \(far), static_labels: {\((1...16).map { "l\($0): v" }.joined(separator: ", "))}}",
      ["16 labels", "15"]
    ),
  ]

  @Test(arguments: faulty) func aMistakeIsToldWithItsPlace(_ entry: String, _ words: [String]) throws {
    let found = try problems("destinations:\n  one: \(entry)\n")
    #expect(found.count == 1, "\(found)")
    let said = try #require(found.first)
    #expect(said.hasPrefix("2:3 ") && said.contains("`one`"), "\(said)")
    for word in words { #expect(said.contains(word), "\(said)") }
    #expect(!said.contains("secret"))
  }

  private static let fine = [
    "{type: otlp, \(far), headers: {Authorization: a, X-Tenant: \"ä b\"}}",
    "{type: otlp, endpoints: {traces: \"http://127.0.0.1:9/t\"}, signals: [traces]}",
    "{type: jaeger, endpoints: {traces: \"http://127.0.0.1:9/t\"}}",
    "{type: otlp, \(far), delay: {match: [relay.tick.*, \"category:match\", \"class:firehose\"]}}",
    "{type: clickhouse, \(far), tables: {otel_logs: my_logs, otel_metrics_exponential_histogram: e}}",
    "{type: loki, \(far), static_labels: {a_1: b, _c: d}}",
    "{type: scrape, path: /metrics/elsewhere}",
  ]

  @Test(arguments: fine) func whatIsRightIsTaken(_ entry: String) throws {
    #expect(try problems("destinations:\n  one: \(entry)\n") == [])
  }

  @Test(arguments: [
    ("now", DestinationStart.now), ("oldest", .oldest), ("2h", .time(1_000_000 - 7_200_000_000_000)),
    ("0", .time(1_000_000)), ("1970-01-01T00:00:01Z", .time(1_000_000_000)), ("1970-01-02", .time(86_400_000_000_000)),
  ])
  func howLongAgoCountsFromNow(_ text: String, _ start: DestinationStart) throws {
    let yaml = "destinations: {one: {type: otlp, \(Self.far), start: \"\(text)\"}}"
    let entry = try #require(try resolved(yaml).config.destinations.first)
    #expect(entry.options(.standard, now: 1_000_000).start == start)
  }

  /// Else each reload would begin it anew.
  @Test func aStartSaysTheSameAtEveryReading() throws {
    let yaml = "destinations: {one: {type: otlp, \(Self.far), start: 2h}}"
    let texts = try (0..<2).map { _ in try resolved(yaml).config.destinations.map(\.configText) }
    #expect(texts[0] == texts[1])
    #expect(texts[0].first?.contains("start: 2h") == true)
  }

  @Test func twoPagesOrFilesInOnePlaceAreRefused() throws {
    let folder = try ConfigFolder()
    let entries = [
      "a: {type: file, path: \(folder.path)}", "b: {type: file, path: \(folder.path)/./}",
      "c: {type: file, path: \(folder.path)/delayed}", "d: {type: file, path: \(folder.path)/other}",
      "e: {type: scrape}", "f: {type: scrape}",
    ]
    let found = try problems("destinations:\n  \(entries.joined(separator: "\n  "))\n", purpose: .serving)
      .filter { $0.contains("destinations.") }
    #expect(found.map { $0.prefix(3) } == ["3:3", "4:3", "4:3", "7:3"], "\(found)")
    #expect(found.first?.contains("`a`") == true)
    #expect(found.last?.contains("/metrics/received") == true)
  }

  @Test func filesThatCannotBeUsedAreNamed() throws {
    let folder = try ConfigFolder()
    let junk = try folder.write("hello", as: "junk")
    let none = "\(folder.path)/none"
    let entries = [
      "{type: otlp, \(Self.far), auth: {bearer_file: \(none)}}",
      "{type: otlp, \(Self.far), auth: {username: a, password_file: \(none)}}",
      "{type: webhook, \(Self.far), secret_file: \(none)}",
      "{type: otlp, \(Self.far), tls: {ca_file: \(none)}}",
      "{type: otlp, \(Self.far), tls: {ca_file: \(junk)}}",
      "{type: otlp, \(Self.far), tls: {cert_file: \(none)}}",
      "{type: otlp, \(Self.far), tls: {key_file: \(junk)}}",
      "{type: file, path: \(none)/deeper}",
      "{type: file, path: \(junk)}",
    ]
    for entry in entries {
      let found = try problems("destinations:\n  one: \(entry)\n", purpose: .serving).filter {
        $0.contains("`one`") || $0.contains("destinations.one")
      }
      #expect(found.count == 1, "\(entry): \(found)")
      #expect(found.first?.hasPrefix("2:3 ") == true, "\(found)")
      #expect(found.first?.contains("ConfigFault") == false)
    }
  }
}
