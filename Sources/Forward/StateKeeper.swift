import FoundationEssentials
import NIOPosix
import Synchronization

/// Writes what runs have settled: together, a quarter of a second after the first of them asked, or at once.
final class StateKeeper: Sendable {
  private struct Pending {
    var states: [String: RunState?] = [:]
    var isScheduled = false
    /// The last write failed; it was said once.
    var isFailing = false
  }

  private let storage: any ForwardStorage
  private let pool: NIOThreadPool
  private let report: @Sendable (String) -> Void
  private let pending = Mutex(Pending())
  private let writing = Mutex(())

  static let interval = Duration.milliseconds(250)
  /// After a write that failed.
  static let retryInterval = Duration.seconds(1)

  init(_ storage: any ForwardStorage, pool: NIOThreadPool, report: @escaping @Sendable (String) -> Void) {
    self.storage = storage
    self.pool = pool
    self.report = report
  }

  func put(_ key: String, _ state: RunState) {
    pending.withLock { $0.states[key] = .some(state) }
    schedule(Self.interval)
  }

  private func schedule(_ wait: Duration) {
    let starts = pending.withLock { pending in
      defer { pending.isScheduled = true }
      return !pending.isScheduled
    }
    guard starts else { return }
    Task {
      try? await Task.sleep(for: wait)
      await self.flush()
    }
  }

  func flush(_ key: String, _ state: RunState?) async {
    pending.withLock { $0.states[key] = .some(state) }
    await flush()
  }

  /// Returns when all that was put before is on disk, or the disk refused it: then it is tried again soon.
  func flush() async {
    _ = try? await pool.runIfActive { self.write() }
  }

  private func write() {
    // One at a time, so that what is newer is not overtaken by what is older; whoever puts does not wait for the disk.
    writing.withLock { _ in
      let states = pending.withLock { pending in
        pending.isScheduled = false
        defer { pending.states = [:] }
        return pending.states
      }
      guard !states.isEmpty else { return }
      do {
        try storage.save(try states.mapValues { try $0.map { try Self.encode($0) } })
        pending.withLock { $0.isFailing = false }
      } catch {
        let isFirst = pending.withLock { pending in
          pending.states.merge(states) { newer, _ in newer }
          defer { pending.isFailing = true }
          return !pending.isFailing
        }
        if isFirst { report("the positions of destinations cannot be written: \(error)") }
        schedule(Self.retryInterval)
      }
    }
  }

  static func encode(_ state: RunState) throws -> [UInt8] { [UInt8](try JSONEncoder().encode(state)) }

  static func decode(_ bytes: [UInt8]) -> RunState? { try? JSONDecoder().decode(RunState.self, from: Data(bytes)) }
}
