import Store

/// What an import says of one file, from the JSON of `Importing`; SQLite's JSON functions take it apart.
struct ImportAnswer {
  var text: String
  var problems: [String]
  var bad: Int

  /// What the daemon says of a file that it cannot import.
  static func error(json: String) throws -> String {
    try Connection(":memory:", .create).text("SELECT ?1 ->> 'error'", .text(json)) ?? json
  }

  init(json: String) throws {
    let connection = try Connection(":memory:", .create)
    let numbers = try connection.rows(
      """
      SELECT ?1 ->> 'received', ?1 ->> 'stored', ?1 ->> 'deduplicated', ?1 ->> 'rejected', ?1 ->> 'bad'
      """, .text(json))
    let values = (numbers.first ?? []).map { value -> Int64 in
      if case .integer(let number) = value { number } else { 0 }
    }
    guard values.count == 5 else { throw CommandFailure(.software, "the answer to an import cannot be read") }
    text =
      "\(values[0]) records: \(values[1]) stored, \(values[2]) known already, \(values[3]) rejected, \(values[4]) bad lines"
    bad = Int(values[4])
    problems = try connection.rows("SELECT value FROM json_each(?, '$.problems')", .text(json)).compactMap { row in
      if case .text(let problem)? = row.first { problem } else { nil }
    }
  }
}
