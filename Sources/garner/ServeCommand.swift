import ArgumentParser
import Daemon

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the collector until SIGTERM.",
    discussion: "An address is HOST:PORT (IPv6 in brackets, port 0 picks one) or none.")

  @OptionGroup var place: PlaceArguments

  @Option(help: ArgumentHelp("OTLP over HTTP (127.0.0.1:4318).", valueName: "address"))
  var otlpHttp: String?

  @Option(help: ArgumentHelp("OTLP over gRPC (127.0.0.1:4317).", valueName: "address"))
  var otlpGrpc: String?

  @Option(help: ArgumentHelp("Datagrams of games (127.0.0.1:4319).", valueName: "address"))
  var udp: String?

  @Option(help: ArgumentHelp("Health, metrics and pages (127.0.0.1:4320).", valueName: "address"))
  var console: String?

  /// The addresses of this command line, for the configuration and for each reload of it.
  var flags: [ConfigRequest.Flag] {
    [
      ("listen.otlp_http", "--otlp-http", otlpHttp), ("listen.otlp_grpc", "--otlp-grpc", otlpGrpc),
      ("listen.udp", "--udp", udp), ("listen.console", "--console", console),
    ].compactMap { path, name, value in value.map { ConfigRequest.Flag(path, name, $0) } }
  }

  func run() async throws {
    let resolved = try place.resolve(.serving, flags: flags)
    let request = place.request(.serving, flags: flags)
    do {
      try await Serve(resolved, version: Version.text) { () throws(ConfigError) in try request.resolve() }.run()
    } catch let failure as Serve.Failure {
      let status: ExitStatus =
        switch failure {
        case .unavailable: .unavailable
        case .inputOutput: .inputOutput
        }
      throw CommandFailure(status, failure.description)
    }
  }
}
