import ArgumentParser
import Daemon
import Store

struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Tell the life of one trace, session, game, batch, file or record.",
    discussion: """
      ID may begin with its kind, as in game:g00294; else all kinds are tried. A batch is the key of its receipt, the hash \
      of a body that could not be read, or a row in it; a file is a data file, or what was dropped or imported, by name or \
      SHA-256; a record is a row, or the uid its sender gave it (9f3c2a0000000001:8123). Exit code 3: nobody knows it.
      """)

  @Argument(help: ArgumentHelp("What to look for.", valueName: "[kind:]id"))
  var id: String

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let events: [LifeEvent]
    do {
      events = try WhyReport.events(id, directory, config: resolved.config)
    } catch {
      throw CommandFailure(.inputOutput, "\(error)")
    }
    try listing.write(WhyReport.columns, events.map(WhyReport.row))
    if events.isEmpty { throw CommandFailure(.notEnoughData, "nothing is known of \(id)") }
  }
}
