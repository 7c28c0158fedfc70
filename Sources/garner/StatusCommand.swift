import ArgumentParser
import Daemon
import Store

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What is stored, what arrives, what was refused.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let json: String
    do {
      // The daemon knows rates and queues; without one the files still tell the rest.
      let answer = try ControlClient(path: directory.controlSocket).request("GET", "/status")
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
      json = answer.body
    } catch is ControlClient.Failure {
      let report = StatusReport(directory: directory, options: resolved.config.storeOptions)
      json = try report.json(version: Version.text)
    }
    switch listing.format {
    case .json, .ndjson: Output.line(json.last == "\n" ? String(json.dropLast()) : json)
    case .table, .csv: try StatusTable(json).write(listing)
    }
  }
}
