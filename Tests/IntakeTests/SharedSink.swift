import Synchronization
import TestSupport

/// Carries the sink of a door out of its test, to look at it once the door is shut.
final class SharedSink: Sendable {
  private let sink = Mutex<ArraySink?>(nil)
  func set(_ value: ArraySink) { sink.withLock { $0 = value } }
  func get() -> ArraySink? { sink.withLock { $0 } }
}
