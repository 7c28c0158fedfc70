import ArgumentParser
import Daemon
import Store

struct SourcesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sources", abstract: "Show who sends, what is missing of it, who went silent and who never came.",
    discussion: "Rates, clock skew and failed signatures are known to a running daemon only.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("GET", "/sources")
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
      return try listing.write(SourcesReport.columns, try rows(answer.body))
    } catch is ControlClient.Failure {
      try listing.write(SourcesReport.columns, try SourcesReport(directory, resolved.config).rows)
    }
  }

  /// SQLite's JSON functions take the daemon's answer apart.
  private func rows(_ json: String) throws -> [[TableValue]] {
    let connection = try Connection(":memory:", .create)
    let fields = SourcesReport.columns.map { "value ->> '$.\($0)'" }.joined(separator: ", ")
    return try connection.rows("SELECT \(fields) FROM json_each(?)", .text(json)).map { $0.map(TableValue.init) }
  }
}
