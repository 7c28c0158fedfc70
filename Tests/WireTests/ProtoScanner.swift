import COTLP

/// Reads a body by the descriptors of protobuf-c, before protobuf-c does: finds what the two decoders may judge differently,
/// and takes NUL out of texts, which end there in C.
struct ProtoScanner {
  /// The permitted differences, all of them. A body with one of these is only decoded, never compared.
  struct Findings: OptionSet {
    let rawValue: Int
    /// protobuf-c refuses groups; we skip them (CONFORMANCE PB-02).
    static let group = Findings(rawValue: 1)
    /// protobuf-c refuses tags and lengths written with more than five bytes, whatever their value.
    static let longVarint = Findings(rawValue: 2)
    /// protobuf-c drops bits over 64 of a varint; we refuse.
    static let overflow = Findings(rawValue: 4)
    /// protobuf-c takes field number 0, and those over 29 bits, for unknown fields; we refuse.
    static let badField = Findings(rawValue: 8)
    /// A message in a oneof that comes twice is replaced by protobuf-c and merged by us (CONFORMANCE PB-06); merging two
    /// AnyValues of which one is empty is refused by it.
    static let repeatedOneof = Findings(rawValue: 16)
    /// protobuf-c has no limit of depth. Unknown fields are not counted.
    static let deep = Findings(rawValue: 32)
    /// A metric with two kinds of data: what is replaced is read by protobuf-c, and refused where malformed, and left alone
    /// by us.
    static let replacedData = Findings(rawValue: 128)
    /// protobuf-c takes any wire type for a boolean; we refuse all but varints.
    static let oddBoolean = Findings(rawValue: 64)
  }

  static let depthLimit = 200

  private(set) var body: [UInt8]
  private(set) var findings: Findings = []

  init(_ body: [UInt8], _ descriptor: ProtobufCMessageDescriptor) {
    self.body = body
    scan(0..<body.count, descriptor, depth: 0)
  }

  private mutating func varint(_ at: inout Int, _ end: Int, limit: Int) -> UInt64? {
    var number: UInt64 = 0
    var count = 0
    while at < end {
      let byte = body[at]
      if count == 9 && byte > 1 { findings.insert(.overflow) }
      if count > 9 { return nil }
      number |= UInt64(byte & 0x7f) << UInt64(7 * count)
      at += 1
      count += 1
      if byte < 0x80 {
        if count > limit { findings.insert(.longVarint) }
        return number
      }
    }
    return nil
  }

  /// Stops at what is malformed: that is for the decoders to find.
  private mutating func scan(_ range: Range<Int>, _ descriptor: ProtobufCMessageDescriptor, depth: Int) {
    if depth > Self.depthLimit {
      findings.insert(.deep)
      return
    }
    var at = range.lowerBound
    var seen: Set<UInt32> = []
    while at < range.upperBound {
      guard let tag = varint(&at, range.upperBound, limit: 5) else { return }
      if tag >> 3 == 0 || tag > UInt64(UInt32.max) { findings.insert(.badField) }
      let field = fieldOf(descriptor, tag >> 3)
      if field?.type == PROTOBUF_C_TYPE_BOOL && tag & 7 != 0 { findings.insert(.oddBoolean) }
      switch tag & 7 {
      case 0: if varint(&at, range.upperBound, limit: 10) == nil { return }
      case 1: at += 8
      case 5: at += 4
      case 3, 4: findings.insert(.group)
      case 2:
        guard let length = varint(&at, range.upperBound, limit: 5), length <= UInt64(range.upperBound - at) else {
          return
        }
        let inside = at..<at + Int(length)
        at = inside.upperBound
        if let field { scan(field, inside, seen: &seen, depth: depth) }
      default: return
      }
    }
  }

  private mutating func scan(
    _ field: ProtobufCFieldDescriptor, _ inside: Range<Int>, seen: inout Set<UInt32>, depth: Int
  ) {
    switch field.type {
    case PROTOBUF_C_TYPE_STRING:
      for index in inside where body[index] == 0 { body[index] = 1 }
    case PROTOBUF_C_TYPE_MESSAGE:
      guard let pointer = field.descriptor else { return }
      let inner = pointer.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee
      let isOneof = field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
      let isAnyValue = String(cString: inner.name) == "otlp.AnyValue" && field.label != PROTOBUF_C_LABEL_REPEATED
      if isOneof && !isAnyValueMember(inner) && !seen.isEmpty { findings.insert(.replacedData) }
      if isOneof || isAnyValue, !seen.insert(field.id).inserted { findings.insert(.repeatedOneof) }
      scan(inside, inner, depth: depth + 1)
    case PROTOBUF_C_TYPE_UINT64 where field.label == PROTOBUF_C_LABEL_REPEATED:
      var at = inside.lowerBound
      while at < inside.upperBound, varint(&at, inside.upperBound, limit: 10) != nil {}
    default: break
    }
  }

  /// Arrays and maps; other messages in a oneof are data of a metric.
  private func isAnyValueMember(_ descriptor: ProtobufCMessageDescriptor) -> Bool {
    ["otlp.ArrayValue", "otlp.KeyValueList"].contains(String(cString: descriptor.name))
  }

  private func fieldOf(_ descriptor: ProtobufCMessageDescriptor, _ number: UInt64) -> ProtobufCFieldDescriptor? {
    for index in 0..<Int(descriptor.n_fields) where UInt64(descriptor.fields[index].id) == number {
      return descriptor.fields[index]
    }
    return nil
  }
}
