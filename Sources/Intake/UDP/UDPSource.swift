/// One source with its streams.
struct UDPSource: Sendable {
  /// Counts of streams that are forgotten, and of events without numbers.
  struct Totals: Sendable, Equatable {
    var packets: UInt64 = 0
    var received: UInt64 = 0
    var refused: UInt64 = 0
    var lost: UInt64 = 0
    var before: UInt64 = 0
    var shed: UInt64 = 0
    var lostPackets: UInt64 = 0
    var latePackets: UInt64 = 0
    var reorderedPackets: UInt64 = 0
    var duplicatePackets: UInt64 = 0
    var firstSeen: Int64 = 0
    var lastSeen: Int64 = 0
    /// Streams that were forgotten.
    var boots: UInt64 = 0

    mutating func add(_ other: Totals) {
      packets += other.packets
      received += other.received
      refused += other.refused
      lost += other.lost
      before += other.before
      shed += other.shed
      lostPackets += other.lostPackets
      latePackets += other.latePackets
      reorderedPackets += other.reorderedPackets
      duplicatePackets += other.duplicatePackets
      boots += other.boots
      lastSeen = max(lastSeen, other.lastSeen)
      firstSeen = firstSeen == 0 ? other.firstSeen : other.firstSeen == 0 ? firstSeen : min(firstSeen, other.firstSeen)
    }
  }

  let name: String
  /// Of a key; else anybody may have said the name.
  let isSigned: Bool
  /// Its rows and its marks go to the store together with those of its group.
  var group = 0
  var streams: [UInt64: UDPStream] = [:]
  private(set) var totals = Totals()
  var skew = UDPClockSkew()
  var authFailed: UInt64 = 0
  /// Streams with something that is not stored yet, and streams to be forgotten there too.
  private(set) var changed: Set<UInt64> = []
  private(set) var forgotten: [UInt64: [UInt64]] = [:]
  private(set) var totalsChanged = false
  /// The stream heard last.
  private var current: UInt64?
  /// When our own count of it last had a complaint about its clock.
  var clockComplaint: Int64 = .min

  init(name: String, isSigned: Bool) {
    self.name = name
    self.isSigned = isSigned
  }

  var lastSeen: Int64 { max(totals.lastSeen, streams.values.lazy.map(\.lastArrival).max() ?? 0) }

  // MARK: changes

  mutating func touch(_ boot: UInt64) {
    changed.insert(boot)
    current = boot
  }

  mutating func noteFirst(_ now: Int64) {
    if totals.firstSeen == 0 {
      totals.firstSeen = now
      totalsChanged = true
    }
  }

  /// Events that came without numbers.
  mutating func addUnnumbered(events: UInt64, taken: Bool, now: Int64) {
    noteFirst(now)
    totals.packets += 1
    totals.lastSeen = max(totals.lastSeen, now)
    if taken { totals.received += events } else { totals.refused += events }
    totalsChanged = true
    current = nil
  }

  mutating func add(_ other: Totals) {
    totals.add(other)
    totalsChanged = true
  }

  /// Takes a stream away; what it had lost is lost. Gives its counts.
  mutating func forget(_ boot: UInt64) -> Totals {
    guard let stream = streams.removeValue(forKey: boot) else { return Totals() }
    forgotten[boot] = stream.gaps.map(\.sequence) + stream.changedGaps
    changed.remove(boot)
    if current == boot { current = nil }
    var totals = Totals()
    totals.packets = stream.packets
    totals.received = stream.received
    totals.refused = stream.refused
    totals.lost = stream.finalLostEvents + stream.gaps.reduce(0) { $0 + $1.events }
    totals.lostPackets = stream.finalLostPackets + stream.gaps.reduce(0) { $0 + $1.packets }
    totals.before = stream.before
    totals.shed = UInt64(stream.shed)
    totals.latePackets = stream.latePackets
    totals.reorderedPackets = stream.reorderedPackets
    totals.duplicatePackets = stream.duplicatePackets
    totals.lastSeen = stream.lastArrival
    totals.boots = 1
    return totals
  }

  mutating func settleChanges() {
    for boot in changed { streams[boot]?.settleChanges() }
    changed.removeAll(keepingCapacity: true)
    forgotten.removeAll()
    totalsChanged = false
  }

  mutating func restore(_ totals: Totals) { self.totals = totals }

  // MARK: figures

  func figures(now: Int64, silentAfter: Int64) -> UDPFigures {
    var figures = UDPFigures(source: name)
    figures.isSigned = isSigned
    figures.packets = totals.packets
    figures.received = totals.received
    figures.refused = totals.refused
    figures.lost = totals.lost
    figures.before = totals.before
    figures.shed = totals.shed
    figures.lostPackets = totals.lostPackets
    figures.latePackets = totals.latePackets
    figures.reorderedPackets = totals.reorderedPackets
    figures.duplicatePackets = totals.duplicatePackets
    figures.sent = totals.received + totals.refused + totals.lost + totals.before
    figures.boots = streams.count + Int(totals.boots)
    var latest = (arrival: totals.lastSeen, ended: false)
    var speaks = false
    // A farewell is one process's; another one of the source may be there. But one that was not heard any more when the
    // process began that said farewell had ended before, without a word.
    let lastBeginning = streams.values.lazy.filter(\.hasEnded).map(\.firstArrival).max() ?? .min
    for stream in streams.values {
      let missing = stream.missing(now: now)
      figures.packets += stream.packets
      figures.received += stream.received
      figures.refused += stream.refused
      figures.lost += missing.lost
      figures.pending += missing.pending
      figures.before += stream.before
      figures.shed += UInt64(stream.shed)
      figures.lostPackets += missing.lostPackets
      figures.latePackets += stream.latePackets
      figures.reorderedPackets += stream.reorderedPackets
      figures.duplicatePackets += stream.duplicatePackets
      figures.sent += stream.nextEvent
      let isHeard = now - stream.lastArrival <= silentAfter && stream.lastArrival >= lastBeginning
      if isHeard && !stream.hasEnded { speaks = true }
      if stream.lastArrival >= latest.arrival { latest = (stream.lastArrival, stream.hasEnded) }
    }
    figures.authFailed = authFailed
    figures.clockSkewMicroseconds = skew.microseconds(now: now)
    guard latest.arrival > 0 else { return figures }
    figures.firstSeen = totals.firstSeen == 0 ? latest.arrival : totals.firstSeen
    figures.lastSeen = latest.arrival
    figures.silentSeconds = max(0, now - latest.arrival) / 1_000_000_000
    figures.state = speaks ? .ok : latest.ended ? .ended : now - latest.arrival > silentAfter ? .silent : .ok
    return figures
  }
}

extension UDPSource.Totals {
  var encoded: [UInt8] {
    var out = UDPNumbers()
    for number in [
      packets, received, refused, lost, before, shed, lostPackets, latePackets, reorderedPackets, duplicatePackets,
      UInt64(bitPattern: firstSeen), UInt64(bitPattern: lastSeen), boots,
    ] { out.append(number) }
    return out.bytes
  }

  init?(_ bytes: [UInt8]) {
    var numbers = UDPNumbers.Reader(bytes)
    var read: [UInt64] = []
    while let number = numbers.next() { read.append(number) }
    guard read.count == 13 else { return nil }
    self.init(
      packets: read[0], received: read[1], refused: read[2], lost: read[3], before: read[4], shed: read[5],
      lostPackets: read[6], latePackets: read[7], reorderedPackets: read[8], duplicatePackets: read[9],
      firstSeen: Int64(bitPattern: read[10]), lastSeen: Int64(bitPattern: read[11]), boots: read[12])
  }
}
