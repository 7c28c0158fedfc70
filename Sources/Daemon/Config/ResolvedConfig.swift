import Door
import Telemetry

/// A configuration and where each of its values came from.
package struct ResolvedConfig: Sendable {
  package var config: GarnerConfig
  /// The file that was read; nil: none was found.
  package var file: String?
  /// By key; what is absent has its default.
  package var origins: [String: ConfigOrigin]
  /// Sentences for the log: nothing that stops a start.
  package var warnings: [String]

  package func origin(of path: String) -> ConfigOrigin { origins[path] ?? .standard }

  /// Rules over several keys that only matter to who opens doors.
  func doorProblems(for purpose: ConfigRequest.Purpose) -> [ConfigProblem] {
    guard purpose == .serving else { return [] }
    var problems: [ConfigProblem] = []
    problems += credentialProblems() + privacyProblems() + forwardProblems()
    // UDP has ports of its own.
    let streams = doors.filter { $0.path != "listen.udp" }
    for (index, door) in streams.enumerated() {
      guard case .open(_, let port) = door.address, port != 0 else { continue }
      if let other = streams[..<index].first(where: { $0.address == door.address }) {
        let message = "`\(door.path)`: \(door.address.text) is the address of `\(other.path)` too"
        problems.append(ConfigProblem(message, at: place(door.path)))
      }
    }
    return problems
  }

  package var doors: [(path: String, address: ListenAddress)] {
    [
      ("listen.otlp_http", config.listen.otlpHTTP), ("listen.otlp_grpc", config.listen.otlpGRPC),
      ("listen.udp", config.listen.udp), ("listen.console", config.listen.console),
    ]
  }

  func place(_ path: String) -> String? {
    origins[path].map { $0.text }
  }

  /// Key, origin and value of everything, for `garner config show`.
  package var listing: [(key: String, from: String, value: String)] {
    var rows: [(String, String, String)] = []
    for key in ConfigKey.all where !key.isReserved && key.aliasOf == nil {
      let from = origin(of: key.path).text
      if key.path == "retention.classes" {
        for entry in config.retention.classes.classes {
          rows.append(("\(key.path).\(entry.name)", from, entry.configText))
        }
      } else if key.path == "retention.reserve_bytes" {
        rows.append((key.path, from, ByteSize.text(config.reserveBytes)))
      } else {
        rows.append((key.path, from, key.show(config)))
      }
    }
    return rows
  }
}
