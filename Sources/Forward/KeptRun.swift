package import Wire

/// A run as its state on disk tells it, for those who ask without the daemon.
package struct KeptRun: Sendable {
  package let key: String
  package let state: RunState
  private let lot: RunLot

  package enum Fate: Sendable, Equatable {
    case sent
    case refused(reason: String, words: String)
    case unsent
    /// It was there before the destination.
    case before
  }

  /// Nil: the state belongs to another destination, or cannot be read.
  package init?(_ key: String, _ bytes: [UInt8], _ options: DestinationOptions) {
    guard key.hasPrefix(options.name + "/"), let state = StateKeeper.decode(bytes) else { return nil }
    self.key = key
    self.state = state
    let kind: RunLot.Kind
    if let request = state.replay {
      kind = .replay(request, request.include.compactMap(RecordPattern.init))
    } else if let last = state.drainTo {
      kind = .drain((state.held ?? []).compactMap(RecordPattern.init), lastID: last)
    } else if let delay = options.delay {
      kind = key.hasSuffix("/delayed") ? .delayed(delay) : .prompt(delay)
    } else {
      kind = .live
    }
    lot = RunLot(kind: kind, filter: options.filter, delay: options.delay, forwardImports: options.forwardImports)
  }

  package var isReplay: Bool { state.replay != nil }

  /// Records of which the books say what became, or that are summed up to go out later.
  package var explained: Int64 { state.books.settled + (state.summed ?? 0) }

  /// Records that were read and of which nothing says what became.
  package var unexplained: Int64 { state.books.matched - explained }

  /// Nil: the record is not for this run.
  package func fate(of record: OTLPRecord) -> Fate? {
    guard lot.wants(record), lot.filter.matches(record), lot.filter.restricted || !lot.filter.isRestricted(record)
    else { return nil }
    if let last = lot.lastID, record.id > last { return nil }
    if let request = state.replay {
      let time = request.byTimestamp ? record.time : record.receivedAt
      if let from = request.from, time < from { return nil }
      if let to = request.to, time >= to { return nil }
    }
    for (reason, records) in state.books.refused
    where records.ranges.contains(where: { $0.count == 2 && $0[0] <= record.id && record.id <= $0[1] }) {
      return .refused(reason: reason, words: records.message)
    }
    if let began = state.began, record.id <= began, !isReplay { return .before }
    return state.position.isSettled(record.id) ? .sent : .unsent
  }
}
