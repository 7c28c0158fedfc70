package import Telemetry

/// A body that could not be decoded: its content is unknown, so nothing of it is kept but these.
package struct UndecodableBody: Sendable, Equatable {
  /// Keyed hash of the body, hexadecimal: the same body is recognised again, its content cannot be guessed.
  package var hash: String
  package var lengthBytes: Int
  /// Where in the decompressed body it went wrong.
  package var offset: Int
  /// From a closed list: `truncated`, `malformed`, `too_deep`, `out_of_range`, `bad_id`.
  package var reason: String
  /// Source of the sender: credential, `local`, or the keyed hash of its address.
  package var source: String
}

/// Where refused records go.
package protocol RejectSink: Sendable {
  /// May write to a file; copies what it keeps. Troubles of its own are counted, never thrown: the rest of the request is
  /// stored already. `at`: nanoseconds since 1970.
  /// `rest`: what else of the same request was refused.
  func write(_ rejections: [Rejection], rest: [Rejection.Rest], door: String, signal: Signal, at: Int64)
  func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64)
}

extension RejectSink {
  /// All that was refused of `batch`.
  package func write(_ batch: Batch, door: String, at: Int64) {
    if batch.rejections.isEmpty { return }
    write(batch.rejections, rest: batch.rejectionRest, door: door, signal: batch.signal, at: at)
  }
}
