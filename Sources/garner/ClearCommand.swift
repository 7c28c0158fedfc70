import ArgumentParser
import Daemon
import Glibc
import Store

struct ClearCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear", abstract: "Remove records: all, those before a time, or those of a category.")

  @Option(
    help: ArgumentHelp(
      "Only what happened before T. Unlike in retention, the time of the event counts.", valueName: "T"),
    transform: ArgumentText.time)
  var before: Int64?

  @Option(help: "Only this category.")
  var category: String?

  @Flag(help: "Do it without asking.")
  var yes = false

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let clearing = Clearing(before: before, category: category)
    if !yes {
      let count = try clearing.count(directory)
      if count.rows == 0 { return try RewriteAnswer(rows: 0, files: 0).write(listing) }
      guard isatty(STDIN_FILENO) == 1 else {
        throw CommandFailure(.usage, "\(count.rows) rows would go; say --yes to clear them without a question")
      }
      Output.error("\(count.rows) rows in \(count.files) files go for ever. Clear them? [y/N]")
      guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
        throw CommandFailure(.badAnswer, "nothing was cleared")
      }
    }
    try clear(clearing, resolved, directory).write(listing)
  }

  private func clear(
    _ clearing: Clearing, _ resolved: ResolvedConfig, _ directory: DataDirectory
  ) throws -> RewriteAnswer {
    var target = "/clear?"
    if let before { target += "before=\(before)&" }
    if let category { target += "category=\(ControlClient.encoded(category))" }
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("POST", target)
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
      return try RewriteAnswer(json: answer.body)
    } catch is ControlClient.Failure {
      do throws(StoreFailure) {
        let store = try DataStore(directory, resolved.config.storeOptions)
        defer { store.close() }
        let outcome = try store.clear(clearing)
        return RewriteAnswer(rows: outcome.rows, files: outcome.files)
      } catch {
        throw CommandFailure(.unavailable, error.description)
      }
    }
  }
}
