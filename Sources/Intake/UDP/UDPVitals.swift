import Synchronization
package import Telemetry

/// What the door has done since start. Tests read the same numbers as operators.
package final class UDPVitals: Sendable {
  package let door = "udp"
  private let packets = UDPResult.allCases.map { _ in Counter() }
  private let rejected = Rejection.Reason.allCases.map { _ in Counter() }
  /// Packets that the kernel had no room for.
  package let kernelDrops = Counter()
  package let bytes = Counter()
  /// Events that were taken.
  package let events = Counter()
  /// Events of good packets that could not be stored: the daemon stopped, or the disk was full until it did.
  package let abandoned = Counter()
  /// Bytes the kernel keeps for each socket.
  package let receiveBuffer = Counter()

  package init() {}

  package func packets(_ result: UDPResult) -> Int { packets[result.index].value }

  package func rejected(_ reason: Rejection.Reason) -> Int {
    Rejection.Reason.allCases.firstIndex(of: reason).map { rejected[$0].value } ?? 0
  }

  func count(_ result: UDPResult) { packets[result.index].add() }

  func countRejected(_ counts: [Rejection.Tally: Int]) {
    for (tally, count) in counts {
      if let index = Rejection.Reason.allCases.firstIndex(of: tally.reason) { rejected[index].add(count) }
    }
  }
}
