import Telemetry

/// The members of `ext` of a row (`docs/schema.md`), each as checked JSON; empty: it is not there.
struct StoredExt {
  typealias Bytes = UnsafeRawBufferPointer

  /// Exact where the column is not: the row's time is 2^63 or more.
  var time: UInt64?
  var severityNumber = Bytes(start: nil, count: 0)
  var severityText = Bytes(start: nil, count: 0)
  var droppedAttributes = Bytes(start: nil, count: 0)
  var droppedEvents = Bytes(start: nil, count: 0)
  var droppedLinks = Bytes(start: nil, count: 0)
  var kind = Bytes(start: nil, count: 0)
  var status = Bytes(start: nil, count: 0)
  var statusMessage = Bytes(start: nil, count: 0)
  var traceState = Bytes(start: nil, count: 0)
  var links = Bytes(start: nil, count: 0)
  var exemplars = Bytes(start: nil, count: 0)
  /// A number that is not finite.
  var value = Bytes(start: nil, count: 0)
  var bounds = Bytes(start: nil, count: 0)
  var counts = Bytes(start: nil, count: 0)
  var scale = Bytes(start: nil, count: 0)
  var zeroCount = Bytes(start: nil, count: 0)
  var positive = Bytes(start: nil, count: 0)
  var negative = Bytes(start: nil, count: 0)
  var quantiles = Bytes(start: nil, count: 0)

  init(_ json: Bytes) throws(JSONFault) {
    guard var object = StoredObject(json) else { return }
    while let name = try object.next() {
      if name.spells("time") {
        time = try object.cursor.storedUnsigned()
      } else {
        set(name, try object.cursor.storedValue())
      }
    }
  }

  private mutating func set(_ name: Bytes, _ json: Bytes) {
    switch name.count {
    case 4: if name.spells("kind") { kind = json }
    case 5:
      if name.spells("links") { links = json }
      if name.spells("scale") { scale = json }
      if name.spells("value") { value = json }
    case 6:
      if name.spells("status") { status = json }
      if name.spells("bounds") { bounds = json }
      if name.spells("counts") { counts = json }
    case 8:
      if name.spells("positive") { positive = json }
      if name.spells("negative") { negative = json }
    case 9:
      if name.spells("exemplars") { exemplars = json }
      if name.spells("quantiles") { quantiles = json }
    case 10: if name.spells("zero_count") { zeroCount = json }
    case 11: if name.spells("trace_state") { traceState = json }
    case 13: if name.spells("severity_text") { severityText = json }
    case 14: if name.spells("status_message") { statusMessage = json }
    case 15: if name.spells("severity_number") { severityNumber = json }
    case 19: if name.spells("dropped_links_count") { droppedLinks = json }
    case 20: if name.spells("dropped_events_count") { droppedEvents = json }
    case 24: if name.spells("dropped_attributes_count") { droppedAttributes = json }
    default: break
    }
  }

  /// The span's kind, 0 for one that OTLP does not know.
  func spanKind(_ bits: Int64) -> Int64 { bits & 15 == Bits.spanKindInExt ? 0 : bits & 15 }

  /// 0 unset, 1 ok, 2 error.
  func spanStatus(_ bits: Int64) -> Int64 {
    let code = bits >> Bits.spanStatusShift & 3
    return code == Bits.spanStatusInExt ? 0 : code
  }

  /// 0: the record has none.
  func severityNumber(_ bits: Int64) -> Int64 {
    guard bits & 31 == Bits.logSeverityInExt else { return bits & 31 }
    guard var cursor = JSONCursor(severityNumber), let digits = try? cursor.storedDigits() else { return 0 }
    return Int64(String(decoding: digits, as: UTF8.self)) ?? 0
  }
}
