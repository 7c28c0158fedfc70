import TestSupport
import Testing

/// `garner retention plan` in each format, beside a daemon and without one.
@Suite(.serialized) struct RetentionPlanCommandTests {
  private static func plan(_ folder: ScratchFolder, _ arguments: String...) async throws -> GarnerProcess.Outcome {
    try await GarnerProcess.run(["retention", "plan", "--data-dir", folder.data] + arguments, in: folder)
  }

  private static func settled() async throws -> ScratchFolder {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let answer = try await daemon.post("/v1/logs", .logs(0))
    #expect(answer?.status == 200)
    let settled = try await UnixSocket.request("POST /settle", at: folder.data + "/control.sock")
    #expect(settled.hasPrefix("HTTP/1.1 200"))
    #expect(await daemon.stop().status == 0)
    return folder
  }

  @Test func showsWhatGoesNextInEveryFormat() async throws {
    let folder = try await Self.settled()
    let columns = ["class", "day", "file", "rows", "bytes", "oldest_received", "newest_received", "reason", "at"]
    let csv = try await Self.plan(folder, "--format", "csv")
    #expect(csv.status == 0, "\(csv.errors)")
    #expect(csv.lines.first == columns.joined(separator: ","))
    #expect(csv.lines.count > 4 && csv.lines.dropFirst().allSatisfy { $0.contains(",age,") })
    // The class with the shortest life first.
    #expect(csv.lines[1].hasPrefix("firehose,") && csv.lines.last?.hasPrefix("evidence,") == true)
    let ndjson = try await Self.plan(folder, "--format", "ndjson")
    #expect(ndjson.lines.count == csv.lines.count - 1)
    #expect(ndjson.lines.allSatisfy { $0.hasPrefix("{\"class\":") && $0.contains("\"file\":\"shards/") })
    let json = try await Self.plan(folder, "--format", "json")
    #expect(json.output.hasPrefix("[") && json.output.contains("\"reason\":\"age\""))
    let table = try await Self.plan(folder)
    #expect(table.status == 0 && table.lines.count > csv.lines.count - 1, "\(table.output)")
    #expect(table.output.contains("firehose") && table.output.contains("evidence"))
  }

  @Test func aSmallCapTakesTheBulkFirst() async throws {
    let folder = try await Self.settled()
    let file = folder.write("small.yaml", "retention:\n  max_bytes: 1MiB\n  min_age: 0s\n")
    let plan = try await Self.plan(folder, "--config", file, "--format", "csv")
    #expect(plan.status == 0, "\(plan.errors)")
    #expect(plan.lines[1].hasPrefix("firehose,") && plan.lines[1].contains(",cap,"))
  }

  @Test func saysWhenThereIsNoData() async throws {
    let folder = ScratchFolder()
    let plan = try await Self.plan(folder)
    #expect(plan.status == 69 || plan.status == 74)
    #expect(plan.errors.contains(folder.data))
  }
}
