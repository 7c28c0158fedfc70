import ArgumentParser
import Daemon
import Store

struct InspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show the last events, of one category or of all.")

  @Argument(help: "A category such as relay or gui.")
  var category: String?

  @Option(help: ArgumentHelp("How many.", valueName: "n"))
  var last = 20

  @Flag(help: "Go on and show what arrives.")
  var follow = false

  @Option(
    help: ArgumentHelp("Only rows of this player: an id as the game has it, or a pseudonym.", valueName: "id"))
  var player: String?

  @Flag(help: "Show the restricted classes (anti-cheat) too.")
  var restricted = false

  @OptionGroup var store: StoreArguments
  @OptionGroup var listing: ListingArguments

  func validate() throws {
    if last < 1 { throw ValidationError("--last must be at least 1") }
    if follow, listing.format == .json { throw ValidationError("--follow never ends; take --format ndjson") }
  }

  func run() async throws {
    let resolved = try store.resolve()
    let run = QueryRun(
      store: store, resolved: resolved, restricted: restricted,
      players: try player.map { try resolved.config.pseudonyms(of: $0) } ?? [],
      timeout: resolved.config.query.timeout, limit: 0)
    let columns =
      "id, timestamp, component, session_id, category, event, severity, tick, duration_us, correlation, data"
    // What comes while the first rows are listed is not missed: it comes behind this one.
    let end = follow ? try Follow.newest(try resolved.existingDirectory()) : nil
    let conditions = (end.map { ["id <= \($0)"] } ?? []) + (category == nil ? [] : ["category = :category"])
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    let newest = "SELECT \(columns) FROM telemetry_events \(filter) ORDER BY id DESC LIMIT \(last)"
    // Newest first (R135); a list that goes on has the newest at its end.
    let sql = follow ? "SELECT * FROM (\(newest)) ORDER BY id" : newest
    try run.run(sql, category.map { ["category": .text($0)] } ?? [:], listing)
    guard let end else { return }
    try await Follow(run: run, columns: columns, category: category, listing: listing).run(after: end)
  }
}
