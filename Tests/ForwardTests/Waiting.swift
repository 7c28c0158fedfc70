import Synchronization

/// Where tests wait until something has become so; whoever changes it says so.
final class Waiting: Sendable {
  private struct Waiter: Sendable {
    let isSo: @Sendable () -> Bool
    let continuation: CheckedContinuation<Void, Never>
  }

  private let waiters = Mutex<[Waiter]>([])

  func until(_ isSo: @escaping @Sendable () -> Bool) async {
    await withCheckedContinuation { continuation in
      waiters.withLock { $0.append(Waiter(isSo: isSo, continuation: continuation)) }
      changed()
    }
  }

  /// Never called with a lock held that a condition takes.
  func changed() {
    let ready = waiters.withLock { waiters in
      var ready: [Waiter] = []
      var rest: [Waiter] = []
      for waiter in waiters {
        if waiter.isSo() { ready.append(waiter) } else { rest.append(waiter) }
      }
      waiters = rest
      return ready
    }
    for waiter in ready { waiter.continuation.resume() }
  }
}

/// For what nobody tells: asks until it is so.
func eventually(_ isSo: () async -> Bool) async {
  while !(await isSo()) { await Task.yield() }
}
