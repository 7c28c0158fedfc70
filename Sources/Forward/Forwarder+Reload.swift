import Synchronization

extension Forwarder {
  /// Goes on with these: those in `changed` stop where they are and begin there anew, those that are gone end, new ones
  /// begin. The others are not touched.
  package func replace(with destinations: [Destination], changed: Set<String>) async throws {
    let wanted = Set(destinations.map(\.options.name))
    let ending = held.withLock { held in
      held.runs.filter { changed.contains($0.value.options.name) || !wanted.contains($0.value.options.name) }
    }
    for run in ending.values { await run.delivery.stop() }
    for key in ending.keys {
      // A request that is under way is answered first, or its timeout ends it.
      await held.withLock { $0.tasks[key] }?.value
    }
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
      if held.withLock({ $0.destinations[name] != nil }) && !changed.contains(name) { continue }
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
