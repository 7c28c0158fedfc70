import ArgumentParser
import Daemon
import Glibc
import Store

struct QueryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Run one SQL query over all data files, read-only.",
    discussion: "Example: garner query \"SELECT event, count(*) FROM telemetry_events GROUP BY event\"")

  @Argument(help: "A SELECT over telemetry_events; ago('1 hour') is a timestamp.")
  var sql: String?

  @Option(help: ArgumentHelp("Read the SQL from this file; - is the standard input.", valueName: "file"))
  var file: String?

  @Option(
    help: ArgumentHelp("Longest run (30s); 0: no limit.", valueName: "duration"), transform: ArgumentText.duration)
  var timeout: Duration?

  @Option(help: ArgumentHelp("Most rows (100000); 0: no limit.", valueName: "n"))
  var limit: Int?

  @Option(
    name: .customLong("param"),
    help: ArgumentHelp("Value of :name in the SQL; may be given more than once.", valueName: "name=value"))
  var parameters: [String] = []

  @Flag(help: "Read the restricted classes (anti-cheat) too.")
  var restricted = false

  @Option(
    help: ArgumentHelp("Only rows of this player: an id as the game has it, or a pseudonym.", valueName: "id"))
  var player: String?

  @OptionGroup var store: StoreArguments
  @OptionGroup var listing: ListingArguments

  func validate() throws {
    if (sql == nil) == (file == nil) { throw ValidationError("give the SQL as an argument or by --file") }
    if let limit, limit < 0 { throw ValidationError("--limit must be 0 or more") }
  }

  func run() async throws {
    let resolved = try store.resolve()
    var values: [String: SQLValue] = [:]
    for parameter in parameters {
      let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw ValidationError("--param takes name=value, not `\(parameter)`") }
      values[String(parts[0])] = Int64(parts[1]).map { .integer($0) } ?? .text(String(parts[1]))
    }
    try QueryRun(
      store: store, resolved: resolved, restricted: restricted,
      players: try player.map { try resolved.config.pseudonyms(of: $0) } ?? [],
      timeout: timeout ?? resolved.config.query.timeout, limit: limit ?? resolved.config.query.limit
    ).run(try text(), values, listing)
  }

  private func text() throws -> String {
    if let sql { return sql }
    guard let file else { return "" }
    do throws(FileError) {
      return String(decoding: try FileSystem.read(file == "-" ? "/dev/stdin" : file), as: UTF8.self)
    } catch {
      throw CommandFailure(.inputOutput, error.description)
    }
  }
}
