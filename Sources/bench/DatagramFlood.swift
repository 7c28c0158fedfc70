import Glibc
import Store
import Wire

/// Datagrams of one game server, made and signed before the clock starts, so that sending costs a system call and no more.
struct DatagramFlood {
  enum Form: String { case binary = "B", text = "J" }

  private let bytes: [UInt8]
  /// Where each packet ends.
  private let ends: [Int]
  let eventsOfPacket: Int
  var eventCount: Int { ends.count * eventsOfPacket }

  /// `key`: as `garner token create --udp` prints it.
  init(_ form: Form, events: Int, key: String) throws(BenchFailure) {
    let parts = key.split(separator: ":")
    guard parts.count == 2, let id = UInt32(parts[0]), parts[1].utf8.count == 64 else {
      throw BenchFailure("no key for datagrams: \(key.prefix(10))")
    }
    let signer = Signer(Hexadecimal.bytes(parts[1].utf8))
    let writer = PacketWriter(form, key: id)
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for number in 0..<max(1, events / writer.eventsOfPacket) {
      let packet = writer.packet(number)
      bytes += packet
      switch form {
      case .binary: bytes += signer.tag(packet)
      case .text: bytes += DatagramSignature(keyID: id, tag: signer.tag(packet)).line
      }
      ends.append(bytes.count)
    }
    self.bytes = bytes
    self.ends = ends
    eventsOfPacket = writer.eventsOfPacket
  }

  /// Sends all of it at about `rate` events a second; gives the seconds that it took.
  func send(to address: String, rate: Double) throws(BenchFailure) -> Double {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw BenchFailure("no socket") }
    defer { close(descriptor) }
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    target.sin_port = (address.split(separator: ":").last.flatMap { UInt16($0) } ?? 0).bigEndian
    let code = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw BenchFailure("no way to \(address)") }
    let start = Clock.now()
    bytes.withUnsafeBytes { bytes in
      var at = 0
      for (number, end) in ends.enumerated() {
        _ = Glibc.send(descriptor, bytes.baseAddress.map { $0 + at }, end - at, Int32(MSG_NOSIGNAL))
        at = end
        // Game servers send when a tick ends: in small bursts.
        while Double((number + 1) * eventsOfPacket) > (Clock.now() - start) * rate { usleep(100) }
      }
    }
    return Clock.now() - start
  }
}

/// The packets of a boot: order ticks of one game, 432 bytes of form B, or eight events of form J.
private struct PacketWriter {
  private static let eventsOfText = 8

  let eventsOfPacket: Int
  private let form: DatagramFlood.Form
  private let boot = UInt64.random(in: 1 ... .max)
  private let sent: Int64
  /// All that is the same in every packet.
  private var template: [UInt8] = []

  init(_ form: DatagramFlood.Form, key: UInt32) {
    self.form = form
    sent = FileSystem.now() / 1_000
    guard form == .binary else {
      eventsOfPacket = Self.eventsOfText
      return
    }
    var header = DatagramHeader()
    header.keyID = key
    header.boot = boot
    header.sentMicroseconds = sent
    var encoder = DatagramEncoder(header)
    var context = DatagramContext()
    context.gameID = "g00294"
    context.trace = (1...16).map { UInt8($0) }
    encoder.add(context)
    var tick: Int64 = 0
    while encoder.add(Self.event(sent, tick), limit: 432) { tick += 1 }
    template = encoder.encoded
    eventsOfPacket = encoder.eventCount
  }

  private static func event(_ sent: Int64, _ tick: Int64) -> DatagramEvent {
    DatagramEvent(
      "relay.tick.process", at: sent + tick * 66_667, tick: 18_000 + tick,
      [("order_count", .unsigned(3)), ("process_us", .unsigned(812)), ("stall_detected", .bool(false))])
  }

  /// All but the signature.
  func packet(_ number: Int) -> [UInt8] {
    let first = UInt64(number * eventsOfPacket)
    guard form == .binary else { return text(number, first) }
    var packet = template
    func put(_ value: UInt64, at offset: Int) {
      for index in 0..<8 { packet[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * index)) }
    }
    put(UInt64(number), at: 20)
    put(first, at: 28)
    return packet
  }

  private func text(_ number: Int, _ first: UInt64) -> [UInt8] {
    let digits = String(boot, radix: 16)
    var text = "{\"v\":1,\"boot\":\"\(String(repeating: "0", count: 16 - digits.utf8.count))\(digits)\","
    text += "\"seq\":\(number),\"n\":\(first),\"t\":\(sent),"
    text += "\"ctx\":{\"game_id\":\"g00294\",\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\"},\"ev\":["
    for event in 0..<eventsOfPacket {
      if event > 0 { text += "," }
      text += "{\"e\":\"relay.tick.process\",\"k\":\(18_000 + event),"
      text += "\"d\":{\"order_count\":3,\"process_us\":812,\"stall_detected\":false}}"
    }
    return Array(text.utf8) + Array("]}\n".utf8)
  }
}

/// HMAC-SHA-256, cut to sixteen bytes.
private struct Signer {
  private static let blockBytes = 64
  private let inner: [UInt8]
  private let outer: [UInt8]

  init(_ key: [UInt8]) {
    let block = key + [UInt8](repeating: 0, count: Self.blockBytes - key.count)
    inner = block.map { $0 ^ 0x36 }
    outer = block.map { $0 ^ 0x5c }
  }

  func tag(_ message: [UInt8]) -> [UInt8] {
    Array(Self.digest(outer, Self.digest(inner, message)).prefix(DatagramHeader.tagBytes))
  }

  private static func digest(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
    var digest = FileDigest()
    first.withUnsafeBytes { digest.add($0) }
    second.withUnsafeBytes { digest.add($0) }
    return Hexadecimal.bytes(digest.hex.utf8)
  }
}

private enum Hexadecimal {
  static func bytes(_ digits: some Collection<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      let value = digit < 0x3a ? digit &- 0x30 : (digit | 0x20) &- 0x57
      if let first = high { bytes.append(first << 4 | value) }
      high = high == nil ? value : nil
    }
    return bytes
  }
}
