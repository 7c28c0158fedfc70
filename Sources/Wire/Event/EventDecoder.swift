package import Telemetry

/// Rows of the thirteen columns into batches of log records, whose `telemetry_events` rows say the same again.
///
/// `data` stays the object it was: `body` is the body, the other members are attributes. What is no object becomes
/// the body. Session, component, module and fingerprint become attributes of a resource, so that nothing is lost
/// towards OTLP.
package struct EventDecoder: ~Copyable {
  var builder: BatchBuilder
  private var current: EventRow?
  /// `data` comes from a store of ours, escapes and all; else keys that begin with `$` get another one.
  let isEscaped: Bool
  /// The rows were in a store of ours, so that no limit of a door is over them.
  let isOurs: Bool

  /// `isEscaped`: `data` is written as `docs/schema.md` says. `isOurs`: nil, when it is just that. `expectedBytes`: about what
  /// all rows take.
  package init(options: DecodeOptions, isEscaped: Bool, isOurs: Bool? = nil, expectedBytes: Int = 1 << 16) {
    builder = BatchBuilder(signal: .logs, options: options, expectedBytes: expectedBytes)
    self.isEscaped = isEscaped
    self.isOurs = isOurs ?? isEscaped
  }

  package var recordCount: Int { builder.recordCount }
  package var byteCount: Int { builder.arena.count }

  package consuming func finish() -> Batch { builder.finish() }

  /// Nil: the row was appended, as rows of a store of ours always are; else why it is refused. `path`: how it is called then.
  @discardableResult
  package mutating func append(_ event: EventRow, path: @autoclosure () -> String = "") -> Rejection.Reason? {
    if !isOurs && event.hasLongColumn {
      open(EventRow())
      builder.reject(.valueTooLong, path: path(), record: "")
      return .valueTooLong
    }
    open(event)
    let start = builder.arena.count
    var row = Row()
    row.kind = .log
    row.present = .data
    row.time = event.time ?? builder.options.now
    row.bits = Bits.logObservedWasZero
    if event.time == nil { row.bits |= Bits.logTimeWasZero }
    var promoted = Promoted()
    row.data = data(event.data, &promoted, &row)
    if let reason = builder.takeTooMuch(), !isOurs {
      builder.arena.truncate(to: start)
      builder.reject(reason, path: path(), record: "")
      return reason
    }
    promoted.category = string(event.category) ?? promoted.category
    promoted.uid = event.uid.flatMap { string($0) } ?? promoted.uid
    // The columns are right, whatever `data` repeats of them.
    promoted.event = nil
    promoted.session = nil
    promoted.component = nil
    promoted.gameModule = nil
    promoted.modFingerprint = nil
    promoted.any = true
    severity(event.severity, &row)
    if let tick = event.tick {
      row.tick = tick
      row.present.insert(.tick)
      promoted.tick = nil
    }
    correlation(event.correlation, &row, &promoted)
    let name = text(event.event)
    if name.count > 0 { row.bits |= Bits.logHasEventName }
    row.name = builder.internName(event: name, promoted: promoted, fallback: "log")
    if let microseconds = event.durationMicroseconds {
      let start = builder.arena.count
      builder.arena.appendInteger(microseconds)
      promoted.microseconds = Slice(start: start, count: builder.arena.count - start)
    }
    builder.append(&row, promoted: promoted)
    return nil
  }

  // MARK: columns

  /// A resource of its own for every change of whose rows they are.
  private mutating func open(_ event: EventRow) {
    if let current, current.sessionID == event.sessionID, current.component == event.component,
      current.gameModule == event.gameModule, current.modFingerprint == event.modFingerprint
    {
      return
    }
    current = event
    builder.beginResource()
    var mark = builder.beginObject()
    var promoted = Promoted()
    member("service.name", event.component, &mark, &promoted)
    member("session.id", event.sessionID, &mark, &promoted)
    member("game_module", event.gameModule ?? "", &mark, &promoted)
    member("mod_fingerprint", event.modFingerprint ?? "", &mark, &promoted)
    builder.resources[builder.resources.count - 1].attributes = builder.endAttributes(mark).slice
    builder.resourcePromoted = promoted
    builder.resourceKnown()
    builder.beginScope()
  }

  private mutating func member(
    _ key: StaticString, _ value: String, _ mark: inout ObjectMark, _ promoted: inout Promoted
  ) {
    guard !value.isEmpty else { return }
    let name = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
    builder.key(name, in: &mark)
    if let text = string(value) { promoted.note(name, text) }
  }

  /// A JSON string; nil for the empty text.
  private mutating func string(_ text: String) -> Slice? {
    guard !text.isEmpty else { return nil }
    let start = builder.arena.count
    var text = text
    text.withUTF8 { _ = builder.arena.appendJSONString(UnsafeRawBufferPointer($0)) }
    return Slice(start: start, count: builder.arena.count - start)
  }

  private mutating func text(_ text: String) -> Slice {
    var text = text
    return text.withUTF8 { builder.appendText(UnsafeRawBufferPointer($0)) }
  }

  /// The level, and the first of OTLP's four numbers for it; another word is kept beside it.
  private mutating func severity(_ word: String, _ row: inout Row) {
    var word = word
    let level = word.withUTF8 { Severity(text: UnsafeRawBufferPointer($0)) } ?? .info
    row.severity = level
    row.bits |= Int64(level.rawValue) * 4 + 1
    if word == level.name || word.isEmpty { return }
    let start = builder.arena.count
    builder.extKey("\"severity_text\":", start)
    word.withUTF8 { _ = builder.arena.appendJSONString(UnsafeRawBufferPointer($0)) }
    builder.endExt(&row, start)
  }

  /// 32 hexadecimal digits are a trace id, anything else is a text.
  private mutating func correlation(_ text: String?, _ row: inout Row, _ promoted: inout Promoted) {
    guard let text, !text.isEmpty else { return }
    var id: (UInt64, UInt64) = (0, 0)
    var digits = 0
    for byte in text.utf8 {
      let value = byte &- 0x30 < 10 ? byte &- 0x30 : byte >= 0x61 && byte <= 0x66 ? byte &- 0x57 : 255
      guard value < 16, digits < 32 else {
        digits = -1
        break
      }
      if digits < 16 { id.0 = id.0 << 4 | UInt64(value) } else { id.1 = id.1 << 4 | UInt64(value) }
      digits += 1
    }
    if digits == 32 && (id.0 != 0 || id.1 != 0) {
      row.trace = (id.0.bigEndian, id.1.bigEndian)
      row.present.insert(.trace)
    } else if let text = string(text) {
      promoted.correlation = text
    }
  }
}
