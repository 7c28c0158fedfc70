package import Telemetry
package import Wire

/// One condition on records: a retention pattern (`relay.tick.* severity>=warn`), or `class:`, `source:`, `component:`,
/// `game_module:` with a name in which `*` stands for any run.
package enum RecordPattern: Sendable, Equatable {
  case rows(RetentionClasses.Pattern)
  case className(String)
  case source([UInt8])
  case component([UInt8])
  case gameModule([UInt8])

  package init?(_ text: String) {
    // A name that is empty would match nothing, and nobody would be told why.
    if ["class:", "source:", "component:", "game_module:"].contains(text) { return nil }
    func name(_ prefix: String) -> [UInt8]? {
      guard text.hasPrefix(prefix) else { return nil }
      return Array(text.utf8.dropFirst(prefix.utf8.count))
    }
    if let name = name("class:") {
      self = .className(String(decoding: name, as: UTF8.self))
    } else if let name = name("source:") {
      self = .source(name)
    } else if let name = name("component:") {
      self = .component(name)
    } else if let name = name("game_module:") {
      self = .gameModule(name)
    } else if let pattern = RetentionClasses.Pattern(text) {
      self = .rows(pattern)
    } else {
      return nil
    }
  }

  /// As it may be written.
  var text: String {
    switch self {
    case .rows(let pattern): pattern.text
    case .className(let name): "class:" + name
    case .source(let name): "source:" + String(decoding: name, as: UTF8.self)
    case .component(let name): "component:" + String(decoding: name, as: UTF8.self)
    case .gameModule(let name): "game_module:" + String(decoding: name, as: UTF8.self)
    }
  }

  /// It looks at nothing that differs between records of one series: event, category, class.
  package var isOfTheEvent: Bool {
    switch self {
    case .rows(let pattern):
      pattern.conditions.allSatisfy { if case .severity = $0 { false } else { true } }
    case .className: true
    case .source, .component, .gameModule: false
    }
  }

  func matches(_ record: OTLPRecord, _ classes: RetentionClasses) -> Bool {
    switch self {
    case .rows(let pattern):
      pattern.matches(record.kind.signal, record.category, record.event, record.severity)
    case .className(let name):
      classes.classes[
        Int(
          classes.index(
            signal: record.kind.signal, category: record.category, event: record.event, severity: record.severity))
      ].name == name
    case .source(let name): Self.glob(name, record.origin?.source)
    case .component(let name): Self.glob(name, record.origin?.component)
    case .gameModule(let name): Self.glob(name, record.origin?.gameModule)
    }
  }

  private static func glob(_ pattern: [UInt8], _ text: OTLPRecord.Bytes?) -> Bool {
    guard let text, text.count > 0 else { return false }
    return AttributeFilter.matches(pattern[...], text[...])
  }
}

/// Which records a destination is sent.
package struct RecordFilter: Sendable {
  package var signals: Set<Signal>
  /// Empty: all.
  package var include: [RecordPattern] = []
  /// Wins.
  package var exclude: [RecordPattern] = []
  /// Rows of restricted classes too.
  package var restricted = false
  package var classes: RetentionClasses

  package init(signals: Set<Signal>, classes: RetentionClasses = .standard) {
    self.signals = signals
    self.classes = classes
  }

  /// Nothing but the signal has to be looked at.
  var isPlain: Bool { include.isEmpty && exclude.isEmpty }

  /// A span event that would be of a restricted class, were it a record: it stays here though its span leaves.
  func hides(_ event: OTLPRecord) -> Bool { !restricted && isRestricted(event) }

  func isRestricted(_ record: OTLPRecord) -> Bool {
    let index = classes.index(
      signal: record.kind.signal, category: record.category, event: record.event, severity: record.severity)
    return classes.classes[Int(index)].restricted
  }

  package func matches(_ record: OTLPRecord) -> Bool {
    guard signals.contains(record.kind.signal) else { return false }
    if isPlain { return true }
    if exclude.contains(where: { $0.matches(record, classes) }) { return false }
    return include.isEmpty || include.contains { $0.matches(record, classes) }
  }
}
