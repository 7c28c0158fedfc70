import Synchronization

extension Forwarder {
  /// A delay that is gone, or holds other records than before: what the old one held up to where the run beside it is goes
  /// out by a run of its own, and the new one begins there. What would have to wait by the new one waits.
  func changeDelay(_ options: DestinationOptions) throws {
    let key = "\(options.name)/delayed"
    guard var old = held.withLock({ $0.states[key] }), old.held != options.delay?.match.map(\.text) else { return }
    let live = held.withLock { $0.states["\(options.name)/live"]?.position }
    // Of its settled runs too it passed over what the delay held.
    let end = max(live?.low ?? 0, live?.settled.last?.last ?? 0)
    var changes: [String: [UInt8]?] = [:]
    changes.updateValue(nil, forKey: key)
    var drain: String?
    if old.position.low < end {
      old.drainTo = end
      let name = "\(options.name)/drain-\(end)"
      drain = name
      // Files of its own.
      old.courier = [:]
      // What it remembers of its series goes with it.
      for fold in storage.checkpoints(key) { try storage.save(fold, name, dropping: nil) }
      changes[name] = .some(try StateKeeper.encode(old))
    }
    try storage.save(changes)
    forgetFold(key)
    held.withLock { [old] held in
      held.states[key] = nil
      if let drain { held.states[drain] = old }
    }
  }
}
