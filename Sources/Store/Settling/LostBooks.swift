/// Makes the books of a salvaged landing file agree with what could be salvaged (promise 3).
struct LostBooks {
  private let target: Connection
  private let now: Int64

  init(_ target: Connection, now: Int64) {
    self.target = target
    self.now = now
  }

  /// Puts back what other tables tell about lost pages of the tallies and of `ctx`.
  func complete() throws(SQLiteError) {
    // Tallies and receipts are written together: where receipts say more, a page of tallies is an older one.
    try target.run(
      """
      INSERT INTO tally SELECT source, 'quarantine', k.kind, 'receipt', more, ?, ? FROM (
        SELECT r.source, sum(r.stored) - coalesce((SELECT sum(n) FROM tally t WHERE t.source = r.source
          AND t.kind = 'stored'), 0) AS more FROM receipt r GROUP BY 1),
        (SELECT 'received' AS kind UNION ALL SELECT 'stored') k WHERE more > 0
      """, .integer(now), .integer(now))
    try nameContexts()
  }

  /// Rows whose context is lost go to the source that misses the most; else nobody could count them.
  private func nameContexts() throws(SQLiteError) {
    let missing = try target.rows(
      "SELECT ctx, count(*) FROM event WHERE kind != 4 AND ctx NOT IN (SELECT id FROM ctx) GROUP BY 1 ORDER BY 2 DESC")
    for row in missing {
      guard case .integer(let context) = row[0] else { continue }
      let source = try target.text("SELECT source FROM (\(Self.gaps)) WHERE gone > 0 ORDER BY gone DESC LIMIT 1")
      try target.run(
        "INSERT INTO ctx VALUES (?,?,'',NULL,0,'',NULL,NULL)", .integer(context), .text(source ?? "unknown"))
    }
  }

  /// Records by source that the tallies know and the tables have not.
  private static let gaps = """
    SELECT b.source, b.n - coalesce((SELECT count(*) FROM event e JOIN ctx c ON c.id = e.ctx
      WHERE c.source = b.source AND e.kind != 4), 0) AS gone
    FROM (SELECT source, sum(n) n FROM tally WHERE kind = 'stored' GROUP BY 1) b
    """

  /// For each source: what the tallies say was stored here and is not there is `lost`; what is there without a line gets one.
  func write() throws(SQLiteError) {
    try target.run(
      "INSERT INTO tally SELECT source, 'quarantine', 'lost', 'corrupt', gone, ?, ? FROM (\(Self.gaps)) WHERE gone > 0",
      .integer(now), .integer(now))
    try target.run(
      """
      INSERT INTO tally SELECT source, 'quarantine', k.kind, '', found, ?, ? FROM (
        SELECT c.source, count(*) - coalesce((SELECT sum(n) FROM tally t WHERE t.source = c.source AND t.kind = 'stored'), 0)
          AS found FROM event e JOIN ctx c ON c.id = e.ctx WHERE e.kind != 4 GROUP BY 1),
        (SELECT 'received' AS kind UNION ALL SELECT 'stored') k WHERE found > 0
      """, .integer(now), .integer(now))
  }
}
