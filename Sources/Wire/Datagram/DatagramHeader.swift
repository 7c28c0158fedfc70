/// What a datagram of form B begins with. All integers are big-endian.
///
/// ```
///  0  "GUB1"                         20  packet number, < 2^63
///  4  kind: 1 data, 2 probe, 3 reply 28  number of the first (without events: next) event, < 2^63
///  5  flags: 01 end                  36  send time, µs since 1970, signed
///  6  count of events                44  events dropped by the sender so far
///  8  key id, from 1                 48  body …
/// 12  boot id                       −16  first 16 bytes of HMAC-SHA-256 over all before
/// ```
package struct DatagramHeader: Sendable, Equatable {
  package enum Kind: UInt8, Sendable {
    case data = 1
    case probe = 2
    case reply = 3
  }

  package static let magic: [UInt8] = Array("GUB1".utf8)
  package static let byteCount = 48
  package static let tagBytes = 16
  /// Form B, tag included.
  package static let sizes = 64...2_048
  /// Unknown flags below may be ignored, those above change what the packet means.
  private static let refusedFlags: UInt8 = 0xf0
  private static let endFlag: UInt8 = 0x01

  package var kind = Kind.data
  /// The sender stops: silence after this packet is no fault.
  package var isEnd = false
  package var eventCount: UInt16 = 0
  package var keyID: UInt32 = 1
  package var boot: UInt64 = 0
  package var sequence: UInt64 = 0
  package var firstEvent: UInt64 = 0
  package var sentMicroseconds: Int64 = 0
  package var dropped: UInt32 = 0

  package init() {}

  /// Why a packet is not even looked up.
  package enum Fault: Error, Sendable, Equatable {
    case length, form, flags
  }

  /// Checks in the order of the counters: length, form, flags. What the numbers are worth is for others to say, once it
  /// is proved who that is.
  package init(_ packet: UnsafeRawBufferPointer) throws(Fault) {
    guard Self.sizes.contains(packet.count) else { throw .length }
    guard packet.prefix(4).elementsEqual(Self.magic), let kind = Kind(rawValue: packet[4]) else { throw .form }
    guard packet[5] & Self.refusedFlags == 0 else { throw .flags }
    self.kind = kind
    isEnd = packet[5] & Self.endFlag != 0
    eventCount = UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    keyID = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    boot = UInt64(bigEndian: packet.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
    sequence = UInt64(bigEndian: packet.loadUnaligned(fromByteOffset: 20, as: UInt64.self))
    firstEvent = UInt64(bigEndian: packet.loadUnaligned(fromByteOffset: 28, as: UInt64.self))
    sentMicroseconds = Int64(bigEndian: packet.loadUnaligned(fromByteOffset: 36, as: Int64.self))
    dropped = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 44, as: UInt32.self))
  }

  package func encode(into out: inout [UInt8]) {
    out += Self.magic
    out.append(kind.rawValue)
    out.append(isEnd ? Self.endFlag : 0)
    func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.bigEndian) { out += $0 } }
    append(eventCount)
    append(keyID)
    append(boot)
    append(sequence)
    append(firstEvent)
    append(sentMicroseconds)
    append(dropped)
  }
}

/// The question "are you there, and what time is it", and its answer of the same length.
package struct DatagramProbe: Sendable, Equatable {
  package static let byteCount = DatagramHeader.byteCount + 32 + DatagramHeader.tagBytes

  package var keyID: UInt32
  package var nonce: UInt64
  /// Time of the one who asks, µs since 1970.
  package var asked: Int64
  /// Times of the one who answers; 0 in the question.
  package var received: Int64 = 0
  package var answered: Int64 = 0

  package init(keyID: UInt32, nonce: UInt64, asked: Int64) {
    self.keyID = keyID
    self.nonce = nonce
    self.asked = asked
  }

  /// Nil: not of the shape of a probe or its answer; the header is read already.
  package init?(_ header: DatagramHeader, _ packet: UnsafeRawBufferPointer) {
    guard packet.count == Self.byteCount, header.kind != .data, header.eventCount == 0, header.boot == 0,
      header.sequence == 0, header.firstEvent == 0, header.dropped == 0
    else { return nil }
    func word(_ index: Int) -> UInt64 {
      UInt64(
        bigEndian: packet.loadUnaligned(fromByteOffset: DatagramHeader.byteCount + 8 * index, as: UInt64.self))
    }
    keyID = header.keyID
    nonce = word(0)
    asked = Int64(bitPattern: word(1))
    received = Int64(bitPattern: word(2))
    answered = Int64(bitPattern: word(3))
    if header.kind == .probe && (received != 0 || answered != 0) { return nil }
  }

  /// All but the tag.
  package func encoded(as kind: DatagramHeader.Kind) -> [UInt8] {
    var header = DatagramHeader()
    header.kind = kind
    header.keyID = keyID
    header.sentMicroseconds = kind == .reply ? answered : asked
    var out: [UInt8] = []
    header.encode(into: &out)
    for word in [nonce, UInt64(bitPattern: asked), UInt64(bitPattern: received), UInt64(bitPattern: answered)] {
      withUnsafeBytes(of: word.bigEndian) { out += $0 }
    }
    return out
  }
}
