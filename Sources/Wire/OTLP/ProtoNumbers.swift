/// The elements of a repeated number field, packed, one by one or mixed (CONFORMANCE PB-03), in the order of the wire.
struct ProtoNumbers {
  enum Kind: UInt32 {
    case varint = 0
    case fixed64 = 1
  }

  private var fields: ProtoCursor
  private var packed: ProtoCursor
  private let field: UInt32
  private let kind: Kind

  init(_ run: ProtoRun, _ field: UInt32, _ kind: Kind) {
    fields = run.cursor
    packed = ProtoCursor(at: run.cursor.end, end: run.cursor.end)
    self.field = field
    self.kind = kind
  }

  @inline(__always) mutating func next() throws(ProtoFault) -> UInt64? {
    if packed.isAtEnd, try !findMore() { return nil }
    return kind == .fixed64 ? try packed.word64() : try packed.varint()
  }

  /// A single element is taken for a packed array of one.
  private mutating func findMore() throws(ProtoFault) -> Bool {
    while !fields.isAtEnd {
      let tag = try fields.tag()
      if tag.field != field {
        try fields.skip(tag)
      } else if tag.wire == 2 {
        packed = try fields.range(tag)
        if !packed.isAtEnd { return true }
      } else {
        let start = fields.at
        try fields.skip(tag)
        packed = ProtoCursor(at: start, end: fields.at)
        return true
      }
    }
    return false
  }
}

extension ProtoCursor {
  /// Passes one field of a repeated number field.
  @inline(__always) mutating func skipNumbers(_ tag: ProtoTag, _ kind: ProtoNumbers.Kind) throws(ProtoFault) {
    guard tag.wire == 2 || tag.wire == kind.rawValue else { throw fault(.wireType) }
    try skip(tag)
  }
}
