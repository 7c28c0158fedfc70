import Synchronization

/// How many connections of one door are open.
package final class ConnectionCount: Sendable {
  private let open = Atomic(0)

  package init() {}

  package var value: Int { open.load(ordering: .relaxed) }

  /// The number with this one.
  package func add() -> Int { open.add(1, ordering: .relaxed).newValue }

  package func remove() { open.subtract(1, ordering: .relaxed) }
}
