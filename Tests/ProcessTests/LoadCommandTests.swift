import TestSupport
import Testing

/// `garner load` against the real daemon.
@Suite(.serialized) struct LoadCommandTests {
  @Test(arguments: [
    ["--encoding", "protobuf"], ["--encoding", "json"], ["--gzip"], ["--rate", "100000"], ["--protocol", "grpc"],
    ["--protocol", "grpc", "--gzip"],
  ])
  func everyRecordItCountsIsStored(options: [String]) async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder, ["--otlp-grpc", "127.0.0.1:0"])
    // 1,000 is no multiple of the batch: the last request is a short one.
    let load = try await GarnerProcess.run(
      [
        "load", "--data-dir", folder.data, "--signal", "mixed", "--connections", "3", "--batch", "60", "--records",
        "1000", "--classes", "4", "--days", "3", "--format", "ndjson",
      ] + options, in: folder)
    #expect(load.status == 0, "\(load.errors)")
    #expect(load.output.contains("\"records\":1000,"))
    #expect(load.output.contains("\"refused\":0,"))
    let count = try await GarnerProcess.run(
      [
        "query", "--data-dir", folder.data, "--restricted", "--format", "ndjson",
        "SELECT count(*) AS n FROM telemetry_events",
      ], in: folder)
    #expect(count.output == "{\"n\":1000}\n", "\(count.errors)")
    #expect(await daemon.stop().status == 0)
  }

  // Over HTTP a status of HTTP, over gRPC one of gRPC.
  @Test(arguments: [("http", 413), ("grpc", 8)])
  func endsWithOneWhenSomethingIsRefused(_ way: String, _ status: Int) async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(
      folder, ["--otlp-grpc", "127.0.0.1:0"], environment: ["GARNER_LIMITS_BODY_BYTES=1024"])
    let load = try await GarnerProcess.run(
      [
        "load", "--data-dir", folder.data, "--protocol", way, "--connections", "1", "--records", "512", "--format",
        "ndjson",
      ], in: folder)
    #expect(load.status == 1)
    #expect(load.output.contains("\"refusals\":\"\(status): 1\""), "\(load.output)")
    #expect(load.errors.contains("\(status): "))
    #expect(await daemon.stop().status == 0)
  }

  @Test(arguments: [
    ["--url", "http://192.0.2.1:4318"], ["--url", "ftp://127.0.0.1"], ["--connections", "0"], ["--batch", "0"],
    ["--classes", "9"], ["--seconds", "0"], ["--rate", "-1"],
    ["--protocol", "grpc", "--encoding", "json"], ["--protocol", "smoke"],
  ])
  func refusesAnOrderThatCannotBeMeant(options: [String]) async throws {
    let folder = ScratchFolder()
    let load = try await GarnerProcess.run(["load", "--records", "1"] + options, in: folder)
    #expect(load.status == 2, "\(load.errors)")
  }
}
