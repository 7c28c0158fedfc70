import Telemetry

extension ConfigType where Value == RetentionClasses {
  /// `{NAME: {age, match, restricted}}` over the classes so far: a known name changes what it says, the others come
  /// first, in file order.
  static let classes = ConfigType(
    "map of classes",
    read: { node, current, faults in
      guard case .mapping(let entries) = node.content else {
        faults.append(ConfigFault(message: "expected a map of classes, found \(node.kindName)", mark: node.mark))
        return nil
      }
      let before = faults.count
      var known = current.classes
      var added: [RetentionClasses.Class] = []
      for entry in entries {
        let at = known.firstIndex { $0.name == entry.name }
        let start = at.map { ClassReader.Start.changing(known[$0]) } ?? .new(entry.name)
        guard let read = ClassReader.read(entry, start, &faults) else { continue }
        if let at { known[at] = read } else { added.append(read) }
      }
      let all = added + known
      if all.count > 200 {
        faults.append(ConfigFault(message: "\(all.count) classes are too many; the most is 200", mark: node.mark))
      }
      return faults.count == before ? RetentionClasses(all) : nil
    },
    show: { classes in
      "{" + classes.classes.map { "\"\($0.name)\": \($0.configText)" }.joined(separator: ", ") + "}"
    })

  /// Age of the class `standard` in days; -1: no end.
  static let standardDays = ConfigType(
    "number of days",
    read: { node, current, faults in
      guard case .scalar(let text, plain: true) = node.content, let days = Int64(text),
        days == -1 || (1...100_000).contains(days)
      else {
        faults.append(
          ConfigFault(message: "expected a number of days from 1 to 100000, or -1 for no limit", mark: node.mark))
        return nil
      }
      var classes = current.classes
      guard let at = classes.firstIndex(where: { $0.name == "standard" }) else { return current }
      classes[at].ageNanoseconds = days == -1 ? nil : days * RetentionClasses.day
      return RetentionClasses(classes)
    },
    show: { classes in
      let age = classes.classes.first { $0.name == "standard" }?.ageNanoseconds
      return age.map { String($0 / RetentionClasses.day) } ?? "-1"
    })
}

/// One entry of `retention.classes`.
private enum ClassReader {
  enum Start {
    case changing(RetentionClasses.Class)
    case new(String)
  }

  /// Nil when faults were added.
  static func read(_ entry: YAMLNode.Entry, _ start: Start, _ faults: inout [ConfigFault]) -> RetentionClasses.Class? {
    let before = faults.count
    var result: RetentionClasses.Class
    let isNew: Bool
    switch start {
    case .changing(let known): (result, isNew) = (known, false)
    case .new(let name):
      (result, isNew) = (RetentionClasses.Class(name: name, ageNanoseconds: nil, patterns: []), true)
      if let message = nameFault(name) { faults.append(ConfigFault(message: message, mark: entry.mark)) }
    }
    let isFallback = !isNew && result.patterns.isEmpty
    guard case .mapping(let fields) = entry.value.content else {
      let message = "`\(entry.name)`: expected {age, match, restricted}, found \(entry.value.kindName)"
      faults.append(ConfigFault(message: message, mark: entry.value.mark ?? entry.mark))
      return nil
    }
    for field in fields {
      switch field.name {
      case "age": age(field, &result, &faults)
      case "match" where isFallback:
        let message = "`\(entry.name)` takes what no other class matches and has no `match` of its own"
        faults.append(ConfigFault(message: message, mark: field.mark))
      case "match": match(field, &result, &faults)
      case "restricted": restricted(field, &result, &faults)
      default:
        let near = NearestName.find(field.name, among: ["age", "match", "restricted"])
        let hint = near.map { "; did you mean `\($0)`?" } ?? "; a class has age, match and restricted"
        faults.append(ConfigFault(message: "unknown key `\(field.name)`\(hint)", mark: field.mark))
      }
    }
    if isNew {
      for name in ["age", "match"] where !fields.contains(where: { $0.name == name }) {
        let message = "the new class `\(entry.name)` lacks `\(name)`"
        faults.append(ConfigFault(message: message, mark: entry.mark))
      }
    }
    return faults.count == before ? result : nil
  }

  private static func nameFault(_ name: String) -> String? {
    // Beside the class folders stands the one of landing files.
    if name == "landing" { return "`landing` cannot be the name of a class: a folder has it" }
    let isGood = name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isGood, (1...32).contains(name.utf8.count) else {
      return "`\(name)` cannot be the name of a class: 1 to 32 of a-z, 0-9, _ and -"
    }
    return nil
  }

  private static func age(
    _ field: YAMLNode.Entry, _ result: inout RetentionClasses.Class, _ faults: inout [ConfigFault]
  ) {
    guard case .scalar(let text, _) = field.value.content else {
      return faults.append(ConfigFault(message: "`age`: expected a duration or none", mark: field.mark))
    }
    if text == "none" {
      result.ageNanoseconds = nil
      return
    }
    do throws(ValueFault) {
      let age = try DurationText.nanoseconds(text)
      // An age of zero would remove rows as they arrive, behind the sender's success answer.
      guard age >= 1_000_000_000 else { throw ValueFault("\(text) is too short; the least is 1s") }
      result.ageNanoseconds = age
    } catch {
      faults.append(ConfigFault(message: "`age`: \(error.message)", mark: field.value.mark))
    }
  }

  private static func match(
    _ field: YAMLNode.Entry, _ result: inout RetentionClasses.Class, _ faults: inout [ConfigFault]
  ) {
    guard case .sequence(let items) = field.value.content, !items.isEmpty else {
      return faults.append(ConfigFault(message: "`match`: expected a list of patterns", mark: field.mark))
    }
    var patterns: [RetentionClasses.Pattern] = []
    for item in items {
      if case .scalar(let text, _) = item.content, let pattern = RetentionClasses.Pattern(text) {
        patterns.append(pattern)
      } else if case .scalar(let text, _) = item.content {
        faults.append(ConfigFault(message: "`match`: `\(text)` is no pattern", mark: item.mark))
      } else {
        faults.append(ConfigFault(message: "`match`: a pattern is a text, not \(item.kindName)", mark: item.mark))
      }
    }
    result.patterns = patterns
  }

  private static func restricted(
    _ field: YAMLNode.Entry, _ result: inout RetentionClasses.Class, _ faults: inout [ConfigFault]
  ) {
    switch field.value.content {
    case .scalar("true", plain: true): result.restricted = true
    case .scalar("false", plain: true): result.restricted = false
    default: faults.append(ConfigFault(message: "`restricted`: expected true or false", mark: field.value.mark))
    }
  }
}

extension RetentionClasses.Class {
  package var ageText: String { ageNanoseconds.map { DurationText.text(nanoseconds: $0) } ?? "none" }

  /// A JSON object that reads back as this class.
  package var configText: String {
    var fields = ["\"age\": \"\(ageText)\""]
    if !patterns.isEmpty {
      fields.append("\"match\": [" + patterns.map { JSONText.quoted($0.configText) }.joined(separator: ", ") + "]")
    }
    if restricted { fields.append("\"restricted\": true") }
    return "{" + fields.joined(separator: ", ") + "}"
  }
}

extension RetentionClasses.Pattern {
  package var configText: String { conditions.map(\.configText).joined(separator: " ") }
}

extension RetentionClasses.Condition {
  package var configText: String {
    switch self {
    case .event(let name): String(decoding: name, as: UTF8.self)
    case .eventPrefix(let prefix): String(decoding: prefix, as: UTF8.self) + "*"
    case .category(let name):
      // A category with a dot or a star would read back as an event.
      name.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ":") }
        ? "category:" + String(decoding: name, as: UTF8.self) : String(decoding: name, as: UTF8.self)
    case .signal(let signal): "signal:\(signal.name)"
    case .severity(let severity): "severity>=\(severity.name)"
    }
  }
}
