import ArgumentParser
import Daemon
import Store

struct PrivacyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "privacy", abstract: "Look for what privacy should have kept out.",
    subcommands: [PrivacyCheckCommand.self])
}

struct PrivacyCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Dry-run the privacy policy on the newest rows; exit code 1 when it finds any.",
    discussion: "Shows rule, place and how often, never a value. Rows stay as they are.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  @Option(
    help: ArgumentHelp(
      "Take the policy of this configuration file instead, e.g. one that is to be introduced.", valueName: "file"))
  var policy: String?

  @Option(help: ArgumentHelp("How many rows.", valueName: "n"))
  var last = 10_000

  func validate() throws {
    if last < 1 { throw ValidationError("--last must be at least 1") }
  }

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    let wanted = try policy.map { try ConfigRequest(file: $0, flags: [], purpose: .reading).resolve() } ?? resolved
    var check = PrivacyCheck(wanted.config, last: last) { () throws(SQLiteError) in
      try FileList.read(directory)
    }
    let answer: PrivacyCheck.Answer
    do {
      answer = try check.run()
    } catch {
      throw CommandFailure(.inputOutput, "\(error)")
    }
    for warning in answer.warnings { Output.error("warning: \(warning)") }
    let rows = answer.findings.map { finding -> [TableValue] in
      [.text(finding.rule), .text(finding.place), .integer(Int64(finding.count))]
    }
    try listing.write(["rule", "where", "count"], rows)
    if answer.findings.isEmpty { return }
    throw CommandFailure(.badAnswer, "\(answer.records) records were read, and privacy finds something in them")
  }
}
