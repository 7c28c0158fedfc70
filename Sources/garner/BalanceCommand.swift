import ArgumentParser
import Daemon
import Store

struct BalanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Check that every record is accounted for; exit code 1 when one is not.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let directory = try place.resolve().existingDirectory()
    let books: Books
    do {
      books = try Books.read(directory, countFiles: true)
    } catch {
      throw CommandFailure(.inputOutput, "\(error)")
    }
    let columns = [
      "source", "received", "stored", "rejected", "filtered", "sampled", "deduplicated", "present", "pruned", "cleared",
      "erased", "lost_files", "unexplained",
    ]
    try listing.write(columns, books.accounts.map(row))
    for path in books.unreadable { Output.error("cannot be read: \(path)") }
    if books.balances { return }
    throw CommandFailure(.badAnswer, "the books do not balance")
  }

  private func row(_ account: Books.Account) -> [TableValue] {
    let numbers = [
      account.received, account.stored, account.rejected, account.filtered, account.sampled, account.deduplicated,
      account.present, account.pruned, account.cleared, account.erased, account.lost,
      abs(account.unexplainedIntake) + abs(account.unexplainedStore),
    ]
    return [.text(account.source)] + numbers.map { .integer($0) }
  }
}
