import Telemetry

/// Columns of a log record that came from something else than an attribute, e.g. an imported `telemetry.db`: they leave
/// as attributes.
struct OTLPLogColumns: OptionSet {
  let rawValue: UInt8

  static let tick = OTLPLogColumns(rawValue: 1 << 0)
  static let duration = OTLPLogColumns(rawValue: 1 << 1)
  static let category = OTLPLogColumns(rawValue: 1 << 2)
  static let event = OTLPLogColumns(rawValue: 1 << 3)
  static let correlation = OTLPLogColumns(rawValue: 1 << 4)
  static let uid = OTLPLogColumns(rawValue: 1 << 5)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Those of `record` that none of its attributes, which are `known`, told.
  init(_ record: OTLPRecord, _ known: OTLPPromotedKeys) {
    self = []
    if record.tick != nil && !known.tick { insert(.tick) }
    if record.duration != nil && !known.duration { insert(.duration) }
    if !known.category && !Self.isDefaultCategory(record) { insert(.category) }
    if record.bits & Bits.logHasEventName == 0 && !known.event && !record.event.spells("log") { insert(.event) }
    if record.correlation.count > 0 && !known.correlation { insert(.correlation) }
    // A name that another Garner's identity has given is none of the sender's.
    if record.uid.count > 0 && !known.uid && OTLPParcelOrigin(record).store.isEmpty { insert(.uid) }
  }

  /// Whether a decoder would find the same category by itself (DESIGN §5).
  private static func isDefaultCategory(_ record: OTLPRecord) -> Bool {
    if record.category.isEmpty { return true }
    let segment = record.event.prefix { $0 != UInt8(ascii: ".") }
    let isWord =
      segment.count > 0 && segment.count <= 32
      && segment.allSatisfy { byte in
        switch byte {
        case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "_"): true
        default: false
        }
      }
    return isWord ? record.category.elementsEqual(segment) : record.category.spells("log")
  }
}

/// Which attributes that become columns a log record has.
struct OTLPPromotedKeys {
  var tick = false
  var duration = false
  var category = false
  var event = false
  var correlation = false
  var uid = false

  mutating func note(_ key: UnsafeRawBufferPointer) {
    switch key.count {
    case 4: if key.spells("tick") { tick = true }
    case 8:
      if key.spells("category") { category = true }
      if key.spells("trace_id") { correlation = true }
    case 10:
      if key.spells("event.name") { event = true }
      if key.spells("duration_s") || key.spells("process_us") { duration = true }
    case 11:
      if key.spells("correlation") { correlation = true }
      if key.spells("duration_us") || key.spells("duration_ms") { duration = true }
    case 14:
      if key.spells("event.category") { category = true }
      if key.spells("log.record.uid") { uid = true }
    default: break
    }
  }
}
