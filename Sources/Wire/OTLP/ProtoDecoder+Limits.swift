import Telemetry

/// What refuses a record alone because of how much it is, or of what it lacks. What a resource or scope has too much of
/// refuses every record below it.
struct ProtoLimits {
  static let attributes = 1_024
  static let keyBytes = 1_024
  static let valueBytes = 1 << 20

  /// Of what is being read; a record begins with that of its scope.
  var fault: Rejection.Reason?
  var ofResource: Rejection.Reason?
  var ofScope: Rejection.Reason?

  /// Attributes that each record must have, as they stand in JSON.
  let required: [[UInt8]]
  /// Bits of those that scope and resource have.
  var foundInResource: UInt64 = 0
  var foundInScope: UInt64 = 0
  /// The first one that the refused record lacks.
  var lacking = 0

  /// More than 64 keys cannot be asked for.
  init(required: [[UInt8]]) {
    self.required = required.prefix(64).map { key in
      var text = Arena(capacity: key.count + 8)
      key.withUnsafeBytes { _ = text.appendKey($0, comma: false) }
      // Without quotes and colon.
      return [UInt8](text.bytes(1, text.count - 3))
    }
  }

  var all: UInt64 { required.count == 64 ? .max : (1 << UInt64(required.count)) - 1 }
}

extension ProtoDecoder {
  // MARK: what is too long

  /// Looks at a KeyValue that is longer than a key may be.
  @inline(never)
  mutating func measure(_ key: ProtoCursor, _ value: ProtoCursor) {
    if key.count > ProtoLimits.keyBytes {
      limits.fault = .keyTooLong
    } else {
      measure(value)
    }
  }

  /// An AnyValue: texts and bytes by themselves, arrays and maps as they came.
  @inline(never)
  mutating func measure(_ value: ProtoCursor) {
    guard value.count > ProtoLimits.valueBytes else { return }
    var length = value.count
    var cursor = value
    while !cursor.isAtEnd {
      // What is malformed is refused by who reads the value.
      guard let tag = try? cursor.tag() else { return }
      if tag.field == 1 || tag.field == 7 {
        guard let content = try? cursor.range(tag) else { return }
        length = content.count
      } else {
        guard (try? cursor.skip(tag)) != nil else { return }
        length = value.count
      }
    }
    if length > ProtoLimits.valueBytes { limits.fault = .valueTooLong }
  }

  // MARK: levels

  mutating func beginResourceLimits() { limits.fault = nil }

  mutating func endResourceLimits() {
    limits.ofResource = limits.fault
    guard !limits.required.isEmpty else { return }
    limits.foundInResource = found(in: builder.resources[builder.resources.count - 1].attributes)
  }

  mutating func beginScopeLimits() { limits.fault = limits.ofResource }

  mutating func endScopeLimits() {
    limits.ofScope = limits.fault
    guard !limits.required.isEmpty else { return }
    limits.foundInScope = limits.foundInResource | found(in: builder.streams[builder.streams.count - 1].attributes)
  }

  /// Why a record with these attributes has to be refused; nil: it need not.
  @inline(__always)
  mutating func refusal(_ attributes: Slice) -> Rejection.Reason? {
    if limits.fault == nil && limits.required.isEmpty { return nil }
    return lookForRefusal(attributes)
  }

  @inline(never)
  private mutating func lookForRefusal(_ attributes: Slice) -> Rejection.Reason? {
    if let fault = limits.fault { return fault }
    if limits.foundInScope == limits.all { return nil }
    let missing = limits.all & ~(limits.foundInScope | found(in: attributes))
    if missing == 0 { return nil }
    limits.lacking = missing.trailingZeroBitCount
    return .missingRequired
  }

  /// Bits of the required attributes that an object in the arena has.
  private func found(in object: Slice) -> UInt64 {
    guard object.count > 2 else { return 0 }
    let text = [UInt8](builder.arena.bytes(Int(object.start), Int(object.count)))
    var found: UInt64 = 0
    var members = JSONMembers(text)
    while found != limits.all, let member = members.next() {
      for (index, key) in limits.required.enumerated() where text[member.key].elementsEqual(key) {
        found |= 1 << UInt64(index)
      }
    }
    return found
  }

  // MARK: what is said of it

  /// The end of a path: the key that is missing, never a value.
  func limitField(_ reason: Rejection.Reason) -> String {
    guard reason == .missingRequired else { return "attributes" }
    return "attributes." + String(decoding: limits.required[limits.lacking], as: UTF8.self)
  }
}

extension Rejection.Reason {
  /// Records with too much of something are not written to the reject log: that is what they are refused for.
  var isLimit: Bool {
    switch self {
    case .tooManyAttributes, .valueTooLong, .keyTooLong: true
    default: false
    }
  }
}
