/// The module table of `docs/architecture.md` as code: what each room may import, its own kind and foreign ones.
///
/// A new arrow is a decision about the architecture: it is made here and in the page, in one change.
struct Room: Sendable {
  let name: String
  /// Rooms and C libraries of this repository.
  let own: Set<String>
  /// Packages; entries that end in `*` are prefixes.
  let foreign: Set<String>

  /// Parts of the standard library that touch neither files nor sockets nor clocks.
  static let language: Set<String> = ["Swift", "Synchronization", "_StringProcessing"]

  static let all: [Room] = [
    Room("Telemetry", own: [], foreign: []),
    Room("Wire", own: ["Telemetry", "COTLP", "CSnappy", "CZlib", "CZstd"], foreign: ["Glibc"]),
    Room("Store", own: ["Telemetry", "CSQLite"], foreign: ["Crypto", "Glibc"]),
    Room(
      "Door", own: ["Telemetry", "Wire"],
      foreign: ["Glibc", "FoundationEssentials", "Hummingbird*", "NIO*", "HTTPTypes", "Logging", "Crypto"]),
    Room(
      "Intake", own: ["Door", "Wire", "Telemetry"],
      foreign: [
        "Glibc", "FoundationEssentials", "Hummingbird*", "NIO*", "HTTPTypes", "Logging", "Crypto", "ServiceLifecycle",
      ]),
    Room(
      "Forward", own: ["Wire", "Telemetry"],
      foreign: ["Glibc", "FoundationEssentials", "NIO*", "Logging", "AsyncHTTPClient", "GRPC*", "Crypto"]),
    Room("Insight", own: ["Store", "Telemetry"], foreign: ["Glibc", "FoundationEssentials"]),
    Room(
      "Console", own: ["Door", "Insight", "Store", "Wire", "Telemetry"],
      foreign: ["Glibc", "FoundationEssentials", "Hummingbird*", "NIO*", "HTTPTypes", "Logging"]),
    Room(
      "Daemon",
      own: ["Intake", "Forward", "Insight", "Console", "Store", "Wire", "Door", "Telemetry", "CYAML"],
      foreign: [
        "Glibc", "FoundationEssentials", "Hummingbird*", "NIO*", "HTTPTypes", "Logging", "ServiceLifecycle",
        "UnixSignals", "Crypto",
      ]),
    Room(
      "garner", own: ["Daemon", "Store", "Wire", "Telemetry"],
      foreign: ["Glibc", "FoundationEssentials", "ArgumentParser", "Logging", "Histogram", "NIO*"]),
    Room(
      "bench", own: ["Store", "Wire", "Telemetry", "CSQLite"], foreign: ["Glibc", "FoundationEssentials"]),
  ]

  /// C, with module maps instead of imports.
  static let cLibraries: Set<String> = ["COTLP", "CSQLite", "CSnappy", "CZlib", "CZstd", "CProtobufC", "CYAML"]

  private init(_ name: String, own: Set<String>, foreign: Set<String>) {
    self.name = name
    self.own = own
    self.foreign = foreign
  }

  func mayImport(_ module: String) -> Bool {
    if own.contains(module) || foreign.contains(module) || Room.language.contains(module) { return true }
    return foreign.contains { $0.hasSuffix("*") && module.hasPrefix($0.dropLast()) }
  }
}
