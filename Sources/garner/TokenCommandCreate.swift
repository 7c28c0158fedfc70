import ArgumentParser
import Daemon
import Store

struct TokenCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make a token and show it once; or, with --udp, a key that signs datagrams.",
    discussion: """
      The secret is the only line on the standard output; only its hash is kept. Two live tokens of one source are a \
      rotation: make the second, hand it out, revoke the first.
      """)

  @OptionGroup var place: PlaceArguments

  @Option(help: "ingest (send records), read (see them), admin (change things), or relay: ingest from another Garner.")
  var scope = "ingest"

  @Option(help: "Source of all that is sent with it.")
  var source: String

  @Option(help: ArgumentHelp("Of traces, metrics and logs, with commas between them; else all.", valueName: "list"))
  var signals: String?

  @Option(help: ArgumentHelp("When it ends: a time, a date, or in how long: 90d, 12h. Else never.", valueName: "when"))
  var expires: String?

  @Option(name: .customLong("records-per-s"), help: ArgumentHelp("Records a second; 0: no limit.", valueName: "n"))
  var recordsPerSecond: Int64 = 0

  @Option(name: .customLong("bytes-per-s"), help: ArgumentHelp("Bytes a second; 0: no limit.", valueName: "n"))
  var bytesPerSecond: Int64 = 0

  @Option(help: "Whose word it is: server, player or ci.")
  var audience = "server"

  @Option(help: ArgumentHelp("An attribute that each record must have; may be given again.", valueName: "key"))
  var require: [String] = []

  @Option(help: ArgumentHelp("Id of the key for pseudonyms; else the active one.", valueName: "id"))
  var pseudonymKey: String?

  @Flag(help: "A key for datagrams instead of a token; printed as KEY_ID:HEX.")
  var udp = false

  @Option(help: "With --udp: component of events that name none.")
  var component: String?

  func validate() throws {
    if udp, signals != nil || !require.isEmpty || scope != "ingest" {
      throw ValidationError("--udp goes with neither --scope, --signals nor --require")
    }
    if !udp, component != nil { throw ValidationError("--component needs --udp") }
  }

  func run() throws {
    var request = Tokens.Request()
    request.scope = scope
    request.source = source
    request.signals = signals?.split(separator: ",").map { String($0.filter { $0 != " " }) }
    request.expires = try expires.map(moment)
    request.recordsPerSecond = recordsPerSecond
    request.bytesPerSecond = bytesPerSecond
    request.audience = audience
    request.require = require
    request.pseudonymKey = pseudonymKey
    request.component = component
    let tokens = Tokens(try place.resolve().config)
    let wanted = request
    if let warning = tokens.warning(wanted) { Output.error("warning: \(warning)") }
    Output.line(
      try TokenFailure.mapped { () throws(Tokens.Failure) in
        udp ? try tokens.createUDPKey(wanted) : try tokens.createToken(wanted)
      })
    Output.error("this is shown once; the daemon takes it within a second")
  }

  /// Durations count from now.
  private func moment(_ text: String) throws -> Int64 {
    let now = FileSystem.now()
    if let duration = try? DurationText.nanoseconds(text) { return now.addingReportingOverflow(duration).partialValue }
    do throws(ValueFault) {
      return try TimeArgument.parse(text, now: now)
    } catch {
      throw CommandFailure(.usage, "--expires: \(error.message)")
    }
  }
}
