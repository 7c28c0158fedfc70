/// How much and how long one HTTP door allows.
package struct DoorLimits: Sendable {
  /// Bytes of one body, as sent and after decompression (CONFORMANCE HTTP-09: 64 MiB by default).
  package var bodyBytes = 64 << 20
  /// Open connections; the first request of one beyond them is answered with 503.
  package var connections = 1000
  /// Connections beyond the limit that may be told so at a time; more wait in the listen queue.
  package var excessConnections = 32
  /// Bytes of all header fields of one request, and of each of them.
  package var headerBytes = 16 << 10
  package var headerCount = 200
  /// From the end of a head to the end of its body: a slow sender must not hold memory for ever. 64 MiB in a minute is
  /// 9 Mbit/s, less than that is no network for telemetry.
  package var bodyTimeout: Duration = .seconds(60)
  /// From the first byte of a head to its end.
  package var headerTimeout: Duration = .seconds(10)
  /// Between requests, and before the first one.
  package var idleTimeout: Duration = .seconds(120)
  /// After an answer that closes the connection: how long the rest of a body is thrown away, so that the client gets to
  /// read the answer instead of a reset.
  package var lingerTimeout: Duration = .seconds(5)
  /// After the door was told to stop: how long a request may still take to arrive. Below the daemon's own drain of 10 s.
  package var drainTimeout: Duration = .seconds(3)
  /// A refused body with at most this much left to read is read to its end, so that the connection can be kept.
  package var drainBytes = 256 << 10

  package init() {}
}
