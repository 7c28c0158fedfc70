package import Telemetry

extension EventRow {
  /// A line of an NDJSON export: the row and, when it is one of ours, the store, the id and the source that it had there.
  package struct Line: Sendable {
    package var row: EventRow
    package var store: String?
    package var id: Int64?
    package var source: String?
    /// There are members that no column has.
    package var hasOthers = false

    /// Whose row it is; nil: what the columns say is all there is.
    package var origin: Origin? {
      guard let source else { return nil }
      return Origin(
        source: source, session: row.sessionID, component: row.component, gameModule: row.gameModule,
        modFingerprint: row.modFingerprint)
    }
  }

  /// Nil for an object that is no row: it has no `event` or no `timestamp`. Throws when it is no JSON object.
  package static func read(_ line: UnsafeRawBufferPointer) throws(DecodeError) -> Line? {
    guard let object = StoredObject(line) else { throw DecodeError(.truncated, "JSON: the line is empty", at: 0) }
    do throws(JSONFault) {
      return try read(object)
    } catch {
      let offset = Int(error.address &- UInt(bitPattern: line.baseAddress))
      throw DecodeError(.malformed, "JSON: \(error.message)", at: offset)
    }
  }

  /// The elements of a JSON array, each as its text. Throws when it is none.
  package static func elements(_ array: UnsafeRawBufferPointer) throws(DecodeError) -> [[UInt8]] {
    try JSONShape.elements(array).map { Array(array[$0]) }
  }

  private static func read(_ whole: StoredObject) throws(JSONFault) -> Line? {
    var object = whole
    var line = Line(row: EventRow())
    var hasEvent = false
    var hasTime = false
    while let key = try object.next() {
      if try object.cursor.passesNull() { continue }
      if key.spells("timestamp") {
        line.row.time = try text(&object.cursor).flatMap { EventTime.nanoseconds($0) }
        hasTime = true
      } else if key.spells("session_id") {
        line.row.sessionID = try text(&object.cursor) ?? ""
      } else if key.spells("component") {
        line.row.component = try text(&object.cursor) ?? ""
      } else if key.spells("game_module") {
        line.row.gameModule = try text(&object.cursor)
      } else if key.spells("mod_fingerprint") {
        line.row.modFingerprint = try text(&object.cursor)
      } else if key.spells("category") {
        line.row.category = try text(&object.cursor) ?? ""
      } else if key.spells("event") {
        line.row.event = try text(&object.cursor) ?? ""
        hasEvent = true
      } else if key.spells("severity") {
        line.row.severity = try text(&object.cursor) ?? "info"
      } else if key.spells("data") {
        line.row.data = try data(&object.cursor)
      } else if key.spells("duration_us") {
        line.row.durationMicroseconds = Int64(String(decoding: try object.cursor.storedValue(), as: UTF8.self))
      } else if key.spells("tick") {
        line.row.tick = Int64(String(decoding: try object.cursor.storedValue(), as: UTF8.self))
      } else if key.spells("correlation") {
        line.row.correlation = try text(&object.cursor)
      } else if key.spells("uid") {
        line.row.uid = try text(&object.cursor)
      } else if key.spells("garner") {
        try identity(&object.cursor, &line)
      } else {
        _ = try object.cursor.storedValue()
        if !key.spells("id") { line.hasOthers = true }
      }
    }
    object.cursor.skipSpace()
    guard object.cursor.left == 0 else { throw object.cursor.fault(.trailing) }
    return hasEvent && hasTime ? line : nil
  }

  /// A text; nil for any other value, which is passed.
  private static func text(_ c: inout JSONCursor) throws(JSONFault) -> String? {
    guard try c.peek() == UInt8(ascii: "\"") else {
      _ = try c.storedValue()
      return nil
    }
    var text = Arena(capacity: 64)
    c.at += 1
    try c.text(into: &text)
    return String(decoding: text.bytes(0, text.count), as: UTF8.self)
  }

  /// An object as it is; a text may be the object's text.
  private static func data(_ c: inout JSONCursor) throws(JSONFault) -> [UInt8] {
    if try c.peek() == UInt8(ascii: "\"") { return Array((try text(&c) ?? "").utf8) }
    return [UInt8](try c.storedValue())
  }

  private static func identity(_ c: inout JSONCursor, _ line: inout Line) throws(JSONFault) {
    guard try c.peek() == UInt8(ascii: "{") else {
      _ = try c.storedValue()
      return
    }
    var object = StoredObject(c)
    while let key = try object.next() {
      if key.spells("store") {
        line.store = try text(&object.cursor)
      } else if key.spells("id") {
        line.id = Int64(String(decoding: try object.cursor.storedValue(), as: UTF8.self))
      } else if key.spells("source") {
        line.source = try text(&object.cursor)
      } else {
        _ = try object.cursor.storedValue()
      }
    }
    c = object.cursor
  }
}
