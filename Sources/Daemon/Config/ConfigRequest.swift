import Glibc

/// Where a configuration comes from: a file, the environment, flags.
package struct ConfigRequest: Sendable {
  /// A value from the command line.
  package struct Flag: Sendable {
    /// `listen.udp`
    package var path: String
    /// `--udp`
    package var name: String
    package var value: String

    package init(_ path: String, _ name: String, _ value: String) {
      self.path = path
      self.name = name
      self.value = value
    }
  }

  package enum Purpose: Sendable {
    /// Doors will open: an address that is reachable without a token is refused.
    case serving
    /// Only files are read; a refused door is the daemon's trouble.
    case reading
  }

  /// `--config`; nil: the search order.
  package var file: String?
  package var flags: [Flag] = []
  package var purpose: Purpose
  package var environment: [String: String]
  package var isRoot: Bool
  /// The first place that is searched; tests have their own.
  package var systemFile = "/etc/garner/garner.yaml"

  package init(
    file: String? = nil, flags: [Flag] = [], purpose: Purpose = .reading,
    environment: [String: String] = Environment.current(), isRoot: Bool = geteuid() == 0
  ) {
    self.file = file
    self.flags = flags
    self.purpose = purpose
    self.environment = environment
    self.isRoot = isRoot
  }

  /// Reads and merges everything. Throws all problems at once.
  package func resolve() throws(ConfigError) -> ResolvedConfig {
    var merge = ConfigMerge(environment: environment)
    let file = merge.readFile(named: file, else: searchedFiles)
    merge.readEnvironment()
    for flag in flags { merge.set(flag) }
    var resolved = merge.finish(file: file)
    var problems = merge.problems
    if resolved.config.dataDirectory.isEmpty {
      if let (directory, origin) = standardDataDirectory {
        resolved.config.dataDirectory = directory
        if origin != .standard { resolved.origins["data_dir"] = origin }
      } else {
        problems.append(ConfigProblem("there is no place for data: set data_dir, --data-dir or $HOME"))
      }
    }
    if resolved.config.dataDirectory.hasPrefix("~") {
      let words = "data_dir: ~ is a shell's word for a home directory; write the whole path"
      problems.append(ConfigProblem(words, at: resolved.place("data_dir")))
    }
    problems += resolved.doorProblems(for: purpose)
    if purpose == .serving { resolved.warnings += resolved.privacyWarnings }
    guard problems.isEmpty else { throw ConfigError(problems) }
    return resolved
  }

  private var searchedFiles: [String] {
    [systemFile] + (userFolder("XDG_CONFIG_HOME", else: ".config").map { ["\($0)/garner/garner.yaml"] } ?? [])
  }

  /// Where `config init` writes: for root the system's file, else the user's.
  package var userFile: String? {
    if isRoot { return systemFile }
    return userFolder("XDG_CONFIG_HOME", else: ".config").map { "\($0)/garner/garner.yaml" }
  }

  private var standardDataDirectory: (String, ConfigOrigin)? {
    // systemd gives a list when a unit has several state directories.
    if let state = environment["STATE_DIRECTORY"]?.split(separator: ":").first {
      return (String(state), .environment(name: "STATE_DIRECTORY"))
    }
    if isRoot { return ("/var/lib/garner", .standard) }
    return userFolder("XDG_DATA_HOME", else: ".local/share").map { ("\($0)/garner", .standard) }
  }

  /// Relative values of XDG variables are to be ignored, says their specification.
  private func userFolder(_ variable: String, else standard: String) -> String? {
    if let folder = environment[variable], folder.hasPrefix("/") { return folder }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/\(standard)"
  }
}
