import Telemetry

/// Shapes, fields, strings and contexts of the packet at hand: memory that all packets of a batch share.
struct BinaryScratch: ~Copyable {
  static let shapeLimit = 64
  static let fieldLimit = 32

  struct Field {
    var type: UInt8 = 0
    /// A column is made of it.
    var promotes = false
    /// In `members`: `,"key":`.
    var member = 0
    var memberCount = 0
    /// The name as it lies in the packet or in the table.
    var key = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  struct Shape {
    var name = UnsafeRawBufferPointer(start: nil, count: 0)
    var severity = Severity.info
    var hasTick = false
    var firstField = 0
    var fieldCount = 0
    /// Of its name and its fields' names.
    var nameBytes = 0
    /// Two names are equal, or one is reserved: members must be looked at for every event.
    var needsCare = false
    var ownGame = false
    var ownCategory = false
    /// The event opens a game or session; see `Row.Present.teachesContext`.
    var teaches = false
    /// In the batch's names; −1: not yet known.
    var nameIndex: Int32 = -1
    /// Why no event can have this shape.
    var fault: Rejection.Reason?
  }

  let shapes = UnsafeMutablePointer<Shape>.allocate(capacity: shapeLimit)
  let fields = UnsafeMutablePointer<Field>.allocate(capacity: shapeLimit * fieldLimit)
  private(set) var shapeCount = 0
  private var usedFields = 0
  var members = Arena(capacity: 4_096)
  var texts: [UnsafeRawBufferPointer] = []
  /// Indexes of places, in the order of the packet.
  var contexts: [Int] = []

  init() {
    // Never more than a packet can name: each takes at least a byte of it.
    texts.reserveCapacity(256)
    shapes.initialize(repeating: Shape(), count: Self.shapeLimit)
    fields.initialize(repeating: Field(), count: Self.shapeLimit * Self.fieldLimit)
  }

  deinit {
    shapes.deallocate()
    fields.deallocate()
  }

  mutating func clear() {
    shapeCount = 0
    usedFields = 0
    members.truncate(to: 0)
    texts.removeAll(keepingCapacity: true)
    contexts.removeAll(keepingCapacity: true)
  }

  /// Reads the definition of the next shape.
  mutating func define(_ piece: DatagramCursor) throws(DatagramFault) {
    guard shapeCount < Self.shapeLimit else { throw DatagramFault() }
    var c = piece
    var shape = Shape()
    shape.name = try c.name()
    shape.fault = Self.fault(shape.name)
    shape.nameBytes = shape.name.count
    let flags = try c.byte()
    guard let severity = Severity(rawValue: flags & 7), flags & 0xf0 == 0 else { throw DatagramFault() }
    shape.severity = severity
    shape.hasTick = flags & 8 != 0
    shape.firstField = usedFields
    while !c.isAtEnd {
      guard shape.fieldCount < Self.fieldLimit else { throw DatagramFault() }
      var field = Field()
      field.key = try c.name()
      field.type = try c.byte()
      guard Self.isType(field.type) else { throw DatagramFault() }
      add(&field, to: &shape)
    }
    shape.teaches = Self.teachers.contains { shape.name.spells($0) }
    shapes[shapeCount] = shape
    shapeCount += 1
  }

  /// Those of which `BatchBuilder` takes that their context holds for others.
  static let teachers: [StaticString] = [
    "relay.game.start", "session.start", "match.start", "session.mod_manifest", "session.profile_switch",
  ]

  private mutating func add(_ field: inout Field, to shape: inout Shape) {
    shape.fault = shape.fault ?? Self.fault(field.key)
    shape.nameBytes += field.key.count
    field.member = members.count
    _ = members.appendKey(field.key, comma: true)
    field.memberCount = members.count - field.member
    var promoted = Promoted()
    promoted.note(field.key, Slice(start: 0, count: 1))
    field.promotes = promoted.any
    if field.key.spells("game_id") { shape.ownGame = true }
    if promoted.category != nil { shape.ownCategory = true }
    if ReservedKeys.log.contains(field.key) || (shape.hasTick && field.key.spells("tick")) { shape.needsCare = true }
    for index in shape.firstField..<usedFields where fields[index].key.elementsEqual(field.key) {
      shape.needsCare = true
    }
    fields[usedFields] = field
    usedFields += 1
    shape.fieldCount += 1
  }

  private static func fault(_ name: UnsafeRawBufferPointer) -> Rejection.Reason? {
    if name.isEmpty || name.count > 255 { return .badName }
    return UTF8Text.isValid(name) ? nil : .badUTF8
  }

  private static func isType(_ type: UInt8) -> Bool {
    switch type {
    case UInt8(ascii: "u"), UInt8(ascii: "i"), UInt8(ascii: "d"), UInt8(ascii: "f"), UInt8(ascii: "b"),
      UInt8(ascii: "T"), UInt8(ascii: "F"), UInt8(ascii: "N"), UInt8(ascii: "s"), UInt8(ascii: "h"),
      UInt8(ascii: "x"), UInt8(ascii: "U"), UInt8(ascii: "S"), UInt8(ascii: "j"):
      true
    default: false
    }
  }
}
