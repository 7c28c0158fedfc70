import ArgumentParser
import Daemon
import Store

struct BalanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Check that every record is accounted for; exit code 1 when one is not.",
    discussion: "The last row, *, is the sum over all sources.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let report: BalanceReport
    do {
      report = try BalanceReport(directory, config: resolved.config)
    } catch {
      throw CommandFailure(.inputOutput, "\(error)")
    }
    try listing.write(BalanceReport.columns, report.rows)
    for path in report.unreadable { Output.error("cannot be read: \(path)") }
    for sentence in report.forward { Output.error(sentence) }
    DamageNotice(directory).send(report.unreadable)
    if report.isBalanced { return }
    throw CommandFailure(.badAnswer, "the books do not balance")
  }
}
