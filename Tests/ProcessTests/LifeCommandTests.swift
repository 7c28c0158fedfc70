import Glibc
import TestSupport
import Testing

/// `sources`, `balance`, `why` and `repair`, beside a daemon and without one.
@Suite(.serialized) struct LifeCommandTests {
  private struct Running {
    let process: GarnerProcess
    let udp: String

    init(_ folder: ScratchFolder) async throws {
      process = try GarnerProcess(
        [
          "serve", "--data-dir", folder.data, "--otlp-http", "none", "--otlp-grpc", "none", "--console", "none",
          "--udp", "127.0.0.1:0",
        ], errors: folder.fresh("daemon"))
      let lines = try await process.lines { $0.contains { $0.hasPrefix("listening udp ") } }
      udp = String(lines.first { $0.hasPrefix("listening udp ") }?.dropFirst("listening udp ".count) ?? "")
    }
  }

  private static func run(_ folder: ScratchFolder, _ arguments: String...) async throws -> GarnerProcess.Outcome {
    try await GarnerProcess.run(arguments + ["--data-dir", folder.data, "--format", "ndjson"], in: folder)
  }

  @Test func aSenderOfDatagramsIsAccountedFor() async throws {
    let folder = ScratchFolder()
    let made = try await GarnerProcess.run(
      ["token", "create", "--udp", "--source", "relay-eu-1", "--data-dir", folder.data], in: folder)
    let key = try #require(made.lines.first)
    let daemon = try await Running(folder)
    let sent = try await GarnerProcess.run(
      ["send", "relay.game.start", "map=Ore", "game_module=ra1", "--game", "g1", "--to", daemon.udp, "--key", key],
      in: folder)
    #expect(sent.status == 0, "\(sent.errors)")
    // A datagram is stored some time after it was sent.
    var sources = try await Self.run(folder, "sources")
    while !sources.output.contains("\"received\":1,") { sources = try await Self.run(folder, "sources") }
    let live = try #require(sources.lines.first { $0.contains("\"relay-eu-1\"") })
    #expect(live.contains("\"door\":\"udp\"") && live.contains("\"sent\":1,") && live.contains("\"lost\":0,"))
    #expect(!live.contains("\"records_per_s\":0.0,"))
    let games = try await Self.run(folder, "query", "SELECT source, game_id, map, game_module FROM games")
    #expect(games.lines == [#"{"source":"relay-eu-1","game_id":"g1","map":"Ore","game_module":"ra1"}"#])
    for _ in 0..<2 {
      let balance = try await Self.run(folder, "balance")
      #expect(balance.status == 0 && balance.lines.count == 2, "\(balance.output)")
      #expect(balance.lines.last?.hasPrefix("{\"source\":\"*\",") == true)
      #expect(balance.lines.allSatisfy { $0.contains("\"udp_difference\":0,\"ok\":true}") })
      let why = try await Self.run(folder, "why", "game:g1")
      #expect(why.status == 0 && why.lines.first?.contains("\"step\":\"received\",\"door\":\"udp\"") == true)
      let unknown = try await Self.run(folder, "why", "game:g2")
      #expect(unknown.status == 3 && unknown.output.isEmpty)
      let repaired = try await Self.run(folder, "repair", "context")
      #expect(repaired.status == 0 && repaired.lines == [#"{"rows":0,"files":0}"#], "\(repaired.errors)")
      daemon.process.signal(SIGTERM)
      _ = await daemon.process.end()
    }
    let gone = try await Self.run(folder, "sources")
    #expect(gone.lines.first?.contains("\"records_per_s\":0.0,") == true && gone.output.contains("\"sent\":1,"))
  }
}
