import Forward

extension ResolvedConfig {
  /// Destinations that may not be: raw ids to another machine, or ourselves.
  func forwardProblems() -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    for entry in config.destinations {
      for endpoint in [entry.endpoint] + entry.endpoints.values.sorted() {
        guard let address = EndpointAddress(endpoint) else { continue }
        if !address.isLoopback && config.privacy.policy == .none && !entry.allowUnprotected {
          let message =
            "`destinations.\(entry.name)`: \(address.host) is another machine and privacy.policy is none, so players could "
            + "be known there; set privacy.policy: default, or allow_unprotected: true when that is meant"
          problems.append(ConfigProblem(message, at: place("destinations")))
        }
        for door in doors where address.isLoopback && door.path != "listen.udp" {
          guard case .open(_, let port) = door.address, port != 0, port == address.port else { continue }
          let message = "`destinations.\(entry.name)`: \(endpoint) is our own `\(door.path)`"
          problems.append(ConfigProblem(message, at: place("destinations")))
        }
      }
    }
    return problems
  }
}
