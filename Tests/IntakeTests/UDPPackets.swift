import Door
import Telemetry
import TestSupport
import Wire

@testable import Intake

/// Packets as a sender makes them, signed with key 7 = bytes 00…1f.
struct UDPPackets {
  static let key = (0..<32).map { UInt8($0) }
  static let start: Int64 = 1_773_600_000_000_000_000
  static let signer = UDPSigner(key: key)

  var boot: UInt64
  var sequence: UInt64 = 0
  var event: UInt64 = 0
  var dropped: UInt32 = 0

  init(boot: UInt64) { self.boot = boot }

  static func credentials(records: Int64 = 0, id: UInt32 = 7) throws -> CredentialBook {
    var grant = Grant(source: "relay-eu-1", created: "")
    grant.recordsPerSecond = records
    let line = UDPKeyLine(id: id, key: key, component: "relay", grant: grant)
    return CredentialBook(udpKeys: try UDPKeyBook([line]))
  }

  static func signed(_ bytes: [UInt8]) -> [UInt8] { bytes + bytes.withUnsafeBytes { signer.tag($0) } }

  /// The next packet, with `events` events of two fields.
  mutating func next(events: Int = 3, at now: Int64 = start, isEnd: Bool = false) -> [UInt8] {
    var header = DatagramHeader()
    header.keyID = 7
    header.boot = boot
    header.sequence = sequence
    header.firstEvent = event
    header.sentMicroseconds = now / 1_000
    header.dropped = dropped
    header.isEnd = isEnd
    var encoder = DatagramEncoder(header)
    for index in 0..<events {
      _ = encoder.add(
        DatagramEvent(
          "test.event", at: now / 1_000, [("number", .unsigned(event + UInt64(index))), ("unit", .text("tank"))]))
    }
    sequence += 1
    event += UInt64(events)
    return Self.signed(encoder.encoded)
  }

  /// The same in form J.
  mutating func nextText(
    events: Int = 3, at now: Int64 = start, source: String? = nil, isSigned: Bool = true
  ) -> [UInt8] {
    let list = (0..<events).map { "{\"e\":\"test.event\",\"d\":{\"number\":\(event + UInt64($0))}}" }
    let digits = String(boot, radix: 16)
    let padded = String(repeating: "0", count: 16 - digits.count) + digits
    var text = "{\"v\":1,\"boot\":\"\(padded)\",\"seq\":\(sequence),\"n\":\(event),\"t\":\(now / 1_000),"
    if let source { text += "\"src\":\"\(source)\"," }
    text += "\"drop\":\(dropped),\"ev\":[\(list.joined(separator: ","))]}\n"
    sequence += 1
    event += UInt64(events)
    let bytes = Array(text.utf8)
    guard isSigned else { return bytes }
    return bytes + DatagramSignature(keyID: 7, tag: bytes.withUnsafeBytes { Self.signer.tag($0) }).line
  }
}

/// The decisions about packets, without a socket.
final class UDPDesk {
  private var admission: UDPAdmission
  let vitals = UDPVitals()
  var now = UDPPackets.start
  static let local = UDPAddress(ipv4: 0x7f00_0001)
  static let stranger = UDPAddress(ipv4: 0xcb00_7107)

  init(_ credentials: CredentialBook, options: UDPOptions = UDPOptions(), marks: [Mark] = []) {
    var options = options
    options.clock = { UDPPackets.start }
    admission = UDPAdmission(
      options: options, vitals: vitals, credentials: credentials, senders: SenderKeys(key: UDPPackets.key),
      ledger: UDPLedger(UDPLedger.Options(), marks: marks))
  }

  /// Nil: no result was counted, which cannot be.
  @discardableResult
  func take(_ packet: [UInt8], from address: UDPAddress = local, hasRoom: Bool = true) -> UDPResult? {
    takeReply(packet, from: address, hasRoom: hasRoom).result
  }

  func takeReply(
    _ packet: [UInt8], from address: UDPAddress = local, hasRoom: Bool = true
  ) -> (result: UDPResult?, reply: [UInt8]?) {
    let before = UDPResult.allCases.map { vitals.packets($0) }
    admission.begin(hasRoom: hasRoom)
    let reply = packet.withUnsafeBytes { admission.take($0, from: address, now: now) }
    let result = zip(UDPResult.allCases, before).first { vitals.packets($0) > $1 }?.0
    return (result, reply)
  }

  func seal() -> UDPParcel? { admission.seal().first }
  var figures: [UDPFigures] { admission.ledger.figures(now: now) }
  var sourceCount: Int { admission.ledger.sources.count }
  var notices: [UDPAdmission.Notice] { admission.takeNotices() }
}
