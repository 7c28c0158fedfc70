/// The messages of OTLP that JSON spells out, and the JSON names of their fields with the numbers of protobuf.
enum OTLPMessage: UInt8, CaseIterable {
  case tracesRequest, metricsRequest, logsRequest
  case resourceSpans, resourceMetrics, resourceLogs, resource, entityRef
  case scopeSpans, scopeMetrics, scopeLogs, scope
  case span, event, link, status, logRecord
  case metric, gauge, sum, histogram, exponentialHistogram, summary
  case numberPoint, histogramPoint, exponentialPoint, summaryPoint, buckets, quantile, exemplar
  case keyValue, anyValue, arrayValue, keyValueList
}

/// A field of a message, ready to be found by its name.
struct OTLPField {
  enum Kind: UInt8 {
    case text, id, bytes
    /// fixed64, sfixed64, double, fixed32
    case unsigned64, signed64, double, fixed32
    /// Varints: uint32, sint32, int64, an enum, bool, a string index of profiles.
    case unsigned32, zigzag32, integer, enumeration, boolean, index
    case message, messages, keyValues
    /// AnyValue, repeated AnyValue, and the array or map inside of one.
    case value, values, list
    case texts, fixed64s, doubles, varints
  }

  var kind: Kind = .text
  var child: OTLPMessage = .anyValue
  var number: UInt8 = 0
  /// First byte of the protobuf tag, and the second one when the first has its high bit set.
  var tag: UInt8 = 0
  var tagTail: UInt8 = 0
  /// Bytes that are kept free for a length which is written when its message is complete. Too few cost a move of the
  /// message, too many cost their reader.
  var room = 1
  /// Position among the fields of its message.
  var bit: UInt32 = 0
  /// Arrays and objects: a second one replaces the first, where protobuf would join them.
  var isStructured = false
  /// Of the name; 0 in an empty slot.
  var length = 0
  /// The bits of `head` that belong to the name.
  var mask: UInt64 = 0
  /// The name's first eight bytes, those behind, and its last eight; zeros where it is shorter. In an empty slot no masked
  /// word equals it.
  var head: UInt64 = 1
  var middle: UInt64 = 0
  var tail: UInt64 = 0

  init() {}

  init(_ name: StaticString, _ number: UInt8, _ kind: Kind, _ child: OTLPMessage = .anyValue) {
    self.kind = kind
    self.child = child
    self.number = number
    let raw = UInt16(number) << 3 | kind.wire
    tag = raw < 0x80 ? UInt8(raw) : UInt8(raw & 0x7f) | 0x80
    tagTail = UInt8(raw >> 7)
    isStructured =
      switch kind {
      case .message, .messages, .keyValues, .value, .values, .list, .texts, .fixed64s, .doubles, .varints: true
      default: false
      }
    room =
      switch kind {
      case .message, .messages: child.room
      case .value, .values, .list: 5
      default: 1
      }
    length = name.utf8CodeUnitCount
    let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: length)
    func word(_ offset: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | (offset + $1 < length ? UInt64(bytes[offset + $1]) << UInt64(8 * $1) : 0) }
    }
    head = word(0)
    mask = length < 8 ? (1 << UInt64(8 * length)) - 1 : .max
    if length > 16 { middle = word(8) }
    if length > 8 { tail = word(length - 8) }
  }
}

extension OTLPMessage {
  /// Records, points and what is inside of them have a few hundred bytes, the envelopes around them as many as there are.
  fileprivate var room: Int {
    switch self {
    case .status, .quantile: 1
    case .resource, .entityRef, .scope, .span, .event, .link, .logRecord, .numberPoint, .histogramPoint,
      .exponentialPoint, .summaryPoint, .buckets, .exemplar:
      2
    default: 5
    }
  }
}

extension OTLPField.Kind {
  fileprivate var wire: UInt16 {
    switch self {
    case .unsigned64, .signed64, .double: 1
    case .fixed32: 5
    case .unsigned32, .zigzag32, .integer, .enumeration, .boolean, .index: 0
    default: 2
    }
  }
}

/// A table per message in which every name has a slot of its own, so that a key is found by one multiplication.
///
/// `@unchecked Sendable`: the tables are complete when `init` returns, never written again and never freed.
struct OTLPSchema: @unchecked Sendable {
  static let shared = OTLPSchema()
  static let longestName = 23

  static let slotsPerMessage = 64
  let slots: UnsafePointer<OTLPField>
  private let factors: UnsafePointer<UInt64>

  private init() {
    let messages = OTLPMessage.allCases
    let slots = UnsafeMutablePointer<OTLPField>.allocate(capacity: messages.count * Self.slotsPerMessage)
    let factors = UnsafeMutablePointer<UInt64>.allocate(capacity: messages.count)
    slots.initialize(repeating: OTLPField(), count: messages.count * Self.slotsPerMessage)
    for message in messages {
      let fields = message.fields
      let factor = Self.factor(separating: fields)
      factors[Int(message.rawValue)] = factor
      for (index, field) in fields.enumerated() {
        var field = field
        field.bit = 1 << UInt32(index)
        slots[Int(message.rawValue) * Self.slotsPerMessage + Self.slot(field.head, field.length, factor)] = field
      }
    }
    self.slots = UnsafePointer(slots)
    self.factors = UnsafePointer(factors)
  }

  /// Tries factors until no two names share a slot: a few dozen tries for sixteen names in 64 slots.
  private static func factor(separating fields: [OTLPField]) -> UInt64 {
    var factor: UInt64 = 0x9e37_79b9_7f4a_7c15
    while Set(fields.map { slot($0.head, $0.length, factor) }).count < fields.count {
      factor = factor &* 0x5851_f42d_4c95_7f2d &+ 0x1405_7b7e_f767_814f | 1
    }
    return factor
  }

  @inline(__always) private static func slot(_ head: UInt64, _ length: Int, _ factor: UInt64) -> Int {
    Int(truncatingIfNeeded: ((head &+ UInt64(truncatingIfNeeded: length)) &* factor) >> 58)
  }

  /// The field of this name, which has less than 24 bytes; 24 are readable at `name`.
  @inline(__always)
  func find(_ message: OTLPMessage, _ name: UnsafeRawPointer, _ length: Int) -> UnsafePointer<OTLPField>? {
    @inline(__always) func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: (name + offset).loadUnaligned(as: UInt64.self))
    }
    let head = length < 8 ? word(0) & ((1 << UInt64(truncatingIfNeeded: 8 &* length)) &- 1) : word(0)
    let table = slots + Int(message.rawValue) &* Self.slotsPerMessage
    let slot = table + Self.slot(head, length, factors[Int(message.rawValue)])
    guard slot.pointee.head == head && slot.pointee.length == length else { return nil }
    if length > 8 {
      guard word(length &- 8) == slot.pointee.tail else { return nil }
      if length > 16 && word(8) != slot.pointee.middle { return nil }
    }
    return slot
  }

  /// Whether the key at `name` is that of `slot`; 32 bytes are readable. Quote and colon follow at once.
  @inline(__always) func begins(_ name: UnsafePointer<UInt8>, with slot: UnsafePointer<OTLPField>) -> Bool {
    @inline(__always) func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: UnsafeRawPointer(name + offset).loadUnaligned(as: UInt64.self))
    }
    let length = slot.pointee.length
    guard
      word(0) & slot.pointee.mask == slot.pointee.head && name[length] == UInt8(ascii: "\"")
        && name[length &+ 1] == UInt8(ascii: ":")
    else { return false }
    if length <= 8 { return true }
    return word(length &- 8) == slot.pointee.tail && (length <= 16 || word(8) == slot.pointee.middle)
  }
}
