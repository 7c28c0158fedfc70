import ArgumentParser
import Daemon
import Store

struct HealthcheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck", abstract: "Ask the running daemon whether it is ready; exit code 0, 1 or 69.",
    discussion: "It asks at control.sock in the data directory.")

  @Option(
    help: ArgumentHelp("How long to wait for the answer.", valueName: "duration"), transform: ArgumentText.duration)
  var timeout: Duration = .seconds(3)

  @OptionGroup var place: PlaceArguments

  func run() async throws {
    let directory = DataDirectory(try place.resolve().config.dataDirectory)
    do {
      let status = try ControlClient(path: directory.controlSocket).request("GET", "/ready", timeout: timeout)
      Output.line(status.body.filter { $0 != "\n" })
      if status.status != 200 { throw CommandFailure(.badAnswer, "the daemon is not ready") }
    } catch let failure as ControlClient.Failure {
      throw CommandFailure(.unavailable, "\(failure) (\(directory.controlSocket))")
    }
  }
}
