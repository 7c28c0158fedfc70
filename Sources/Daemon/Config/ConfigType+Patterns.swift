import Telemetry

extension ConfigType where Value == [String] {
  /// A list of patterns over keys; with `!` in front, one that is taken away.
  static let patterns = ConfigType(
    "list of patterns",
    read: { node, _, faults in
      guard case .sequence(let items) = node.content else {
        faults.append(ConfigFault(message: "expected a list of patterns, found \(node.kindName)", mark: node.mark))
        return nil
      }
      let before = faults.count
      var patterns: [String] = []
      for item in items {
        guard case .scalar(let text, _) = item.content else {
          faults.append(ConfigFault(message: "a pattern is a text, not \(item.kindName)", mark: item.mark))
          continue
        }
        if let message = patternFault(text) { faults.append(ConfigFault(message: message, mark: item.mark)) }
        patterns.append(text)
      }
      return faults.count == before ? patterns : nil
    },
    show: { "[" + $0.map(JSONText.quoted).joined(separator: ", ") + "]" })

  private static func patternFault(_ text: String) -> String? {
    let name = text.hasPrefix("!") ? text.dropFirst() : text[...]
    guard !name.isEmpty, name.utf8.count <= 200 else { return "`\(text)`: a pattern has 1 to 200 bytes" }
    // The word of `device:pattern`, or one that is taken for such.
    if name.last == ":" { return "`\(text)`: there is no pattern behind the colon" }
    guard name.count(where: { $0 == "{" }) == name.count(where: { $0 == "}" }) else {
      return "`\(text)`: a brace is not closed"
    }
    return nil
  }
}

extension ConfigType where Value == RetentionClasses {
  /// Patterns of the class `restricted`.
  static let restrictedPatterns = ConfigType(
    "list of patterns",
    read: { node, current, faults in
      guard case .sequence(let items) = node.content, !items.isEmpty else {
        faults.append(ConfigFault(message: "expected a list of patterns", mark: node.mark))
        return nil
      }
      var patterns: [RetentionClasses.Pattern] = []
      for item in items {
        if case .scalar(let text, _) = item.content, let pattern = RetentionClasses.Pattern(text) {
          patterns.append(pattern)
        } else {
          faults.append(ConfigFault(message: "this is no pattern of rows", mark: item.mark))
          return nil
        }
      }
      var classes = current.classes
      guard let at = classes.firstIndex(where: { $0.name == "restricted" }) else { return current }
      classes[at].patterns = patterns
      return RetentionClasses(classes)
    },
    show: { classes in
      let patterns = classes.classes.first { $0.name == "restricted" }?.patterns ?? []
      return "[" + patterns.map { JSONText.quoted($0.configText) }.joined(separator: ", ") + "]"
    })
}
