import Telemetry

/// What became of imported files. `received = stored + rejected + filtered + deduplicated`, as in the books.
package struct ImportSummary: Sendable, Equatable {
  package var received = 0
  package var stored = 0
  package var rejected = 0
  package var filtered = 0
  package var deduplicated = 0
  /// Lines and rows that are nothing we know; the others went on.
  package var bad = 0
  /// The first of them, with their place: `FILE:LINE (byte N): why`.
  package var problems: [String] = []
  private static let problemLimit = 100
  /// All of its records had identities of their own.
  var isExport = true

  package init() {}

  mutating func add(_ receipt: Receipt) {
    received += receipt.received
    stored += receipt.stored
    rejected += receipt.rejected
    filtered += receipt.filtered
    deduplicated += receipt.deduplicated
  }

  /// Something that the operator should know and that keeps nothing out.
  mutating func note(_ warning: String) { problems.insert("warning: " + warning, at: 0) }

  mutating func addBad(_ problem: String) {
    bad += 1
    if problems.count < Self.problemLimit { problems.append(problem) }
  }
}

/// How far an import has come.
package struct ImportProgress: Sendable {
  /// Records that the store has answered for.
  package var records: Int
  /// Of the file, 0 to 1.
  package var fraction: Double
}
