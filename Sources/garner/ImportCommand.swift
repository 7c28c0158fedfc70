import ArgumentParser
import Daemon
import Glibc
import Store

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take exports back; a file that was imported before adds nothing.")

  @Argument(help: ArgumentHelp("Exports: .db, NDJSON, OTLP/JSON or CSV, plain, in gzip or zstd.", valueName: "file"))
  var files: [String]

  @Option(help: "Source of the records, instead of what each says.")
  var source: String?

  @Option(
    name: .customLong("attr"),
    help: ArgumentHelp(
      "An attribute of all records that have none of this name; may be repeated.", valueName: "key=value"))
  var attributes: [String] = []

  @Option(
    help: ArgumentHelp(
      "Age takes nothing that this import adds before so much time has passed, whatever its class says (90d).",
      valueName: "duration"), transform: ArgumentText.duration)
  var keep: Duration?

  @Flag(help: "Also what was imported or dropped before.")
  var again = false

  @OptionGroup var place: PlaceArguments

  func validate() throws {
    if let source, let rule = Importing.rule(against: source) {
      throw ValidationError("--source \(source): a source is \(rule)")
    }
    for attribute in attributes where attribute.firstIndex(of: "=") ?? attribute.startIndex == attribute.startIndex {
      throw ValidationError("--attr \(attribute): it must be key=value")
    }
  }

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
    let sidecar = Importing.sidecar(source: source, attributes: attributes)
    let keep = keep.map(\.nanoseconds)
    let target =
      "/import?path=" + ControlClient.encoded(String(cString: path)) + (again ? "&again=1" : "")
      + (keep.map { "&keep=\($0)" } ?? "") + "&sidecar="
      + ControlClient.encoded(sidecar)
    do {
      let answer = try ControlClient(path: directory.controlSocket).request("POST", target)
      guard answer.status == 200 else {
        throw CommandFailure(answer.status == 400 ? .badInput : .inputOutput, try ImportAnswer.error(json: answer.body))
      }
      return try ImportAnswer(json: answer.body)
    } catch is ControlClient.Failure {
      let store: DataStore
      do throws(StoreFailure) {
        store = try DataStore(directory, resolved.config.storeOptions)
      } catch {
        throw CommandFailure(.unavailable, error.description)
      }
      defer { store.close() }
      let shown = ImportProgressLine()
      defer { shown.finish() }
      do {
        let options = try Importing.options(sidecar: sidecar, again: again, keep: keep, resolved.config)
        return try ImportAnswer(
          json: try await Importing.run(String(cString: path), store, options) { shown.show($0) })
      } catch let failure as CommandFailure {
        throw failure
      } catch let error as ImportError where error.kind != .storage {
        throw CommandFailure(.badInput, "\(error)")
      } catch let error as ConfigError {
        throw error
      } catch {
        throw CommandFailure(.inputOutput, "\(error)")
      }
    }
  }
}
