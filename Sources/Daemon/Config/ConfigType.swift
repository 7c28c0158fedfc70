/// Why a value was refused; the mark is more exact than that of the key when the fault lies inside a map.
package struct ConfigFault: Error, Sendable, Equatable, CustomStringConvertible {
  package var message: String
  package var mark: YAMLMark?

  package var description: String { message }
}

/// How one kind of value is read from YAML, the environment or a flag, and how it is shown.
package struct ConfigType<Value>: Sendable {
  /// For messages and the page: `size`, `duration`.
  package let name: String
  /// Takes the value so far, because maps extend it. Returns nil when it has added faults.
  let read: @Sendable (YAMLNode, Value, inout [ConfigFault]) -> Value?
  /// A text that `read` gives back.
  let show: @Sendable (Value) -> String

  init(
    _ name: String, read: @escaping @Sendable (YAMLNode, Value, inout [ConfigFault]) -> Value?,
    show: @escaping @Sendable (Value) -> String
  ) {
    self.name = name
    self.read = read
    self.show = show
  }

  private static func article(_ name: String) -> String {
    ("aeiou".contains(name.prefix(1)) ? "an " : "a ") + name
  }

  /// A type of single values. `plainOnly`: a quoted text is refused, as YAML means it.
  init(
    _ name: String, plainOnly: Bool = false, parse: @escaping @Sendable (String) throws(ValueFault) -> Value,
    show: @escaping @Sendable (Value) -> String
  ) {
    self.init(
      name,
      read: { node, _, faults in
        guard case .scalar(let text, let isPlain) = node.content else {
          faults.append(ConfigFault(message: "expected \(Self.article(name)), found \(node.kindName)", mark: node.mark))
          return nil
        }
        if plainOnly, !isPlain {
          let message = "expected \(Self.article(name)), found the text \"\(text)\""
          faults.append(ConfigFault(message: message, mark: node.mark))
          return nil
        }
        do throws(ValueFault) {
          return try parse(text)
        } catch {
          faults.append(ConfigFault(message: error.message, mark: node.mark))
          return nil
        }
      }, show: show)
  }
}

extension ConfigType where Value == String {
  static let text = ConfigType("text", parse: { text throws(ValueFault) in text }, show: { $0 })
}

extension ConfigType where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> ConfigType {
    ConfigType(
      "number", plainOnly: true,
      parse: { text throws(ValueFault) in
        guard let number = Int(text) else { throw ValueFault("`\(text)` is no whole number") }
        guard range.contains(number) else {
          throw ValueFault("\(number) is out of range; \(range.lowerBound) to \(range.upperBound) will do")
        }
        return number
      }, show: { String($0) })
  }
}

extension ConfigType where Value == Int64 {
  static func size(_ range: ClosedRange<Int64>) -> ConfigType {
    ConfigType("size", parse: { text throws(ValueFault) in try within(range, text) }, show: { ByteSize.text($0) })
  }
}

/// A size inside its range.
private func within(_ range: ClosedRange<Int64>, _ text: String) throws(ValueFault) -> Int64 {
  let size = try ByteSize.parse(text)
  guard size >= range.lowerBound else {
    throw ValueFault("\(text) is too small; the least is \(ByteSize.text(range.lowerBound))")
  }
  guard size <= range.upperBound else {
    throw ValueFault("\(text) is too big; the most is \(ByteSize.text(range.upperBound))")
  }
  return size
}

extension ConfigType where Value == Int64? {
  /// A size, or -1 for none.
  static func cap(atLeast least: Int64) -> ConfigType {
    ConfigType(
      "size or -1",
      parse: { text throws(ValueFault) in
        text == "-1" ? nil : try within(least...Int64.max, text)
      }, show: { $0.map(ByteSize.text) ?? "-1" })
  }

  /// A size, or `auto` for the computed one.
  static func computedSize(_ range: ClosedRange<Int64>) -> ConfigType {
    ConfigType(
      "size or auto",
      parse: { text throws(ValueFault) in
        text == "auto" ? nil : try within(range, text)
      }, show: { $0.map(ByteSize.text) ?? "auto" })
  }

  /// The upstream game's unit: whole megabytes, -1 for none.
  static let megabytes = ConfigType(
    "number of megabytes or -1", plainOnly: true,
    parse: { text throws(ValueFault) in
      if text == "-1" { return nil }
      guard let number = Int64(text), (1...1_000_000_000).contains(number) else {
        throw ValueFault("`\(text)` is no whole number of megabytes, nor -1")
      }
      return number * 1_000_000
    }, show: { $0.map { String($0 / 1_000_000) } ?? "-1" })
}

extension ConfigType where Value == Duration {
  static func duration(_ range: ClosedRange<Duration> = .zero ... .seconds(292 * 365 * 86_400)) -> ConfigType {
    ConfigType(
      "duration",
      parse: { text throws(ValueFault) in
        let duration = try DurationText.parse(text)
        guard duration >= range.lowerBound else {
          throw ValueFault("\(text) is too short; the least is \(DurationText.text(range.lowerBound))")
        }
        guard duration <= range.upperBound else {
          throw ValueFault("\(text) is too long; the most is \(DurationText.text(range.upperBound))")
        }
        return duration
      }, show: { DurationText.text($0) })
  }
}

extension ConfigType where Value == ListenAddress {
  static let address = ConfigType(
    "address", parse: { text throws(ValueFault) in try ListenAddress(parsing: text) }, show: { $0.text })
}

extension ConfigType where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
  /// One of a few words.
  static var word: ConfigType {
    ConfigType(
      "word",
      parse: { text throws(ValueFault) in
        guard let value = Value(rawValue: text) else {
          let words = Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
          throw ValueFault("`\(text)` is none of \(words)")
        }
        return value
      }, show: { $0.rawValue })
  }
}

extension ConfigType where Value == Bool {
  static let boolean = ConfigType(
    "true or false", plainOnly: true,
    parse: { text throws(ValueFault) in
      switch text {
      case "true": true
      case "false": false
      default: throw ValueFault("`\(text)` is neither true nor false")
      }
    }, show: { "\($0)" })
}
