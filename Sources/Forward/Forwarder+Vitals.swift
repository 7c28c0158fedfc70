import Synchronization

/// One run's figures for `/metrics`.
package struct RunFigures: Sendable {
  package var destination: String
  package var kind: String
  /// Of a replay.
  package var id: Int?
  package var vitals: RunVitals.Snapshot
  /// Rows behind the position.
  package var rowsBehind: Int64
  package var lastID: Int64
  package var options: DestinationOptions
  package var lot: RunLot
}

extension Forwarder {
  /// As they are now; never waits.
  package func vitals() -> [RunFigures] {
    let lastID = source.lastID
    return held.withLock { $0.runs.sorted { $0.key < $1.key }.map(\.value) }.map { run in
      let vitals = run.delivery.vitals.snapshot
      let high = run.lot.lastID ?? lastID
      return RunFigures(
        destination: run.options.name, kind: run.kind.rawValue, id: run.lot.replayID, vitals: vitals,
        rowsBehind: max(0, high - vitals.low), lastID: high, options: run.options, lot: run.lot)
    }
  }
}

/// Where one run that goes on by itself is: live ones, not replays.
package struct RunPosition: Sendable {
  package var key: String
  package var destination: String
  package var lot: RunLot
  package var position: Position
  /// Rows up to here were read: what is not settled of them is on its way.
  package var readTo: Int64
}

extension Forwarder {
  /// Replays are asked for by somebody who looks at them: retention does not wait for those.
  package func positions() -> [RunPosition] {
    held.withLock { Array($0.runs.values) }.filter { $0.kind != .replay }.map { run in
      let vitals = run.delivery.vitals.snapshot
      return RunPosition(
        key: run.key, destination: run.options.name, lot: run.lot, position: vitals.position,
        readTo: max(vitals.low, vitals.readTo))
    }
  }

  /// Records that a run had still to send are gone.
  package func pruned(_ key: String, _ records: SignalCount) {
    guard let run = held.withLock({ $0.runs[key] }) else { return }
    Task { await run.delivery.pruned(records) }
  }
}
