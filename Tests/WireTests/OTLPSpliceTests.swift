import Telemetry
import Testing
import Wire

@Suite struct OTLPSpliceTests {
  private static func log(_ resource: String, _ scope: String, _ record: String) -> String {
    "{\"resourceLogs\":[{\"resource\":{\(resource)},\"scopeLogs\":[{\"scope\":{\(scope)},\"logRecords\":[\(record)]}]}]}"
  }

  private static func point(_ metric: String, _ kind: String, _ value: Int) -> String {
    "{\"resourceMetrics\":[{\"resource\":{},\"scopeMetrics\":[{\"scope\":{},\"metrics\":[{\"name\":\"\(metric)\","
      + "\"\(kind)\":{\"dataPoints\":[{\"asInt\":\"\(value)\",\"timeUnixNano\":\"5\"}]}}]}]}]}"
  }

  /// The request of those that could be put together, and how many there were.
  private static func splice(_ signal: Signal, _ requests: [String]) -> (request: String?, count: Int) {
    var splice = OTLPSplice(signal)
    for request in requests { _ = Array(request.utf8).withUnsafeBytes { splice.append($0) } }
    let count = splice.count
    return (splice.finish().map { String(decoding: $0, as: UTF8.self) }, count)
  }

  @Test func writesWhatIsEqualOnce() {
    let requests = [
      Self.log("", "", "{\"a\":1}"), Self.log("", "", "{\"a\":2}"), Self.log("\"x\":[]", "", "{\"a\":3}"),
      Self.log("\"x\":[]", "\"name\":\"]}]}]}\"", "{\"a\":4}"),
    ]
    let request = Self.splice(.logs, requests).request
    #expect(
      request
        == "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{\"a\":1},{\"a\":2}]}]},"
        + "{\"resource\":{\"x\":[]},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{\"a\":3}]}]},"
        + "{\"resource\":{\"x\":[]},\"scopeLogs\":[{\"scope\":{\"name\":\"]}]}]}\"},\"logRecords\":[{\"a\":4}]}]}]}")
  }

  @Test func pointsOfOneMetricShareIt() throws {
    let requests = [
      Self.point("a", "gauge", 1), Self.point("a", "gauge", 2), Self.point("b", "gauge", 3), Self.point("b", "sum", 4),
    ]
    let spliced = Self.splice(.metrics, requests)
    let text = try #require(spliced.request)
    let batch = try Array(text.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(.metrics, $0, options: DecodeOptions(now: 1))
    }
    #expect(spliced.count == 4 && batch.recordCount == 4 && batch.metrics.count == 3)
    #expect(batch.rows.map(\.value) == [1, 2, 3, 4])
  }

  @Test(arguments: [
    "", "{}", "{\"resourceLogs\":[]}", "{\"resourceLogs\":[{\"scopeLogs\":[]}]}",
    "{ \"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}",
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}]}]}],\"garner\":{\"at\":5}}",
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}],\"schemaUrl\":\"x\"}]}]}",
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[",
  ])
  func leavesOutWhatIsWrittenInAnotherWay(request: String) {
    #expect(Self.splice(.logs, [request]).count == 0)
  }
}
