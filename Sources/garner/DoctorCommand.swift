import ArgumentParser
import Daemon
import Store

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what somebody should look at; exit code 1 when there is something.")

  @Flag(help: "Go on with a state.db that was damaged or lost: files may go by age again.")
  var accept = false

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    if accept { try accept(resolved, directory) }
    let findings: [Checkup.Finding]
    do throws(SQLiteError) {
      findings = try Checkup(directory).findings()
    } catch {
      throw CommandFailure(.inputOutput, "\(directory.state): \(error.message)")
    }
    try listing.write(
      ["check", "ok", "detail"], findings.map { [.text($0.check), .boolean($0.isGood), .text($0.detail)] })
    // What was set aside stays: that the rest was accepted is what was asked for.
    let isGood = findings.allSatisfy { $0.isGood || (accept && $0.check == "quarantine") }
    if !isGood { throw CommandFailure(.badAnswer) }
  }

  private func accept(_ resolved: ResolvedConfig, _ directory: DataDirectory) throws {
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("POST", "/accept")
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
    } catch is ControlClient.Failure {
      do throws(StoreFailure) {
        let store = try DataStore(directory, resolved.config.storeOptions)
        defer { store.close() }
        _ = try store.acceptState()
      } catch {
        throw CommandFailure(.unavailable, error.description)
      }
    }
  }
}
