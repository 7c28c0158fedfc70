/// The public face of every data file: `telemetry_events` (R54–R67), `spans`, `logs`, `metrics` (DESIGN §5).
///
/// Written for SQLite 3.40's planner: dictionaries are LEFT JOINed, so that unused ones fall away; `+e.ctx` keeps it from
/// driving a scan through thousands of contexts (2.95 → 0.18 s a million rows).
package enum Views {
  package static let names = ["telemetry_events", "spans", "logs", "metrics"]

  /// What `GameViews` are made of: `telemetry_events` with whose they are.
  package static let eventsName = "events"

  package static func all(table: String) -> String {
    (names + [eventsName]).map { "CREATE VIEW \($0) AS \(select($0, table: table));\n" }.joined()
      + GameViews.all.map { "CREATE VIEW \($0.name) AS \($0.sql);\n" }.joined()
  }

  /// The SELECT behind a view, over the table of rows `table` with alias `e`.
  package static func select(_ view: String, table: String) -> String {
    let columns = columns(view, table: table)
    let list = columns.map { "\($0.expression) AS \($0.name)" }.joined(separator: ",\n  ")
    let rows = rowFilter(view).map { "\nWHERE \($0)" } ?? ""
    return "SELECT \(list)\nFROM \(Tables.quoted(table)) e\n\(joins)\(rows)"
  }

  /// Which rows of `event` a view shows; nil: all.
  package static func rowFilter(_ view: String) -> String? {
    switch view {
    case "spans": "e.kind = 0"
    case "logs": "e.kind = 1"
    case "metrics": "e.kind IN (2,3)"
    default: nil
    }
  }

  /// Dictionaries by their alias; those that a later one hangs on come first.
  private static let dictionaryJoins: [(alias: String, join: String)] = [
    ("n", "LEFT JOIN name n ON n.id = e.name"),
    ("c", "LEFT JOIN ctx c ON c.id = +e.ctx"),
    ("t", "LEFT JOIN stream t ON t.id = +e.stream"),
    ("r", "LEFT JOIN resource r ON r.id = +t.resource"),
    ("s", "LEFT JOIN series s ON s.id = +e.series"),
    ("m", "LEFT JOIN metric m ON m.id = +s.metric"),
  ]

  package static let joins = dictionaryJoins.map(\.join).joined(separator: "\n")

  /// The joins whose alias `sql` names, with those they hang on: SQLite would drop the others, but only after planning them.
  static func joins(neededBy sql: String) -> String {
    var aliases: Set<UInt8> = []
    var before: (UInt8, UInt8) = (0, 0)
    for byte in sql.utf8 {
      if byte == UInt8(ascii: ".") && !isNamePart(before.0) { aliases.insert(before.1) }
      before = (before.1, byte)
    }
    if aliases.contains(UInt8(ascii: "r")) { aliases.insert(UInt8(ascii: "t")) }
    if aliases.contains(UInt8(ascii: "m")) { aliases.insert(UInt8(ascii: "s")) }
    return dictionaryJoins.filter { entry in entry.alias.utf8.first.map { aliases.contains($0) } ?? false }
      .map(\.join).joined(separator: " ")
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "$"): true
    default: false
    }
  }

  package struct Column: Sendable {
    package var name: String
    package var expression: String
    /// Declared type for virtual tables.
    package var type: String
  }

  /// `table` is where the events of a span lie: beside it.
  package static func columns(_ view: String, table: String = "event") -> [Column] {
    switch view {
    case "spans": head + spans(table) + tail
    case "logs": head + logs + tail
    case "metrics": head + metrics + tail
    case eventsName: events + [text("game_id", "c.game_id"), text("source", "c.source")]
    default: events
    }
  }

  // MARK: parts

  static func iso(_ nanoseconds: String) -> String {
    "strftime('%Y-%m-%dT%H:%M:%S', \(nanoseconds)/1000000000, 'unixepoch') || printf('.%06dZ', \(nanoseconds)/1000%1000000)"
  }

  /// Indexed on exactly this expression in `evidence` and `standard`.
  package static let correlation = "CASE WHEN e.trace IS NOT NULL THEN lower(hex(e.trace)) ELSE e.corr END"

  private static func text(_ name: String, _ expression: String) -> Column {
    Column(name: name, expression: expression, type: "TEXT")
  }

  private static func number(_ name: String, _ expression: String) -> Column {
    Column(name: name, expression: expression, type: "INTEGER")
  }

  private static let events: [Column] = [
    number("id", "e.id"),
    text("timestamp", iso("e.time")),
    text("session_id", "c.session"),
    text("component", "c.component"),
    text("game_module", "c.game_module"),
    text("mod_fingerprint", "c.mod_fingerprint"),
    text("category", "n.category"),
    text("event", "n.event"),
    text("severity", severity),
    text("data", data),
    number("duration_us", "CASE WHEN e.duration >= 0 THEN e.duration/1000 END"),
    number("tick", "e.tick"),
    text("correlation", correlation),
  ]

  static let severity =
    "CASE e.severity WHEN 2 THEN 'info' WHEN 3 THEN 'warn' WHEN 4 THEN 'error' WHEN 1 THEN 'debug' ELSE 'trace' END"

  /// `{…}` without its braces.
  private static func inside(_ json: String) -> String { "substr(\(json), 2, length(\(json)) - 2)" }

  /// The same with a comma before it, or nothing.
  private static func continued(_ json: String) -> String { "coalesce(',' || nullif(\(inside(json)), ''), '')" }

  /// Shortest of 15 or 17 digits that reads back equal, always with a fraction.
  private static let numberText = """
    CASE typeof(e.value) WHEN 'real' THEN CASE WHEN CAST(printf('%!.15g', e.value) AS REAL) = e.value \
    THEN printf('%!.15g', e.value) ELSE printf('%!.17g', e.value) END ELSE e.value END
    """

  /// Spans and logs as stored; a span event gets its `span_id`; a point is put together from series, numbers and metric.
  private static let data = """
    CASE WHEN e.kind <= 1 THEN e.data \
    WHEN e.kind = 4 THEN '{"span_id":"' || lower(hex(e.span)) || '"' || \(continued("e.data")) || '}' \
    ELSE '{' || CASE WHEN s.attributes = '{}' THEN '' ELSE \(inside("coalesce(s.moved, s.attributes)")) || ',' END \
    || CASE WHEN e.kind = 3 THEN \(inside("e.data")) || ',' \
    WHEN e.ext ->> '$.value' IS NOT NULL THEN '"value":' || (e.ext -> '$.value') || ',' \
    WHEN e.value IS NOT NULL THEN '"value":' || (\(numberText)) || ',' ELSE '' END \
    || '"metric":{' || m.json || coalesce(',"start_time_unix_nano":' || json_quote(\(UnsignedTime.start)), '') \
    || CASE WHEN e.bits >> 8 THEN ',"flags":' || ((e.bits >> 8) & 4294967295) ELSE '' END \
    || CASE WHEN e.ext IS NULL THEN '' ELSE \(continued("json_remove(e.ext, '$.value', '$.time')")) END || '}}' END
    """

  private static let head: [Column] = [
    number("id", "e.id"),
    text("timestamp", iso("e.time")),
  ]

  /// Unclamped: text of digits above 2^63.
  private static let time = "coalesce(e.ext ->> '$.time', e.time)"
  private static let traceID = "lower(hex(e.trace))"
  private static func nullable(_ hex: String, _ column: String) -> String {
    "CASE WHEN \(column) IS NOT NULL THEN \(hex) END"
  }

  private static func spans(_ table: String) -> [Column] {
    [
      number("time_unix_nano", time),
      number("duration_nano", "e.duration"),
      text("trace_id", nullable("lower(hex(e.trace))", "e.trace")),
      text("span_id", nullable("lower(hex(e.span))", "e.span")),
      text("parent_span_id", nullable("lower(hex(e.parent))", "e.parent")),
      text("trace_state", extText("trace_state")),
      number("flags", flags),
      text("name", "CASE WHEN e.bits & 128 THEN '' ELSE n.event END"),
      number("kind", "CASE WHEN (e.bits & 15) = 15 THEN e.ext ->> '$.kind' ELSE e.bits & 15 END"),
      number("status", "CASE WHEN ((e.bits >> 4) & 3) = 3 THEN e.ext ->> '$.status' ELSE (e.bits >> 4) & 3 END"),
      text("status_message", extText("status_message")),
      text("attributes", "e.data"),
      // Nested like this SQLite searches each table under `event` by id and merges: with a join beside it, it reads all
      // of a landing file for every span, and gives the events in the order of their names (CONFORMANCE TR-06).
      text(
        "events",
        """
        CASE WHEN e.bits >> 40 = 0 THEN '[]' ELSE (SELECT json_group_array(json(y.item)) FROM (SELECT x.id, \
        json_object('time_unix_nano', coalesce(x.ext ->> '$.time', x.time), 'name', CASE WHEN x.bits & 1 THEN '' \
        ELSE (SELECT xn.event FROM name xn WHERE xn.id = x.name) END, 'attributes', \
        json(CASE WHEN x.bits & 128 THEN '{' || \(merged("json_remove(x.data, '$.attributes')", "x.data -> '$.attributes'")) || '}' \
        ELSE x.data END), 'dropped_attributes_count', coalesce(x.ext ->> '$.dropped_attributes_count', 0)) AS item \
        FROM \(Tables.quoted(table)) x WHERE x.id > e.id AND x.id <= e.id + (e.bits >> 40) ORDER BY x.id) y) END
        """),
      text("links", links),
      dropped("dropped_attributes_count"),
      dropped("dropped_events_count"),
      dropped("dropped_links_count"),
    ]
  }

  /// What is empty is not stored, and shown all the same.
  private static let links: String = {
    func member(_ name: String, else empty: String) -> String {
      "'\(name)', json(coalesce(l.value -> '$.\(name)', '\(empty)'))"
    }
    let members = [
      member("trace_id", else: "\"\""), member("span_id", else: "\"\""), member("trace_state", else: "\"\""),
      member("flags", else: "0"), member("attributes", else: "{}"), member("dropped_attributes_count", else: "0"),
    ]
    return "CASE WHEN instr(e.ext, '\"links\":') THEN (SELECT json_group_array(json_object("
      + members.joined(separator: ", ") + ")) FROM json_each(e.ext, '$.links') l) ELSE '[]' END"
  }()

  /// A text of `ext`. SQLite ends one at an escaped NUL (CONFORMANCE JSON-12), so for its time that is another character.
  private static func extText(_ name: String) -> String {
    let member = "'$.\(name)'"
    let stand = #"replace(replace(e.ext, '\\', '\u005c'), '\u0000', '\udbff\udfff')"#
    return #"coalesce(CASE WHEN instr(e.ext, '\u0000') THEN "#
      + "replace(\(stand) ->> \(member), char(1114111), char(0)) ELSE e.ext ->> \(member) END, '')"
  }

  private static func dropped(_ name: String) -> Column { number(name, "coalesce(e.ext ->> '$.\(name)', 0)") }
  private static let flags = "(e.bits >> 8) & 4294967295"

  /// Members of two objects, the second possibly empty.
  private static func merged(_ first: String, _ second: String) -> String {
    "CASE WHEN \(first) = '{}' THEN \(inside(second)) ELSE \(inside(first)) || \(continued(second)) END"
  }

  private static let logs: [Column] = [
    number("time_unix_nano", "CASE WHEN e.bits & 32 THEN 0 ELSE \(time) END"),
    number("observed_time_unix_nano", "CASE WHEN e.bits & 2199023255552 THEN 0 ELSE \(UnsignedTime.observed) END"),
    text("trace_id", nullable("lower(hex(e.trace))", "e.trace")),
    text("span_id", nullable("lower(hex(e.span))", "e.span")),
    number("flags", flags),
    number("severity_number", "CASE WHEN (e.bits & 31) = 31 THEN e.ext ->> '$.severity_number' ELSE e.bits & 31 END"),
    text("severity_text", extText("severity_text")),
    text("event_name", "CASE WHEN e.bits & 1099511627776 THEN n.event ELSE '' END"),
    text("body", "e.data -> '$.body'"),
    text(
      "attributes",
      """
      CASE WHEN e.bits & 128 THEN '{' || \
      \(merged("json_remove(e.data, '$.body', '$.attributes')", "e.data -> '$.attributes'")) || '}' \
      ELSE json_remove(e.data, '$.body') END
      """),
    dropped("dropped_attributes_count"),
  ]

  private static let metrics: [Column] = [
    number("time_unix_nano", time),
    number("start_time_unix_nano", "coalesce(\(UnsignedTime.start), 0)"),
    text("name", "n.event"),
    text(
      "type",
      "CASE m.type WHEN 0 THEN 'gauge' WHEN 1 THEN 'sum' WHEN 2 THEN 'histogram' WHEN 3 THEN 'exponential_histogram' ELSE 'summary' END"
    ),
    text("unit", "m.unit"),
    text("description", "m.description"),
    text("metadata", "coalesce(m.metadata, '{}')"),
    text(
      "temporality",
      "CASE m.temporality WHEN 0 THEN 'unspecified' WHEN 1 THEN 'delta' WHEN 2 THEN 'cumulative' ELSE CAST(m.temporality AS TEXT) END"
    ),
    number("monotonic", "m.monotonic"),
    Column(name: "value", expression: "coalesce(e.ext ->> '$.value.\"$double\"', e.value)", type: ""),
    Column(name: "count", expression: "e.data ->> '$.count'", type: ""),
    Column(name: "sum", expression: distribution("sum"), type: ""),
    Column(name: "min", expression: distribution("min"), type: ""),
    Column(name: "max", expression: distribution("max"), type: ""),
    text("explicit_bounds", "e.ext -> '$.bounds'"),
    text("bucket_counts", "e.ext -> '$.counts'"),
    number("scale", "e.ext ->> '$.scale'"),
    Column(name: "zero_count", expression: "e.ext ->> '$.zero_count'", type: ""),
    Column(name: "zero_threshold", expression: "e.ext ->> '$.zero_threshold'", type: ""),
    text("positive", "e.ext -> '$.positive'"),
    text("negative", "e.ext -> '$.negative'"),
    text("quantile_values", "e.ext -> '$.quantiles'"),
    text("attributes", "s.attributes"),
    text("exemplars", "coalesce(e.ext -> '$.exemplars', '[]')"),
    number("flags", flags),
  ]

  /// A double as a number; NaN and infinities as their names.
  private static func distribution(_ name: String) -> String {
    "coalesce(e.data ->> '$.\(name).\"$double\"', e.data ->> '$.\(name)')"
  }

  private static func arrival(_ column: String) -> String {
    "(SELECT a.\(column) FROM arrival a WHERE a.first <= e.id ORDER BY a.first DESC LIMIT 1)"
  }

  private static let tail: [Column] = [
    text("component", "c.component"),
    text("session_id", "c.session"),
    text("game_module", "c.game_module"),
    text("mod_fingerprint", "c.mod_fingerprint"),
    text("resource", "r.attributes"),
    number("resource_dropped_attributes_count", "r.dropped"),
    text("resource_schema_url", "coalesce(r.schema_url, '')"),
    text("entity_refs", "coalesce(r.entity_refs, '[]')"),
    text("scope_name", "t.name"),
    text("scope_version", "t.version"),
    text("scope_attributes", "t.attributes"),
    number("scope_dropped_attributes_count", "t.dropped"),
    text("scope_schema_url", "coalesce(t.schema_url, '')"),
    text("source", "c.source"),
    text("door", arrival("door")),
    text("received", iso(arrival("at"))),
  ]
}
