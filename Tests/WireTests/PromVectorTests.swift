import Telemetry
import TestSupport
import Testing

@testable import Wire

/// What a real Prometheus made of OTLP requests, and what has to become of others (CONFORMANCE PN and PT).
@Suite struct PromVectorTests {
  static let golden = [
    "m06-summary", "m07-no-recorded-value", "m11-type-unit-clash", "m12-label-collision", "m18-int-range",
  ]

  static let received: Int64 = 1_700_000_011_000_000_000

  static func options() -> PrometheusOptions {
    var options = PrometheusOptions()
    // Prometheus' own receiver leaves them out.
    options.scopeLabels = false
    return options
  }

  private static func sent(_ file: String) throws -> [RemoteWriteMessage.Series] {
    let builder = RemoteWriteBuilder(options: options())
    try PromFixture.records(file).forEachRecord(receivedAt: received) { record in
      let take = builder.add(record)
      // A gauge that has the name of a counter.
      let clashes = file.hasPrefix("m11") && record.metric.type == .gauge
      #expect(take == (clashes ? .refused("unsupported") : .taken))
    }
    return try builder.sent()
  }

  private static func text(_ labels: JSONTree) -> String {
    let name = labels["__name__"]?.string ?? ""
    let rest = labels.members.filter { $0.key != "__name__" }.sorted { $0.key < $1.key }
      .map { "\($0.key)=\"\($0.value.string ?? "")\"" }
    return rest.isEmpty ? name : "\(name){\(rest.joined(separator: ","))}"
  }

  @Test(arguments: golden)
  func makesTheSeriesThatPrometheusMakes(_ id: String) throws {
    let expected = try PromFixture.json("golden/\(id).json")
    let series = try Self.sent("\(id).json")
    #expect(Set(series.map(\.text)) == Set((expected["series"]?.elements ?? []).map(Self.text)))
  }

  @Test(arguments: golden)
  func givesThemTheirValues(_ id: String) throws {
    let expected = try PromFixture.json("golden/\(id).json")
    var values: [String: Double] = [:]
    for value in expected["values"]?.elements ?? [] {
      values[Self.text(value["metric"] ?? .null)] = Double(value["value"]?.elements.last?.string ?? "")
    }
    for one in try Self.sent("\(id).json") {
      let histogram = one.histograms.first.map { RemoteWriteMessage.Sample(bits: $0.sumBits, time: $0.time) }
      let sample = try #require(one.samples.first ?? histogram)
      #expect(sample.time == 1_700_000_010_000)
      if id == "m07-no-recorded-value" && !one.text.hasPrefix("target_info") {
        #expect(sample.isStale)
      } else {
        #expect(values[one.text] == sample.value, "\(one.text)")
      }
    }
  }

  /// Prometheus refuses the whole request for them.
  @Test func refusesUnspecifiedTemporalityAlone() throws {
    let builder = RemoteWriteBuilder()
    var takes: [ParcelTake] = []
    try PromFixture.records("m02-temporality-unspecified.json").forEachRecord(receivedAt: Self.received) {
      takes.append(builder.add($0))
    }
    #expect(takes == [.refused("unsupported"), .refused("unsupported"), .taken])
  }

  // MARK: shapes

  @Test func makesTheSeriesOfHistograms() throws {
    let builder = RemoteWriteBuilder(options: Self.options())
    let shapes: [PromRecord] = [
      PromRecord(name: "h_nobuckets", type: .histogram, temporality: 2, data: #"{"count":3,"sum":6.0}"#),
      .histogram([3], [], at: 100, name: "h_onebucket"), .histogram([1, 2], [5], at: 100, name: "h_nosum"),
      PromRecord(
        name: "h_minmax", type: .histogram, temporality: 2, data: #"{"count":2,"sum":-1.5,"min":-1.0,"max":-0.5}"#,
        ext: #"{"bounds":[0.0],"counts":[2,0]}"#),
      .histogram([1, 2, 3], [-10, 0], at: 100, name: "h_negbounds"), .histogram([0, 0], [1], at: 100, name: "h_zero"),
    ]
    for shape in shapes { #expect(builder.add(shape) == .taken) }
    var values: [String: Double] = [:]
    for one in try builder.samples() {
      values[Self.withoutIdentity(one.series)] = one.value
    }
    let cases = try PromFixture.json("expected-series.json").members.first { $0.key.hasPrefix("m03") }
    let expected = try #require(cases?.value.members)
    #expect(expected.count == 14)
    for member in expected {
      #expect(values[member.key] == member.value.string.flatMap(Double.init), "\(member.key)")
    }
  }

  private static func withoutIdentity(_ series: String) -> String {
    var text = series
    for (part, other) in [(#"instance="i-1",job="game/svc-a""#, ""), ("{,", "{"), ("{}", "")] {
      text = text.replacing(part, with: other)
    }
    return text
  }

  @Test func makesNativeHistograms() throws {
    let builder = RemoteWriteBuilder(options: Self.options())
    let basic =
      #""zero_count":1,"zero_threshold":0.001,"positive":{"offset":-2,"counts":[1,0,0,0,4,2]},"#
      + #""negative":{"offset":4,"counts":[5]}"#
    #expect(builder.add(.exponential(count: 13, sum: 40.5, scale: 3, ext: basic, at: 100, name: "e_basic")) == .taken)
    let zero = #""zero_count":1,"positive":{"offset":2,"counts":[2]}"#
    #expect(builder.add(.exponential(count: 3, sum: 1, scale: 0, ext: zero, at: 100, name: "e_scale0")) == .taken)
    let one = #""positive":{"offset":0,"counts":[1]}"#
    #expect(builder.add(.exponential(count: 1, sum: 1, scale: -4, ext: one, at: 100, name: "e_scale-4")) == .taken)
    #expect(
      builder.add(.exponential(count: 1, sum: 1, scale: -5, ext: one, at: 100, name: "e_scale-5"))
        == .refused("unsupported"))
    let fine = #""positive":{"offset":-5,"counts":[1,2,3,4]}"#
    #expect(builder.add(.exponential(count: 10, sum: 1, scale: 10, ext: fine, at: 100, name: "e_scale10")) == .taken)
    #expect(
      builder.add(.exponential(count: 1, sum: nil, scale: 0, ext: one, at: 100, name: "e_nosum"))
        == .refused("unsupported"))
    let sent = try builder.sent()
    let cases = try PromFixture.json("expected-series.json").members.first { $0.key.hasPrefix("m05") }
    for member in try #require(cases?.value.members) {
      let name = member.key.replacing("-", with: "_")
      let histogram = sent.first { $0.text.hasPrefix(name + "{") }?.histograms.first
      guard member.value.members.count > 0 else {
        #expect(histogram == nil, "\(member.key)")
        continue
      }
      let made = try #require(histogram)
      for field in member.value.members {
        let number = field.value.string.flatMap(Double.init)
        switch field.key {
        case "schema": #expect(Double(made.schema) == number)
        case "zero_count": #expect(Double(made.zeroCount) == number)
        case "zero_threshold": #expect(made.zeroThreshold == number)
        case "sum": #expect(made.sum == number)
        case "count": #expect(Double(made.count) == number)
        case "positive_buckets_at_index", "negative_buckets_at_index":
          let side = field.key.hasPrefix("p") ? made.positive : made.negative
          let wanted = Set(field.value.members.map { "\($0.key):\($0.value.string ?? "")" })
          let found = Set(side.map { "\($0.key):\($0.value)" })
          #expect(found == wanted, "\(member.key)")
        default: break
        }
      }
    }
  }

  @Test func makesTheSeriesOfResourcesThatAreNothingButTheirIdentity() throws {
    let builder = RemoteWriteBuilder(options: Self.options())
    var a = PromRecord.gauge(1, at: 100, name: "a")
    a.resource = #"{"service.name":"only"}"#
    var b = PromRecord.gauge(1, at: 100, name: "b")
    b.resource = #"{"host.name":"h1"}"#
    var c = PromRecord.gauge(1, at: 100, name: "c")
    c.resource = #"{"service.name":"svc-a","service.namespace":"game","service.instance.id":"i-1","host.name":"h1"}"#
    for record in [a, b, c] { builder.add(record) }
    #expect(
      Set(try builder.sent().map(\.text)) == [
        #"a{job="only"}"#, "b", #"c{instance="i-1",job="game/svc-a"}"#,
        #"target_info{host_name="h1",instance="i-1",job="game/svc-a"}"#,
      ])
  }

  @Test func writesValuesOfEveryKindAsLabels() throws {
    let builder = RemoteWriteBuilder(options: Self.options())
    let attributes =
      #"{"a":{"$bytes":"AQI="},"b":false,"c":5.0,"d":1e+300,"e":{"$double":"NaN"},"#
      + #""f":{"$$x":[null,{"$double":"NaN"},"ü\n"]},"g":null,"h\"":7,"$$i":"<&>"}"#
    builder.add(.gauge(1, at: 100, attributes: attributes))
    let labels = try #require(try builder.sent().first?.labels).filter { $0.name.count < 3 }
    #expect(
      labels.map { "\($0.name)=\($0.value)" } == [
        "a=AQI=", "b=false", "c=5", "d=1e+300", "e=NaN", #"f={"$x":[null,"NaN","ü\n"]}"#, "h_=7",
      ])
  }

  @Test func joinsWhatTheScopeAndAnAttributeBothSay() throws {
    let builder = RemoteWriteBuilder()
    var record = PromRecord.gauge(1, at: 100, attributes: #"{"otel.scope.name":"mine"}"#)
    record.scope = "lib"
    builder.add(record)
    #expect(try builder.sent().first?.text.contains(#"otel_scope_name="mine;lib""#) == true)
  }

  @Test func letsStaticLabelsAndIdentityWin() throws {
    var options = PrometheusOptions()
    options.staticLabels = ["site": "lab", "empty": ""]
    options.resourceLabels = ["host.*", "site"]
    let builder = RemoteWriteBuilder(options: options)
    var record = PromRecord.gauge(1, at: 100, attributes: #"{"job":"x","instance":"y","site":"z","host.name":"mine"}"#)
    record.resource = #"{"service.name":"s","host.name":"h","host.arch":"arm","site":"r"}"#
    builder.add(record)
    let series = try builder.sent().map(\.text)
    // No instance in the resource: what the point says is all there is.
    #expect(series.first == #"m{host_arch="arm",host_name="mine",instance="y",job="s",site="lab"}"#)
    #expect(series.last == #"target_info{host_arch="arm",host_name="h",job="s",site="lab"}"#)
  }
}

extension String {
  fileprivate func replacing(_ part: String, with other: String) -> String {
    var text = ""
    var rest = self[...]
    while !rest.isEmpty {
      if rest.hasPrefix(part) {
        text += other
        rest = rest.dropFirst(part.count)
      } else {
        text.append(rest.removeFirst())
      }
    }
    return text
  }
}
