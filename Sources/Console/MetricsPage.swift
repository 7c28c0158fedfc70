/// A page of Prometheus text format 0.0.4 (CONFORMANCE EXP-01, EXP-04): families with HELP and TYPE once, samples together.
package struct MetricsPage {
  package enum Kind: String {
    case counter, gauge, histogram
  }

  package private(set) var text = ""

  package init() {}

  package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  package mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Int64) {
    text += name + Self.labels(labels) + " \(value)\n"
  }

  package mutating func sample(_ name: String, _ labels: [(String, String)] = [], seconds: Double) {
    text += name + Self.labels(labels) + " \(seconds)\n"
  }

  package mutating func counter(_ name: String, _ help: String, _ value: Int64) {
    family(name, .counter, help)
    sample(name, [], value)
  }

  package mutating func gauge(_ name: String, _ help: String, _ value: Int64) {
    family(name, .gauge, help)
    sample(name, [], value)
  }

  private static func labels(_ labels: [(String, String)]) -> String {
    if labels.isEmpty { return "" }
    return "{" + labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",") + "}"
  }

  static func escaped(_ text: String) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }
}
