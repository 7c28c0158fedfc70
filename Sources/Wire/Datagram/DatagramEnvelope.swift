import Telemetry

/// A datagram of form J, read as far as the door needs to know before it takes the events: one envelope, or bare events, a
/// line each. Points into the packet: valid as long as that is.
package struct DatagramEnvelope {
  /// Where the packet belongs among those of its sender.
  package struct Numbers: Sendable, Equatable {
    package var boot: UInt64
    package var sequence: UInt64
    package var firstEvent: UInt64
    package var sentMicroseconds: Int64
  }

  /// Of `src`.
  package private(set) var source: [UInt8]?
  /// Nil: no loss accounting, no identity.
  package private(set) var numbers: Numbers?
  package private(set) var dropped: UInt32 = 0
  package private(set) var isEnd = false
  /// A packet without events is a heartbeat.
  package var eventCount: Int { events.count }

  /// False: the events stand by themselves.
  package private(set) var isEnvelope = false

  struct Event {
    var bytes: UnsafeRawBufferPointer
    var fault: Rejection.Reason?
  }

  var events: [Event] = []
  var gameID: [UInt8] = []
  var gameModule: [UInt8] = []
  var modFingerprint: [UInt8] = []
  var session: [UInt8] = []
  var component: [UInt8] = []
  var trace: (UInt64, UInt64) = (0, 0)
  /// Keeps the mended copy of a packet that was not UTF-8.
  private var mended: MendedText?

  /// `text` is the packet without its signature, and not empty. Throws when nothing in it can be read.
  package init(_ text: UnsafeRawBufferPointer) throws(DatagramFault) {
    var text = text
    if !UTF8Text.isValid(text) {
      let mended = MendedText(text)
      self.mended = mended
      text = mended.bytes
    }
    if let whole = Self.object(text) {
      if Self.isEnvelope(whole) {
        isEnvelope = true
        do throws(JSONFault) { try readEnvelope(whole) } catch { throw DatagramFault() }
      } else {
        events = [Event(bytes: whole)]
      }
    } else {
      readLines(text)
      guard events.contains(where: { $0.fault == nil }) else { throw DatagramFault() }
    }
    guard markDamage() else { throw DatagramFault() }
  }

  /// Whether it says what happened: a bare event has a name, an envelope has not.
  package static func isEvent(_ object: UnsafeRawBufferPointer) -> Bool {
    guard var input = StoredObject(object) else { return false }
    do throws(JSONFault) {
      while let key = try input.next() {
        if key.spells("e") || key.spells("event") { return true }
        _ = try input.cursor.storedValue()
      }
    } catch {
      return false
    }
    return isEnvelope(object)
  }

  /// The one object that `text` is, without white space around it.
  private static func object(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard var c = JSONCursor(text) else { return nil }
    do throws(JSONFault) {
      guard try c.peek() == UInt8(ascii: "{") else { return nil }
      let object = try c.storedValue()
      c.skipSpace()
      return c.left == 0 ? object : nil
    } catch {
      return nil
    }
  }

  /// A bare event has a name, an envelope has not.
  private static func isEnvelope(_ object: UnsafeRawBufferPointer) -> Bool {
    guard var input = StoredObject(object) else { return false }
    var found = false
    do throws(JSONFault) {
      while let key = try input.next() {
        if key.spells("e") || key.spells("event") { return false }
        if key.spells("v") || key.spells("ev") || key.spells("boot") { found = true }
        _ = try input.cursor.storedValue()
      }
    } catch {
      return false
    }
    return found
  }

  private mutating func readLines(_ text: UnsafeRawBufferPointer) {
    for line in text.split(separator: 0x0a) {
      let line = UnsafeRawBufferPointer(rebasing: line)
      if line.allSatisfy({ $0 <= 0x20 }) { continue }
      if let object = Self.object(line) {
        events.append(Event(bytes: object))
      } else {
        events.append(Event(bytes: line, fault: .badJSON))
      }
    }
  }

  /// False when bytes outside the events were no UTF-8.
  private mutating func markDamage() -> Bool {
    guard let mended else { return true }
    var inside = 0
    for index in events.indices {
      let count = mended.damage(in: events[index].bytes)
      if count > 0 { events[index].fault = .badUTF8 }
      inside += count
    }
    return inside == mended.damageCount
  }

  // MARK: envelope

  private mutating func readEnvelope(_ object: UnsafeRawBufferPointer) throws(JSONFault) {
    guard var input = StoredObject(object) else { return }
    var boot: UInt64?
    var sequence: UInt64?
    var firstEvent: UInt64?
    var sent: Int64?
    while let key = try input.next() {
      if try input.cursor.passesNull() { continue }
      let value = input.cursor
      if key.spells("v") {
        guard try input.cursor.signed64() == 1 else { throw value.fault(.unexpected) }
      } else if key.spells("src") {
        source = try input.cursor.plainText()
      } else if key.spells("boot") {
        boot = try input.cursor.boot()
      } else if key.spells("seq") {
        sequence = UInt64(try input.cursor.unsigned63())
      } else if key.spells("n") {
        firstEvent = UInt64(try input.cursor.unsigned63())
      } else if key.spells("t") {
        sent = try input.cursor.signed64()
      } else if key.spells("drop") {
        dropped = UInt32(clamping: try input.cursor.unsigned64())
      } else if key.spells("end") {
        isEnd = try input.cursor.boolean()
      } else if key.spells("ctx") {
        try readContext(&input.cursor)
      } else if key.spells("ev") {
        try readEvents(&input.cursor)
      } else {
        _ = try input.cursor.storedValue()
      }
    }
    if let boot, let sequence, let firstEvent, let sent {
      numbers = Numbers(boot: boot, sequence: sequence, firstEvent: firstEvent, sentMicroseconds: sent)
    } else if boot != nil || sequence != nil || firstEvent != nil || sent != nil {
      throw input.cursor.fault(.unexpected)
    }
  }

  private mutating func readContext(_ c: inout JSONCursor) throws(JSONFault) {
    var input = StoredObject(c)
    while let key = try input.next() {
      if try input.cursor.passesNull() { continue }
      if key.spells("game_id") {
        gameID = try input.cursor.plainText()
      } else if key.spells("trace") {
        trace = TraceDigits.id(try input.cursor.plainText()) ?? (0, 0)
      } else if key.spells("game_module") {
        gameModule = try input.cursor.plainText()
      } else if key.spells("mod_fingerprint") {
        modFingerprint = try input.cursor.plainText()
      } else if key.spells("session") {
        session = try input.cursor.plainText()
      } else if key.spells("component") {
        component = try input.cursor.plainText()
      } else {
        _ = try input.cursor.storedValue()
      }
    }
    c = input.cursor
  }

  private mutating func readEvents(_ c: inout JSONCursor) throws(JSONFault) {
    events.removeAll()
    var input = StoredArray(c)
    while try input.next() {
      let value = try input.cursor.storedValue()
      events.append(Event(bytes: value, fault: value.first == UInt8(ascii: "{") ? nil : .badJSON))
    }
    c = input.cursor
  }
}

/// A copy in which U+FFFF, which no text has, stands for every byte that is no UTF-8.
private final class MendedText {
  let bytes: UnsafeRawBufferPointer
  private var damaged: [UInt] = []

  init(_ text: UnsafeRawBufferPointer) {
    var copy = Arena(capacity: text.count * 3)
    var offsets: [Int] = []
    var at = 0
    while at < text.count {
      let length = text[at] < 0x80 ? 1 : UTF8Text.sequenceLength(text, at)
      if length == 0 {
        offsets.append(copy.count)
        copy.append("\u{FFFF}")
        at += 1
      } else {
        copy.append(UnsafeRawBufferPointer(rebasing: text[at..<at + length]))
        at += length
      }
    }
    let bytes = copy.take()
    self.bytes = bytes
    damaged = offsets.map { UInt(bitPattern: bytes.baseAddress) + UInt($0) }
  }

  deinit { bytes.baseAddress?.deallocate() }

  var damageCount: Int { damaged.count }

  func damage(in range: UnsafeRawBufferPointer) -> Int {
    let start = UInt(bitPattern: range.baseAddress)
    return damaged.count { $0 >= start && $0 < start + UInt(range.count) }
  }
}

/// 32 hexadecimal digits.
enum TraceDigits {
  /// In wire order; nil: no id, or one of zeros.
  static func id(_ digits: some Collection<UInt8>) -> (UInt64, UInt64)? {
    guard digits.count == 32 else { return nil }
    var id: (UInt64, UInt64) = (0, 0)
    for (index, byte) in digits.enumerated() {
      let value = JSONHex.value(byte)
      guard value < 16 else { return nil }
      if index < 16 { id.0 = id.0 << 4 | UInt64(value) } else { id.1 = id.1 << 4 | UInt64(value) }
    }
    return id.0 | id.1 == 0 ? nil : (id.0.bigEndian, id.1.bigEndian)
  }
}

extension JSONCursor {
  /// The text of a string; of a number or a boolean its letters.
  mutating func plainText() throws(JSONFault) -> [UInt8] {
    switch try peek() {
    case UInt8(ascii: "\""):
      let text = try storedString()
      let inside = UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1])
      guard inside.contains(UInt8(ascii: "\\")) else { return Array(inside) }
      var plain = Arena(capacity: inside.count + 8)
      plain.appendUnescaped(inside)
      return Array(plain.bytes(0, plain.count))
    case UInt8(ascii: "{"), UInt8(ascii: "["): throw fault(.notString)
    default: return Array(try storedValue())
    }
  }

  mutating func unsigned63() throws(JSONFault) -> Int64 {
    let start = self
    let number = try signed64()
    guard number >= 0 else { throw start.fault(.outOfRange) }
    return number
  }

  fileprivate mutating func boot() throws(JSONFault) -> UInt64 {
    let start = self
    let digits = try plainText()
    guard digits.count == 16 else { throw start.fault(.badHex) }
    var boot: UInt64 = 0
    for digit in digits {
      let value = JSONHex.value(digit)
      guard value < 16, digit < 0x41 || digit > 0x5a else { throw start.fault(.badHex) }
      boot = boot << 4 | UInt64(value)
    }
    return boot
  }
}
