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
  private static let more = [
    "type", "endpoint", "lag_exact", "skipped", "pruned_unsent", "duplicate", "held_bytes", "position", "restricted",
    "advice", "refused_by",
  ]

  func run() async throws {
    let json = try ForwardQuestion(place).ask("GET", "status")
    let columns = (listing.format == .json) ? Self.shown + Self.more : Self.shown
    let connection = try Connection(":memory:", .create)
    let fields = columns.map { name in
      switch name {
      // Kept as JSON: a truth value and a list.
      case "lag_exact", "restricted": "json_extract(value, '$.\(name)')"
      case "refused_by": "value -> '$.\(name)'"
      default: "value ->> '$.\(name)'"
      }
    }
    let rows = try connection.rows("SELECT \(fields.joined(separator: ", ")) FROM json_each(?)", .text(json))
    if listing.format == .json {
      // The daemon's own text: nothing is lost on the way.
      Output.line(json.filter { $0 != "\n" })
    } else {
      try listing.write(columns, rows.map { $0.map(TableValue.init) })
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
    let question = try ForwardQuestion(place)
    if let cancel {
      _ = try question.ask("POST", "cancel", [("id", String(cancel))])
      return Output.line("replay \(cancel) is cancelled")
    }
    let id: Int
    if let resume {
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
    try await wait(question, id)
  }

  private func wait(_ question: ForwardQuestion, _ id: Int) async throws {
    let progress = Progress("replay \(id):", unit: "records sent")
    defer { progress.finish() }
    while true {
      let json = try question.ask("GET", "status")
      let connection = try Connection(":memory:", .create)
      let rows = try connection.rows(
        """
        SELECT value ->> 'state', value ->> 'sent', value ->> 'refused' FROM json_each(?) WHERE value ->> 'kind' = 'replay' AND value ->> 'id' = ?
        """, .text(json), .integer(Int64(id)))
      guard let row = rows.first, case .text(let state) = row[0], case .integer(let sent) = row[1],
        case .integer(let refused) = row[2]
      else { throw CommandFailure(.usage, "there is no replay \(id)") }
      if state == "done" || state == "cancelled" {
        progress.finish()
        Output.line("replay \(id) is \(state): \(sent) sent, \(refused) refused")
        if refused > 0 || state == "cancelled" { throw ExitCode(1) }
        return
      }
      progress.show(sent)
      try await Task.sleep(for: .milliseconds(200))
    }
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
