package import Door
import Glibc

/// What the OTLP/HTTP door is told at start.
package struct OTLPHTTPOptions: Sendable {
  package var limits = DoorLimits()
  /// Who may come in.
  package var gate = Gate.open
  /// Nil: plain text.
  package var tls: TransportSecurity?
  /// What every batch passes before the store; nil: nothing is changed.
  package var protector: Protector?
  /// Nested arrays and maps in one value (CONFORMANCE LIM-04).
  package var depthLimit = 256
  /// Nil: no cross-origin requests.
  package var crossOrigin: CrossOrigin?
  /// Off: every body is stored, also one that was sent before.
  package var recognisesDuplicates = true
  /// Nanoseconds since 1970.
  package var clock: @Sendable () -> Int64 = Self.wallClock

  package init() {}

  private static let wallClock: @Sendable () -> Int64 = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
