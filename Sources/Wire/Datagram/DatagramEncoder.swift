/// A value of a field of form B; each case is a type of its own on the wire.
package enum DatagramValue: Sendable, Equatable {
  case unsigned(UInt64)
  case integer(Int64)
  case double(Double)
  case float(Float)
  case bool(Bool)
  case null
  case text(String)
  /// A state hash.
  case hash(UInt64)
  case bytes([UInt8])
  case unsignedList([UInt64])
  case textList([String])
  /// JSON text.
  case json(String)

  var type: UInt8 {
    switch self {
    case .unsigned: UInt8(ascii: "u")
    case .integer: UInt8(ascii: "i")
    case .double: UInt8(ascii: "d")
    case .float: UInt8(ascii: "f")
    case .bool(let flag): flag ? UInt8(ascii: "T") : UInt8(ascii: "F")
    case .null: UInt8(ascii: "N")
    case .text: UInt8(ascii: "s")
    case .hash: UInt8(ascii: "h")
    case .bytes: UInt8(ascii: "x")
    case .unsignedList: UInt8(ascii: "U")
    case .textList: UInt8(ascii: "S")
    case .json: UInt8(ascii: "j")
    }
  }
}

/// An event as a sender has it.
package struct DatagramEvent: Sendable, Equatable {
  package var name: String
  /// µs since 1970 UTC.
  package var microseconds: Int64
  /// 0 trace … 4 error.
  package var severity: UInt8 = 2
  package var tick: Int64?
  package var fields: [(name: String, value: DatagramValue)] = []

  package init(
    _ name: String, at microseconds: Int64, severity: UInt8 = 2, tick: Int64? = nil,
    _ fields: [(name: String, value: DatagramValue)] = []
  ) {
    self.name = name
    self.microseconds = microseconds
    self.severity = severity
    self.tick = tick
    self.fields = fields
  }

  package static func == (a: DatagramEvent, b: DatagramEvent) -> Bool {
    a.name == b.name && a.microseconds == b.microseconds && a.severity == b.severity && a.tick == b.tick
      && a.fields.elementsEqual(b.fields) { $0.name == $1.name && $0.value == $1.value }
  }
}

/// What the events of a packet share.
package struct DatagramContext: Sendable, Equatable {
  package var gameID = ""
  /// 16 bytes, or none.
  package var trace: [UInt8] = []
  package var gameModule = ""
  /// 32 bytes, or none.
  package var modFingerprint: [UInt8] = []
  package var session = ""
  package var component = ""

  package init() {}
}

/// Puts a packet of form B together; the tag is the sender's affair.
package struct DatagramEncoder: Sendable {
  private var header: DatagramHeader
  private var body: [UInt8] = []
  private var shapes: [[UInt8]] = []
  private var texts: [String: Int] = [:]
  private var lastMicroseconds: Int64
  private var lastTick: Int64 = 0

  /// `header`: its count is set by the events that are added.
  package init(_ header: DatagramHeader) {
    self.header = header
    lastMicroseconds = header.sentMicroseconds
  }

  /// With header and tag.
  package var byteCount: Int { DatagramHeader.byteCount + body.count + DatagramHeader.tagBytes }
  package var eventCount: Int { Int(header.eventCount) }

  /// All but the tag.
  package var encoded: [UInt8] {
    var out: [UInt8] = []
    header.encode(into: &out)
    return out + body
  }

  /// Holds for the events that are added from here on.
  package mutating func add(_ context: DatagramContext) {
    var list: [UInt8] = []
    func add(_ tag: UInt8, _ value: [UInt8]) {
      guard !value.isEmpty else { return }
      list.append(tag)
      Self.varint(UInt64(value.count), into: &list)
      list += value
    }
    add(1, Array(context.gameID.utf8))
    add(2, context.trace)
    add(3, Array(context.gameModule.utf8))
    add(4, context.modFingerprint)
    add(5, Array(context.session.utf8))
    add(6, Array(context.component.utf8))
    item(1, list)
  }

  /// Back to the context that was added as number `index`.
  package mutating func reuse(context index: Int) {
    var number: [UInt8] = []
    Self.varint(UInt64(index), into: &number)
    item(2, number)
  }

  /// False when the packet would be larger than `limit` with it; it stays as it was.
  package mutating func add(_ event: DatagramEvent, limit: Int = 1_200) -> Bool {
    let before = self
    guard header.eventCount < .max, let shape = shapeNumber(event) else { return false }
    body.append(0x40 + UInt8(shape))
    Self.zigzag(event.microseconds &- lastMicroseconds, into: &body)
    lastMicroseconds = event.microseconds
    if let tick = event.tick {
      Self.zigzag(tick &- lastTick, into: &body)
      lastTick = tick
    }
    for field in event.fields { append(field.value) }
    header.eventCount += 1
    if byteCount <= limit { return true }
    self = before
    return false
  }

  private mutating func shapeNumber(_ event: DatagramEvent) -> Int? {
    var shape: [UInt8] = []
    Self.name(event.name, into: &shape)
    shape.append(min(event.severity, 4) | (event.tick == nil ? 0 : 8))
    for field in event.fields {
      Self.name(field.name, into: &shape)
      shape.append(field.value.type)
    }
    if let known = shapes.firstIndex(of: shape) { return known }
    guard shapes.count < BinaryScratch.shapeLimit, event.fields.count <= BinaryScratch.fieldLimit else { return nil }
    item(3, shape)
    shapes.append(shape)
    return shapes.count - 1
  }

  private mutating func append(_ value: DatagramValue) {
    func fixed(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.bigEndian) { body += $0 } }
    switch value {
    case .unsigned(let number): Self.varint(number, into: &body)
    case .integer(let number): Self.zigzag(number, into: &body)
    case .double(let number): fixed(number.bitPattern)
    case .float(let number): fixed(number.bitPattern)
    case .bool, .null: break
    case .text(let text): append(text)
    case .hash(let number): fixed(number)
    case .bytes(let bytes):
      Self.varint(UInt64(bytes.count), into: &body)
      body += bytes
    case .unsignedList(let numbers):
      Self.varint(UInt64(numbers.count), into: &body)
      for number in numbers { Self.varint(number, into: &body) }
    case .textList(let texts):
      Self.varint(UInt64(texts.count), into: &body)
      for text in texts { append(text) }
    case .json(let text):
      Self.varint(UInt64(text.utf8.count), into: &body)
      body += text.utf8
    }
  }

  private mutating func append(_ text: String) {
    if let known = texts[text] {
      Self.varint(UInt64(known) << 1 | 1, into: &body)
    } else {
      texts[text] = texts.count
      Self.varint(UInt64(text.utf8.count) << 1, into: &body)
      body += text.utf8
    }
  }

  private mutating func item(_ kind: UInt8, _ value: [UInt8]) {
    body.append(kind)
    Self.varint(UInt64(value.count), into: &body)
    body += value
  }

  private static func name(_ name: String, into out: inout [UInt8]) {
    if let number = DatagramWords.numbers[name] {
      varint(UInt64(number) << 1 | 1, into: &out)
    } else {
      varint(UInt64(name.utf8.count) << 1, into: &out)
      out += name.utf8
    }
  }

  private static func varint(_ number: UInt64, into out: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    out.append(UInt8(rest))
  }

  private static func zigzag(_ number: Int64, into out: inout [UInt8]) {
    varint(UInt64(bitPattern: number << 1 ^ number >> 63), into: &out)
  }
}
