import Telemetry

/// What a decoder needs to know of the world around a request.
package struct DecodeOptions: Sendable {
  /// Arrival, nanoseconds since 1970: the row time of records that have none.
  package var now: Int64
  /// Name of the credential; empty: none, the source is taken from the resource.
  package var credential: [UInt8] = []
  /// Attributes that each record must have, of its own or from its scope or resource.
  package var required: [[UInt8]] = []
  /// Source of records whose resource names none: `local` for loopback, else a keyed hash of the peer.
  package var peer: [UInt8] = Array("local".utf8)
  /// Whether a source belongs to somebody else: such records count as the peer's. Nil: no source does.
  package var isReserved: (@Sendable (String) -> Bool)?
  /// Session of records that name none: `anon-` and a stable id of the sender (R57).
  package var anonymousSession: [UInt8] = Array("anon-local".utf8)
  /// Component of records that name none.
  package var component: [UInt8] = Array("unknown_service".utf8)
  /// Whether the sender is another Garner, whose resources say where their records are from; nobody else is believed.
  package var isRelayed = false
  /// Nested arrays and maps in one value; deeper is refused (CONFORMANCE LIM-04). 64 must pass.
  package var depthLimit = 256
  /// Rows of one batch; records beyond are refused alone. Two bytes can be a whole record, and a row in memory is almost a
  /// hundred times that, so the limit on the body alone would not bound the memory.
  package var rowLimit = 1_000_000

  package init(now: Int64) { self.now = now }
}

/// A request that cannot be decoded: nothing of it is stored (CONFORMANCE RSP-06).
package struct DecodeError: Error, Equatable, Sendable {
  package enum Kind: Sendable, Equatable {
    case truncated, malformed, tooDeep, outOfRange, badID
  }
  package var kind: Kind
  /// One English sentence for the sender, e.g. `traceId must be 32 hexadecimal digits`.
  package var message: String
  /// Byte offset in the decompressed body where it went wrong.
  package var offset: Int

  package init(_ kind: Kind, _ message: String, at offset: Int) {
    self.kind = kind
    self.message = message
    self.offset = offset
  }
}
