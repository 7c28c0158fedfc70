import ArgumentParser
import Daemon
import Glibc
import Store

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take exports back; a file that was imported before adds nothing.")

  @Argument(help: ArgumentHelp("Exports: .db, .ndjson or OTLP/JSON.", valueName: "file"))
  var files: [String]

  @OptionGroup var place: PlaceArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = DataDirectory(resolved.config.dataDirectory)
    var bad = 0
    for file in files {
      let answer = try await run(file, resolved, directory)
      Output.line("\(file): \(answer.text)")
      for problem in answer.problems { Output.error(problem) }
      bad += answer.bad
    }
    if bad > 0 { throw CommandFailure(.badInput, "\(bad) lines or rows were passed over") }
  }

  /// By the daemon when one runs, for it holds the lock; else here.
  private func run(_ file: String, _ resolved: ResolvedConfig, _ directory: DataDirectory) async throws -> ImportAnswer
  {
    guard let path = realpath(file, nil) else {
      throw CommandFailure(.inputOutput, "\(file): \(String(cString: strerror(errno)))")
    }
    defer { free(path) }
    let target = "/import?path=" + ControlClient.encoded(String(cString: path))
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("POST", target)
      guard answer.status == 200 else { throw CommandFailure(.inputOutput, answer.body) }
      return try ImportAnswer(json: answer.body)
    } catch is ControlClient.Failure {
      let store: DataStore
      do throws(StoreFailure) {
        store = try DataStore(directory, resolved.config.storeOptions)
      } catch {
        throw CommandFailure(.unavailable, error.description)
      }
      defer { store.close() }
      do {
        return try ImportAnswer(json: try await Importing.run(String(cString: path), store))
      } catch let failure as CommandFailure {
        throw failure
      } catch {
        throw CommandFailure(.inputOutput, "\(error)")
      }
    }
  }
}
