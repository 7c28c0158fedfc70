import Glibc

/// How the door for datagrams behaves.
package struct UDPOptions: Sendable {
  /// `udp.allow_unsigned`: from where form J without signature is taken; loopback always is.
  package var allowUnsigned: [UDPNetwork] = []
  /// Unless nobody is let in without a credential.
  package var takesUnsignedFromLoopback = true
  /// `udp.max_skew`, nanoseconds.
  package var maxSkewNanoseconds: Int64 = 600_000_000_000
  /// `udp.silent_after`, nanoseconds.
  package var silentAfterNanoseconds: Int64 = 30_000_000_000
  /// What is handed over at once, and what may wait for the disk in all. A batch is a transaction: with 2 MiB its fsync took
  /// a third of the time.
  package var batchBytes = 6 << 20
  package var waitingBytes = 32 << 20
  /// The oldest event of a batch waits so long at most.
  package var batchNanoseconds: Int64 = 20_000_000
  /// Nil: nothing is taken out.
  package var protector: Protector?
  package var depthLimit = 64
  /// Nanoseconds since 1970.
  package var clock: @Sendable () -> Int64 = UDPClock.now

  package init() {}
}

package enum UDPClock {
  package static let now: @Sendable () -> Int64 = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
