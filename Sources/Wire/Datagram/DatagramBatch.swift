package import Telemetry

/// Whose packet it is, as the door found out.
package struct DatagramSender: Sendable, Equatable {
  package var source: [UInt8]
  /// Of events whose packet names none.
  package var component: [UInt8]
  /// Of events that have neither a session nor a boot id.
  package var session: [UInt8]

  package init(source: [UInt8], component: [UInt8] = Array("udp".utf8), session: [UInt8] = Array("anon-local".utf8)) {
    self.source = source
    self.component = component
    self.session = session
  }
}

/// Events of many packets, of whatever sources, becoming one batch of log records. The row of an event is the row of the OTLP
/// log record that says the same (`docs/udp.md`).
package struct DatagramBatch: ~Copyable {
  var builder: BatchBuilder
  var places: [DatagramPlace] = []
  var placeTable = InternTable()
  var binary = BinaryScratch()
  /// The boot id of the packet at hand in sixteen digits.
  var boot = BootDigits()
  /// Events of the packet at hand that are refused alone; they count once the packet is whole.
  var refused: [(reason: Rejection.Reason, number: UInt64)] = []

  package init(options: DecodeOptions, expectedBytes: Int = 1 << 16) {
    builder = BatchBuilder(signal: .logs, options: options, expectedBytes: expectedBytes)
  }

  /// Rows so far.
  package var recordCount: Int { builder.recordCount }
  /// Nothing to store and nothing to tell.
  package var isEmpty: Bool { builder.recordIndex == 0 }
  /// About what the finished batch takes.
  package var byteCount: Int { builder.arena.count &+ builder.rows.count &* MemoryLayout<Row>.stride }

  package consuming func finish() -> Batch { builder.finish() }

  // MARK: a packet is taken whole or not at all

  struct Mark {
    var rows: Int
    var records: Int
    var index: Int
  }

  var mark: Mark { Mark(rows: builder.rows.count, records: builder.recordCount, index: builder.recordIndex) }

  /// Names, places and texts that the packet has added stay: they may be known to others, and harm nobody.
  mutating func takeBack(to mark: Mark) {
    builder.rows.removeLast(builder.rows.count - mark.rows)
    builder.recordCount = mark.records
    builder.recordIndex = mark.index
    refused.removeAll(keepingCapacity: true)
  }

  /// How many were refused alone.
  mutating func closePacket() -> Int {
    let count = refused.count
    for (reason, number) in refused {
      builder.reject(reason, path: "event \(number)", record: "")
    }
    refused.removeAll(keepingCapacity: true)
    return count
  }

  // MARK: places

  /// What events of a packet share; columns all, but `game` is an attribute of every event as well.
  struct PlaceTexts {
    var source = Self.none
    var component = Self.none
    var session = Self.none
    var gameModule = Self.none
    var modFingerprint = Self.none
    var game = Self.none
    var trace: (UInt64, UInt64) = (0, 0)

    static var none: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    fileprivate var hash: UInt64 {
      var hash = QuickHash.hash(source)
      hash = QuickHash.hash(component, hash)
      hash = QuickHash.hash(session, hash)
      hash = QuickHash.hash(gameModule, hash)
      hash = QuickHash.hash(modFingerprint, hash)
      hash = QuickHash.hash(game, hash)
      return QuickHash.mix(hash ^ trace.0 ^ trace.1 &* 3)
    }
  }

  /// Index into `places`, which is now the level of the following rows.
  mutating func enter(_ texts: PlaceTexts) -> Int {
    let hash = texts.hash
    let found = placeTable.find(hash) { index in
      let place = places[index]
      return spells(place.source, texts.source) && spells(place.component, texts.component)
        && spells(place.session, texts.session) && spells(place.gameModule, texts.gameModule)
        && spells(place.modFingerprint, texts.modFingerprint) && spells(place.game, texts.game)
        && place.trace == texts.trace
    }
    if let found {
      builder.enter(places[found].level)
      return found
    }
    placeTable.insert(hash)
    places.append(open(texts))
    return places.count - 1
  }

  private func spells(_ slice: Slice, _ text: UnsafeRawBufferPointer) -> Bool {
    Int(slice.count) == text.count && builder.arena.bytes(Int(slice.start), text.count).elementsEqual(text)
  }

  private mutating func open(_ texts: PlaceTexts) -> DatagramPlace {
    func keep(_ bytes: UnsafeRawBufferPointer) -> Slice {
      let start = builder.arena.count
      builder.arena.append(bytes)
      return Slice(start: start, count: bytes.count)
    }
    var place = DatagramPlace()
    place.source = keep(texts.source)
    place.component = keep(texts.component)
    place.session = keep(texts.session)
    place.gameModule = keep(texts.gameModule)
    place.modFingerprint = keep(texts.modFingerprint)
    place.game = keep(texts.game)
    place.trace = texts.trace
    for text in [texts.component, texts.session, texts.gameModule, texts.modFingerprint, texts.game]
    where !UTF8Text.isValid(text) {
      place.fault = .badUTF8
    }
    builder.beginResource()
    var promoted = Promoted()
    var mark = builder.beginObject()
    member("service.name", texts.component, &mark, &promoted)
    member("session.id", texts.session, &mark, &promoted)
    member("game_module", texts.gameModule, &mark, &promoted)
    member("mod_fingerprint", texts.modFingerprint, &mark, &promoted)
    builder.resources[builder.resources.count - 1].attributes = builder.endAttributes(mark).slice
    builder.resourcePromoted = promoted
    builder.resourceKnown(sender: place.source)
    builder.beginScope()
    place.context = builder.internContext(Promoted())
    place.level = builder.level
    if !texts.game.isEmpty { openGame(texts.game, &place) }
    return place
  }

  private mutating func openGame(_ game: UnsafeRawBufferPointer, _ place: inout DatagramPlace) {
    let start = builder.arena.count
    builder.arena.append("\"game_id\":")
    let value = builder.arena.count
    builder.arena.appendJSONString(game)
    place.gameMember = Slice(start: start, count: builder.arena.count - start)
    place.gameValue = Slice(start: value, count: builder.arena.count - value)
    var own = Promoted()
    own.gameID = place.gameValue
    own.context = true
    own.any = true
    place.context = builder.internContext(own)
  }

  private mutating func member(
    _ key: StaticString, _ value: UnsafeRawBufferPointer, _ mark: inout ObjectMark, _ promoted: inout Promoted
  ) {
    guard !value.isEmpty else { return }
    self.key(key, in: &mark)
    let start = builder.arena.count
    builder.arena.appendJSONString(value)
    let name = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
    promoted.note(name, Slice(start: start, count: builder.arena.count - start))
  }

  mutating func key(_ key: StaticString, in mark: inout ObjectMark) {
    builder.key(UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount), in: &mark)
  }

  // MARK: what all rows have

  /// A row of an event that happened `microseconds` after 1970; nil: when it came.
  @inline(__always) func row(_ microseconds: Int64?, _ severity: Severity, arrival: Int64) -> Row {
    var row = Row()
    row.kind = .log
    row.present = .data
    row.severity = severity
    row.bits = Int64(severity.rawValue) &* 4 &+ 1 | Bits.logObservedWasZero | Bits.logHasEventName
    if let microseconds {
      let (product, over) = microseconds.multipliedReportingOverflow(by: 1_000)
      row.time = over ? (microseconds < 0 ? .min : .max) : product
    } else {
      row.time = arrival
      row.bits |= Bits.logTimeWasZero
    }
    return row
  }

  /// `<boot>:<number>`, the identity of an event within its source.
  @inline(__always) mutating func setIdentity(_ row: inout Row, _ number: UInt64) {
    let start = builder.arena.count
    builder.arena.append(boot.bytes)
    builder.arena.append(UInt8(ascii: ":"))
    builder.arena.appendInteger(number)
    row.uid = Slice(start: start, count: builder.arena.count &- start)
    row.present.insert(.uid)
  }
}

/// One resource with its context, known by the texts it is made of.
struct DatagramPlace {
  var source = Slice.empty
  var component = Slice.empty
  var session = Slice.empty
  var gameModule = Slice.empty
  var modFingerprint = Slice.empty
  var game = Slice.empty
  var level = BatchBuilder.Level(stream: 0, source: .empty, promoted: Promoted(), context: 0)
  /// Of rows without attributes of their own that say otherwise.
  var context: Int32 = 0
  /// `"game_id":"…"` and its value; empty: no game.
  var gameMember = Slice.empty
  var gameValue = Slice.empty
  /// 0: none.
  var trace: (UInt64, UInt64) = (0, 0)
  var hasTrace: Bool { trace.0 | trace.1 != 0 }
  /// Why no event can lie here.
  var fault: Rejection.Reason?
}

/// Sixteen lower hexadecimal digits at an address that stays.
struct BootDigits: ~Copyable {
  private let digits = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)

  init() { digits.initialize(repeating: 0x30, count: 16) }

  deinit { digits.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: digits, count: 16) }

  mutating func set(_ boot: UInt64) {
    for index in 0..<16 {
      digits[index] = Arena.hexDigit(UInt8(truncatingIfNeeded: boot >> (60 - 4 * UInt64(index))) & 15)
    }
  }
}

extension UTF8Text {
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at < bytes.count {
      let length = bytes[at] < 0x80 ? 1 : sequenceLength(bytes, at)
      if length == 0 { return false }
      at += length
    }
    return true
  }
}
