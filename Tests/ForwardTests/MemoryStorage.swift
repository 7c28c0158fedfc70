import Synchronization

@testable import Forward

/// What survives a restart.
final class MemoryStorage: ForwardStorage {
  struct Contents: Sendable {
    var states: [String: [UInt8]] = [:]
    var checkpoints: [String: [Checkpoint]] = [:]
  }

  private struct State {
    var contents = Contents()
    var failures = 0
    var saves = 0
    var memory = ForwardMemory.whole
  }

  private let held: Mutex<State>
  private let waiting = Waiting()
  private let onSave: (@Sendable (Contents) -> Void)?

  struct Full: Error {}

  init(_ contents: Contents = Contents(), onSave: (@Sendable (Contents) -> Void)? = nil) {
    held = Mutex(State(contents: contents))
    self.onSave = onSave
  }

  var contents: Contents { held.withLock { $0.contents } }
  func fail(_ times: Int) { held.withLock { $0.failures = times } }
  var memory: ForwardMemory {
    get { held.withLock { $0.memory } }
    set { held.withLock { $0.memory = newValue } }
  }
  var saves: Int { held.withLock { $0.saves } }

  func state(_ key: String) -> RunState? { contents.states[key].flatMap { StateKeeper.decode($0) } }

  func put(_ key: String, _ state: RunState) throws { try save([key: try StateKeeper.encode(state)]) }

  func until(_ key: String, _ isSo: @escaping @Sendable (RunState) -> Bool) async {
    await waiting.until { self.state(key).map(isSo) ?? false }
  }

  func states() throws -> [String: [UInt8]] { contents.states }

  func save(_ states: [String: [UInt8]?]) throws {
    let contents = try held.withLock { held in
      if held.failures > 0 {
        held.failures -= 1
        throw Full()
      }
      held.saves += 1
      for (key, state) in states { held.contents.states[key] = state }
      return held.contents
    }
    onSave?(contents)
    waiting.changed()
  }

  func checkpoints(_ name: String) -> [Checkpoint] { contents.checkpoints[name] ?? [] }

  func save(_ checkpoint: Checkpoint, _ name: String, dropping: Int64?) throws {
    held.withLock { held in
      held.contents.checkpoints[name, default: []].removeAll {
        $0.position == dropping || $0.position == checkpoint.position
      }
      held.contents.checkpoints[name, default: []].append(checkpoint)
    }
  }

  func removeCheckpoints(_ name: String) throws { held.withLock { $0.contents.checkpoints[name] = nil } }
}
