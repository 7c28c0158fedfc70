import Glibc
import TestSupport
import Testing

/// Ctrl-C ends a query wherever it is.
@Suite(.serialized) struct InterruptTests {
  /// More rows than any buffer keeps back, then: for ever more of them, or a count that never ends.
  @Test(arguments: [
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    """
    WITH RECURSIVE few(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM few WHERE i < 50000),
      n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT i FROM few UNION ALL SELECT count(*) FROM n
    """,
    """
    WITH RECURSIVE few(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM few WHERE i < 50000),
      n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT i FROM few UNION ALL SELECT count(*) FROM n, telemetry_events WHERE data LIKE '%' || i || '%'
    """,
  ])
  func aQueryEndsAtCtrlC(sql: String) async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let answer = try await daemon.post("/v1/logs", .logs(0))
    #expect(answer?.status == 200)
    #expect(await daemon.stop().status == 0)
    let query = try GarnerProcess(
      ["query", "--data-dir", folder.data, "--format", "ndjson", "--limit", "0", "--timeout", "0s", sql],
      errors: folder.fresh("query"))
    _ = try await query.lines { !$0.isEmpty }
    query.signal(SIGINT)
    let outcome = await query.end()
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(outcome.errors.contains("interrupted"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }
}
