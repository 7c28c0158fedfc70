import Daemon
import Store
import Telemetry
import Testing
import Wire

/// `garner sources` and `garner balance` from the files alone.
@Suite struct SourcesReportTests {
  private func append(_ store: RoundTripStore, _ source: String, records: Int = 1) async throws {
    let record = #"{"timeUnixNano":"1767600000000000000","eventName":"gui.click"}"#
    let body = """
      {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\(source)"}}]},\
      "scopeLogs":[{"logRecords":[\(Array(repeating: record, count: records).joined(separator: ","))]}]}]}
      """
    let batch = try Array(body.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(.logs, $0, options: RoundTripStore.decoding)
    }
    try await store.append(batch)
  }

  private func config(_ store: RoundTripStore) -> GarnerConfig {
    var config = GarnerConfig()
    config.dataDirectory = store.store.directory.path
    return config
  }

  /// Rows as dictionaries by column.
  private func named(_ columns: [String], _ rows: [[TableValue]]) -> [[String: TableValue]] {
    rows.map { row in
      #expect(row.count == columns.count)
      return Dictionary(uniqueKeysWithValues: zip(columns, row))
    }
  }

  @Test func everySourceHasARow() async throws {
    let store = try RoundTripStore()
    try await append(store, "b", records: 3)
    try await append(store, "a")
    let rows = named(SourcesReport.columns, try SourcesReport(store.store.directory, config(store)).rows)
    #expect(rows.map { $0["source"] } == [.text("a"), .text("b")])
    #expect(rows[1]["received"] == .integer(3) && rows[1]["stored"] == .integer(3) && rows[1]["door"] == .text("test"))
    #expect(rows[1]["state"] == .text("ok") && rows[1]["records_per_s"] == .real(0))
    #expect(rows[1]["boots"] == .null && rows[1]["silent_s"] == .null)
    if case .integer(let bytes)? = rows[1]["bytes"] { #expect(bytes > 0) } else { Issue.record("no bytes") }
  }

  @Test func whoNeverSpokeIsARowToo() async throws {
    let store = try RoundTripStore()
    try await append(store, "spoke")
    let tokens = Tokens(config(store))
    var request = Tokens.Request()
    for (scope, source) in [("ingest", "quiet"), ("ingest", "spoke"), ("read", "reader")] {
      (request.scope, request.source) = (scope, source)
      _ = try tokens.createToken(request)
    }
    request.source = "relay"
    _ = try tokens.createUDPKey(request)
    let rows = named(SourcesReport.columns, try SourcesReport(store.store.directory, config(store)).rows)
    #expect(rows.map { $0["source"] } == [.text("quiet"), .text("relay"), .text("spoke")])
    #expect(rows.map { $0["state"] } == [.text("never_seen"), .text("never_seen"), .text("ok")])
    #expect(rows.map { $0["door"] } == [.null, .text("udp"), .text("test")])
    #expect(rows.map { $0["packets"] } == [.null, .integer(0), .null])
    #expect(rows[0]["first_seen"] == .null && rows[0]["received"] == .integer(0))
  }

  @Test func theLastRowOfTheBalanceIsTheSum() async throws {
    let store = try RoundTripStore()
    try await append(store, "a")
    try await append(store, "b", records: 2)
    for _ in 0..<2 {
      let report = try BalanceReport(store.store.directory, config: config(store))
      let rows = named(BalanceReport.columns, report.rows)
      #expect(report.isBalanced)
      #expect(rows.map { $0["source"] } == [.text("a"), .text("b"), .text("*")])
      #expect(rows.map { $0["received"] } == [.integer(1), .integer(2), .integer(3)])
      #expect(rows.map { $0["present"] } == [.integer(1), .integer(2), .integer(3)])
      for row in rows {
        #expect(row["ok"] == .boolean(true))
        for column in ["intake_difference", "store_difference", "udp_difference"] {
          #expect(row[column] == .integer(0))
        }
      }
      store.store.settleAll()
    }
  }

  @Test func rowsThatAreMissingAreSeen() async throws {
    let store = try RoundTripStore()
    try await append(store, "a", records: 4)
    store.store.settleAll()
    let file = try #require(try FileList.read(store.store.directory).first)
    try Connection(file.path, .readWrite).execute("DELETE FROM event WHERE id = 2")
    let report = try BalanceReport(store.store.directory, config: config(store))
    let rows = named(BalanceReport.columns, report.rows)
    #expect(!report.isBalanced && rows.map { $0["ok"] } == [.boolean(false), .boolean(false)])
    #expect(rows.map { $0["store_difference"] } == [.integer(1), .integer(1)])
  }

  /// A line of the reject log for each record that `require`d attributes kept out.
  private func rejected(_ signal: Signal, _ request: String) throws -> [String] {
    var options = RoundTripStore.decoding
    options.required = [Array("build".utf8)]
    let batch = try Array(request.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(signal, $0, options: options)
    }
    return batch.rejections.map {
      """
      {"time":"2026-01-05T08:00:00.000000Z","door":"otlp_http","source":"relay-1","signal":"\(signal.name)","index":0,\
      "path":"x","reason":"\($0.reason.rawValue)","rule":null,"record":\($0.record)}

      """
    }
  }

  @Test func linesOfTheRejectLogComeBackAsWhatTheyWere() async throws {
    let store = try RoundTripStore()
    let line = try rejected(
      .logs,
      """
      {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"relay.rtt","timeUnixNano":"1767600000000000000",\
      "attributes":[{"key":"n","value":{"doubleValue":1}},{"key":"$k","value":{"bytesValue":"AA=="}}]}]}]}]}
      """)[0]
    let path = try store.write("2026-01-05.ndjson", line)
    #expect(try await store.importFile(path).stored == 1)
    // The log has grown meanwhile: what came back already is known.
    let second = line.split(separator: "relay.rtt").joined(separator: "relay.loss")
    let grown = try store.write("grown.ndjson", line + second)
    let summary = try await store.importFile(grown)
    #expect(summary.stored == 1 && summary.deduplicated == 1 && summary.bad == 0)
    let session = try QuerySession(files: try FileList.read(store.store.directory))
    var texts: [String] = []
    _ = try session.run("SELECT e.event || ' ' || e.data || ' ' || source || ' ' || timestamp FROM events e ORDER BY 1")
    {
      texts.append($0.text(0))
      return true
    }
    let rest = "{\"n\":1.0,\"$$k\":{\"$bytes\":\"AA==\"}} relay-1 2026-01-05T08:00:00.000000Z"
    #expect(texts == ["relay.loss " + rest, "relay.rtt " + rest])
  }

  @Test func aRefusalWithoutItsRecordIsNamed() async throws {
    let store = try RoundTripStore()
    let path = try store.write(
      "2026-01-05.ndjson",
      """
      {"time":"2026-01-05T08:00:00.000000Z","door":"udp","source":"r","signal":"logs","reason":"malformed","hash":"00",\
      "length":1,"offset":0}

      """)
    let summary = try await store.importFile(path)
    #expect(summary.bad == 1 && summary.problems.first?.contains("kept nothing") == true)
  }
}
