import Telemetry

/// The attributes of a stored row, one after the other: those of the record itself, then, of a log, what its columns
/// say beyond them (a row that came from an imported `telemetry.db` has its tick there and nowhere else).
///
/// The body of a log is passed over and kept in `body`.
struct StoredAttributes {
  typealias Bytes = UnsafeRawBufferPointer

  /// Key as written in JSON, without quotes and without our escape; value as checked JSON. Valid until the next one.
  struct Member {
    var key: Bytes
    var value: Bytes
  }

  /// Empty: the record has no body field.
  private(set) var body = Bytes(start: nil, count: 0)
  private var object: StoredObject?
  /// What lies around the attributes that are named like a key of ours.
  private var outer: StoredObject?
  private let isLog: Bool
  private let isMoved: Bool
  private var columns: StoredColumns?

  /// Of the record itself.
  init(of record: OTLPRecord) {
    object = StoredObject(record.kind.isPoint ? record.seriesAttributes : record.data)
    isLog = record.kind == .log
    isMoved = (isLog || record.kind == .spanEvent) && record.bits & Bits.attributesMoved != 0
    if isLog { columns = StoredColumns() }
  }

  /// Of a resource, a scope or a link.
  init(_ json: Bytes) {
    object = StoredObject(json)
    isLog = false
    isMoved = false
  }

  /// `scratch` holds the value of a column.
  mutating func next(
    _ record: OTLPRecord, _ filter: AttributeFilter, _ scratch: inout Arena
  ) throws(JSONFault) -> Member? {
    while let member = try next() {
      if filter.allows(stored: member.key) { return member }
    }
    while columns != nil, let member = columns?.next(record, &scratch) {
      if filter.allows(stored: member.key) { return member }
    }
    return nil
  }

  mutating func next() throws(JSONFault) -> Member? {
    while object != nil {
      guard let key = try object?.next() else {
        object = outer
        outer = nil
        continue
      }
      if isMoved && outer == nil && key.spells("attributes") {
        try enter()
        continue
      }
      guard let value = try object?.cursor.storedValue() else { return nil }
      if isLog && outer == nil {
        if key.spells("body") {
          body = value
          continue
        }
        columns?.note(key)
      }
      return Member(key: key.withoutEscape, value: value)
    }
    return nil
  }

  /// Goes on within the object of moved attributes; what is around it waits behind it.
  private mutating func enter() throws(JSONFault) {
    guard var rest = object else { return }
    let inside = StoredObject(rest.cursor)
    _ = try rest.cursor.storedValue()
    object = inside
    outer = rest
  }
}

/// Columns of a log row that no attribute of it says, one after the other.
private struct StoredColumns {
  private var known = OTLPPromotedKeys()
  /// Nil until all attributes have been seen.
  private var left: OTLPLogColumns?

  mutating func note(_ key: UnsafeRawBufferPointer) { known.note(key) }

  mutating func next(_ record: OTLPRecord, _ scratch: inout Arena) -> StoredAttributes.Member? {
    var columns = left ?? OTLPLogColumns(record, known)
    left = columns
    if columns.isEmpty { return nil }
    scratch.truncate(to: 0)
    let key: StaticString
    if columns.remove(.tick) != nil {
      key = "tick"
      scratch.appendInteger(record.tick ?? 0)
    } else if columns.remove(.duration) != nil {
      key = "duration_us"
      scratch.appendInteger((record.duration ?? 0) / 1000)
    } else if columns.remove(.category) != nil {
      key = "category"
      scratch.appendJSONString(record.category)
    } else if columns.remove(.event) != nil {
      key = "event.name"
      scratch.appendJSONString(record.event)
    } else if columns.remove(.correlation) != nil {
      key = "correlation"
      scratch.appendJSONString(record.correlation)
    } else {
      columns.remove(.uid)
      key = "log.record.uid"
      scratch.appendJSONString(record.uid)
    }
    left = columns
    return StoredAttributes.Member(
      key: UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount),
      value: scratch.bytes(0, scratch.count))
  }
}

extension AttributeFilter {
  /// `key` as it is written in JSON, without our escape, the closing quote behind it.
  func allows(stored key: UnsafeRawBufferPointer) -> Bool {
    if letsAllThrough { return true }
    guard key.hasBackslash else { return allows(key) }
    guard var cursor = JSONCursor(UnsafeRawBufferPointer(start: key.baseAddress, count: key.count + 1)) else {
      return allows(key)
    }
    var plain = Arena(capacity: key.count)
    do throws(JSONFault) { try cursor.text(into: &plain) } catch { return false }
    return allows(plain.bytes(0, plain.count))
  }
}
