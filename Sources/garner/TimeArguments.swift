import ArgumentParser
import Daemon
import Glibc

/// A span of time: from the first moment on, up to but without the second.
struct TimeArguments: ParsableArguments {
  @Option(
    name: [.customLong("from"), .customLong("since")],
    help: ArgumentHelp("First moment, a time or how long ago.", valueName: "T"), transform: ArgumentText.time)
  var from: Int64?

  @Option(
    name: [.customLong("to"), .customLong("until")],
    help: ArgumentHelp("The moment to stop before.", valueName: "T"), transform: ArgumentText.time)
  var to: Int64?

  func validate() throws {
    if let from, let to, from >= to { throw ValidationError("--from must be before --to") }
  }
}

/// Texts of the command line as values; what is thrown is a usage error.
enum ArgumentText {
  /// Nanoseconds since 1970.
  @Sendable static func time(_ text: String) throws -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let moment = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    return try usage { () throws(ValueFault) in try TimeArgument.parse(text, now: moment) }
  }

  @Sendable static func duration(_ text: String) throws -> Duration {
    try usage { () throws(ValueFault) in try DurationText.parse(text) }
  }

  private static func usage<Value>(_ parse: () throws(ValueFault) -> Value) throws -> Value {
    do throws(ValueFault) {
      return try parse()
    } catch {
      throw ValidationError(error.message)
    }
  }
}
