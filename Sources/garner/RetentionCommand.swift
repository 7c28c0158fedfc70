import ArgumentParser
import Daemon
import Store
import Telemetry

struct RetentionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retention", abstract: "What is kept, and for how long.",
    subcommands: [RetentionPlanCommand.self], defaultSubcommand: RetentionPlanCommand.self)
}

struct RetentionPlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Which files go next, when and why; removes nothing.",
    discussion: """
      A line a settled file, in the order in which they go. reason: age (its class keeps it until `at`), keep (it was \
      imported to stay longer), cap (the directory is over retention.max_bytes or the disk under its reserve; `at` is when it is old enough for that), \
      nothing (it stays while there is room). A time that has passed means at the next look.
      """)

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let plan: RetentionPlan
    do throws(SQLiteError) {
      plan = try RetentionPlan.read(directory, resolved.config.storeOptions)
    } catch {
      throw CommandFailure(.inputOutput, error.description)
    }
    let columns = [
      "class", "day", "file", "rows", "bytes", "oldest_received", "newest_received", "reason", "at",
    ]
    try listing.write(columns, plan.entries.map { row($0, directory) })
  }

  private func row(_ entry: RetentionPlan.Entry, _ directory: DataDirectory) -> [TableValue] {
    let file = entry.file
    let prefix = directory.path + "/"
    let path = file.path.hasPrefix(prefix) ? String(file.path.dropFirst(prefix.count)) : file.path
    return [
      .text(file.className ?? ""), .text(file.day.map { Timestamp.text(day: $0) } ?? "late"), .text(path),
      .integer(file.rows), .integer(file.bytes), time(file.minReceived), time(file.maxReceived),
      .text(entry.reason.rawValue), entry.at.map(time) ?? .null,
    ]
  }

  private func time(_ nanoseconds: Int64) -> TableValue { .text(Timestamp.text(nanoseconds)) }
}
