import Telemetry
import TestSupport
import Testing
import Wire

/// What is denied leaves in no map either.
@Suite struct DenyingBuilderTests {
  private static let deny = ["secret", "player.*", "$odd"]

  private static func value(_ text: String) -> String { "{\"stringValue\":\"\(text)\"}" }
  private static func map(_ members: String) -> String { "{\"kvlistValue\":{\"values\":[\(members)]}}" }
  private static func member(_ key: String, _ value: String) -> String { "{\"key\":\"\(key)\",\"value\":\(value)}" }

  private static let denied = map(member("s\\u0065cret", value("hidden")))

  /// A map, and one in a list in it, with what may leave and what may not.
  private static let nested = map(
    [
      member("secret", value("hidden")), member("open", value("seen")), member("$odd", value("hidden")),
      member("player.id", map(member("open", value("hidden")))), member("bytes", "{\"bytesValue\":\"AQID\"}"),
      member("nan", "{\"doubleValue\":\"NaN\"}"), member("a\\u0073ecret", value("seen")),
      member("list", "{\"arrayValue\":{\"values\":[\(denied),{\"intValue\":\"7\"}]}}"),
    ].joined(separator: ","))
  private static func attributes(_ place: String) -> String { "[\(member("open.\(place)", nested))]" }
  private static let resource = "\"resource\":{\"attributes\":\(attributes("resource"))}"
  private static let scope = "\"scope\":{\"name\":\"s\",\"attributes\":\(attributes("scope"))}"
  private static let exemplars =
    "\"exemplars\":[{\"timeUnixNano\":\"4\",\"asInt\":\"1\",\"filteredAttributes\":\(attributes("exemplar"))}]"

  static func request(_ signal: Signal) -> String {
    switch signal {
    case .traces:
      "{\"resourceSpans\":[{\(resource),\"scopeSpans\":[{\(scope),\"spans\":[{"
        + "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
        + "\"startTimeUnixNano\":\"5\",\"attributes\":\(attributes("span")),\"events\":[{\"timeUnixNano\":\"6\","
        + "\"name\":\"e\",\"attributes\":\(attributes("event"))}],\"links\":[{\"spanId\":\"eee19b7ec3c1b174\","
        + "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"attributes\":\(attributes("link"))}]}]}]}]}"
    case .logs:
      "{\"resourceLogs\":[{\(resource),\"scopeLogs\":[{\(scope),\"logRecords\":[{\"timeUnixNano\":\"5\","
        + "\"body\":\(nested),\"attributes\":[\(member("open.log", nested)),"
        + "\(member("body", nested)),\(member("attributes", nested))]},{\"timeUnixNano\":\"6\",\"body\":"
        + "\(value("plain")),\"attributes\":\(attributes("log"))}]}]}]}"
    case .metrics:
      "{\"resourceMetrics\":[{\(resource),\"scopeMetrics\":[{\(scope),\"metrics\":[{\"name\":\"m\","
        + "\"metadata\":\(attributes("metadata")),\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"5\",\"asInt\":\"1\","
        + "\"attributes\":\(attributes("point")),\(exemplars)}]}},{\"name\":\"h\",\"histogram\":{"
        + "\"aggregationTemporality\":2,\"dataPoints\":[{\"timeUnixNano\":\"5\",\"count\":\"1\",\"sum\":0.5,"
        + "\"attributes\":\(attributes("histogram")),\(exemplars)}]}}]}]}]}"
    }
  }

  private static func builders() -> [(String, [Signal], any ParcelBuilder)] {
    func otlp(_ encoding: OTLPParcelOptions.Encoding) -> any ParcelBuilder {
      var options = OTLPParcelOptions()
      options.encoding = encoding
      return OTLPParcelBuilder(options)
    }
    return [
      ("protobuf", Signal.allCases, otlp(.protobuf)), ("json", Signal.allCases, otlp(.json)),
      ("zipkin", [.traces], ZipkinBuilder()), ("webhook", Signal.allCases, WebhookBuilder()),
      ("loki", [.logs], LokiBuilder()), ("clickhouse", Signal.allCases, ClickHouseBuilder()),
    ]
  }

  private static func text(_ builder: any ParcelBuilder, _ signal: Signal) throws -> (takes: [ParcelTake], String) {
    let takes = ParcelLab.add(try ParcelLab.batch(signal, request(signal)), to: builder)
    return (takes, builder.cut(laneCount: 1).map { ParcelLab.text($0) }.joined())
  }

  @Test(arguments: Signal.allCases) func noFormatGetsIt(_ signal: Signal) throws {
    for (bare, wrapped) in zip(Self.builders(), Self.builders()) where bare.1.contains(signal) {
      let open = try Self.text(bare.2, signal)
      let closed = try Self.text(DenyingBuilder(wrapped.2, deny: Self.deny), signal)
      #expect(open.1.contains("hidden"), "\(bare.0)")
      #expect(!closed.1.contains("hidden"), "\(bare.0): \(closed.1)")
      #expect(closed.takes == open.takes, "\(bare.0)")
      #expect(closed.1.ranges(of: "seen").count == open.1.ranges(of: "seen").count, "\(bare.0)")
    }
  }

  /// Nothing else is other than without a list.
  @Test(arguments: Signal.allCases) func whatIsNotDeniedIsAsItWas(_ signal: Signal) throws {
    for (bare, wrapped) in zip(Self.builders(), Self.builders()) where bare.1.contains(signal) {
      let open = try Self.text(bare.2, signal)
      let closed = try Self.text(DenyingBuilder(wrapped.2, deny: ["nobody.has.it"]), signal)
      #expect(closed.1 == open.1 && closed.takes == open.takes, "\(bare.0)")
    }
  }

  /// As OTLP's own reader has it: everything but the denied, with our escapes in their places.
  @Test(arguments: Signal.allCases) func mapsKeepTheRest(_ signal: Signal) throws {
    var options = OTLPParcelOptions()
    options.encoding = .protobuf
    let builder = DenyingBuilder(OTLPParcelBuilder(options), deny: Self.deny)
    let parcel = try #require(try ParcelLab.parcels(builder, signal, Self.request(signal)).first)
    let batch = try OTLPParcelLab.decoded(signal, ParcelLab.body(parcel), .protobuf)
    let stored = String(decoding: batch.arena, as: UTF8.self)
    #expect(
      stored.contains(
        "{\"open\":\"seen\",\"bytes\":{\"$bytes\":\"AQID\"},\"nan\":{\"$double\":\"NaN\"},\"asecret\":\"seen\","
          + "\"list\":[{},7]}"), "\(stored)")
  }

  @Test(arguments: Signal.allCases) func brokenRowsAreRefusedAndHarmNothing(_ signal: Signal) throws {
    var options = OTLPParcelOptions()
    options.encoding = .json
    let result = try ParcelLab.damage(
      { [options] in DenyingBuilder(OTLPParcelBuilder(options), deny: ["*e*"]) }, signal, seeds: 1..<6, rounds: 20)
    #expect(result.taken > 0 && result.refused > 0)
  }
}
