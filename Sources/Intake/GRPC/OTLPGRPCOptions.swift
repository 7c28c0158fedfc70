package import Door

/// What the OTLP/gRPC door is told at start.
package struct OTLPGRPCOptions: Sendable {
  package var limits = DoorLimits()
  /// Calls at a time on one connection.
  package var streams = 100
  /// Bytes that a client may send of one call before it hears from us (CONFORMANCE GRPC-09).
  package var windowBytes = 1 << 20
  /// Who may come in.
  package var gate = Gate.open
  /// Nil: plain text.
  package var tls: TransportSecurity?
  /// What every batch passes before the store; nil: nothing is changed.
  package var protector: Protector?
  /// Nested arrays and maps in one value (CONFORMANCE LIM-04).
  package var depthLimit = 256
  /// Off: every body is stored, also one that was sent before.
  package var recognisesDuplicates = true
  /// Nanoseconds since 1970.
  package var clock: @Sendable () -> Int64 = Gate.wallClock

  package init() {}
}
