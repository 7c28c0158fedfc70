import ArgumentParser
import Daemon
import Glibc

struct SendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send events over UDP, from the command line or line by line from standard input.",
    discussion: """
      garner send demo.hit unit="Mammoth Mk.III" dmg=40
      garner send --stdin --key 7:HEX < events.ndjson
      garner send --probe --key 7:HEX
      Values that are JSON numbers, true, false or null are sent as such, all others as text.
      """)

  @Argument(help: ArgumentHelp("Name of the event.", valueName: "event")) var event: String?
  @Argument(help: ArgumentHelp("Its fields.", valueName: "key=value")) var fields: [String] = []
  @Option(
    help: ArgumentHelp("Where the door is.", valueName: "host:port"),
    transform: { text in
      do throws(ValueFault) { return try ListenAddress(parsing: text) } catch { throw ValidationError(error.message) }
    }) var to = ListenAddress.open(host: "127.0.0.1", port: 4319)
  @Option(help: ArgumentHelp("Sign with this key; better in $GARNER_UDP_KEY, unseen by ps.", valueName: "id:hex"))
  var key: String?
  @Option(help: "Source to name where nothing is signed.") var source: String?
  @Option(help: "Game of the events.") var game: String?
  @Option(help: "Component of the events.") var component: String?
  @Option(help: "trace, debug, info, warn or error.") var severity: String?
  @Option(help: "Tick of the event.") var tick: Int64?
  @Flag(help: "Read events from standard input: a JSON object a line.") var stdin = false
  @Flag(help: "Ask the door for its time instead; needs a key.") var probe = false

  func validate() throws {
    let ways = [event != nil, stdin, probe].count { $0 }
    guard ways == 1 else { throw ValidationError("give an event, or --stdin, or --probe") }
    for field in fields where (field.firstIndex(of: "=") ?? field.startIndex) == field.startIndex {
      throw ValidationError("`\(field)` is no key=value")
    }
    if let severity, !["trace", "debug", "info", "warn", "error"].contains(severity) {
      throw ValidationError("--severity \(severity): it is one of trace, debug, info, warn, error")
    }
  }

  func run() async throws {
    let secret = key ?? getenv("GARNER_UDP_KEY").map { String(cString: $0) }
    do {
      var sender = try EventSender.open(to: to, key: secret, source: source, context: context)
      if probe { return try ask(sender) }
      // What is no event is told, and the others are sent.
      var bad = 0
      if stdin {
        var number = 0
        while let line = readLine() {
          number += 1
          if line.allSatisfy(\.isWhitespace) { continue }
          if let problem = EventSender.problem(Array(line.utf8)) {
            Output.error("line \(number): \(problem)")
            bad += 1
          } else {
            try sender.add(Array(line.utf8))
          }
        }
      } else if let problem = EventSender.problem(Array(text.utf8)) {
        throw CommandFailure(.badInput, problem)
      } else {
        try sender.add(Array(text.utf8))
      }
      try sender.finish()
      if bad > 0 { throw CommandFailure(.badInput, "\(bad) lines were passed over") }
    } catch let failure as EventSender.Failure {
      throw CommandFailure(failure.isUsage ? .usage : .unavailable, failure.description)
    }
  }

  private func ask(_ sender: borrowing EventSender) throws {
    guard let echo = try sender.probe(timeout: .seconds(3)) else {
      throw CommandFailure(.unavailable, "no answer: the door is closed, the way blocked, or the key unknown there")
    }
    Output.line("round trip \(echo.roundTrip) us, its clock is \(echo.offset) us ahead")
  }

  private var context: String {
    var members: [String] = []
    if let game { members.append("\"game_id\":\(JSONText.quoted(game))") }
    if let component { members.append("\"component\":\(JSONText.quoted(component))") }
    return members.isEmpty ? "" : "{\(members.joined(separator: ","))}"
  }

  private var text: String {
    var members = ["\"e\":\(JSONText.quoted(event ?? ""))"]
    if let tick { members.append("\"k\":\(tick)") }
    if let severity { members.append("\"s\":\(JSONText.quoted(severity))") }
    let values = fields.map { field in
      let equals = field.firstIndex(of: "=") ?? field.endIndex
      return "\(JSONText.quoted(String(field[..<equals]))):\(Self.json(String(field[field.index(after: equals)...])))"
    }
    if !values.isEmpty { members.append("\"d\":{\(values.joined(separator: ","))}") }
    return "{\(members.joined(separator: ","))}"
  }

  private static func json(_ text: String) -> String {
    switch text {
    case "true", "false", "null": return text
    default:
      let isPlain = text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d || $0 == 0x2e }
      if Int64(text).map(String.init) == text { return text }
      if isPlain, let number = Double(text), number.isFinite, number.description == text { return text }
      return JSONText.quoted(text)
    }
  }
}
