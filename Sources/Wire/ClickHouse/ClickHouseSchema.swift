/// The tables of the Collector's exporter in SQL, attributes as maps of texts.
///
/// Every table remembers its last insertions (`non_replicated_deduplication_window`): without that a request that is
/// sent again, because its answer was lost, would be stored again.
package enum ClickHouseSchema {
  /// Statements to be sent one after the other; what is there already stays. `ttl` in seconds; 0: rows stay.
  package static func create(database: String, names: ClickHouseNames = ClickHouseNames(), ttl: Int64 = 0) -> [String] {
    ["CREATE DATABASE IF NOT EXISTS \(quoted(database))"]
      + ClickHouseTable.allCases.map { table(database, $0, names, ttl) }
      + [traceTimes(database, names, ttl), traceTimesView(database, names)]
  }

  /// Answered with a line a column: name, tab, type, tab, more.
  package static func describe(database: String, table: String) -> String {
    "DESCRIBE TABLE \(quoted(database)).\(quoted(table)) FORMAT TabSeparated"
  }

  package static func described(_ answer: [UInt8]) -> [(name: String, type: String)] {
    answer.split(separator: 0x0a).compactMap { line in
      let fields = line.split(separator: 0x09, maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count >= 2 else { return nil }
      return (unescaped(fields[0]), unescaped(fields[1]))
    }
  }

  /// To be followed by a newline and the lines, or sent as the parameter `query`.
  package static func insert(database: String, table: String) -> String {
    "INSERT INTO \(quoted(database)).\(quoted(table)) FORMAT JSONEachRow"
  }

  /// Settings that an insertion needs: times are texts with a zone, and only an insertion that is not put together with
  /// others by the server is known again by its token.
  package static func settings(token: String) -> [(name: String, value: String)] {
    [
      ("async_insert", "0"), ("date_time_input_format", "best_effort"), ("insert_deduplication_token", token),
    ]
  }

  /// `insert_deduplication_token`: the same for the same records of a table.
  package static func token(store: String, destination: String, _ ids: ClosedRange<Int64>, table: String) -> String {
    "\(store):\(destination):\(ids.lowerBound)-\(ids.upperBound):\(table)"
  }

  static func quoted(_ name: String) -> String {
    var text = "`"
    for character in name {
      if character == "`" || character == "\\" { text.append("\\") }
      text.append(character)
    }
    return text + "`"
  }

  /// Quotes in types come escaped.
  private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in field {
      if byte == UInt8(ascii: "\\") && !isEscaped {
        isEscaped = true
      } else {
        bytes.append(byte)
        isEscaped = false
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: tables

  private static func table(
    _ database: String, _ table: ClickHouseTable, _ names: ClickHouseNames, _ ttl: Int64
  ) -> String {
    var lines = ClickHouseField.fields(of: table).map { field in
      "  \(quoted(field.column.name)) \(field.type)" + (field.codec.map { " CODEC(\($0))" } ?? "")
    }
    let time: String
    let order: String
    switch table {
    case .logs:
      lines.append("  TimestampTime DateTime DEFAULT toDateTime(Timestamp)")
      lines += [filter("idx_trace_id", "TraceId", "0.001")]
      lines += mapFilters("res", "ResourceAttributes") + mapFilters("scope", "ScopeAttributes")
      lines += mapFilters("log", "LogAttributes")
      lines.append("  INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8")
      time = "TimestampTime"
      order = "PRIMARY KEY (ServiceName, TimestampTime)\nORDER BY (ServiceName, TimestampTime, Timestamp)"
    case .traces:
      lines += [filter("idx_trace_id", "TraceId", "0.001")]
      lines += mapFilters("res", "ResourceAttributes") + mapFilters("span", "SpanAttributes")
      lines.append("  INDEX idx_duration Duration TYPE minmax GRANULARITY 1")
      time = "Timestamp"
      order = "ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"
    default:
      lines += mapFilters("res", "ResourceAttributes") + mapFilters("scope", "ScopeAttributes")
      lines += mapFilters("attr", "Attributes")
      time = "TimeUnix"
      order = "ORDER BY (ServiceName, MetricName, Attributes, toUnixTimestamp64Nano(TimeUnix))"
    }
    return """
      CREATE TABLE IF NOT EXISTS \(quoted(database)).\(quoted(names[table])) (
      \(lines.joined(separator: ",\n"))
      ) ENGINE = MergeTree
      PARTITION BY toDate(\(time))
      \(order)
      \(end(time, ttl))
      """
  }

  private static func filter(_ name: String, _ expression: String, _ rate: String) -> String {
    "  INDEX \(name) \(expression) TYPE bloom_filter(\(rate)) GRANULARITY 1"
  }

  private static func mapFilters(_ name: String, _ column: String) -> [String] {
    let stem = name == "attr" ? "idx_attr" : "idx_\(name)_attr"
    return [
      filter("\(stem)_key", "mapKeys(\(column))", "0.01"), filter("\(stem)_value", "mapValues(\(column))", "0.01"),
    ]
  }

  private static func end(_ time: String, _ ttl: Int64) -> String {
    (ttl > 0 ? "TTL toDateTime(\(time)) + toIntervalSecond(\(ttl))\n" : "")
      + "SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000"
  }

  private static func traceTimes(_ database: String, _ names: ClickHouseNames, _ ttl: Int64) -> String {
    """
    CREATE TABLE IF NOT EXISTS \(quoted(database)).\(quoted(names.traceTimes)) (
      TraceId String CODEC(ZSTD(1)),
      Start DateTime CODEC(Delta, ZSTD(1)),
      End DateTime CODEC(Delta, ZSTD(1)),
    \(filter("idx_trace_id", "TraceId", "0.01"))
    ) ENGINE = MergeTree
    PARTITION BY toDate(Start)
    ORDER BY (TraceId, Start)
    \(end("Start", ttl))
    """
  }

  private static func traceTimesView(_ database: String, _ names: ClickHouseNames) -> String {
    """
    CREATE MATERIALIZED VIEW IF NOT EXISTS \(quoted(database)).\(quoted(names.traceTimesView))
    TO \(quoted(database)).\(quoted(names.traceTimes))
    AS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
    FROM \(quoted(database)).\(quoted(names[.traces]))
    WHERE TraceId != ''
    GROUP BY TraceId
    """
  }
}
