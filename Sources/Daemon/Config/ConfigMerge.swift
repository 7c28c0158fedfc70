/// Gathers what file, environment and flags say, then fills a configuration from it, key by key.
struct ConfigMerge {
  /// What one source says of one key.
  private struct Setting {
    var node: YAMLNode
    var origin: ConfigOrigin
  }

  private let environment: [String: String]
  private var settings: [String: Setting] = [:]
  private var warnings: [String] = []
  private(set) var problems: [ConfigProblem] = []

  init(environment: [String: String]) { self.environment = environment }

  /// Returns the path of the file that was read; nil when there is none, which is fine unless one was asked for.
  mutating func readFile(named wanted: String?, else searched: [String]) -> String? {
    for path in wanted.map({ [$0] }) ?? searched {
      switch ConfigFile.read(path) {
      case .text(let bytes):
        readTree(bytes, of: path)
        return path
      case .missing where wanted == nil: continue
      case .missing: problems.append(ConfigProblem("there is no such file", at: path))
      case .failed(let reason): problems.append(ConfigProblem("cannot be read: \(reason)", at: path))
      }
    }
    return nil
  }

  private mutating func readTree(_ bytes: [UInt8], of path: String) {
    let (root, faults) = YAMLParser.parse(bytes)
    problems += faults.map { ConfigProblem($0.message, at: path, $0.mark) }
    guard let root else { return }
    var unset: [ConfigFault] = []
    let expanded = Interpolation.expand(root, environment, &unset)
    problems += unset.map { ConfigProblem($0.message, at: path, $0.mark) }
    walk(expanded, under: "", of: path)
  }

  /// Assigns the leaves below `prefix` (empty or with a dot at the end).
  private mutating func walk(_ node: YAMLNode, under prefix: String, of file: String) {
    if node.isNull { return }
    guard case .mapping(let entries) = node.content else {
      let section = prefix.isEmpty ? "the file" : "`\(prefix.dropLast())`"
      let message = "\(section) must be a map of keys, found \(node.kindName)"
      problems.append(ConfigProblem(message, at: file, node.mark))
      return
    }
    for entry in entries {
      let path = prefix + entry.name
      if !entry.name.contains("."), ConfigKey.all.contains(where: { $0.path == path }) {
        if entry.value.isNull { continue }
        settings[path] = Setting(node: entry.value, origin: .file(path: file, line: entry.mark?.line ?? 0))
      } else if !entry.name.contains("."), ConfigKey.all.contains(where: { $0.path.hasPrefix(path + ".") }) {
        walk(entry.value, under: path + ".", of: file)
      } else {
        problems.append(ConfigProblem(ConfigMerge.unknown(path), at: file, entry.mark))
      }
    }
  }

  private static func unknown(_ path: String) -> String {
    let known = ConfigKey.all.filter { !$0.isReserved }.map(\.path)
    if known.contains(path), let dot = path.firstIndex(of: ".") {
      return "unknown key `\(path)`; write `\(path[path.index(after: dot)...])` under `\(path[..<dot])`"
    }
    // A key in the wrong section, then a misspelt one, then a misspelt section.
    let last = path.split(separator: ".").last ?? ""
    let sections = Set(known.compactMap { $0.contains(".") ? $0.split(separator: ".").first.map(String.init) : nil })
    let near =
      known.first { $0.hasSuffix(".\(last)") } ?? NearestName.find(path, among: known)
      ?? NearestName.find(path, among: sections.sorted())
    return "unknown key `\(path)`" + (near.map { "; did you mean `\($0)`?" } ?? "")
  }

  /// An empty variable is as good as none: compose files pass on what their caller has not set.
  mutating func readEnvironment() {
    for key in ConfigKey.all {
      guard let value = environment[key.environmentName], !value.isEmpty else { continue }
      let origin = ConfigOrigin.environment(name: key.environmentName)
      set(key, value, from: origin, isText: false)
    }
    let known = Set(ConfigKey.all.map(\.environmentName))
    for name in environment.keys.sorted() where name.hasPrefix("GARNER_") && !known.contains(name) {
      // Kubernetes gives every pod such variables for a service that is called garner.
      if name.hasPrefix("GARNER_SERVICE_") || name == "GARNER_PORT" || name.hasPrefix("GARNER_PORT_") { continue }
      let near = NearestName.find(name, among: known.sorted())
      warnings.append("$\(name) is no key and was ignored" + (near.map { "; did you mean $\($0)?" } ?? ""))
    }
  }

  mutating func set(_ flag: ConfigRequest.Flag) {
    guard let key = ConfigKey.all.first(where: { $0.path == flag.path }) else { return }
    set(key, flag.value, from: .flag(name: flag.name), isText: true)
  }

  /// Maps and lists come as JSON, which is YAML; a single value is taken as it is, so that `[::1]:4318` is an address.
  private mutating func set(_ key: ConfigKey, _ text: String, from origin: ConfigOrigin, isText: Bool) {
    var node = YAMLNode(.scalar(text, plain: true))
    if !isText, key.takesTree {
      let (root, faults) = YAMLParser.parse(text)
      problems += faults.map { ConfigProblem($0.message, at: origin.text, $0.mark) }
      guard let root else { return }
      node = root
    }
    settings[key.path] = Setting(node: node, origin: origin)
  }

  /// Fills a configuration from what was gathered. Problems are added to `problems`, those of the file in its order.
  mutating func finish(file: String?) -> ResolvedConfig {
    var config = GarnerConfig()
    var origins: [String: ConfigOrigin] = [:]
    for key in ConfigKey.all {
      guard let setting = settings[key.path] else { continue }
      if let target = key.aliasOf, let other = settings[target], key.collides(other.node) {
        if other.origin.rank > setting.origin.rank { continue }
        if other.origin.rank == setting.origin.rank {
          let before = key.show(config)
          apply(key, setting, to: &config)
          origins[key.path] = setting.origin
          if key.show(config) != before {
            let message =
              "`\(key.path)` is another name of what `\(target)` says at \(other.origin.text); keep one of them"
            problems.append(problem(message, in: setting, nil))
          }
          continue
        }
      }
      apply(key, setting, to: &config)
      origins[key.path] = setting.origin
      if let target = key.aliasOf { origins[target] = setting.origin }
    }
    let inFile = problems.filter { $0.mark != nil && $0.place == file }
    let elsewhere = problems.filter { $0.mark == nil || $0.place != file }
    problems = inFile.sorted { ($0.mark?.line ?? 0, $0.mark?.column ?? 0) < ($1.mark?.line ?? 0, $1.mark?.column ?? 0) }
    problems += elsewhere
    return ResolvedConfig(config: config, file: file, origins: origins, warnings: warnings)
  }

  private mutating func apply(_ key: ConfigKey, _ setting: Setting, to config: inout GarnerConfig) {
    var faults: [ConfigFault] = []
    key.apply(setting.node, &config, &faults)
    for fault in faults {
      // A reserved key names itself; all others are named here, once.
      let message = key.isReserved ? fault.message : "`\(key.path)`: \(fault.message)"
      problems.append(problem(message, in: setting, fault.mark))
    }
  }

  /// The origin of a file ends in the line of the key; the problem names the place of the value.
  private func problem(_ message: String, in setting: Setting, _ mark: YAMLMark?) -> ConfigProblem {
    guard case .file(let path, _) = setting.origin else { return ConfigProblem(message, at: setting.origin.text) }
    return ConfigProblem(message, at: path, mark ?? setting.node.mark)
  }
}

extension ConfigOrigin {
  /// Flags over environment over file.
  var rank: Int {
    switch self {
    case .standard: 0
    case .file: 1
    case .environment: 2
    case .flag: 3
    }
  }
}
