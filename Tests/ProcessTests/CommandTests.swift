import Glibc
import TestSupport
import Testing

/// Commands on a data directory, beside a daemon and without one.
@Suite(.serialized) struct CommandTests {
  /// A directory with the records of two bodies, and no daemon.
  private static func filled() async throws -> ScratchFolder {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    for number in 0..<2 {
      let answer = try await daemon.post("/v1/logs", .logs(number))
      #expect(answer?.status == 200)
    }
    #expect(await daemon.stop().status == 0)
    return folder
  }

  private static func query(_ folder: ScratchFolder, _ arguments: String...) async throws -> GarnerProcess.Outcome {
    try await GarnerProcess.run(["query", "--data-dir", folder.data, "--format", "ndjson"] + arguments, in: folder)
  }

  @Test func healthcheckSaysWhetherADaemonIsReady() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let ready = try await GarnerProcess.run(["healthcheck", "--data-dir", folder.data], in: folder)
    #expect(ready.status == 0, "\(ready.errors)")
    #expect(await daemon.stop().status == 0)
    let gone = try await GarnerProcess.run(["healthcheck", "--data-dir", folder.data], in: folder)
    #expect(gone.status == 69 && gone.errors.contains("control.sock"))
  }

  @Test func healthcheckSaysThatAKilledDaemonIsGone() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    _ = await daemon.kill()
    let gone = try await GarnerProcess.run(["healthcheck", "--data-dir", folder.data], in: folder)
    #expect(gone.status == 69)
  }

  @Test func queryCountsOverAllFiles() async throws {
    let folder = try await Self.filled()
    let outcome = try await Self.query(
      folder, "SELECT event, count(*) AS n FROM telemetry_events GROUP BY 1 ORDER BY 1")
    #expect(outcome.status == 0)
    #expect(
      outcome.lines == LoadBody.events.sorted().map { "{\"event\":\"\($0)\",\"n\":6}" })
  }

  @Test(arguments: [
    "DELETE FROM telemetry_events", "DROP VIEW telemetry_events", "CREATE TABLE t(a)", "ATTACH '/tmp/garner-x.db' AS x",
    "PRAGMA writable_schema=1", "INSERT INTO telemetry_events(event) VALUES('x')",
    "SELECT load_extension('x')", "SELECT 1; DELETE FROM telemetry_events", "VACUUM", "SELEC 1",
  ])
  func queryRefusesWhatIsNotOneQuestion(sql: String) async throws {
    let folder = try await Self.filled()
    let outcome = try await Self.query(folder, sql)
    #expect(outcome.status == 65, "\(outcome.output) \(outcome.errors)")
    #expect(!outcome.errors.isEmpty)
    let count = try await Self.query(folder, "SELECT count(*) AS n FROM telemetry_events")
    #expect(count.output == "{\"n\":24}\n")
  }

  @Test func queryStopsAtItsRowLimit() async throws {
    let folder = try await Self.filled()
    let outcome = try await Self.query(folder, "--limit", "5", "SELECT id FROM telemetry_events")
    #expect(outcome.status == 0 && outcome.lines.count == 5)
    #expect(outcome.errors.contains("--limit 0"))
  }

  @Test func queryStopsAtItsTimeLimit() async throws {
    let folder = try await Self.filled()
    let outcome = try await Self.query(
      folder, "--timeout", "200ms",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, telemetry_events")
    #expect(outcome.status == 65)
    #expect(!outcome.errors.isEmpty)
  }

  @Test func clearTakesWhatIsOldAndTheBooksSayIt() async throws {
    for running in [true, false] {
      let folder = try await Self.filled()
      let daemon = running ? try await GarnerDaemon.start(folder) : nil
      let asked = try await GarnerProcess.run(["clear", "--data-dir", folder.data, "--before", "36h"], in: folder)
      #expect(asked.status == 2 && asked.errors.contains("--yes"))
      let cleared = try await GarnerProcess.run(
        ["clear", "--data-dir", folder.data, "--before", "36h", "--yes", "--format", "ndjson"], in: folder)
      #expect(cleared.status == 0, "\(cleared.errors)")
      #expect(cleared.output.contains("\"rows\":8"))
      let left = try await Self.query(folder, "SELECT count(*) AS n FROM telemetry_events")
      #expect(left.output == "{\"n\":16}\n")
      let books = try await GarnerProcess.run(["balance", "--data-dir", folder.data], in: folder)
      #expect(books.status == 0, "\(books.output)")
      if let daemon { #expect(await daemon.stop().status == 0) }
    }
  }

  @Test func commandsSayWhenThereIsNoData() async throws {
    let folder = ScratchFolder()
    for command in [["query", "SELECT 1"], ["balance"], ["status"], ["clear", "--yes"]] {
      let outcome = try await GarnerProcess.run(command + ["--data-dir", folder.data], in: folder)
      #expect(outcome.status != 0 && outcome.status < 128)
      #expect(outcome.errors.contains(folder.data), "\(command): \(outcome.errors)")
    }
    #expect(access(folder.data, F_OK) != 0)
  }

  @Test func aWrongOptionEndsWith2() async throws {
    let folder = ScratchFolder()
    let outcome = try await GarnerProcess.run(["query", "--nonsense"], in: folder)
    #expect(outcome.status == 2 && !outcome.errors.isEmpty)
  }
}
