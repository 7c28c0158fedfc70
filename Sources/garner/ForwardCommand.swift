import ArgumentParser
import Daemon
import Store

struct ForwardCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward", abstract: "Destinations: where they are, send history, pass over, pause, try.",
    subcommands: [
      ForwardStatusCommand.self, ForwardReplayCommand.self, ForwardSkipCommand.self, ForwardPauseCommand.self,
      ForwardResumeCommand.self, ForwardTestCommand.self,
    ], defaultSubcommand: ForwardStatusCommand.self)
}

/// What the commands of `forward` ask the daemon: without one there is nobody who sends.
struct ForwardQuestion {
  let client: ControlClient

  init(_ place: PlaceArguments) throws {
    client = ControlClient(path: try place.resolve().existingDirectory().controlSocket)
  }

  func ask(_ method: String, _ verb: String, _ parameters: [(String, String?)] = []) throws -> String {
    let query = parameters.compactMap { name, value in value.map { "\(name)=\(ControlClient.encoded($0))" } }
    let target = "/forward/\(verb)" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    let answer: ControlClient.Answer
    do {
      answer = try client.request(method, target)
    } catch {
      throw CommandFailure(.unavailable, "\(error); destinations are the daemon's: start `garner serve`")
    }
    switch answer.status {
    case 200: return answer.body
    case 400, 404: throw CommandFailure(.usage, try Self.field("error", of: answer.body) ?? answer.body)
    default: throw CommandFailure(.inputOutput, try Self.field("error", of: answer.body) ?? answer.body)
    }
  }

  /// A member of a JSON object, by SQLite's functions.
  static func field(_ name: String, of json: String) throws -> String? {
    let connection = try Connection(":memory:", .create)
    return try connection.text("SELECT ?1 ->> ?2", .text(json), .text("$.\(name)"))
  }
}

struct ForwardStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far each destination is, what it refused, and its last error.",
    discussion: "Exits 1 when a destination refused records or has stopped.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  private static let shown = [
    "destination", "kind", "id", "state", "lag_records", "lag_seconds", "oldest_unsent", "waiting", "sent", "retried",
    "refused", "last_error",
  ]

  func run() async throws {
    let json = try ForwardQuestion(place).ask("GET", "status")
    let connection = try Connection(":memory:", .create)
    if listing.format == .json {
      // The daemon's own text: nothing is lost on the way.
      Output.line(json.filter { $0 != "\n" })
    } else {
      let fields = Self.shown.map { name in
        // What a delay holds has a line of its own.
        name == "destination"
          ? "value ->> '$.destination' || iif(value ->> '$.delayed', ' (delayed)', '')" : "value ->> '$.\(name)'"
      }
      let rows = try connection.rows("SELECT \(fields.joined(separator: ", ")) FROM json_each(?)", .text(json))
      try listing.write(Self.shown, rows.map { $0.map(TableValue.init) })
    }
    let bad = try connection.integer(
      "SELECT count(*) FROM json_each(?) WHERE value ->> 'refused' > 0 OR value ->> 'state' = 'stopped'", .text(json))
    if bad ?? 0 > 0 { throw ExitCode(1) }
  }
}

struct ForwardReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send history to a destination, by a position of its own.",
    discussion: """
      Runs in the daemon and survives its restarts; the live position is not touched. Without --to it ends before the \
      first row that the live position has still to send. Imported rows are sent too.
      """)

  @OptionGroup var place: PlaceArguments
  @Option(help: "Name of the destination.") var destination: String?
  @OptionGroup var times: TimeArguments
  @Option(help: "Which clock: timestamp, or received (arrival).") var by = "timestamp"
  @Option(help: "Only records of this pattern (may be given several times).") var include: [String] = []
  @Flag(help: "Only what was refused.") var refused = false
  @Option(help: "With --refused: only for this reason.") var reason: String?
  @Option(help: "Records a second; 0: no limit.") var rate = 10_000
  @Flag(help: "Do not wait for the end.") var detach = false
  @Option(help: "Go on with the replay of this number, and wait for it.") var resume: Int?
  @Option(help: "End the replay of this number.") var cancel: Int?

  func run() async throws {
    if reason != nil && !refused {
      throw CommandFailure(.usage, "--reason chooses among what was refused: say --refused too")
    }
    let question = try ForwardQuestion(place)
    if let cancel {
      _ = try question.ask("POST", "cancel", [("id", String(cancel))])
      return Output.line("replay \(cancel) is cancelled")
    }
    let id: Int
    // Tries that are over: what it has stopped for counts only when it was said since.
    var tries: Int64 = 0
    if let resume {
      tries = try ReplayState(question, resume)?.retried ?? 0
      _ = try question.ask("POST", "resume-replay", [("id", String(resume))])
      id = resume
    } else {
      guard let destination else { throw CommandFailure(.usage, "--destination is missing") }
      guard by == "timestamp" || by == "received" else {
        throw CommandFailure(.usage, "--by is timestamp or received, not \(by)")
      }
      let answer = try question.ask(
        "POST", "replay",
        [
          ("destination", destination), ("from", times.from.map(String.init)), ("to", times.to.map(String.init)),
          ("by", by),
          ("include", include.isEmpty ? nil : include.joined(separator: "\n")), ("refused", refused ? "1" : nil),
          ("reason", reason), ("rate", String(rate)),
        ])
      guard let number = try ForwardQuestion.field("id", of: answer).flatMap({ Int($0) }) else {
        throw CommandFailure(.inputOutput, answer)
      }
      id = number
      if detach { return Output.line("replay \(id) has begun; `garner forward status` shows it") }
    }
    try await wait(question, id, tries)
  }

  private func wait(_ question: ForwardQuestion, _ id: Int, _ tries: Int64) async throws {
    let progress = Progress("replay \(id):", unit: "records sent")
    defer { progress.finish() }
    while true {
      guard let replay = try ReplayState(question, id) else {
        throw CommandFailure(.usage, "there is no replay \(id)")
      }
      let counts = "\(replay.sent) sent, \(replay.refused) refused"
      switch replay.state {
      case "done", "cancelled":
        progress.finish()
        Output.line("replay \(id) is \(replay.state): \(counts)")
        if replay.refused > 0 || replay.state == "cancelled" { throw ExitCode(1) }
        return
      case "paused":
        progress.finish()
        throw CommandFailure(
          .badAnswer,
          "replay \(id) is paused, \(counts): \(replay.lastError); see `garner forward status`, then "
            + "`garner forward replay --resume \(id)` or `--cancel \(id)`")
      case "stopped" where replay.retried > tries:
        progress.finish()
        throw CommandFailure(
          .badAnswer,
          "replay \(id) has stopped, \(counts): \(replay.lastError); mend that, then "
            + "`garner forward replay --resume \(id)` tries again")
      default: progress.show(replay.sent)
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

/// One line of the status.
private struct ReplayState {
  var state: String
  var sent: Int64
  var refused: Int64
  var retried: Int64
  var lastError: String

  /// Nil: there is no such replay.
  init?(_ question: ForwardQuestion, _ id: Int) throws {
    let json = try question.ask("GET", "status", [("samples", "0")])
    let connection = try Connection(":memory:", .create)
    let rows = try connection.rows(
      """
      SELECT value ->> 'state', value ->> 'sent', value ->> 'refused', value ->> 'retried', value ->> 'last_error'
      FROM json_each(?) WHERE value ->> 'kind' = 'replay' AND value ->> 'id' = ?
      """, .text(json), .integer(Int64(id)))
    guard let row = rows.first, case .text(let state) = row[0], case .integer(let sent) = row[1],
      case .integer(let refused) = row[2], case .integer(let retried) = row[3], case .text(let lastError) = row[4]
    else { return nil }
    self.state = state
    self.sent = sent
    self.refused = refused
    self.retried = retried
    self.lastError = lastError
  }
}

struct ForwardSkipCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "skip", abstract: "Pass over what a destination was not sent yet.")

  @OptionGroup var place: PlaceArguments
  @Option(help: "Name of the destination.") var destination: String
  @Flag(help: "All that is stored now.") var now = false
  @Option(
    help: ArgumentHelp("What arrived before this moment.", valueName: "T"), transform: ArgumentText.time) var to: Int64?

  func run() async throws {
    guard now != (to != nil) else { throw CommandFailure(.usage, "say --now or --to T") }
    let answer = try ForwardQuestion(place).ask(
      "POST", "skip", [("destination", destination), ("to", to.map(String.init))])
    Output.line("skipped \(try ForwardQuestion.field("skipped", of: answer) ?? "?") records")
  }
}

struct ForwardPauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Send nothing to a destination for now.")
  @OptionGroup var place: PlaceArguments
  @Argument(help: "Name of the destination.") var destination: String

  func run() async throws {
    _ = try ForwardQuestion(place).ask("POST", "pause", [("destination", destination)])
    Output.line("\(destination) is paused")
  }
}

struct ForwardResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "resume", abstract: "Go on with a paused destination.")
  @OptionGroup var place: PlaceArguments
  @Argument(help: "Name of the destination.") var destination: String

  func run() async throws {
    _ = try ForwardQuestion(place).ask("POST", "resume", [("destination", destination)])
    Output.line("\(destination) goes on")
  }
}

struct ForwardTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Ask a destination with a request without records.",
    discussion: "Exits 1 when it cannot be reached or refuses us.")
  @OptionGroup var place: PlaceArguments
  @Argument(help: "Name of the destination.") var destination: String

  func run() async throws {
    let answer = try ForwardQuestion(place).ask("POST", "test", [("destination", destination)])
    let code = try ForwardQuestion.field("answer", of: answer) ?? ""
    let words = try ForwardQuestion.field("message", of: answer) ?? ""
    let isReached = try ForwardQuestion.field("ok", of: answer) == "1"
    Output.line("\(destination): \(isReached ? "reached" : "not reached"), \(code)\(words.isEmpty ? "" : ": " + words)")
    if !isReached { throw ExitCode(1) }
  }
}
