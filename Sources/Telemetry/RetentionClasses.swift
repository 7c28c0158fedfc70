/// The retention classes of a store: which rows belong together on disk and how long they stay (DESIGN §4).
///
/// Patterns are tried in file order, the first match wins; what matches nothing goes to the class without patterns.
package struct RetentionClasses: Sendable {
  /// One condition: `event.name`, `event.prefix.*`, a category (bare word or `category:relay`), `signal:metrics`, `severity>=error`.
  package enum Condition: Sendable, Equatable {
    case event([UInt8])
    case eventPrefix([UInt8])
    case category([UInt8])
    case signal(Signal)
    case severity(Severity)

    private static let operators = Array("<>=!:".utf8)

    package init?(_ text: some StringProtocol) {
      if text.hasPrefix("signal:") {
        guard let signal = Signal.allCases.first(where: { $0.name == text.dropFirst(7) }) else { return nil }
        self = .signal(signal)
      } else if text.hasPrefix("severity>=") {
        guard let severity = Severity.allCases.first(where: { $0.name == text.dropFirst(10) }) else { return nil }
        self = .severity(severity)
      } else if text.hasPrefix("category:") {
        guard text.count > 9 else { return nil }
        self = .category(Array(text.dropFirst(9).utf8))
      } else if text.hasSuffix("*") {
        self = .eventPrefix(Array(text.utf8.dropLast()))
      } else if text.isEmpty || text.utf8.contains(where: { Self.operators.contains($0) }) {
        // `severity>error` or `signals:x` is no name, but a condition that went wrong; behind `category:` anything goes.
        return nil
      } else if text.utf8.contains(UInt8(ascii: ".")) {
        self = .event(Array(text.utf8))
      } else {
        self = .category(Array(text.utf8))
      }
    }

    /// As it may be written.
    package var text: String {
      switch self {
      case .event(let name): String(decoding: name, as: UTF8.self)
      case .eventPrefix(let prefix): String(decoding: prefix, as: UTF8.self) + "*"
      case .category(let name): "category:" + String(decoding: name, as: UTF8.self)
      case .signal(let signal): "signal:" + signal.name
      case .severity(let least): "severity>=" + least.name
      }
    }
  }

  /// Conditions divided by blanks; all must hold: `relay.tick.process severity>=warn`.
  package struct Pattern: Sendable, Equatable {
    package let conditions: [Condition]

    package init?(_ text: String) {
      var conditions: [Condition] = []
      for word in text.split(separator: " ") {
        guard let condition = Condition(word) else { return nil }
        conditions.append(condition)
      }
      guard !conditions.isEmpty else { return nil }
      self.conditions = conditions
    }

    package var text: String { conditions.map(\.text).joined(separator: " ") }

    package func matches(
      _ signal: Signal, _ category: UnsafeRawBufferPointer, _ event: UnsafeRawBufferPointer, _ severity: Severity
    ) -> Bool {
      for condition in conditions {
        let holds =
          switch condition {
          case .event(let name): event.elementsEqual(name)
          case .eventPrefix(let prefix): event.starts(with: prefix)
          case .category(let name): category.elementsEqual(name)
          case .signal(let wanted): signal == wanted
          case .severity(let least): severity >= least
          }
        if !holds { return false }
      }
      return true
    }
  }

  package struct Class: Sendable {
    /// `[a-z0-9_-]{1,32}`; a folder name and part of a table name.
    package var name: String
    /// Nil: kept until the size cap asks for it.
    package var ageNanoseconds: Int64?
    package var patterns: [Pattern]
    /// Files of this class are 0600 and left out of ordinary reads.
    package var restricted: Bool

    package init(name: String, ageNanoseconds: Int64?, patterns: [Pattern], restricted: Bool = false) {
      self.name = name
      self.ageNanoseconds = ageNanoseconds
      self.patterns = patterns
      self.restricted = restricted
    }
  }

  /// In the order in which patterns are tried. At most 200.
  package let classes: [Class]
  /// The class of rows that match no pattern.
  package let fallback: UInt8

  package init(_ classes: [Class]) {
    precondition(!classes.isEmpty && classes.count <= 200)
    self.classes = classes
    fallback = UInt8(classes.firstIndex { $0.patterns.isEmpty } ?? classes.count - 1)
  }

  package static let day: Int64 = 86_400_000_000_000

  /// DESIGN §4: evidence for a year, anti-cheat apart, interface noise two weeks, per-tick rows three days, the rest a month.
  package static let standard = RetentionClasses([
    Class(
      name: "restricted", ageNanoseconds: 400 * day,
      patterns: [
        "relay.suspicion", "relay.player.suspicion_score", "anticheat.*", "anti_cheat.*",
      ].compactMap(Pattern.init), restricted: true),
    Class(
      name: "evidence", ageNanoseconds: 400 * day,
      patterns: [
        "relay.game.*", "relay.player.join", "relay.player.leave", "relay.player.rtt_ms", "relay.desync",
        "relay.desync.*", "error.desync", "relay.lag_switch", "relay.qos.adjust", "relay.tick.process severity>=warn",
        "match.player_result", "match.certified", "match.result", "cloud_save.*", "perf.bench", "test.case",
      ].compactMap(Pattern.init)),
    Class(name: "detail", ageNanoseconds: 14 * day, patterns: ["gui.*", "input.*"].compactMap(Pattern.init)),
    Class(
      name: "firehose", ageNanoseconds: 3 * day,
      patterns: ["relay.tick.process", "relay.order.forward", "perf.frame", "signal:metrics"].compactMap(
        Pattern.init)),
    Class(name: "standard", ageNanoseconds: 30 * day, patterns: []),
  ])

  package func index(
    signal: Signal, category: UnsafeRawBufferPointer, event: UnsafeRawBufferPointer, severity: Severity
  ) -> UInt8 {
    for (index, entry) in classes.enumerated()
    where entry.patterns.contains(where: { $0.matches(signal, category, event, severity) }) {
      return UInt8(index)
    }
    return fallback
  }
}
