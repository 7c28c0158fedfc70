import Synchronization

/// The bytes of all requests in flight, encoded and decoded, of all doors together.
///
/// Reserved before reading; a reservation too big for what is left is admitted when nothing else is in flight, so that the
/// largest legal body always gets through in the end.
package final class Budget: Sendable {
  private let limit: Atomic<Int>
  // covers: bytes in use; take nothing inside.
  private let used = Mutex(0)

  package init(limitBytes: Int) { limit = Atomic(limitBytes) }

  package var limitBytes: Int { limit.load(ordering: .relaxed) }

  /// What is reserved stays reserved; a smaller budget fills up as requests end.
  package func resize(to bytes: Int) { limit.store(bytes, ordering: .relaxed) }

  package var usedBytes: Int { used.withLock { $0 } }

  /// Nil: no room now.
  package func reserve(_ bytes: Int) -> Permit? {
    claim(bytes, holding: 0) ? Permit(self, bytes) : nil
  }

  /// For a body of `total` bytes that comes piece by piece: takes only what the beginning needs, so that a sender who says
  /// much and sends nothing keeps nobody out. Nil: as things are now, all of it would find no room.
  package func reserve(beginningOf total: Int) -> Permit? {
    used.withLock { used in
      guard used + total <= limitBytes || used == 0 else { return nil }
      let first = min(total, Self.beginningBytes)
      used += first
      return Permit(self, first)
    }
  }

  /// Most bodies are smaller and are paid for at once.
  private static let beginningBytes = 1 << 20

  fileprivate func claim(_ more: Int, holding own: Int) -> Bool {
    used.withLock { used in
      guard used + more <= limitBytes || used == own else { return false }
      used += more
      return true
    }
  }

  fileprivate func add(_ bytes: Int) { used.withLock { $0 += bytes } }
}

/// One request's part of the budget; given back by `release` or at the latest by `deinit`.
package final class Permit: Sendable {
  private let budget: Budget
  // Only the task of the request changes it; atomic so that the class is Sendable without a promise.
  private let held: Atomic<Int>

  fileprivate init(_ budget: Budget, _ bytes: Int) {
    self.budget = budget
    held = Atomic(bytes)
  }

  deinit { release() }

  package var bytes: Int { held.load(ordering: .relaxed) }

  /// Grows to `bytes` in all; false when there is no room, and then nothing has changed. Never shrinks.
  package func grow(to bytes: Int) -> Bool {
    let own = self.bytes
    guard bytes > own else { return true }
    guard budget.claim(bytes - own, holding: own) else { return false }
    held.store(bytes, ordering: .relaxed)
    return true
  }

  /// Grows for a body of which `bytes` are there: at least twofold, so that it is seldom copied, to at most `total`. False as
  /// for `grow(to:)`.
  package func grow(holding bytes: Int, of total: Int) -> Bool { grow(to: max(bytes, min(self.bytes * 2, total))) }

  /// Sets what is held to what is really there, without asking: for memory that is already taken, or given back.
  package func settle(at bytes: Int) {
    budget.add(bytes - held.exchange(bytes, ordering: .relaxed))
  }

  package func release() { settle(at: 0) }
}
