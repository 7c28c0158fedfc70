/// Comparison that the planner may hand to a virtual table.
enum QueryOperation: Hashable {
  case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual, like, glob

  var sql: String {
    switch self {
    case .equal: "="
    case .notEqual: "<>"
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .less: "<"
    case .lessOrEqual: "<="
    case .like: "LIKE"
    case .glob: "GLOB"
    }
  }

  var isPattern: Bool { self == .like || self == .glob }
}

/// One of the public views as a virtual table over all data files: its columns, and what a comparison on each of them
/// lets a file leave out.
struct QueryTable {
  enum Role {
    case id
    /// Text of `e.time`; made outside of the file, see `TimestampText`.
    case timestamp
    /// A column of the dictionary `name`: few entries, so a comparison is solved there first.
    case name(String)
    /// A column of the dictionary `ctx`.
    case context(String)
    /// A trace id or the sender's own correlation text.
    case correlation
    /// A trace id only.
    case trace
    /// A column of eight bytes shown in hexadecimal.
    case spanID(String)
    /// Row time as a number: `e.time` bounds it on both sides, or from below only.
    case nanoseconds(bothSides: Bool)
    /// The file compares the column's expression with numbers.
    case number
    /// The file compares the column's expression with texts.
    case text
    /// Compared by SQLite alone.
    case opaque
  }

  let view: String
  let columns: [Views.Column]
  let roles: [Role]

  init(view: String) {
    self.view = view
    columns = Views.columns(view)
    roles = columns.map { Self.role(of: $0, in: view) }
  }

  /// What `sqlite3_declare_vtab` is told.
  var declaration: String {
    "CREATE TABLE x(" + columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ") + ")"
  }

  var timestampColumn: Int { 1 }

  private static func role(of column: Views.Column, in view: String) -> Role {
    switch column.name {
    case "id": .id
    case "timestamp": .timestamp
    case "category": .name("category")
    case "event": .name("event")
    case "name": .name("event")
    case "session_id": .context("session")
    case "game_id": .context("game_id")
    case "component", "game_module", "mod_fingerprint", "source": .context(column.name)
    case "correlation": .correlation
    case "trace_id": .trace
    case "span_id": .spanID("span")
    case "parent_span_id": .spanID("parent")
    case "time_unix_nano": .nanoseconds(bothSides: view != "logs")
    case "duration_us", "tick", "duration_nano", "kind", "status", "severity_number", "observed_time_unix_nano",
      "start_time_unix_nano", "flags", "monotonic":
      .number
    case "severity", "type", "unit", "temporality", "scope_name", "scope_version", "severity_text", "event_name",
      "status_message", "trace_state":
      .text
    default: .opaque
    }
  }

  /// Whether a file can do something with `operation` on a column of this role; `isList`: with a whole IN list at once.
  static func accepts(_ role: Role, _ operation: QueryOperation, isList: Bool) -> Bool {
    if isList && operation != .equal { return false }
    switch role {
    case .id: return !isList && !operation.isPattern && operation != .notEqual
    case .number: return !operation.isPattern && operation != .notEqual
    case .timestamp: return !isList && operation != .notEqual
    case .nanoseconds(let bothSides):
      if bothSides { return !isList && !operation.isPattern && operation != .notEqual }
      return operation == .greater || operation == .greaterOrEqual
    case .name: return true
    case .context, .text: return operation != .notEqual
    case .correlation, .trace, .spanID: return operation == .equal
    case .opaque: return false
    }
  }

  /// Texts compare byte by byte in a file; another collation stays with SQLite.
  static func comparesText(_ role: Role) -> Bool {
    switch role {
    case .id, .number, .nanoseconds, .opaque: false
    default: true
    }
  }
}
