import Telemetry

/// One event of form J, its known keys read; the same object is a line of an event file.
struct TextEvent {
  var name: [UInt8]?
  /// µs since 1970, or nanoseconds where the time is a text; nil: it says none.
  var microseconds: Int64?
  var nanoseconds: Int64?
  var tick: Int64?
  var severity: Severity?
  /// 1–24, where the severity is a number.
  var severityNumber: Int64?
  /// A word that is not the name of its level.
  var severityText: [UInt8]?
  /// A number as written.
  var duration: UnsafeRawBufferPointer?
  var correlation: [UInt8]?
  var session: [UInt8]?
  var component: [UInt8]?
  var gameModule: [UInt8]?
  var modFingerprint: [UInt8]?
  var category: [UInt8]?
  var uid: [UInt8]?
  var game: JSONCursor?
  /// `d`, where it is an object.
  var data: StoredObject?
  /// What leads `data`: its own member `body`, or a `d` that is no object.
  var body: JSONCursor?
  /// There are keys that nobody knows; they join `data`.
  var hasOthers = false
  /// To be walked again for them.
  let whole: StoredObject

  init(_ input: StoredObject) throws(JSONFault) {
    whole = input
    var input = input
    while let key = try input.next() {
      if try input.cursor.peek() == UInt8(ascii: "n") {
        _ = try input.cursor.storedValue()
        if !Self.knows(key) { hasOthers = true }
        continue
      }
      let value = input.cursor
      switch Self.column(key) {
      case .name: name = try input.cursor.plainText()
      case .time: try readTime(&input.cursor)
      case .tick: tick = try Self.integer(&input.cursor)
      case .severity: try readSeverity(&input.cursor)
      case .data: try readData(&input.cursor)
      case .duration:
        let text = try input.cursor.storedValue()
        if text.first.map({ $0 &- 0x30 < 10 }) ?? false { duration = text }
      case .correlation: correlation = try Self.text(&input.cursor)
      case .session: session = try Self.text(&input.cursor)
      case .component: component = try Self.text(&input.cursor)
      case .gameModule: gameModule = try Self.text(&input.cursor)
      case .modFingerprint: modFingerprint = try Self.text(&input.cursor)
      case .category: category = try Self.text(&input.cursor)
      case .uid: uid = try Self.text(&input.cursor)
      case .game:
        game = value
        _ = try input.cursor.storedValue()
      case .body:
        if body == nil { body = value }
        _ = try input.cursor.storedValue()
      case .ignored: _ = try input.cursor.storedValue()
      case nil:
        hasOthers = true
        _ = try input.cursor.storedValue()
      }
    }
  }

  private enum Column {
    case name, time, tick, severity, data, duration, correlation, session, component, gameModule, modFingerprint
    case category, uid, game, body, ignored
  }

  private static func column(_ key: UnsafeRawBufferPointer) -> Column? {
    switch key.count {
    case 1:
      switch key[0] {
      case UInt8(ascii: "e"): .name
      case UInt8(ascii: "t"): .time
      case UInt8(ascii: "k"): .tick
      case UInt8(ascii: "s"): .severity
      case UInt8(ascii: "d"): .data
      case UInt8(ascii: "c"): .correlation
      default: nil
      }
    case 2: key.spells("id") ? .ignored : nil
    case 3: key.spells("dur") ? .duration : key.spells("uid") ? .uid : nil
    case 4: key.spells("data") ? .data : key.spells("tick") ? .tick : key.spells("body") ? .body : nil
    case 5: key.spells("event") ? .name : nil
    case 7: key.spells("game_id") ? .game : nil
    case 8: key.spells("severity") ? .severity : key.spells("category") ? .category : nil
    case 9: key.spells("timestamp") ? .time : key.spells("component") ? .component : nil
    case 10: key.spells("session_id") ? .session : nil
    case 11:
      key.spells("duration_us")
        ? .duration
        : key.spells("correlation") ? .correlation : key.spells("game_module") ? .gameModule : nil
    case 15: key.spells("mod_fingerprint") ? .modFingerprint : nil
    default: nil
    }
  }

  /// Whether the key has a meaning of its own.
  static func knows(_ key: UnsafeRawBufferPointer) -> Bool { column(key) != nil }

  // MARK: values; one that cannot be what it should be is as if it were not there

  private static func text(_ c: inout JSONCursor) throws(JSONFault) -> [UInt8]? {
    switch try c.peek() {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      _ = try c.storedValue()
      return nil
    default:
      let text = try c.plainText()
      return text.isEmpty ? nil : text
    }
  }

  private static func integer(_ c: inout JSONCursor) throws(JSONFault) -> Int64? {
    var ahead = c
    _ = try c.storedValue()
    guard let number = try? ahead.signed64(), ahead.at == c.at else { return nil }
    return number
  }

  private mutating func readTime(_ c: inout JSONCursor) throws(JSONFault) {
    microseconds = nil
    nanoseconds = nil
    if try c.peek() == UInt8(ascii: "\"") {
      nanoseconds = EventTime.nanoseconds(String(decoding: try c.plainText(), as: UTF8.self))
    } else {
      microseconds = try Self.integer(&c)
    }
  }

  private mutating func readSeverity(_ c: inout JSONCursor) throws(JSONFault) {
    severity = nil
    severityNumber = nil
    severityText = nil
    if try c.peek() == UInt8(ascii: "\"") {
      let word = try c.plainText()
      let level = word.withUnsafeBytes { Severity(text: $0) }
      severity = level
      if !word.isEmpty, !word.elementsEqual((level ?? .info).name.utf8) { severityText = word }
    } else if let number = try Self.integer(&c), let level = Severity(number: number) {
      severity = level
      severityNumber = number
    }
  }

  private mutating func readData(_ c: inout JSONCursor) throws(JSONFault) {
    guard try c.peek() == UInt8(ascii: "{") else {
      body = c
      data = nil
      _ = try c.storedValue()
      return
    }
    data = StoredObject(c)
    var members = StoredObject(c)
    while let key = try members.next() {
      if key.spells("body") { body = members.cursor }
      _ = try members.cursor.storedValue()
    }
    c = members.cursor
  }
}
