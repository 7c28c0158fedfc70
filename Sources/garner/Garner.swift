import ArgumentParser
import Daemon

struct Garner: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "garner",
    abstract: "A local-first OpenTelemetry collector for games: one schema, plain SQLite files, on your own disk.",
    discussion: """
      Times (T) are 2027-03-01T18:30:00Z, 2027-03-01 (UTC), or how long ago: 30m, 2h, 7d.
      Exit codes: 0 done, 1 the answer is bad, 2 usage, 3 not enough data, 65 bad input or SQL, 69 unavailable, \
      74 input/output, 78 configuration.
      """,
    version: Version.text,
    subcommands: [
      ServeCommand.self, StatusCommand.self, InspectCommand.self, QueryCommand.self, ExportCommand.self,
      ImportCommand.self, ClearCommand.self, SourcesCommand.self, BalanceCommand.self, WhyCommand.self,
      RepairCommand.self, RetentionCommand.self, ConfigCommand.self, TokenCommand.self, PrivacyCommand.self,
      ForwardCommand.self,
      HealthcheckCommand.self, DoctorCommand.self, LoadCommand.self, SendCommand.self, AnalyticsCommand.self,
    ])
}

/// The names of the game that this schema comes from: `ic analytics status`.
struct AnalyticsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analytics", abstract: "Other names of status, inspect, export, clear and query.",
    subcommands: [
      StatusCommand.self, InspectCommand.self, ExportCommand.self, ClearCommand.self, QueryCommand.self,
    ])
}
