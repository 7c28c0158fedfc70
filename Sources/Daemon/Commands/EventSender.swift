import Glibc
import Intake
import Wire

/// Sends events of form J from the command line, signed when there is a key, and asks a door for the time.
package struct EventSender: ~Copyable {
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
    /// What was given cannot be; else it could not be sent.
    package var isUsage = false
  }

  /// A packet stays below what every network carries whole.
  private static let packetBytes = 1_200

  private let socket: Int32
  private let keyID: UInt32
  private let signer: UDPSigner?
  private let source: String?
  private let boot = UInt64.random(in: 0 ... .max)
  private var sequence: UInt64 = 0
  private var nextEvent: UInt64 = 0
  private var waiting: [[UInt8]] = []
  private var waitingBytes = 0
  private let context: String

  private init(socket: Int32, keyID: UInt32, signer: UDPSigner?, source: String?, context: String) {
    self.socket = socket
    self.keyID = keyID
    self.signer = signer
    self.source = source
    self.context = context
  }

  /// `key`: `KEY_ID:64 hexadecimal digits`, or nil. `context` is the text of a JSON object, or empty. Throws when the key or
  /// the address cannot be used.
  package static func open(
    to address: ListenAddress, key: String?, source: String? = nil, context: String = ""
  ) throws(Failure) -> EventSender {
    guard case .open(let host, let port) = address else { throw Failure(description: "no address to send to") }
    var id: UInt32 = 0
    var signer: UDPSigner?
    if let key {
      let parsed = try parse(key)
      id = parsed.0
      signer = UDPSigner(key: parsed.1)
    }
    let socket = try connect(host, port)
    return EventSender(socket: socket, keyID: id, signer: signer, source: source, context: context)
  }

  deinit { close(socket) }

  private static func parse(_ key: String) throws(Failure) -> (UInt32, [UInt8]) {
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = UInt32(parts[0]), id > 0, parts[1].utf8.count == 64 else {
      throw Failure(description: "a key is KEY_ID:HEX, as `garner token create --udp` prints it", isUsage: true)
    }
    let digits = Array(parts[1].utf8)
    var bytes: [UInt8] = []
    for at in stride(from: 0, to: 64, by: 2) {
      guard let byte = UInt8(String(decoding: digits[at..<at + 2], as: UTF8.self), radix: 16) else {
        throw Failure(description: "behind the colon of the key are other than hexadecimal digits", isUsage: true)
      }
      bytes.append(byte)
    }
    return (id, bytes)
  }

  private static func connect(_ host: String, _ port: Int) throws(Failure) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &found)
    guard code == 0, let first = found else {
      throw Failure(description: "\(host): \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(found) }
    let socket = Glibc.socket(first.pointee.ai_family, Int32(SOCK_DGRAM.rawValue), 0)
    guard socket >= 0, Glibc.connect(socket, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
      let text = String(cString: strerror(errno))
      if socket >= 0 { close(socket) }
      throw Failure(description: "\(host):\(port): \(text)")
    }
    return socket
  }

  // MARK: events

  /// Why a text is no event that can be sent; nil: it is one, a JSON object.
  package static func problem(_ event: [UInt8]) -> String? {
    let isObject = event.withUnsafeBytes { bytes in
      guard let envelope = try? DatagramEnvelope(bytes) else { return false }
      return envelope.eventCount == 1 && envelope.numbers == nil
    }
    guard isObject, !event.contains(0x0a) else { return "an event is a JSON object on one line" }
    return event.count + 512 <= DatagramSignature.sizes.upperBound ? nil : "the event is too long for a packet"
  }

  /// Queues the text of one event; what is full goes out. Throws when it is none.
  package mutating func add(_ event: [UInt8]) throws(Failure) {
    if let problem = Self.problem(event) { throw Failure(description: problem) }
    if waitingBytes + event.count + 1 + 300 > Self.packetBytes { try flush() }
    waiting.append(event)
    waitingBytes += event.count + 1
  }

  package mutating func flush() throws(Failure) {
    guard !waiting.isEmpty else { return }
    try send(isEnd: false)
  }

  /// Sends what is left; a signed sender says farewell.
  package mutating func finish() throws(Failure) {
    if signer != nil { try send(isEnd: true) } else { try flush() }
  }

  private mutating func send(isEnd: Bool) throws(Failure) {
    let now = UDPClock.now() / 1_000
    let digits = String(boot, radix: 16)
    var text = "{\"v\":1"
    if let source { text += ",\"src\":\(JSONText.quoted(source))" }
    text += ",\"boot\":\"\(String(repeating: "0", count: 16 - digits.count))\(digits)\""
    text += ",\"seq\":\(sequence),\"n\":\(nextEvent),\"t\":\(now)"
    if isEnd { text += ",\"end\":true" }
    if !context.isEmpty { text += ",\"ctx\":\(context)" }
    var packet = Array(text.utf8) + Array(",\"ev\":[".utf8)
    for (index, event) in waiting.enumerated() {
      if index > 0 { packet.append(UInt8(ascii: ",")) }
      packet += event
    }
    packet += Array("]}\n".utf8)
    if let signer {
      packet += DatagramSignature(keyID: keyID, tag: packet.withUnsafeBytes { signer.tag($0) }).line
    }
    sequence += 1
    nextEvent += UInt64(waiting.count)
    waiting.removeAll()
    waitingBytes = 0
    try put(packet)
  }

  private func put(_ packet: [UInt8]) throws(Failure) {
    let sent = Glibc.send(socket, packet, packet.count, Int32(MSG_NOSIGNAL))
    // A refusal tells of the packet before: nobody listens there.
    if sent < 0 { throw Failure(description: "nothing was sent: \(String(cString: strerror(errno)))") }
  }

  // MARK: probe

  package struct Echo: Sendable {
    /// µs there and back.
    package var roundTrip: Int64
    /// µs by which the door's clock is ahead of ours, give or take half the round trip.
    package var offset: Int64
  }

  /// Asks the door for its time. Throws when there is no key; nil: no answer came in time.
  package func probe(timeout: Duration) throws(Failure) -> Echo? {
    guard let signer else { throw Failure(description: "a probe needs a key: nothing unsigned is answered") }
    let asked = UDPClock.now() / 1_000
    let probe = DatagramProbe(keyID: keyID, nonce: .random(in: 0 ... .max), asked: asked)
    let bytes = probe.encoded(as: .probe)
    try put(bytes + bytes.withUnsafeBytes { signer.tag($0) })
    var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    let milliseconds = timeout.components.seconds * 1_000 + timeout.components.attoseconds / 1_000_000_000_000_000
    guard poll(&waiting, 1, Int32(clamping: milliseconds)) == 1 else { return nil }
    var answer = [UInt8](repeating: 0, count: 256)
    let count = recv(socket, &answer, answer.count, 0)
    let back = UDPClock.now() / 1_000
    guard count == DatagramProbe.byteCount else { return nil }
    return answer.prefix(count).withUnsafeBytes { bytes in
      let end = bytes.count - DatagramHeader.tagBytes
      guard signer.isValid(bytes[end...], of: UnsafeRawBufferPointer(rebasing: bytes[..<end])),
        let header = try? DatagramHeader(bytes), header.kind == .reply, let reply = DatagramProbe(header, bytes),
        reply.nonce == probe.nonce
      else { return nil }
      return Echo(
        roundTrip: back - asked - (reply.answered - reply.received),
        offset: ((reply.received - asked) + (reply.answered - back)) / 2)
    }
  }
}
