/// How the drop folder behaves; times in nanoseconds.
package struct DropOptions: Sendable {
  /// How long a file that was not renamed into place must be quiet.
  package var settle: Int64 = 2_000_000_000
  /// Between two looks at the whole folder.
  package var scan: Int64 = 10_000_000_000
  package var keepDone: Int64 = 86_400_000_000_000
  package var keepRejected: Int64 = 30 * 86_400_000_000_000
  /// Of `done` and `rejected` together.
  package var keepBytes: Int64 = 1 << 30
  package var protector: Protector?
  package var depthLimit = 256
  /// Nanoseconds since 1970.
  package var clock: @Sendable () -> Int64

  package init(clock: @escaping @Sendable () -> Int64) { self.clock = clock }
}

/// What the drop folder has done since the start.
package final class DropVitals: Sendable {
  package enum Result: String, Sendable, CaseIterable {
    case done, rejected, duplicate
  }

  private let files = Result.allCases.map { _ in Counter() }
  package let bytes = Counter()
  package let received = Counter()
  package let stored = Counter()
  package let rejected = Counter()
  package let deduplicated = Counter()

  package init() {}

  package func files(_ result: Result) -> Int { counter(result).value }

  func count(_ result: Result) { counter(result).add() }

  private func counter(_ result: Result) -> Counter { files[Result.allCases.firstIndex(of: result) ?? 0] }
}
