/// What is known of the packets of one boot of one sender. Numbers only: no clock, no bytes.
///
/// Invariant, after every call: `nextEvent = received + refused + lost + pending + before`.
struct UDPStream: Sendable, Equatable {
  /// Packets that have not come. Events lie between those of the packets around them.
  struct Gap: Sendable, Equatable {
    var sequence: UInt64
    var packets: UInt64
    var event: UInt64
    var events: UInt64
    /// Nanoseconds since 1970.
    var opened: Int64
  }

  enum Order: Sendable, Equatable {
    case next
    /// It closed a gap, younger or older than the window.
    case reordered, late
    case duplicate, tooOld, badNumber
  }

  /// A gap this old is a loss.
  static let windowNanoseconds: Int64 = 2_000_000_000
  static let gapLimit = 4_096
  /// A sender that jumps further is not believed.
  static let jumpLimit: UInt64 = 1 << 24
  /// Who is met with a greater number was not lost before: we came late.
  static let firstContactLimit: UInt64 = 1_024
  /// What the count of form B can say.
  private static let eventsPerPacket: UInt64 = 65_535

  private(set) var nextSequence: UInt64 = 0
  private(set) var nextEvent: UInt64 = 0
  /// By number, and so by age.
  private(set) var gaps: [Gap] = []
  /// Below it nothing is known any more.
  private(set) var floor: UInt64 = 0
  /// Events sent before the first contact.
  private(set) var before: UInt64 = 0
  private(set) var received: UInt64 = 0
  private(set) var refused: UInt64 = 0
  /// Of gaps that were closed for room.
  private(set) var finalLostEvents: UInt64 = 0
  private(set) var finalLostPackets: UInt64 = 0
  private(set) var packets: UInt64 = 0
  private(set) var reorderedPackets: UInt64 = 0
  private(set) var latePackets: UInt64 = 0
  private(set) var duplicatePackets: UInt64 = 0
  /// The highest number of events that the sender has said it shed.
  private(set) var shed: UInt32 = 0
  /// Nanoseconds since 1970; 0: not known, in what older versions wrote.
  private(set) var firstArrival: Int64 = 0
  private(set) var lastArrival: Int64 = 0
  /// µs since 1970, by the sender's clock.
  private(set) var latestSend: Int64 = .min
  private(set) var hasEnded = false
  /// First numbers of gaps that are not yet stored as they are.
  private(set) var changedGaps: Set<UInt64> = []
  private(set) var isChanged = true

  init() {}

  // MARK: packets

  /// Finds the place of a packet and, if there is one, uses its numbers up; `settle` says then what became of the events.
  mutating func place(sequence: UInt64, firstEvent: UInt64, events: UInt64, now: Int64) -> Order {
    isChanged = true
    let order = find(sequence, firstEvent, events, now)
    switch order {
    case .next: packets += 1
    case .reordered:
      packets += 1
      reorderedPackets += 1
    case .late:
      packets += 1
      latePackets += 1
    case .duplicate: duplicatePackets += 1
    case .tooOld, .badNumber: break
    }
    return order
  }

  mutating func settle(events: UInt64, taken: Bool) {
    if taken { received += events } else { refused += events }
    isChanged = true
  }

  /// What every packet tells about its sender, whatever becomes of it. `isEnd` nil: it does not say how things are now.
  mutating func note(sentMicroseconds: Int64, dropped: UInt32, isEnd: Bool?, now: Int64) {
    if lastArrival == 0 { firstArrival = now }
    lastArrival = max(lastArrival, now)
    latestSend = max(latestSend, sentMicroseconds)
    shed = max(shed, dropped)
    if let isEnd { hasEnded = isEnd }
    isChanged = true
  }

  private mutating func find(_ sequence: UInt64, _ first: UInt64, _ events: UInt64, _ now: Int64) -> Order {
    let (end, over) = first.addingReportingOverflow(events)
    guard !over, end <= UInt64(Int64.max), sequence < UInt64(Int64.max) else { return .badNumber }
    if packets == 0 && nextSequence == 0 { meet(sequence, first) }
    if sequence < floor { return .tooOld }
    if sequence < nextSequence { return fill(sequence, first, end, now) }
    let missing = sequence - nextSequence
    guard missing <= Self.jumpLimit, first >= nextEvent, Self.fit(first - nextEvent, missing) else {
      return .badNumber
    }
    if missing > 0 {
      open(Gap(sequence: nextSequence, packets: missing, event: nextEvent, events: first - nextEvent, opened: now))
    }
    nextSequence = sequence + 1
    nextEvent = end
    return .next
  }

  private mutating func meet(_ sequence: UInt64, _ first: UInt64) {
    guard sequence > Self.firstContactLimit else { return }
    floor = sequence
    nextSequence = sequence
    nextEvent = first
    before = first
  }

  /// Whether so many events can lie in so many packets.
  private static func fit(_ events: UInt64, _ packets: UInt64) -> Bool {
    packets == 0 ? events == 0 : events / packets < eventsPerPacket || events == packets * eventsPerPacket
  }

  private mutating func open(_ gap: Gap) {
    gaps.append(gap)
    changedGaps.insert(gap.sequence)
    bound()
  }

  private mutating func bound() {
    while gaps.count > Self.gapLimit {
      let oldest = gaps.removeFirst()
      changedGaps.insert(oldest.sequence)
      finalLostEvents += oldest.events
      finalLostPackets += oldest.packets
      floor = oldest.sequence + oldest.packets
    }
  }

  private mutating func fill(_ sequence: UInt64, _ first: UInt64, _ end: UInt64, _ now: Int64) -> Order {
    guard let index = gap(of: sequence) else { return .duplicate }
    let gap = gaps[index]
    var left = gap
    left.packets = sequence - gap.sequence
    var right = gap
    right.sequence = sequence + 1
    right.packets = gap.packets - left.packets - 1
    guard first >= gap.event, end <= gap.event + gap.events else { return .badNumber }
    left.events = first - gap.event
    right.event = end
    right.events = gap.event + gap.events - end
    guard Self.fit(left.events, left.packets), Self.fit(right.events, right.packets) else { return .badNumber }
    changedGaps.insert(gap.sequence)
    changedGaps.insert(right.sequence)
    var rest: [Gap] = []
    if left.packets > 0 { rest.append(left) }
    if right.packets > 0 { rest.append(right) }
    gaps.replaceSubrange(index...index, with: rest)
    bound()
    return now - gap.opened <= Self.windowNanoseconds ? .reordered : .late
  }

  private func gap(of sequence: UInt64) -> Int? {
    var low = 0
    var high = gaps.count
    while low < high {
      let middle = (low + high) / 2
      if gaps[middle].sequence + gaps[middle].packets <= sequence { low = middle + 1 } else { high = middle }
    }
    return low < gaps.count && gaps[low].sequence <= sequence ? low : nil
  }

  // MARK: sums

  struct Missing: Sendable, Equatable {
    var lost: UInt64 = 0
    var pending: UInt64 = 0
    var lostPackets: UInt64 = 0
  }

  func missing(now: Int64) -> Missing {
    var missing = Missing(lost: finalLostEvents, lostPackets: finalLostPackets)
    for gap in gaps {
      if now - gap.opened > Self.windowNanoseconds {
        missing.lost += gap.events
        missing.lostPackets += gap.packets
      } else {
        missing.pending += gap.events
      }
    }
    return missing
  }
}

// MARK: what is kept over a restart

extension UDPStream {
  private static let version: UInt8 = 1

  /// All but the gaps.
  var encoded: [UInt8] {
    var out = UDPNumbers()
    out.append(UInt64(Self.version))
    for number in [
      nextSequence, nextEvent, floor, before, received, refused, finalLostEvents, finalLostPackets, packets,
      reorderedPackets, latePackets, duplicatePackets, UInt64(shed), UInt64(bitPattern: lastArrival),
      UInt64(bitPattern: latestSend), hasEnded ? 1 : 0, UInt64(bitPattern: firstArrival),
    ] { out.append(number) }
    return out.bytes
  }

  /// Nil for what no version of this program has written.
  init?(_ bytes: [UInt8]) {
    var numbers = UDPNumbers.Reader(bytes)
    guard numbers.next() == UInt64(Self.version) else { return nil }
    var read: [UInt64] = []
    for _ in 0..<16 {
      guard let number = numbers.next() else { return nil }
      read.append(number)
    }
    nextSequence = read[0]
    nextEvent = read[1]
    floor = read[2]
    before = read[3]
    received = read[4]
    refused = read[5]
    finalLostEvents = read[6]
    finalLostPackets = read[7]
    packets = read[8]
    reorderedPackets = read[9]
    latePackets = read[10]
    duplicatePackets = read[11]
    shed = UInt32(truncatingIfNeeded: read[12])
    lastArrival = Int64(bitPattern: read[13])
    latestSend = Int64(bitPattern: read[14])
    hasEnded = read[15] == 1
    firstArrival = numbers.next().map { Int64(bitPattern: $0) } ?? 0
    isChanged = false
  }

  /// To be called with gaps in ascending order.
  mutating func restore(_ gap: Gap) { gaps.append(gap) }

  func gap(startingAt sequence: UInt64) -> Gap? {
    gap(of: sequence).map { gaps[$0] }.flatMap { $0.sequence == sequence ? $0 : nil }
  }

  /// To be called once all that has changed is on its way to the store.
  mutating func settleChanges() {
    changedGaps.removeAll(keepingCapacity: true)
    isChanged = false
  }
}

extension UDPStream.Gap {
  var encoded: [UInt8] {
    var out = UDPNumbers()
    for number in [packets, event, events, UInt64(bitPattern: opened)] { out.append(number) }
    return out.bytes
  }

  init?(sequence: UInt64, _ bytes: [UInt8]) {
    var numbers = UDPNumbers.Reader(bytes)
    guard let packets = numbers.next(), let event = numbers.next(), let events = numbers.next(),
      let opened = numbers.next()
    else { return nil }
    self.init(
      sequence: sequence, packets: packets, event: event, events: events, opened: Int64(bitPattern: opened))
  }
}

/// Numbers as LEB128, one behind the other.
struct UDPNumbers {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func next() -> UInt64? {
      var number: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = rest.popFirst(), shift < 70 {
        number |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return number }
        shift += 7
      }
      return nil
    }
  }
}
