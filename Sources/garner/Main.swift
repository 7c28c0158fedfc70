import ArgumentParser
import Daemon
import Glibc

@main enum Main {
  /// SQL may begin with a comment, which the parser would take for an option.
  private static var arguments: [String] {
    CommandLine.arguments.dropFirst().map { argument in
      argument.hasPrefix("--") && argument.dropFirst(2).first?.isWhitespace == true ? " " + argument : argument
    }
  }

  /// The parser's own exit codes are mapped: a usage error is 2 here, not 64.
  static func main() async {
    do {
      var command = try Garner.parseAsRoot(arguments)
      if var waiting = command as? any AsyncParsableCommand { try await waiting.run() } else { try command.run() }
    } catch let failure as CommandFailure {
      if let message = failure.message { Output.error("garner: \(message)") }
      exit(failure.status.rawValue)
    } catch let error as ConfigError {
      Output.error(error.description)
      exit(ExitStatus.configuration.rawValue)
    } catch {
      let code = Garner.exitCode(for: error)
      let text = Garner.fullMessage(for: error)
      if !text.isEmpty {
        if code == .success { Output.line(text) } else { Output.error(text) }
      }
      exit(code == .validationFailure ? ExitStatus.usage.rawValue : code.rawValue)
    }
  }
}
