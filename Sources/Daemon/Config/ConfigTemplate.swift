import Forward
import Telemetry

/// The commented file of `garner config init`, which is `config/garner.yaml`: every key with its words and its default.
package enum ConfigTemplate {
  private static let head = """
    ## Configuration of garner. Everything is optional: a line that begins with one # shows a key with its default; take
    ## the # away to change it. Found at --config, else /etc/garner/garner.yaml, else $XDG_CONFIG_HOME/garner/garner.yaml.
    ##
    ## Each key is also an environment variable that wins over the file (listen.otlp_http: GARNER_LISTEN_OTLP_HTTP; maps
    ## as JSON), and flags win over both. ${VAR} and ${VAR:-default} are replaced inside values; $$ is a dollar sign.
    ## Sizes: 512MB (10^6), 512MiB (2^20), bytes. Durations: 500ms, 30s, 10m, 2h, 7d, 8w.
    ## `garner config check` reads it and names every fault; `garner config show` says which value came from where.
    """

  package static var text: String {
    var lines = head.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var section = ""
    for key in ConfigKey.all where !key.isReserved {
      let parts = key.path.split(separator: ".").map(String.init)
      let isNested = parts.count > 1
      if isNested, parts[0] != section {
        section = parts[0]
        lines += ["", "\(section):"]
      }
      let indent = isNested ? "  " : ""
      if lines.last?.hasSuffix(":") == false || !isNested { lines.append("") }
      lines += wrapped(key.doc, "\(indent)## ")
      switch key.path {
      case "retention.classes": lines += classes.map { "\(indent)# \($0)" }
      case "destinations": lines += destinations
      default: lines.append("\(indent)# " + line(parts.dropFirst(isNested ? 1 : 0), value(key)))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A map in one line for what lies deeper.
  private static func line(_ names: ArraySlice<String>, _ value: String) -> String {
    guard names.count > 1, let name = names.first else { return "\(names.first ?? ""): \(value)" }
    return "\(name): {\(line(names.dropFirst(), value))}"
  }

  private static func value(_ key: ConfigKey) -> String {
    let text = key.defaultText
    return text.isEmpty ? "\"\"" : text
  }

  private static var classes: [String] {
    var lines = ["classes:"]
    for entry in RetentionClasses.standard.classes {
      lines += ["  \(entry.name):", "    age: \(entry.ageText)"]
      if entry.restricted { lines.append("    restricted: true") }
      guard !entry.patterns.isEmpty else { continue }
      lines.append("    match:")
      lines += entry.patterns.map { "      - \($0.configText)" }
    }
    return lines
  }

  /// Every key of a destination: those of OTLP in full, of each other type what it has besides.
  private static var destinations: [String] {
    var lines = ["# destinations:"]
    var shown: Set<String> = []
    for type in [DestinationType.otlp, .prometheus, .scrape, .loki, .file, .webhook, .clickhouse] {
      let keys = DestinationKey.all(of: type)
      lines.append("#   \(type == .otlp ? "example" : type.rawValue):")
      var section = ""
      for key in keys where shown.insert(key.path + key.doc).inserted || ["type", "endpoint"].contains(key.path) {
        let parts = key.path.split(separator: ".").map(String.init)
        if parts.count > 1, parts[0] != section { lines.append("#     \(parts[0]):") }
        section = parts.count > 1 ? parts[0] : ""
        let indent = parts.count > 1 ? "#       " : "#     "
        if type == .otlp || !["type", "endpoint"].contains(key.path) { lines += wrapped(key.doc, indent + "## ") }
        let sample =
          switch key.path {
          case "type": type.rawValue
          case "endpoint": JSONText.quoted(DestinationKey.sampleEndpoint(type))
          default: key.sample
          }
        lines += sampled("\(indent)\(parts[parts.count - 1]):", sample, indent)
      }
    }
    return lines
  }

  /// A list that is too long for one line gets a line an item.
  private static func sampled(_ name: String, _ sample: String, _ indent: String) -> [String] {
    let line = "\(name) \(sample)"
    guard line.count > 118, sample.hasPrefix("["), sample.hasSuffix("]") else { return [line] }
    return [name]
      + sample.dropFirst().dropLast().split(separator: ",").map { "\(indent)  -\($0.hasPrefix(" ") ? "" : " ")\($0)" }
  }

  /// Lines of at most 118 letters behind `mark`.
  private static func wrapped(_ text: String, _ mark: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, mark.count + line.count + word.count + 1 > 118 {
        lines.append(mark + line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [mark + line]
  }
}
