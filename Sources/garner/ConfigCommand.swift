import ArgumentParser
import Daemon

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check, show or begin a configuration.",
    subcommands: [Check.self, Show.self, Init.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read the configuration as serve does and name every fault; exit code 78.")

    @OptionGroup var place: PlaceArguments

    func run() throws {
      let resolved = try place.resolve(.serving)
      Output.line("\(resolved.file ?? "no file, all defaults"): ok")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show every key with its value and where that came from.")

    @OptionGroup var place: PlaceArguments
    @OptionGroup var listing: ListingArguments

    func run() throws {
      let rows = try place.resolve().listing.map { [TableValue.text($0.key), .text($0.from), .text($0.value)] }
      try listing.write(["key", "from", "value"], rows)
    }
  }

  struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a configuration file that shows every key with its default.")

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("Where to; - is the standard output. Else the place where serve looks.", valueName: "file"))
    var output: String?

    func run() throws {
      if output == "-" { return Output.bytes(Array(ConfigTemplate.text.utf8)) }
      guard let path = output ?? ConfigRequest(purpose: .reading).userFile else {
        throw CommandFailure(.usage, "neither $XDG_CONFIG_HOME nor $HOME is set; give --output")
      }
      do {
        try ConfigTemplate.write(to: path)
      } catch {
        throw CommandFailure(.inputOutput, "\(path): \(error.message)")
      }
      Output.line(path)
    }
  }
}
