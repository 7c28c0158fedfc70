package import Telemetry

/// What the marks of the UDP door say, for commands that read them without the door.
extension UDPMarks {
  /// As of `now`; what only a running door knows (skew, packets that failed their check) is missing.
  package static func figures(_ marks: [Mark], now: Int64, silentAfter: Int64) -> [UDPFigures] {
    ledger(marks, silentAfter: silentAfter).figures(now: now)
  }

  /// What the stream of a boot knows of one of its event numbers.
  package struct Fate: Sendable, Equatable {
    package enum Kind: String, Sendable {
      case lost, pending, before
      /// Its packet came: it was taken, or refused.
      case used
    }

    package var source: String
    package var kind: Kind
    /// When its gap opened, nanoseconds since 1970; else when the stream was last heard.
    package var since: Int64
  }

  /// Of every source that has such a boot; numbers that were not sent yet have no fate.
  package static func fates(_ marks: [Mark], boot: UInt64, number: UInt64, now: Int64) -> [Fate] {
    ledger(marks, silentAfter: 0).sources.compactMap { source in
      guard let stream = source.streams[boot], number < stream.nextEvent else { return nil }
      if number < stream.before { return Fate(source: source.name, kind: .before, since: stream.lastArrival) }
      for gap in stream.gaps where gap.event <= number && number - gap.event < gap.events {
        let isLost = now - gap.opened > UDPStream.windowNanoseconds
        return Fate(source: source.name, kind: isLost ? .lost : .pending, since: gap.opened)
      }
      return Fate(source: source.name, kind: .used, since: stream.lastArrival)
    }
  }

  private static func ledger(_ marks: [Mark], silentAfter: Int64) -> UDPLedger {
    var options = UDPLedger.Options()
    options.silentAfter = silentAfter
    return UDPLedger(options, marks: marks)
  }
}

extension UDPFigures {
  /// With those of another stream of the same source, such as what came unsigned under its name.
  package func adding(_ other: UDPFigures) -> UDPFigures {
    var sum = (other.lastSeen ?? .min) > (lastSeen ?? .min) ? other : self
    sum.isSigned = isSigned || other.isSigned
    sum.boots = boots + other.boots
    sum.packets = packets + other.packets
    sum.sent = sent + other.sent
    sum.received = received + other.received
    sum.refused = refused + other.refused
    sum.lost = lost + other.lost
    sum.pending = pending + other.pending
    sum.before = before + other.before
    sum.shed = shed + other.shed
    sum.lostPackets = lostPackets + other.lostPackets
    sum.latePackets = latePackets + other.latePackets
    sum.reorderedPackets = reorderedPackets + other.reorderedPackets
    sum.duplicatePackets = duplicatePackets + other.duplicatePackets
    sum.authFailed = authFailed + other.authFailed
    sum.clockSkewMicroseconds = [clockSkewMicroseconds, other.clockSkewMicroseconds].compactMap { $0 }.min()
    sum.firstSeen = [firstSeen, other.firstSeen].compactMap { $0 }.min()
    return sum
  }

  /// Name under which the counts of strangers are kept whose own names were forgotten.
  package static var sumOfStrangers: String { UDPLedger.otherName }

  /// Events of which the stream cannot say what became; 0, or its counting is wrong.
  package var difference: Int64 {
    Int64(clamping: sent) - Int64(clamping: received) - Int64(clamping: refused) - Int64(clamping: lost)
      - Int64(clamping: pending) - Int64(clamping: before)
  }

  package static func bySource(_ list: [UDPFigures]) -> [String: UDPFigures] {
    Dictionary(list.map { ($0.source, $0) }) { $0.adding($1) }
  }
}
