/// `${VAR}`, `${VAR:-default}` and `$$` in the values of a file. It works on parsed values, so that what a variable
/// holds can never become a key or a second line.
package enum Interpolation {
  /// A `$` before anything else stays what it is.
  package static func expand(_ text: String, _ environment: [String: String]) throws(ValueFault) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw ValueFault("`${` without `}`; write $$ for a dollar sign")
        }
        result += try value(rest[rest.index(after: rest.startIndex)..<end], environment)
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
      }
    }
    return result + rest
  }

  /// All scalars of a tree; names of keys stay as they are.
  static func expand(_ node: YAMLNode, _ environment: [String: String], _ faults: inout [ConfigFault]) -> YAMLNode {
    var copy = node
    switch node.content {
    case .scalar(let text, let plain):
      do throws(ValueFault) {
        copy.content = .scalar(try expand(text, environment), plain: plain)
      } catch {
        faults.append(ConfigFault(message: error.message, mark: node.mark))
        // Not set: one fault is enough for one value.
        copy.content = .scalar("", plain: true)
      }
    case .sequence(let items):
      copy.content = .sequence(items.map { expand($0, environment, &faults) })
    case .mapping(let entries):
      copy.content = .mapping(
        entries.map { entry in
          var entry = entry
          entry.value = expand(entry.value, environment, &faults)
          return entry
        })
    }
    return copy
  }

  private static func value(_ inside: Substring, _ environment: [String: String]) throws(ValueFault) -> String {
    let name = inside.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    let rest = inside.dropFirst(name.count)
    guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":-") else {
      throw ValueFault("`${\(inside)}` is neither ${NAME} nor ${NAME:-default}")
    }
    // Like a shell: empty counts as unset when there is a default.
    if let value = environment[String(name)], !value.isEmpty || rest.isEmpty { return value }
    guard !rest.isEmpty else {
      throw ValueFault("the environment variable \(name) is not set; write ${\(name):-default} to allow that")
    }
    return String(rest.dropFirst(2))
  }
}
