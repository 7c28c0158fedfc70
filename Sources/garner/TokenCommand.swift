import ArgumentParser
import Daemon

struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Say who may come in: tokens of senders and readers, keys that sign datagrams.",
    discussion: "Works with and without a running daemon, which notices a change within a second.",
    subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

struct TokenListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show all tokens and UDP keys, without their secrets.")

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func run() throws {
    let columns = [
      "kind", "id", "scope", "source", "signals", "state", "created", "expires", "revoked", "records_per_s",
      "bytes_per_s", "audience", "require", "trusted", "component", "pseudonym_key",
    ]
    let tokens = Tokens(try place.resolve().config)
    let entries = try TokenFailure.mapped { () throws(Tokens.Failure) in try tokens.list() }
    try listing.write(columns, entries.map(row))
  }

  private func row(_ entry: Tokens.Entry) -> [TableValue] {
    [
      .text(entry.kind), .text(entry.id), .text(entry.scope), .text(entry.source), .text(entry.signals),
      .text(entry.state), .text(entry.created), optional(entry.expires), optional(entry.revoked),
      .integer(entry.recordsPerSecond), .integer(entry.bytesPerSecond), .text(entry.audience), .text(entry.require),
      .boolean(entry.isTrusted), optional(entry.component), optional(entry.pseudonymKey),
    ]
  }

  private func optional(_ text: String?) -> TableValue { text.map { .text($0) } ?? .null }
}

struct TokenRevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "End a token or a UDP key for good.")

  @OptionGroup var place: PlaceArguments

  @Argument(help: "Eight hexadecimal digits of a token, or the number of a UDP key.")
  var id: String

  func run() throws {
    let tokens = Tokens(try place.resolve().config)
    try TokenFailure.mapped { () throws(Tokens.Failure) in try tokens.revoke(id) }
    Output.error("revoked \(id)")
  }
}

/// What went wrong with the files, as an exit code.
enum TokenFailure {
  static func mapped<Result>(_ work: () throws(Tokens.Failure) -> Result) throws -> Result {
    do throws(Tokens.Failure) {
      return try work()
    } catch {
      switch error {
      case .usage(let text): throw CommandFailure(.usage, text)
      case .unknown(let text): throw CommandFailure(.notEnoughData, text)
      case .file(let text): throw CommandFailure(.configuration, text)
      }
    }
  }
}
