import Telemetry

/// Events of form J.
extension DatagramBatch {
  /// Appends the events of a packet. `arrival`: nanoseconds since 1970. Gives the number of events that are refused alone.
  @discardableResult
  package mutating func append(
    _ envelope: borrowing DatagramEnvelope, from sender: borrowing DatagramSender, arrival: Int64
  ) -> Int {
    _ = appendEvents(envelope, from: sender, arrival: arrival)
    return closePacket()
  }

  /// The same before the packet is closed; gives which events are refused, and why.
  mutating func appendEvents(
    _ envelope: borrowing DatagramEnvelope, from sender: borrowing DatagramSender, arrival: Int64
  ) -> [(index: Int, reason: Rejection.Reason)] {
    var faults: [(index: Int, reason: Rejection.Reason)] = []
    if let numbers = envelope.numbers { boot.set(numbers.boot) }
    var shared = Shared(sentMicroseconds: envelope.numbers?.sentMicroseconds, arrival: arrival)
    shared.source = sender.source
    shared.component = envelope.component.isEmpty ? sender.component : envelope.component
    shared.session =
      !envelope.session.isEmpty
      ? envelope.session : envelope.numbers == nil ? sender.session : Array(boot.bytes)
    shared.gameModule = envelope.gameModule
    shared.modFingerprint = envelope.modFingerprint
    shared.game = envelope.gameID
    shared.trace = envelope.trace
    let first = envelope.numbers?.firstEvent
    for (index, event) in envelope.events.enumerated() {
      let number = first.map { $0 &+ UInt64(index) }
      if let fault = event.fault ?? append(event.bytes, shared, number) {
        // The reason is told with the source of the packet.
        _ = placeOf(shared)
        refused.append((fault, number ?? UInt64(index)))
        faults.append((index, fault))
      }
    }
    return faults
  }

  /// What all events of the packet have, unless they say otherwise.
  struct Shared {
    var sentMicroseconds: Int64?
    var arrival: Int64
    var source: [UInt8] = []
    var component: [UInt8] = []
    var session: [UInt8] = []
    var gameModule: [UInt8] = []
    var modFingerprint: [UInt8] = []
    var game: [UInt8] = []
    var trace: (UInt64, UInt64) = (0, 0)
  }

  mutating func placeOf(_ shared: Shared) -> Int {
    shared.source.withUnsafeBytes { source in
      shared.component.withUnsafeBytes { component in
        shared.session.withUnsafeBytes { session in
          shared.gameModule.withUnsafeBytes { gameModule in
            shared.modFingerprint.withUnsafeBytes { modFingerprint in
              shared.game.withUnsafeBytes { game in
                var texts = PlaceTexts()
                texts.source = source
                texts.component = component
                texts.session = session
                texts.gameModule = gameModule
                texts.modFingerprint = modFingerprint
                texts.game = game
                texts.trace = shared.trace
                return enter(texts)
              }
            }
          }
        }
      }
    }
  }

  /// Nil: appended; else why not.
  mutating func append(
    _ bytes: UnsafeRawBufferPointer, _ shared: Shared, _ number: UInt64?
  ) -> Rejection.Reason? {
    let firstKey = builder.keyHashes.count
    do throws(JSONFault) {
      guard let input = StoredObject(bytes) else { return .badJSON }
      let event = try TextEvent(input)
      guard let name = event.name, !name.isEmpty, name.count <= 255 else { return .badName }
      if event.hasLongColumn { return .valueTooLong }
      let place = placeOf(event, shared)
      // What the place wrote is for others too.
      let start = builder.arena.count
      var row = row(event.microseconds ?? shared.sentMicroseconds, event.severity ?? .info, arrival: shared.arrival)
      var promoted = Promoted()
      do throws(JSONFault) {
        row.data = try data(event, place, &row, &promoted)
      } catch {
        builder.keyHashes.truncate(to: firstKey)
        builder.arena.truncate(to: start)
        builder.tooMuch = nil
        throw error
      }
      if let reason = builder.takeTooMuch() {
        builder.arena.truncate(to: start)
        return reason
      }
      append(event, name, place, number, &row, &promoted)
      return nil
    } catch {
      return error.kind == .tooDeep ? .tooDeep : .badJSON
    }
  }

  private mutating func placeOf(_ event: TextEvent, _ shared: Shared) -> DatagramPlace {
    var shared = shared
    if let session = event.session { shared.session = session }
    if let component = event.component { shared.component = component }
    if let gameModule = event.gameModule { shared.gameModule = gameModule }
    if let modFingerprint = event.modFingerprint { shared.modFingerprint = modFingerprint }
    if let trace = event.correlation.flatMap({ TraceDigits.id($0) }) { shared.trace = trace }
    return places[placeOf(shared)]
  }

  private mutating func append(
    _ event: TextEvent, _ name: [UInt8], _ place: DatagramPlace, _ number: UInt64?, _ row: inout Row,
    _ promoted: inout Promoted
  ) {
    if let nanoseconds = event.nanoseconds { row.time = nanoseconds }
    if event.nanoseconds != nil { row.bits &= ~Bits.logTimeWasZero }
    if let number = event.severityNumber { row.bits = row.bits & ~31 | number }
    columns(event, &row, &promoted)
    if let text = event.severityText {
      let ext = builder.arena.count
      builder.extKey("\"severity_text\":", ext)
      text.withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
      builder.endExt(&row, ext)
    }
    if let number, event.uid == nil {
      promoted.uid = nil
      setIdentity(&row, number)
    }
    let text = name.withUnsafeBytes { builder.appendText($0) }
    row.name = builder.internName(event: text, promoted: promoted, fallback: "log")
    let teaches = name.withUnsafeBytes { name in BinaryScratch.teachers.contains { name.spells($0) } }
    append(&row, &promoted, place, teaches: teaches)
  }

  /// What the event says about itself outside `data` is right, whatever `data` repeats of it.
  private mutating func columns(_ event: TextEvent, _ row: inout Row, _ promoted: inout Promoted) {
    if event.session != nil { promoted.session = nil }
    if event.component != nil { promoted.component = nil }
    if event.gameModule != nil { promoted.gameModule = nil }
    if event.modFingerprint != nil { promoted.modFingerprint = nil }
    promoted.event = nil
    if let category = event.category { promoted.category = quoted(category) }
    if let uid = event.uid { promoted.uid = quoted(uid) }
    if let correlation = event.correlation, !correlation.isEmpty { promoted.correlation = quoted(correlation) }
    if let tick = event.tick, promoted.tick == nil {
      row.tick = tick
      row.present.insert(.tick)
    }
    if let duration = event.duration {
      let start = builder.arena.count
      builder.arena.append(duration)
      promoted.microseconds = Slice(start: start, count: duration.count)
    }
    if promoted.uid != nil || promoted.correlation != nil || promoted.microseconds != nil { promoted.any = true }
  }

  private mutating func quoted(_ text: [UInt8]) -> Slice {
    let start = builder.arena.count
    text.withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
    return Slice(start: start, count: builder.arena.count - start)
  }

  // MARK: data

  private mutating func data(
    _ event: TextEvent, _ place: DatagramPlace, _ row: inout Row, _ promoted: inout Promoted
  ) throws(JSONFault) -> Slice {
    var mark = builder.beginObject()
    if var body = event.body {
      builder.ownKey("body", in: &mark)
      try builder.copyValue(&body, depth: 0)
    }
    if var game = event.game {
      key("game_id", in: &mark)
      try copy(&game, "game_id", &promoted)
    } else if place.gameMember.count > 0 {
      key("game_id", in: &mark)
      builder.arena.appendOwn(Int(place.gameValue.start), Int(place.gameValue.count))
    }
    // The column holds the trace then.
    if place.hasTrace, let correlation = event.correlation, !correlation.isEmpty, TraceDigits.id(correlation) == nil {
      key("correlation", in: &mark)
      correlation.withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
    }
    if let tick = event.tick {
      key("tick", in: &mark)
      builder.arena.appendInteger(tick)
    }
    if event.hasOthers {
      var others = event.whole
      while let name = try others.next() {
        if TextEvent.knows(name) {
          _ = try others.cursor.storedValue()
        } else {
          try member(name, &others.cursor, &mark, &row, &promoted)
        }
      }
    }
    if var members = event.data {
      while let name = try members.next() {
        if name.spells("body") {
          _ = try members.cursor.storedValue()
        } else {
          try member(name, &members.cursor, &mark, &row, &promoted)
        }
      }
    }
    builder.measureAttributes(mark)
    let (slice, moved) = builder.endAttributes(mark, reserved: .log)
    if moved { row.bits |= Bits.attributesMoved }
    return slice
  }

  private mutating func copy(
    _ c: inout JSONCursor, _ name: StaticString, _ promoted: inout Promoted
  ) throws(JSONFault) {
    let start = builder.arena.count
    try builder.copyValue(&c, depth: 0)
    let key = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    promoted.note(key, Slice(start: start, count: builder.arena.count - start))
  }

  private mutating func member(
    _ name: UnsafeRawBufferPointer, _ c: inout JSONCursor, _ mark: inout ObjectMark, _ row: inout Row,
    _ promoted: inout Promoted
  ) throws(JSONFault) {
    let isObject = try c.peek() == UInt8(ascii: "{")
    // Attributes that an export moved out of the way stay where they are.
    if isObject && name.spells("attributes") { row.bits |= Bits.attributesMoved }
    builder.copyKey(name, in: &mark, reserved: isObject ? .none : .log)
    let start = builder.arena.count
    try builder.copyValue(&c, depth: 0)
    promoted.note(name, Slice(start: start, count: builder.arena.count - start))
  }
}
