/// Where a value was set.
package enum ConfigOrigin: Sendable, Equatable {
  case standard
  case file(path: String, line: Int)
  case environment(name: String)
  case flag(name: String)

  package var text: String {
    switch self {
    case .standard: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .environment(let name): "$\(name)"
    case .flag(let name): name
    }
  }
}

/// One thing that is wrong, and where: `/etc/garner/garner.yaml:12:3`, `$GARNER_DRAIN`, `--udp`, or nothing to point at.
package struct ConfigProblem: Sendable, Equatable {
  package var place: String?
  /// Within the file that `place` names.
  package var mark: YAMLMark?
  package var message: String

  package init(_ message: String, at place: String? = nil, _ mark: YAMLMark? = nil) {
    self.place = place
    self.mark = mark
    self.message = message
  }

  package var text: String {
    guard let place else { return message }
    return mark.map { "\(place):\($0.line):\($0.column): \(message)" } ?? "\(place): \(message)"
  }
}

/// All that is wrong with a configuration, at once; the program ends with exit code 78.
package struct ConfigError: Error, Sendable, CustomStringConvertible {
  package var problems: [ConfigProblem]

  package init(_ problems: [ConfigProblem]) { self.problems = problems }

  package var description: String { problems.map(\.text).joined(separator: "\n") }
}
