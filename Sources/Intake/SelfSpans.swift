import Synchronization
package import Telemetry

/// What the doors do, as spans of their own, for `self_telemetry.traces`: one for each request that came as far as its
/// records. At most `limit` are kept until they are taken; the rest is counted.
package final class SelfSpans: Sendable {
  package struct Span: Sendable, Equatable {
    package var door: String
    package var signal: Signal
    /// Nanoseconds since 1970.
    package var start: Int64
    package var duration: Int64
    package var records: Int
    package var bytes: Int
    /// `stored`, `duplicate`, `loop`, or why it was refused.
    package var result: String
  }

  private struct Kept {
    var spans: [Span] = []
    var dropped = 0
  }

  private let limit: Int
  // covers: itself
  private let kept = Mutex(Kept())

  package init(limit: Int = 100) { self.limit = limit }

  func add(_ span: Span) {
    kept.withLock {
      if $0.spans.count < limit { $0.spans.append(span) } else { $0.dropped += 1 }
    }
  }

  /// What has come since the last call, and how many had no room.
  package func take() -> (spans: [Span], dropped: Int) {
    kept.withLock {
      let taken = ($0.spans, $0.dropped)
      $0 = Kept()
      return taken
    }
  }

  /// Name of the one instrumentation scope of what a Garner says of itself.
  package static let scope = "garner"
}

extension Batch {
  /// Nothing but what a Garner says of itself: a span about it would be about a span, for ever.
  var isSelfTelemetry: Bool {
    !streams.isEmpty && streams.allSatisfy { bytes($0.name).elementsEqual(SelfSpans.scope.utf8) }
      && contexts.allSatisfy { bytes($0.component).elementsEqual(SelfSpans.scope.utf8) }
  }
}
