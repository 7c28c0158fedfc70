import Telemetry

/// All sources that have sent packets, and what is missing of them. A state machine: time comes in, nothing goes out.
///
/// Invariants
/// 1. A packet gets here past its MAC, or unsigned where that is allowed; unsigned streams share a few places.
/// 2. What `takeMarks` gives is stored with the rows of the packets that were admitted before, or with nothing.
struct UDPLedger: Sendable {
  struct Options: Sendable {
    /// How far the clock of an unknown boot may be off, nanoseconds.
    var maxSkew: Int64 = 600_000_000_000
    var silentAfter: Int64 = 30_000_000_000
    var bootsPerSource = 256
    var unsignedPlaces = 256
  }

  /// The numbers of one packet.
  struct Numbers: Sendable, Equatable {
    var boot: UInt64
    var sequence: UInt64
    var firstEvent: UInt64
    var events: UInt64
    var sentMicroseconds: Int64
    var dropped: UInt32 = 0
    var isEnd = false
  }

  enum Verdict: Sendable, Equatable {
    /// Its numbers are used up; `settle` says what became of its events.
    case admitted
    case refused(UDPResult)
  }

  /// Name of the source that takes over the counts of unsigned streams that were forgotten.
  static let otherName = "other"

  var options: Options
  private(set) var sources: [UDPSource] = []
  private var signedIndex: [String: Int] = [:]
  private var unsignedIndex: [String: Int] = [:]
  private(set) var unsignedPlaces = 0
  /// Of sources that are forgotten.
  private var orphans: [Mark] = []

  init(_ options: Options = Options()) { self.options = options }

  /// Index of a source, which is made if need be.
  mutating func source(_ name: String, isSigned: Bool) -> Int {
    if let index = isSigned ? signedIndex[name] : unsignedIndex[name] { return index }
    if !isSigned, name != Self.otherName, unsignedIndex.count > options.unsignedPlaces, let index = forgetOldestName() {
      sources[index] = UDPSource(name: name, isSigned: false)
      unsignedIndex[name] = index
      return index
    }
    return addSource(name, isSigned)
  }

  private mutating func addSource(_ name: String, _ isSigned: Bool) -> Int {
    sources.append(UDPSource(name: name, isSigned: isSigned))
    if isSigned { signedIndex[name] = sources.count - 1 } else { unsignedIndex[name] = sources.count - 1 }
    return sources.count - 1
  }

  /// Whose rows its rows are stored with.
  mutating func setGroup(_ group: Int, source index: Int) { sources[index].group = group }

  // MARK: packets

  mutating func admit(_ packet: Numbers, source index: Int, now: Int64) -> Verdict {
    let boot = packet.boot
    if sources[index].streams[boot] == nil {
      if sources[index].isSigned {
        guard isClockRight(packet, now) else { return .refused(.clock) }
        guard makeRoom(index, now) else { return .refused(.tooManyBoots) }
      } else {
        makeUnsignedRoom(keeping: index)
        unsignedPlaces += 1
      }
      sources[index].streams[boot] = UDPStream()
    }
    sources[index].noteFirst(now)
    sources[index].touch(boot)
    let order =
      sources[index].streams[boot]?.place(
        sequence: packet.sequence, firstEvent: packet.firstEvent, events: packet.events, now: now) ?? .badNumber
    switch order {
    case .duplicate: return .refused(.duplicate)
    case .tooOld: return .refused(.tooOld)
    case .badNumber: return .refused(.badNumber)
    case .next, .reordered, .late:
      // A late packet does not say how things are now.
      sources[index].streams[boot]?.note(
        sentMicroseconds: packet.sentMicroseconds, dropped: packet.dropped,
        isEnd: order == .next ? packet.isEnd : nil, now: now)
      sources[index].skew.note(arrival: now, sentMicroseconds: packet.sentMicroseconds)
      return .admitted
    }
  }

  mutating func settle(boot: UInt64, source index: Int, events: UInt64, taken: Bool) {
    sources[index].streams[boot]?.settle(events: events, taken: taken)
    sources[index].touch(boot)
  }

  /// Events without numbers.
  mutating func addUnnumbered(source index: Int, events: UInt64, taken: Bool, now: Int64) {
    sources[index].addUnnumbered(events: events, taken: taken, now: now)
  }

  mutating func noteAuthFailure(source name: String) {
    sources[source(name, isSigned: true)].authFailed += 1
  }

  /// µs by which the sender's clock is behind ours, where that is worth a line in the log: once in ten seconds a source.
  mutating func complaint(about packet: Numbers, source index: Int, now: Int64) -> Int64? {
    guard sources[index].clockComplaint == .min || now - sources[index].clockComplaint >= 10_000_000_000 else {
      return nil
    }
    sources[index].clockComplaint = now
    let (difference, over) = (now / 1_000).subtractingReportingOverflow(packet.sentMicroseconds)
    return over ? (packet.sentMicroseconds < 0 ? .max : .min) : difference
  }

  private func isClockRight(_ packet: Numbers, _ now: Int64) -> Bool {
    let (difference, over) = (now / 1_000).subtractingReportingOverflow(packet.sentMicroseconds)
    return !over && difference.magnitude <= UInt64(options.maxSkew / 1_000)
  }

  // MARK: places

  /// A boot may go when nothing of it could be taken for new again: its packets are too old by every clock.
  private mutating func makeRoom(_ index: Int, _ now: Int64) -> Bool {
    guard sources[index].streams.count >= options.bootsPerSource else { return true }
    let oldest = now - 2 * options.maxSkew
    let leaving = sources[index].streams.filter {
      $0.value.lastArrival < oldest && $0.value.latestSend < oldest / 1_000
    }.min { $0.value.lastArrival < $1.value.lastArrival }
    guard let leaving else { return false }
    let totals = sources[index].forget(leaving.key)
    sources[index].add(totals)
    return true
  }

  private mutating func makeUnsignedRoom(keeping kept: Int) {
    guard unsignedPlaces >= options.unsignedPlaces else { return }
    var oldest: (index: Int, boot: UInt64, arrival: Int64)?
    for (index, source) in sources.enumerated() where !source.isSigned {
      for (boot, stream) in source.streams where stream.lastArrival < oldest?.arrival ?? .max {
        oldest = (index, boot, stream.lastArrival)
      }
    }
    guard let oldest else { return }
    let totals = sources[oldest.index].forget(oldest.boot)
    unsignedPlaces -= 1
    sources[source(Self.otherName, isSigned: false)].add(totals)
  }

  /// Index of a place in `sources` that is free now.
  private mutating func forgetOldestName() -> Int? {
    let names = unsignedIndex.filter { $0.key != Self.otherName }
    guard let oldest = names.min(by: { sources[$0.value].lastSeen < sources[$1.value].lastSeen }) else { return nil }
    let index = oldest.value
    var leaving = sources[index]
    unsignedPlaces -= leaving.streams.count
    for boot in Array(leaving.streams.keys) { leaving.add(leaving.forget(boot)) }
    orphans.append(Mark(key: Self.key(Self.totalsMark, leaving), value: nil))
    for (boot, gaps) in leaving.forgotten { forget(leaving, boot, gaps, &orphans) }
    unsignedIndex[oldest.key] = nil
    // The free place is taken at once, so that the index of the sum cannot be it.
    let other = source(Self.otherName, isSigned: false)
    sources[other].add(leaving.totals)
    return index
  }

  // MARK: marks

  private static let streamMark: UInt8 = 0x73
  private static let gapMark: UInt8 = 0x67
  private static let totalsMark: UInt8 = 0x74
  /// Before every key.
  static let prefix = Array("udp.".utf8)

  /// `udp.` · kind · signed · length and name of the source · boot · first number of the gap.
  private static func key(_ kind: UInt8, _ source: UDPSource, _ boot: UInt64? = nil, _ gap: UInt64? = nil) -> [UInt8] {
    let name = Array(source.name.utf8)
    var key = prefix + [kind, source.isSigned ? 1 : 0, UInt8(truncatingIfNeeded: name.count)] + name
    for number in [boot, gap].compactMap({ $0 }) { withUnsafeBytes(of: number.bigEndian) { key += $0 } }
    return key
  }

  /// All that has changed since the last call in the sources of `group`.
  mutating func takeMarks(group: Int = 0) -> [Mark] {
    var marks = group == 0 ? orphans : []
    if group == 0 { orphans = [] }
    for index in sources.indices where sources[index].group == group {
      let source = sources[index]
      guard !source.changed.isEmpty || !source.forgotten.isEmpty || source.totalsChanged else { continue }
      if source.totalsChanged {
        marks.append(Mark(key: Self.key(Self.totalsMark, source), value: source.totals.encoded))
      }
      for (boot, gaps) in source.forgotten { forget(source, boot, gaps, &marks) }
      for boot in source.changed {
        guard let stream = source.streams[boot] else { continue }
        marks.append(Mark(key: Self.key(Self.streamMark, source, boot), value: stream.encoded))
        for gap in stream.changedGaps {
          let value = stream.gap(startingAt: gap)?.encoded
          marks.append(Mark(key: Self.key(Self.gapMark, source, boot, gap), value: value))
        }
      }
      sources[index].settleChanges()
    }
    return marks
  }

  private func forget(_ source: UDPSource, _ boot: UInt64, _ gaps: [UInt64], _ marks: inout [Mark]) {
    marks.append(Mark(key: Self.key(Self.streamMark, source, boot), value: nil))
    for gap in gaps { marks.append(Mark(key: Self.key(Self.gapMark, source, boot, gap), value: nil)) }
  }

  /// The state in which `marks`, in any order, left it.
  init(_ options: Options, marks: [Mark]) {
    self.init(options)
    var gaps: [(index: Int, boot: UInt64, gap: UDPStream.Gap)] = []
    for mark in marks {
      guard let value = mark.value, let key = Key(mark.key) else { continue }
      // Past the bound, if need be: what is kept was within it.
      let known = key.isSigned ? signedIndex[key.source] : unsignedIndex[key.source]
      let index = known ?? addSource(key.source, key.isSigned)
      switch key.kind {
      case Self.totalsMark: if let totals = UDPSource.Totals(value) { sources[index].restore(totals) }
      case Self.streamMark:
        guard let boot = key.boot, let stream = UDPStream(value) else { continue }
        sources[index].streams[boot] = stream
        if !key.isSigned { unsignedPlaces += 1 }
      case Self.gapMark:
        guard let boot = key.boot, let sequence = key.gap, let gap = UDPStream.Gap(sequence: sequence, value) else {
          continue
        }
        gaps.append((index, boot, gap))
      default: break
      }
    }
    gaps.sort { $0.gap.sequence < $1.gap.sequence }
    for gap in gaps { sources[gap.index].streams[gap.boot]?.restore(gap.gap) }
  }

  private struct Key {
    var kind: UInt8
    var isSigned: Bool
    var source: String
    var boot: UInt64?
    var gap: UInt64?

    init?(_ bytes: [UInt8]) {
      guard bytes.starts(with: UDPLedger.prefix), bytes.count >= UDPLedger.prefix.count + 3 else { return nil }
      var rest = bytes.dropFirst(UDPLedger.prefix.count)
      kind = rest.removeFirst()
      isSigned = rest.removeFirst() == 1
      let length = Int(rest.removeFirst())
      guard rest.count >= length else { return nil }
      source = String(decoding: rest.prefix(length), as: UTF8.self)
      rest = rest.dropFirst(length)
      func number() -> UInt64? {
        guard rest.count >= 8 else { return nil }
        defer { rest = rest.dropFirst(8) }
        return rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
      }
      boot = number()
      gap = number()
    }
  }

  // MARK: figures

  func figures(now: Int64) -> [UDPFigures] {
    sources.map { $0.figures(now: now, silentAfter: options.silentAfter) }
  }
}
