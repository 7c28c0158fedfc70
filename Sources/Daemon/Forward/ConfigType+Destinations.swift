import Forward
import Telemetry

extension ConfigType where Value == Bool {
  static let flag = ConfigType(
    "true or false", plainOnly: true,
    parse: { text throws(ValueFault) in
      switch text {
      case "true", "yes", "on": return true
      case "false", "no", "off": return false
      default: throw ValueFault("`\(text)` is neither true nor false")
      }
    }, show: { $0 ? "true" : "false" })
}

extension ConfigType where Value == [String: String] {
  static let texts = map { JSONText.quoted($0) }
  /// Values may be secrets: shown is only whether they are the same.
  static let hiddenTexts = map { value in
    let hash = value.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return JSONText.quoted("(hidden " + String(hash % 0x1_0000, radix: 16) + ")")
  }

  private static func map(_ shown: @escaping @Sendable (String) -> String) -> ConfigType {
    ConfigType(
      "map of texts",
      read: { node, _, faults in
        guard case .mapping(let entries) = node.content else {
          faults.append(ConfigFault(message: "expected a map of texts, found \(node.kindName)", mark: node.mark))
          return nil
        }
        var texts: [String: String] = [:]
        for entry in entries {
          guard case .scalar(let text, _) = entry.value.content else {
            faults.append(
              ConfigFault(message: "`\(entry.name)` is a text, not \(entry.value.kindName)", mark: entry.mark))
            return nil
          }
          texts[entry.name] = text
        }
        return texts
      },
      show: { texts in
        "{"
          + texts.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)): \(shown($0.value))" }
          .joined(separator: ", ") + "}"
      })
  }
}

extension ConfigType where Value == [Signal] {
  static let signals = ConfigType(
    "list of signals",
    read: { node, _, faults in
      guard case .sequence(let items) = node.content, !items.isEmpty else {
        faults.append(ConfigFault(message: "expected a list of traces, metrics and logs", mark: node.mark))
        return nil
      }
      var signals: [Signal] = []
      for item in items {
        guard case .scalar(let text, _) = item.content, let signal = Signal.allCases.first(where: { $0.name == text })
        else {
          faults.append(ConfigFault(message: "a signal is traces, metrics or logs", mark: item.mark))
          return nil
        }
        signals.append(signal)
      }
      return signals
    }, show: { "[" + $0.map(\.name).joined(separator: ", ") + "]" })
}

extension ConfigType where Value == [String] {
  /// What `RecordPattern` reads.
  static let recordPatterns = ConfigType(
    "list of patterns",
    read: { node, _, faults in
      guard case .sequence(let items) = node.content else {
        faults.append(ConfigFault(message: "expected a list of patterns, found \(node.kindName)", mark: node.mark))
        return nil
      }
      var patterns: [String] = []
      for item in items {
        guard case .scalar(let text, _) = item.content, RecordPattern(text) != nil else {
          faults.append(
            ConfigFault(
              message:
                "this is no pattern of records; write event.name, event.prefix.*, category:X, class:X, source:X, "
                + "component:X or game_module:X", mark: item.mark))
          return nil
        }
        patterns.append(text)
      }
      return patterns
    }, show: { "[" + $0.map(JSONText.quoted).joined(separator: ", ") + "]" })
}

extension ConfigType where Value == StartSetting {
  static let start = ConfigType(
    "now, oldest, a time or how long ago",
    parse: { text throws(ValueFault) in
      switch text {
      case "now": return .now
      case "oldest": return .oldest
      default:
        if let ago = try? DurationText.parse(text) { return .ago(ago) }
        return .time(try TimeArgument.parse(text, now: 0))
      }
    },
    show: { start in
      switch start {
      case .now: "now"
      case .oldest: "oldest"
      case .time(let time): JSONText.quoted(Timestamp.text(time))
      case .ago(let duration): DurationText.text(duration)
      }
    })
}

extension ConfigType where Value == Int {
  /// `25%`.
  static let percent = ConfigType(
    "percentage",
    parse: { text throws(ValueFault) in
      guard text.hasSuffix("%"), let number = Int(text.dropLast()), (0...100).contains(number) else {
        throw ValueFault("`\(text)` is no percentage; write 25%")
      }
      return number
    }, show: { "\($0)%" })
}

extension ConfigType where Value == HoldUnsent {
  static let holdUnsent = ConfigType(
    "size or percentage",
    parse: { text throws(ValueFault) in
      if !text.hasSuffix("%") { return .bytes(try ByteSize.parse(text)) }
      guard let number = Int(text.dropLast()), (0...100).contains(number) else {
        throw ValueFault("`\(text)` is no percentage; write 25%")
      }
      return .percent(number)
    },
    show: { hold in
      switch hold {
      case .bytes(let bytes): ByteSize.text(bytes)
      case .percent(let number): "\(number)%"
      }
    })
}

extension ConfigType where Value == [DestinationConfig] {
  /// `{NAME: {type, endpoint, …}}`.
  static let destinations = ConfigType(
    "map of destinations",
    read: { node, _, faults in
      guard case .mapping(let entries) = node.content else {
        faults.append(ConfigFault(message: "expected a map of destinations, found \(node.kindName)", mark: node.mark))
        return nil
      }
      let before = faults.count
      let all = entries.compactMap { DestinationReader.read($0, &faults) }
      return faults.count == before ? all : nil
    },
    show: { destinations in
      "{" + destinations.map { "\(JSONText.quoted($0.name)): {\($0.configText)}" }.joined(separator: ", ") + "}"
    })
}

extension DestinationConfig {
  /// What differs from the defaults, in one line.
  var configText: String {
    (["type: \(type.rawValue)"]
      + DestinationKey.all(of: type).compactMap { key in
        key.path == "type" ? nil : key.show(self).map { "\(key.path): \($0)" }
      }).joined(separator: ", ")
  }
}

/// One entry of `destinations`.
private enum DestinationReader {
  static func read(_ entry: YAMLNode.Entry, _ faults: inout [ConfigFault]) -> DestinationConfig? {
    let before = faults.count
    var config = DestinationConfig(name: entry.name)
    config.mark = entry.mark
    if !isName(entry.name) {
      faults.append(
        ConfigFault(
          message: "`\(entry.name)` is no name of a destination: 1 to 32 of a-z, 0-9, _ and -", mark: entry.mark))
    }
    guard case .mapping(let fields) = entry.value.content else {
      faults.append(ConfigFault(message: "`\(entry.name)`: expected {type, endpoint, …}", mark: entry.mark))
      return nil
    }
    // Which keys there are depends on the type, wherever it stands.
    guard let type = fields.first(where: { $0.name == "type" }) else {
      faults.append(ConfigFault(message: "`\(entry.name)`: `type` is missing", mark: entry.mark))
      return nil
    }
    ConfigType<DestinationType>.word.read(type.value, .otlp, &faults).map { config.type = $0 }
    guard faults.count == before else { return nil }
    walk(fields, under: "", DestinationKey.all(of: config.type), &config, &faults)
    faults += config.faults.map { ConfigFault(message: "`\(config.name)`: \($0)", mark: entry.mark) }
    return faults.count == before ? config : nil
  }

  private static func walk(
    _ fields: [YAMLNode.Entry], under prefix: String, _ keys: [DestinationKey], _ config: inout DestinationConfig,
    _ faults: inout [ConfigFault]
  ) {
    for field in fields where !field.value.isNull || field.name == "delay" {
      let path = prefix + field.name
      if let key = keys.first(where: { $0.path == path }) {
        var found: [ConfigFault] = []
        key.apply(field.value, &config, &found)
        faults += found.map {
          ConfigFault(message: "`\(config.name).\(path)`: \($0.message)", mark: $0.mark ?? field.mark)
        }
      } else if keys.contains(where: { $0.path.hasPrefix(path + ".") }) {
        // A delay that says nothing is the default one.
        if path == "delay" { config.delayWait = config.delayWait ?? DestinationDelay.standard.wait }
        if field.value.isNull { continue }
        guard case .mapping(let inner) = field.value.content else {
          faults.append(
            ConfigFault(
              message: "`\(config.name).\(path)`: expected a map, found \(field.value.kindName)", mark: field.mark))
          continue
        }
        walk(inner, under: path + ".", keys, &config, &faults)
      } else {
        let near = NearestName.find(path, among: keys.map(\.path))
        let elsewhere = DestinationKey.all.first { $0.path == path }
        let hint =
          elsewhere.map { "; it is for \($0.types.map(\.rawValue).sorted().joined(separator: ", "))" }
          ?? near.map { "; did you mean `\($0)`?" } ?? ""
        faults.append(
          ConfigFault(
            message: "`\(config.name)`: a destination of type \(config.type.rawValue) has no key `\(path)`\(hint)",
            mark: field.mark))
      }
    }
  }

  private static func isName(_ name: String) -> Bool {
    (1...32).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      }
  }
}
