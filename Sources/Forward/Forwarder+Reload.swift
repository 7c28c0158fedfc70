import Synchronization

extension Forwarder {
  /// How long a reload waits for requests of destinations that change or go.
  static let reloadPatience = Duration.seconds(1)

  /// Goes on with these: those in `changed` stop where they are and begin there anew, those that are gone end, new ones
  /// begin. The others are not touched.
  package func replace(with destinations: [Destination], changed: Set<String>) async throws {
    let wanted = Set(destinations.map(\.options.name))
    let ending = held.withLock { held in
      held.runs.filter { changed.contains($0.value.options.name) || !wanted.contains($0.value.options.name) }
    }
    // What is new does not wait for what ends.
    let known = held.withLock { Set($0.destinations.keys) }
    for destination in destinations where !known.contains(destination.options.name) { try startLive(destination) }
    for run in ending.values { await run.delivery.stop() }
    let tasks = held.withLock { held in ending.keys.compactMap { held.tasks[$0] } }
    // A request that is under way is answered first; one that is not answered goes again.
    let cancelling = Task {
      try await Task.sleep(for: Self.reloadPatience)
      for task in tasks { task.cancel() }
    }
    for task in tasks { await task.value }
    cancelling.cancel()
    var states: [String: RunState] = [:]
    for (key, run) in ending { states[key] = await run.delivery.state }
    held.withLock { [states] held in
      for (key, state) in states {
        held.runs[key] = nil
        held.tasks[key] = nil
        held.states[key] = state
      }
      for name in held.destinations.keys where !wanted.contains(name) { held.destinations[name] = nil }
    }
    for destination in destinations {
      let name = destination.options.name
      guard known.contains(name), changed.contains(name) else { continue }
      try startLive(destination)
      for (key, state) in states.sorted(by: { $0.key < $1.key }) {
        guard let request = state.replay, request.destination == name, !request.isDone, !request.isCancelled else {
          continue
        }
        try start(destination, replay: request, key, state)
      }
    }
  }
}
