import ArgumentParser
import Daemon
import Store

struct RepairCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair", abstract: "Put right what could not be known in time.",
    subcommands: [RepairContextCommand.self])
}

struct RepairContextCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "context",
    abstract: "Give settled rows the game module and mod of their game or session, where its start came late.",
    discussion: "Files with such rows are rewritten; what a row says itself, or was given before, stays.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    try repair(resolved, try resolved.existingDirectory()).write(listing)
  }

  private func repair(_ resolved: ResolvedConfig, _ directory: DataDirectory) throws -> RewriteAnswer {
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("POST", "/repair/context")
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
      return try RewriteAnswer(json: answer.body)
    } catch is ControlClient.Failure {
      do throws(StoreFailure) {
        let store = try DataStore(directory, resolved.config.storeOptions)
        defer { store.close() }
        let outcome = try store.repairContext()
        return RewriteAnswer(rows: outcome.rows, files: outcome.files)
      } catch {
        throw CommandFailure(.unavailable, error.description)
      }
    }
  }
}
