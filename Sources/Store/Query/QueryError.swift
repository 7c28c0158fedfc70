/// Why a query gave no answer, or stopped before its end.
package enum QueryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// SQLite does not understand the text; `offset` counts its bytes.
  case syntax(message: String, offset: Int?)
  /// The authorizer said no: only reading is allowed here.
  case notAllowed(String)
  /// More than one statement in one text.
  case severalStatements
  case missingParameter(String)
  case unknownParameter(String)
  case timedOut(seconds: Double)
  case interrupted
  /// A data file was settled or pruned since the list was made. `afterRows` false: nothing was delivered yet, so the
  /// caller may take a new list and run the query again.
  case filesChanged(path: String, afterRows: Bool)
  /// The statement failed while it ran (malformed JSON, a value too long …).
  case failed(String)
  /// The database given cannot be read at all.
  case unreadable(String)

  package var description: String {
    switch self {
    case .syntax(let message, _): message
    case .notAllowed(let what): "\(what) is not allowed: a query may only read"
    case .severalStatements: "more than one statement: run them one by one"
    case .missingParameter(let name): "no value for the parameter \(name)"
    case .unknownParameter(let name): "the query has no parameter \(name)"
    case .timedOut(let seconds): "stopped after \(seconds) s, the time limit"
    case .interrupted: "interrupted"
    case .filesChanged(let path, _): "\(path) was settled or removed while the query ran; run it again"
    case .failed(let message): message
    case .unreadable(let message): message
    }
  }

  /// Line and column of a syntax error in `sql`, both from 1; columns count characters.
  package func position(in sql: String) -> (line: Int, column: Int)? {
    guard case .syntax(_, let offset?) = self, offset >= 0, offset <= sql.utf8.count else { return nil }
    let before = sql.utf8.prefix(offset)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let tail = before.lastIndex(of: UInt8(ascii: "\n")).map { before[before.index(after: $0)...] } ?? before[...]
    return (line, String(decoding: tail, as: UTF8.self).count + 1)
  }
}
