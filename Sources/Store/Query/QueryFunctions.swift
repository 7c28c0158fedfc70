import CSQLite

/// `ago('1 hour')`: the timestamp of that long before the query began, written as the column `timestamp` is.
enum QueryFunctions {
  static func register(_ limits: QueryLimits, in connection: Connection) throws(SQLiteError) {
    try connection.check(
      sqlite3_create_function_v2(
        connection.handle, "ago", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
        Unmanaged.passRetained(limits).toOpaque(),
        { context, _, arguments in
          guard let limits = sqlite3_user_data(context), let argument = QueryArgument(arguments?[0]).text else {
            return
          }
          let started = Unmanaged<QueryLimits>.fromOpaque(limits).takeUnretainedValue().startedAt
          guard let span = QueryFunctions.nanoseconds(argument) else {
            let message =
              "ago: '\(String(decoding: argument, as: UTF8.self))' is no time span like '90 minutes', '2h', '7d'"
            sqlite3_result_error(context, message, -1)
            return
          }
          var text = TimestampText()
          text.set(max(0, started - min(started, span)) / 1000)
          text.withBytes { garner_result_text_copy(context, $0.baseAddress, Int64($0.count)) }
        }, nil, nil,
        { limits in
          if let limits { Unmanaged<QueryLimits>.fromOpaque(limits).release() }
        }))
  }

  private static let units: [(names: [String], nanoseconds: Int64)] = [
    (["ms", "millisecond", "milliseconds"], 1_000_000),
    (["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
    (["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (["d", "day", "days"], 86_400_000_000_000),
    (["w", "week", "weeks"], 604_800_000_000_000),
  ]

  /// `1 hour`, `90 minutes`, `2h`, `1d 12h`; nil for anything else.
  static func nanoseconds(_ text: [UInt8]) -> Int64? {
    var total: Int64 = 0
    var rest = text[...]
    func skipBlanks() { while rest.first == UInt8(ascii: " ") { rest.removeFirst() } }
    skipBlanks()
    if rest.isEmpty { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest.dropFirst(digits.count)
      guard let number = Int64(String(decoding: digits, as: UTF8.self)) else { return nil }
      skipBlanks()
      let letters = rest.prefix { (0x61...0x7a).contains($0 | 0x20) }
      rest = rest.dropFirst(letters.count)
      let name = String(decoding: letters.map { $0 | 0x20 }, as: UTF8.self)
      guard let unit = units.first(where: { $0.names.contains(name) }) else { return nil }
      // Longer than time itself is as long as time.
      let (part, isLong) = number.multipliedReportingOverflow(by: unit.nanoseconds)
      let (sum, isLonger) = total.addingReportingOverflow(isLong ? .max : part)
      total = isLonger ? .max : sum
      skipBlanks()
    }
    return total
  }
}
