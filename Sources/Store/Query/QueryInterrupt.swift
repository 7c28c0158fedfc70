import CSQLite
import Glibc
import Synchronization

/// Says "stop" to a running query from elsewhere: a signal handler, a closed connection, a draining daemon.
package final class QueryInterrupt: Sendable {
  private let raised = Atomic<Bool>(false)

  package init() {}

  /// May be called in a signal handler.
  package func raise() { raised.store(true, ordering: .relaxed) }
  package func clear() { raised.store(false, ordering: .relaxed) }
  package var isRaised: Bool { raised.load(ordering: .relaxed) }
}

/// When a query has to end. Asked by the progress handler of the outer and of every inner connection: the outer one alone
/// does not hear of a long step inside a data file.
final class QueryLimits {
  /// Virtual machine steps between two questions, some 20 µs.
  private static let interval: Int32 = 1000

  private var deadline: Int64 = .max
  private var interrupt: QueryInterrupt?
  private(set) var hasTimedOut = false
  /// Wall clock at the begin of the query, for `ago()`: one moment for the whole query.
  private(set) var startedAt: Int64 = FileSystem.now()

  func begin(timeoutNanoseconds: Int64?, interrupt: QueryInterrupt?) {
    hasTimedOut = false
    startedAt = FileSystem.now()
    self.interrupt = interrupt
    let (end, overflow) = Self.monotonic().addingReportingOverflow(timeoutNanoseconds ?? .max)
    deadline = overflow ? .max : end
  }

  var isInterrupted: Bool { interrupt?.isRaised ?? false }

  func mustStop() -> Bool {
    if isInterrupted { return true }
    if deadline != .max && Self.monotonic() >= deadline { hasTimedOut = true }
    return hasTimedOut
  }

  /// `connection` must be closed before `self` goes.
  func watch(_ connection: Connection) {
    sqlite3_progress_handler(
      connection.handle, Self.interval,
      { context in
        guard let context else { return 0 }
        return Unmanaged<QueryLimits>.fromOpaque(context).takeUnretainedValue().mustStop() ? 1 : 0
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private static func monotonic() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
