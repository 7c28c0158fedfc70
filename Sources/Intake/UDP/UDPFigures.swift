package import Telemetry

/// What is known of one source's packets, for `sources`, `balance` and the metrics; counts are of events unless named
/// otherwise. Always `sent = received + refused + lost + pending + before`.
package struct UDPFigures: Sendable, Equatable {
  package enum State: String, Sendable {
    case ok, silent, ended
    case neverSeen = "never_seen"
  }

  package var source: String
  /// Said by a key; else anybody may have said the name.
  package var isSigned = true
  package var state = State.neverSeen
  package var boots = 0
  package var packets: UInt64 = 0
  package var sent: UInt64 = 0
  package var received: UInt64 = 0
  package var refused: UInt64 = 0
  package var lost: UInt64 = 0
  package var pending: UInt64 = 0
  package var before: UInt64 = 0
  package var shed: UInt64 = 0
  package var lostPackets: UInt64 = 0
  package var latePackets: UInt64 = 0
  package var reorderedPackets: UInt64 = 0
  package var duplicatePackets: UInt64 = 0
  /// Packets that named a key of this source and were not signed with it.
  package var authFailed: UInt64 = 0
  /// µs by which its clock is behind ours; nil: nothing heard in five minutes.
  package var clockSkewMicroseconds: Int64?
  /// Nanoseconds since 1970; nil: never.
  package var firstSeen: Int64?
  package var lastSeen: Int64?
  /// Seconds since the last packet; nil: never heard.
  package var silentSeconds: Int64?

  package init(source: String) { self.source = source }
}

extension UDPFigures {
  /// As the marks of a store tell them, daemon or not; keys that never spoke are not among them. Times in nanoseconds.
  package static func all(in marks: [Mark], now: Int64, silentAfter: Int64 = 30_000_000_000) -> [UDPFigures] {
    var options = UDPLedger.Options()
    options.silentAfter = silentAfter
    return UDPLedger(options, marks: marks).figures(now: now)
  }
}
