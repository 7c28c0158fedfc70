/// `SELECT event, count(*) FROM telemetry_events WHERE timestamp >= … GROUP BY event` and its like, put so that it reads
/// the table of counts (`CountTable`) instead of rows: a million rows are then a few hundred blocks.
///
/// A statement of any other shape is left alone. What is accepted means the same by its form alone: only `event` and
/// `category` anywhere, `timestamp` only compared with a text as one condition of several that must all hold, rows only
/// counted.
enum CountStatement {
  /// The same statement over the table of counts; nil: it is not one of these.
  static func rewritten(_ sql: String, _ parameters: [String: SQLValue]) -> String? {
    let bytes = Array(sql.utf8)
    guard let tokens = SQLToken.all(bytes) else { return nil }
    var reader = Reader(tokens: tokens, parameters: parameters)
    guard let shape = reader.read() else { return nil }
    var out: [UInt8] = []
    var at = 0
    for change in shape.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      out += bytes[at..<change.range.lowerBound]
      switch change.kind {
      case .table: out += Array("\"\(CountTable.name)\"".utf8)
      case .count: out += Array("coalesce(sum(\(CountTable.rowsColumn)),0)".utf8)
      case .alias(let item):
        let name = String(decoding: bytes[item], as: UTF8.self)
        out += Array(" AS \(Tables.quoted(name))".utf8)
      }
      at = change.range.upperBound
    }
    out += bytes[at...]
    return String(decoding: out, as: UTF8.self)
  }

  struct Change {
    enum Kind {
      case table
      case count
      /// The item at this place gets its own text as a name, which it would lose by being changed.
      case alias(Range<Int>)
    }

    var kind: Kind
    var range: Range<Int>
  }

  private static let columns: Set<String> = ["event", "category"]
  private static let functions: Set<String> = [
    "ago", "date", "datetime", "strftime", "lower", "upper", "substr", "length", "instr", "round", "coalesce", "nullif",
  ]
  private static let timeFunctions: Set<String> = ["ago", "date", "datetime", "strftime"]
  private static let words: Set<String> = [
    "select", "from", "where", "and", "or", "not", "in", "is", "null", "like", "glob", "escape", "group", "by",
    "having",
    "order", "asc", "desc", "limit", "offset", "as",
  ]
  private static let comparisons: Set<String> = ["=", "==", "<", "<=", ">", ">="]
  private static let clauses: Set<String> = ["group", "having", "order", "limit"]

  private struct Reader {
    let tokens: [SQLToken]
    let parameters: [String: SQLValue]
    var changes: [Change] = []
    /// Names given in the list of results.
    var aliases: Set<String> = []
    private var at = 0

    init(tokens: [SQLToken], parameters: [String: SQLValue]) {
      self.tokens = tokens
      self.parameters = parameters
      // One semicolon may end it.
      if let last = tokens.last, last.text == ";" { end = tokens.count - 1 } else { end = tokens.count }
    }

    private let end: Int

    private func word(_ index: Int) -> String? { index < end && tokens[index].kind == .word ? tokens[index].text : nil }
    private func sign(_ index: Int) -> String? { index < end && tokens[index].kind == .sign ? tokens[index].text : nil }

    mutating func read() -> [Change]? {
      guard word(0) == "select", let from = tokens.firstIndex(where: { $0.kind == .word && $0.text == "from" }),
        word(from + 1) == "telemetry_events", from > 1
      else { return nil }
      at = 1
      guard readItems(until: from) else { return nil }
      changes.append(Change(kind: .table, range: tokens[from + 1].range))
      at = from + 2
      if at < end {
        guard let next = word(at), next == "where" || clauses.contains(next) else { return nil }
      }
      var clause = ""
      var depth = 0
      var hasTime = false
      var hasOr = false
      while at < end {
        if depth == 0, let next = word(at), next == "where" || clauses.contains(next) { clause = next }
        switch (word(at), sign(at)) {
        case ("timestamp", _):
          guard clause == "where", depth == 0, readTime() else { return nil }
          hasTime = true
          continue
        case ("or", _): hasOr = hasOr || (clause == "where" && depth == 0)
        case (_, "("): depth += 1
        case (_, ")"): depth -= 1
        default: break
        }
        if depth < 0 { return nil }
        guard readOne(mayCount: clause == "having" || clause == "order") else { return nil }
      }
      if depth != 0 || hasTime && hasOr { return nil }
      return changes.contains { if case .count = $0.kind { true } else { false } } ? changes : nil
    }

    /// One word that means the same over counts as over rows.
    private mutating func readOne(mayCount: Bool) -> Bool {
      let token = tokens[at]
      guard token.kind == .word else {
        at += 1
        return token.text != ";"
      }
      if token.text == "count" {
        guard mayCount, sign(at + 1) == "(", sign(at + 2) == "*", sign(at + 3) == ")" else { return false }
        changes.append(Change(kind: .count, range: token.range.lowerBound..<tokens[at + 3].range.upperBound))
        at += 4
        return true
      }
      at += 1
      if token.text == "select" || token.text == "from" { return false }
      if words.contains(token.text) { return true }
      return sign(at) == "("
        ? functions.contains(token.text) : columns.contains(token.text) || aliases.contains(token.text)
    }

    /// The list of results.
    private mutating func readItems(until from: Int) -> Bool {
      var depth = 0
      var start = at
      while start < from {
        var stop = start
        while stop < from && !(depth == 0 && sign(stop) == ",") {
          if sign(stop) == "(" { depth += 1 }
          if sign(stop) == ")" { depth -= 1 }
          stop += 1
        }
        if depth != 0 || stop == start { return false }
        guard readItem(start..<stop) else { return false }
        start = stop + 1
        if start == from { return false }
      }
      at = from
      return true
    }

    private mutating func readItem(_ item: Range<Int>) -> Bool {
      var last = item.upperBound
      var isNamed = false
      // `… AS name`, or `…) name`.
      if item.count > 1, let name = word(last - 1), !words.contains(name),
        word(last - 2) == "as" || sign(last - 2) == ")"
      {
        // A name that is a column too means either, by the place where it stands.
        if Views.columns("telemetry_events").contains(where: { $0.name == name }) || name == CountTable.rowsColumn {
          return false
        }
        aliases.insert(name)
        isNamed = true
        last -= word(last - 2) == "as" ? 2 : 1
      }
      let before = changes.count
      at = item.lowerBound
      while at < last {
        guard word(at) != "as", readOne(mayCount: true) else { return false }
      }
      if at != last || last == item.lowerBound { return false }
      if changes.count > before && !isNamed {
        let bytes = tokens[item.lowerBound].range.lowerBound..<tokens[last - 1].range.upperBound
        changes.append(Change(kind: .alias(bytes), range: bytes.upperBound..<bytes.upperBound))
      }
      return true
    }

    // MARK: timestamp

    /// `timestamp >= text` or `timestamp BETWEEN text AND text`, between two ANDs.
    private mutating func readTime() -> Bool {
      guard let before = word(at - 1), before == "where" || before == "and" else { return false }
      at += 1
      if word(at) == "between" {
        at += 1
        guard readText(), word(at) == "and" else { return false }
        at += 1
        guard readText() else { return false }
      } else {
        guard let comparison = sign(at), comparisons.contains(comparison) else { return false }
        at += 1
        guard readText() else { return false }
      }
      if at == end { return true }
      guard let next = word(at) else { return false }
      return next == "and" || clauses.contains(next)
    }

    /// Something that is a text or NULL whatever happens.
    private mutating func readText() -> Bool {
      guard at < end else { return false }
      switch tokens[at].kind {
      case .string:
        at += 1
        return true
      case .parameter:
        guard isText(tokens[at].text) else { return false }
        at += 1
        return true
      case .word:
        guard timeFunctions.contains(tokens[at].text), sign(at + 1) == "(" else { return false }
        at += 2
        while at < end, sign(at) != ")" {
          switch tokens[at].kind {
          case .string, .number, .parameter: at += 1
          case .sign where tokens[at].text == "," || tokens[at].text == "-": at += 1
          default: return false
          }
        }
        at += 1
        return at <= end
      case .number, .sign: return false
      }
    }

    private func isText(_ parameter: String) -> Bool {
      switch parameters[String(parameter.dropFirst())] ?? parameters[parameter] {
      case .text, .null: true
      default: false
      }
    }
  }
}
