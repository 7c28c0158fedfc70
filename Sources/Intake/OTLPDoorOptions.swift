package import Door

/// What a door of OTLP is told at start.
package struct OTLPDoorOptions: Sendable {
  package var limits = DoorLimits()
  /// Who may come in.
  package var gate = Gate.open
  /// Nil: plain text.
  package var tls: TransportSecurity?
  /// What every batch passes before the store; nil: nothing is changed.
  package var protector: Protector?
  /// Uuid of the store behind the door; empty: what comes back to it is not recognised.
  package var storeID = ""
  /// Nested arrays and maps in one value (CONFORMANCE LIM-04).
  package var depthLimit = 256
  /// Off: every body is stored, also one that was sent before.
  package var recognisesDuplicates = true
  /// Told of each request; nil: nobody asks.
  package var spans: SelfSpans?
  /// Nanoseconds since 1970.
  package var clock: @Sendable () -> Int64 = Gate.wallClock

  // MARK: HTTP

  /// Nil: no cross-origin requests.
  package var crossOrigin: CrossOrigin?

  // MARK: gRPC

  /// Calls at a time on one connection.
  package var streams = 100
  /// Bytes that a client may send of one call before it hears from us (CONFORMANCE GRPC-09).
  package var windowBytes = 1 << 20

  package init() {}
}
