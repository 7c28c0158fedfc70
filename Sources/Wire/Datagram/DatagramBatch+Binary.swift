import Telemetry

/// The body of form B: a list of contexts, shapes and events; every packet stands alone.
extension DatagramBatch {
  /// Names and values of one packet once expanded: a packet of 2 KiB could otherwise stand for a megabyte.
  private static var expandedLimit: Int { 64 << 10 }

  /// Where the walk through a packet is.
  private struct Walk {
    var microseconds: Int64
    var tick: Int64 = 0
    var number: UInt64
    var place: Int
    var found = 0
    var expanded = 0
  }

  /// Appends the events of a packet whose header, tag included, has been checked. Throws when the packet is malformed, and
  /// nothing of it stays; gives the number of events that are refused alone.
  @discardableResult
  package mutating func append(
    _ packet: UnsafeRawBufferPointer, _ header: DatagramHeader, from sender: borrowing DatagramSender
  ) throws(DatagramFault) -> Int {
    let mark = mark
    boot.set(header.boot)
    binary.clear()
    let failed = sender.source.withUnsafeBytes { source in
      sender.component.withUnsafeBytes { component in
        let body = UnsafeRawBufferPointer(
          rebasing: packet[DatagramHeader.byteCount..<packet.count - DatagramHeader.tagBytes])
        var texts = PlaceTexts()
        texts.source = source
        texts.component = component
        texts.session = boot.bytes
        do throws(DatagramFault) {
          try walk(body, header, texts)
          return false
        } catch {
          return true
        }
      }
    }
    if failed {
      takeBack(to: mark)
      throw DatagramFault()
    }
    return closePacket()
  }

  private mutating func walk(
    _ body: UnsafeRawBufferPointer, _ header: DatagramHeader, _ texts: PlaceTexts
  ) throws(DatagramFault) {
    let count = Int(header.eventCount)
    guard let start = body.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    var c = DatagramCursor(at: start, end: start + body.count)
    // A place is opened by the first event that lies there.
    var walk = Walk(microseconds: header.sentMicroseconds, number: header.firstEvent, place: -1)
    while !c.isAtEnd {
      let first = try c.byte()
      if first >= 0x40 {
        guard walk.found < count else { throw DatagramFault() }
        if walk.place < 0 { walk.place = enter(texts) }
        try event(&c, Int(first) - 0x40, &walk)
        continue
      }
      guard first != 0 else { throw DatagramFault() }
      var piece = try c.piece()
      switch first {
      case 1:
        walk.place = try context(&piece, texts)
        binary.contexts.append(walk.place)
      case 2:
        let number = try piece.varint()
        guard piece.isAtEnd, number < UInt64(binary.contexts.count) else { throw DatagramFault() }
        walk.place = binary.contexts[Int(number)]
        builder.enter(places[walk.place].level)
      case 3: try binary.define(piece)
      default: break
      }
    }
    guard walk.found == count else { throw DatagramFault() }
  }

  // MARK: context

  private mutating func context(
    _ c: inout DatagramCursor, _ texts: PlaceTexts
  ) throws(DatagramFault) -> Int {
    var texts = texts
    // The fingerprint comes as bytes and is kept as digits.
    var digits = Arena(capacity: 64)
    while !c.isAtEnd {
      let tag = try c.byte()
      var value = try c.piece()
      let bytes = value.rest()
      switch tag {
      case 1: texts.game = bytes
      case 2:
        guard bytes.count == 16 else { throw DatagramFault() }
        texts.trace = (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      case 3: texts.gameModule = bytes
      case 4:
        guard bytes.count == 32 else { throw DatagramFault() }
        digits.truncate(to: 0)
        digits.appendHex(bytes)
        texts.modFingerprint = digits.bytes(0, 64)
      case 5: if !bytes.isEmpty { texts.session = bytes }
      case 6: if !bytes.isEmpty { texts.component = bytes }
      default: break
      }
    }
    return enter(texts)
  }

  // MARK: event

  private mutating func event(
    _ c: inout DatagramCursor, _ number: Int, _ walk: inout Walk
  ) throws(DatagramFault) {
    guard number < binary.shapeCount else { throw DatagramFault() }
    let shape = binary.shapes + number
    let place = places[walk.place]
    walk.microseconds = try Self.sum(walk.microseconds, try c.zigzag())
    if shape.pointee.hasTick { walk.tick = try Self.sum(walk.tick, try c.zigzag()) }
    var row = row(walk.microseconds, shape.pointee.severity, arrival: 0)
    var promoted = Promoted()
    var fault = shape.pointee.fault ?? place.fault
    let start = builder.arena.count
    if shape.pointee.needsCare {
      try carefulData(&c, shape.pointee, walk.tick, place, &row, &promoted, &fault)
    } else {
      try plainData(&c, shape, walk.tick, place, &row, &promoted, &fault)
    }
    walk.expanded &+= shape.pointee.nameBytes &+ builder.arena.count &- start
    guard walk.expanded <= Self.expandedLimit else { throw DatagramFault() }
    let event = walk.number
    walk.number &+= 1
    walk.found += 1
    if let fault {
      builder.arena.truncate(to: start)
      refused.append((fault, event))
      return
    }
    // A field of that name comes later, and wins.
    if shape.pointee.hasTick && promoted.tick == nil {
      row.tick = walk.tick
      row.present.insert(.tick)
    }
    // The number is the identity, whatever a field may say.
    promoted.uid = nil
    setIdentity(&row, event)
    row.name = name(shape, promoted)
    append(&row, &promoted, place, teaches: shape.pointee.teaches)
  }

  @inline(__always) private static func sum(_ a: Int64, _ b: Int64) throws(DatagramFault) -> Int64 {
    let (sum, over) = a.addingReportingOverflow(b)
    guard !over else { throw DatagramFault() }
    return sum
  }

  @inline(__always) private mutating func name(
    _ shape: UnsafeMutablePointer<BinaryScratch.Shape>, _ promoted: Promoted
  ) -> Int32 {
    if shape.pointee.nameIndex >= 0 { return shape.pointee.nameIndex }
    let event = builder.appendText(shape.pointee.name)
    let index = builder.internName(event: event, promoted: promoted, fallback: "log")
    if !shape.pointee.ownCategory { shape.pointee.nameIndex = index }
    return index
  }

  /// Appends a row of `place`, whose level is open.
  @inline(__always) mutating func append(
    _ row: inout Row, _ promoted: inout Promoted, _ place: DatagramPlace, teaches: Bool
  ) {
    if place.hasTrace {
      row.trace = place.trace
      row.present.insert(.trace)
    }
    let hasOwnContext = promoted.context
    if place.gameValue.count > 0 && promoted.gameID == nil && (hasOwnContext || teaches) {
      promoted.gameID = place.gameValue
      promoted.context = true
      promoted.any = true
    }
    if hasOwnContext {
      builder.append(&row, promoted: promoted)
    } else {
      builder.append(&row, promoted: promoted, context: place.context)
    }
  }

  // MARK: data

  /// The object as it will be kept, written straight through: no name occurs twice, none is reserved.
  @inline(__always) private mutating func plainData(
    _ c: inout DatagramCursor, _ shape: UnsafeMutablePointer<BinaryScratch.Shape>, _ tick: Int64,
    _ place: DatagramPlace, _ row: inout Row, _ promoted: inout Promoted, _ fault: inout Rejection.Reason?
  ) throws(DatagramFault) {
    let start = builder.arena.count
    builder.arena.append(UInt8(ascii: "{"))
    if place.gameMember.count > 0 && !shape.pointee.ownGame {
      builder.arena.appendOwn(Int(place.gameMember.start), Int(place.gameMember.count))
    }
    if shape.pointee.hasTick {
      if builder.arena.count &- start > 1 { builder.arena.append(UInt8(ascii: ",")) }
      builder.arena.append("\"tick\":")
      builder.arena.appendInteger(tick)
    }
    var index = shape.pointee.firstField
    let end = index + shape.pointee.fieldCount
    while index < end {
      let field = binary.fields + index
      // The comma in front is left out of the first member.
      let skipped = builder.arena.count &- start == 1 ? 1 : 0
      builder.arena.append(
        binary.members.bytes(field.pointee.member &+ skipped, field.pointee.memberCount &- skipped))
      let value = builder.arena.count
      try self.value(&c, field.pointee.type, &fault)
      if field.pointee.promotes {
        promoted.note(field.pointee.key, Slice(start: value, count: builder.arena.count &- value))
      }
      index &+= 1
    }
    builder.arena.append(UInt8(ascii: "}"))
    row.data = Slice(start: start, count: builder.arena.count &- start)
  }

  /// The same where names occur twice or are reserved.
  @inline(never) private mutating func carefulData(
    _ c: inout DatagramCursor, _ shape: BinaryScratch.Shape, _ tick: Int64, _ place: DatagramPlace, _ row: inout Row,
    _ promoted: inout Promoted, _ fault: inout Rejection.Reason?
  ) throws(DatagramFault) {
    var mark = builder.beginObject()
    if place.gameMember.count > 0 && !shape.ownGame {
      key("game_id", in: &mark)
      builder.arena.appendOwn(Int(place.gameValue.start), Int(place.gameValue.count))
    }
    if shape.hasTick {
      key("tick", in: &mark)
      builder.arena.appendInteger(tick)
    }
    for index in shape.firstField..<shape.firstField + shape.fieldCount {
      let field = binary.fields[index]
      builder.key(field.key, in: &mark, reserved: .log)
      let value = builder.arena.count
      do throws(DatagramFault) {
        try self.value(&c, field.type, &fault)
      } catch {
        _ = builder.endObject(mark)
        throw error
      }
      promoted.note(field.key, Slice(start: value, count: builder.arena.count - value))
    }
    let (data, moved) = builder.endAttributes(mark, reserved: .log)
    row.data = data
    if moved { row.bits |= Bits.attributesMoved }
  }
}
