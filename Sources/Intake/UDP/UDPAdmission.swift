import Door
import Telemetry
import Wire

/// What is decided about each packet, in the order in which the counters name it; no socket, no thread, no disk.
///
/// Invariant: a stranger's packet costs a header, a look-up and at most one MAC, and leaves nothing behind.
struct UDPAdmission: ~Copyable {
  /// A line for the log.
  enum Notice: Sendable, Equatable {
    /// µs by which the sender's clock is behind ours.
    case clock(source: String, microseconds: Int64)
  }

  /// Answers to probes of one key in one second.
  private static let probesPerSecond = 10

  /// What is kept of a key while it is in force.
  private struct Keyed {
    var key: [UInt8]
    var signer: UDPSigner
    var sender: DatagramSender
    var source: Int
    var group: Group
    var probeSecond: Int64 = 0
    var probes = 0

    func isOf(_ key: UDPKey) -> Bool {
      sender.source.elementsEqual(key.source.utf8) && group.sender.audience == key.audience
        && group.sender.pseudonymKey == key.pseudonymKey
    }
  }

  /// Events of senders for whom privacy means the same; they are protected together.
  final class Group {
    let sender: PrivacySender
    var batch: DatagramBatch

    init(_ sender: PrivacySender, _ batch: consuming DatagramBatch) {
      self.sender = sender
      self.batch = batch
    }
  }

  private(set) var options: UDPOptions
  let vitals: UDPVitals
  var ledger: UDPLedger
  private var groups: [Group] = []
  /// When the first event came that has not been handed over; nil: there is none.
  private(set) var oldest: Int64?
  private(set) var notices: [Notice] = []
  private var throttle = UDPThrottle()
  private var keyed: [UInt32: Keyed] = [:]
  private let senders: SenderKeys
  private let credentials: CredentialBook
  private var book: UDPKeyBook
  /// Whether the batch may grow.
  private var hasRoom = true

  init(
    options: UDPOptions, vitals: UDPVitals, credentials: CredentialBook, senders: SenderKeys, ledger: UDPLedger
  ) {
    self.options = options
    self.vitals = vitals
    self.credentials = credentials
    self.senders = senders
    self.ledger = ledger
    book = credentials.udpKeys
    _ = group(of: .anonymous)
  }

  /// Who may send unsigned, and how clocks and silence are judged, from the next packet on.
  mutating func reconfigure(_ new: UDPOptions) {
    options.allowUnsigned = new.allowUnsigned
    options.takesUnsignedFromLoopback = new.takesUnsignedFromLoopback
    ledger.options.maxSkew = new.maxSkewNanoseconds
    ledger.options.silentAfter = new.silentAfterNanoseconds
  }

  /// About what the events take that have not been handed over.
  var byteCount: Int {
    groups.reduce(0) { $0 + $1.batch.byteCount }
  }

  private mutating func group(of sender: PrivacySender) -> Int {
    if let known = groups.firstIndex(where: { $0.sender == sender }) { return known }
    groups.append(Group(sender, DatagramBatch(options: Self.decode(options))))
    return groups.count - 1
  }

  private static func decode(_ options: UDPOptions) -> DecodeOptions {
    var decode = DecodeOptions(now: 0)
    decode.depthLimit = options.depthLimit
    return decode
  }

  /// Before some packets: the keys that are in force, and whether the batch may grow.
  mutating func begin(hasRoom: Bool) {
    book = credentials.udpKeys
    self.hasRoom = hasRoom
  }

  /// Gives the answer, if there is one; it is no longer than the packet.
  mutating func take(_ packet: UnsafeRawBufferPointer, from address: UDPAddress, now: Int64) -> [UInt8]? {
    var reply: [UInt8]?
    let result: UDPResult
    switch packet.first {
    case UInt8(ascii: "{"):
      result = DatagramSignature.sizes.contains(packet.count) ? takeText(packet, address, now) : .badLength
    case nil: result = .badLength
    default: result = takeBinary(packet, address, now, &reply)
    }
    vitals.count(result)
    vitals.bytes.add(packet.count)
    switch result {
    case .badLength, .unknownFormat, .badFlags, .unknownKey, .badMAC, .unsigned: throttle.fail(address, now: now)
    default: break
    }
    return reply
  }

  // MARK: keys

  /// Nil: unknown.
  private mutating func findKey(_ id: UInt32, _ now: Int64) -> UDPKey? {
    guard let key = book.find(id, now: now) else { return nil }
    if let known = keyed[id], known.key == key.key, known.isOf(key) { return key }
    let name = Array(key.source.utf8)
    let component = key.component ?? "udp"
    let source = ledger.source(key.source, isSigned: true)
    var privacy = PrivacySender(audience: key.audience, pseudonymKey: key.pseudonymKey)
    privacy.isStamped = true
    let group = group(of: privacy)
    ledger.setGroup(group, source: source)
    keyed[id] = Keyed(
      key: key.key, signer: UDPSigner(key: key.key),
      sender: DatagramSender(source: name, component: Array(component.isEmpty ? "udp".utf8 : component.utf8)),
      source: source, group: groups[group])
    return key
  }

  /// Whether `key` has signed `bytes`; a failure is one of the source that was claimed.
  private mutating func isSigned(
    _ bytes: UnsafeRawBufferPointer, _ tag: some Collection<UInt8>, by key: UDPKey, _ address: UDPAddress, _ now: Int64
  ) -> Bool {
    guard let signer = keyed[key.id]?.signer, signer.isValid(tag, of: bytes) else {
      ledger.noteAuthFailure(source: key.source)
      return false
    }
    throttle.prove(address, now: now)
    return true
  }

  // MARK: form B

  private mutating func takeBinary(
    _ packet: UnsafeRawBufferPointer, _ address: UDPAddress, _ now: Int64, _ reply: inout [UInt8]?
  ) -> UDPResult {
    guard packet.starts(with: DatagramHeader.magic) else { return .unknownFormat }
    let header: DatagramHeader
    do throws(DatagramHeader.Fault) {
      header = try DatagramHeader(packet)
    } catch {
      switch error {
      case .length: return .badLength
      case .form: return .unknownFormat
      case .flags: return .badFlags
      }
    }
    guard header.kind != .reply else { return .unknownFormat }
    guard let key = findKey(header.keyID, now) else { return .unknownKey }
    if throttle.isThrottled(address, now: now) { return .throttled }
    let end = packet.count - DatagramHeader.tagBytes
    guard
      isSigned(
        UnsafeRawBufferPointer(rebasing: packet[..<end]), UnsafeRawBufferPointer(rebasing: packet[end...]), by: key,
        address, now)
    else { return .badMAC }
    if header.kind == .probe { return answer(header, packet, now, &reply) }
    let numbers = UDPLedger.Numbers(
      boot: header.boot, sequence: header.sequence, firstEvent: header.firstEvent, events: UInt64(header.eventCount),
      sentMicroseconds: header.sentMicroseconds, dropped: header.dropped, isEnd: header.isEnd)
    return takeNumbered(numbers, key, packet.count, now) { (group, sender) throws(DatagramFault) in
      try group.batch.append(packet, header, from: sender)
    }
  }

  private mutating func answer(
    _ header: DatagramHeader, _ packet: UnsafeRawBufferPointer, _ now: Int64, _ reply: inout [UInt8]?
  ) -> UDPResult {
    guard var probe = DatagramProbe(header, packet), var state = keyed[header.keyID] else { return .malformed }
    let second = now / 1_000_000_000
    if state.probeSecond != second {
      state.probeSecond = second
      state.probes = 0
    }
    state.probes += 1
    keyed[header.keyID] = state
    guard state.probes <= Self.probesPerSecond else { return .probeLimited }
    probe.received = now / 1_000
    probe.answered = options.clock() / 1_000
    let bytes = probe.encoded(as: .reply)
    reply = bytes + bytes.withUnsafeBytes { state.signer.tag($0) }
    return .probe
  }

  // MARK: form J

  private mutating func takeText(
    _ packet: UnsafeRawBufferPointer, _ address: UDPAddress, _ now: Int64
  ) -> UDPResult {
    let text: UnsafeRawBufferPointer
    let signature: DatagramSignature?
    do throws(DatagramFault) {
      (text, signature) = try DatagramSignature.split(packet)
    } catch {
      return .unknownFormat
    }
    if let signature { return takeSigned(text, signature, packet.count, address, now) }
    guard
      (address.isLoopback && options.takesUnsignedFromLoopback)
        || options.allowUnsigned.contains(where: { $0.contains(address) })
    else {
      return throttle.isThrottled(address, now: now) ? .throttled : .unsigned
    }
    let envelope: DatagramEnvelope
    do throws(DatagramFault) { envelope = try DatagramEnvelope(text) } catch { return .malformed }
    return takeUnsigned(envelope, address, now)
  }

  private mutating func takeSigned(
    _ text: UnsafeRawBufferPointer, _ signature: DatagramSignature, _ byteCount: Int, _ address: UDPAddress,
    _ now: Int64
  ) -> UDPResult {
    guard let key = findKey(signature.keyID, now) else { return .unknownKey }
    if throttle.isThrottled(address, now: now) { return .throttled }
    guard isSigned(text, signature.tag, by: key, address, now) else { return .badMAC }
    let envelope: DatagramEnvelope
    do throws(DatagramFault) { envelope = try DatagramEnvelope(text) } catch { return .malformed }
    guard let numbers = envelope.numbers else { return .unnumbered }
    if let source = envelope.source, !source.elementsEqual(key.source.utf8) { return .wrongSource }
    return takeNumbered(UDPLedger.Numbers(numbers, envelope), key, byteCount, now) {
      (group, sender) throws(DatagramFault) in
      group.batch.append(envelope, from: sender, arrival: now)
    }
  }

  /// Numbers, rate, queue, body.
  private mutating func takeNumbered(
    _ numbers: UDPLedger.Numbers, _ key: UDPKey, _ byteCount: Int, _ now: Int64,
    append: (Group, DatagramSender) throws(DatagramFault) -> Int
  ) -> UDPResult {
    guard let state = keyed[key.id] else { return .unknownKey }
    if case .refused(let result) = ledger.admit(numbers, source: state.source, now: now) {
      if result == .clock, let difference = ledger.complaint(about: numbers, source: state.source, now: now) {
        notices.append(.clock(source: key.source, microseconds: difference))
      }
      return result
    }
    let result: UDPResult
    if key.allowance?.take(records: Int(numbers.events), bytes: byteCount) != nil {
      result = .rateLimited
    } else if !hasRoom && numbers.events > 0 {
      result = .overflow
    } else {
      do throws(DatagramFault) {
        _ = try append(state.group, state.sender)
        result = .accepted
      } catch {
        result = .malformed
      }
    }
    settle(result, numbers.events, now)
    ledger.settle(boot: numbers.boot, source: state.source, events: numbers.events, taken: result == .accepted)
    return result
  }

  private mutating func settle(_ result: UDPResult, _ events: UInt64, _ now: Int64) {
    guard result == .accepted, events > 0 else { return }
    vitals.events.add(Int(events))
    if oldest == nil { oldest = now }
  }

  private mutating func takeUnsigned(
    _ envelope: DatagramEnvelope, _ address: UDPAddress, _ now: Int64
  ) -> UDPResult {
    let peer = address.isLoopback ? "local" : senders.peer(address.text)
    var name = address.isLoopback ? "local" : "peer-" + peer.prefix(8)
    if let source = envelope.source {
      let said = String(decoding: source, as: UTF8.self)
      guard said == name || SourceName.isValid(said), !credentials.owns(source: said) else { return .wrongSource }
      name = said
    }
    let sender = DatagramSender(source: Array(name.utf8), session: Array(senders.anonymousSession(peer).utf8))
    let index = ledger.source(name, isSigned: false)
    let events = UInt64(envelope.eventCount)
    if let numbers = envelope.numbers {
      let numbers = UDPLedger.Numbers(numbers, envelope)
      if case .refused(let result) = ledger.admit(numbers, source: index, now: now) { return result }
    }
    let result = hasRoom || events == 0 ? UDPResult.accepted : .overflow
    if result == .accepted { groups[0].batch.append(envelope, from: sender, arrival: now) }
    settle(result, events, now)
    if let boot = envelope.numbers?.boot {
      ledger.settle(boot: boot, source: index, events: events, taken: result == .accepted)
    } else {
      ledger.addUnnumbered(source: index, events: events, taken: result == .accepted, now: now)
    }
    return result
  }

  // MARK: handing over

  /// The events so far with the state that they leave behind; empty: nothing has changed.
  mutating func seal() -> [UDPParcel] {
    var parcels: [UDPParcel] = []
    for (index, group) in groups.enumerated() {
      let marks = ledger.takeMarks(group: index)
      guard !group.batch.isEmpty || !marks.isEmpty else { continue }
      let expected = min(max(1 << 16, group.batch.byteCount / 2), options.batchBytes)
      var full = DatagramBatch(options: Self.decode(options), expectedBytes: expected)
      swap(&full, &group.batch)
      parcels.append(UDPParcel(batch: full.finish(), marks: marks, sender: group.sender))
    }
    oldest = nil
    return parcels
  }

  mutating func takeNotices() -> [Notice] {
    defer { notices.removeAll(keepingCapacity: true) }
    return notices
  }
}

/// Rows and marks for one transaction.
struct UDPParcel: Sendable {
  var batch: Batch
  var marks: [Mark]
  /// For the protector.
  var sender: PrivacySender

  var byteCount: Int { batch.byteCount }
}

extension UDPLedger.Numbers {
  init(_ numbers: DatagramEnvelope.Numbers, _ envelope: DatagramEnvelope) {
    self.init(
      boot: numbers.boot, sequence: numbers.sequence, firstEvent: numbers.firstEvent,
      events: UInt64(envelope.eventCount), sentMicroseconds: numbers.sentMicroseconds, dropped: envelope.dropped,
      isEnd: envelope.isEnd)
  }
}
