package import Wire

/// Which of a destination's records one run is for: all of them live, those without or with a delay, or history.
package struct RunLot: Sendable {
  enum Kind: Sendable {
    case live
    /// Those that a delay does not hold.
    case prompt(DestinationDelay)
    /// Those it does.
    case delayed(DestinationDelay)
    /// Those that a delay held which is no longer so, up to a row.
    case drain([RecordPattern], lastID: Int64)
    case replay(ReplayRequest, [RecordPattern])
  }

  let kind: Kind
  package let filter: RecordFilter
  /// Of the destination: history too must not overtake it.
  let delay: DestinationDelay?
  let forwardImports: Bool

  /// The last row of a run that has one.
  var lastID: Int64? {
    switch kind {
    case .replay(let request, _): request.lastID
    case .drain(_, let lastID): lastID
    case .live, .prompt, .delayed: nil
    }
  }

  /// Its number.
  var replayID: Int? {
    if case .replay(let request, _) = kind { return request.id }
    return nil
  }

  /// Records a second; 0: as fast as they go.
  func rate(_ pace: DestinationPace) -> Int {
    if case .replay(let request, _) = kind { return request.rate }
    return pace.rateLimit
  }

  package func ask(_ question: inout RecordQuestion) {
    guard case .replay(let request, _) = kind else { return }
    question.from = request.from
    question.to = request.to
    question.byTimestamp = request.byTimestamp
  }

  package func wants(_ record: OTLPRecord) -> Bool {
    switch kind {
    case .live: return isLive(record)
    case .prompt(let delay): return isLive(record) && !isHeld(record, delay)
    case .delayed(let delay): return isLive(record) && isHeld(record, delay)
    case .drain(let match, _): return isLive(record) && match.contains { $0.matches(record, filter.classes) }
    case .replay(let request, let include):
      if let ranges = request.ranges, !Self.contains(ranges, record.id) { return false }
      return include.isEmpty || include.contains { $0.matches(record, filter.classes) }
    }
  }

  /// Nanoseconds that the row has to wait; nil: it may leave.
  package func wait(_ record: OTLPRecord, now: Int64) -> Int64? {
    let delay: DestinationDelay
    switch kind {
    case .delayed(let own): delay = own
    case .replay, .drain:
      guard let own = self.delay else { return nil }
      delay = own
    case .live, .prompt: return nil
    }
    guard isHeld(record, delay), filter.matches(record) else { return nil }
    let (seconds, attoseconds) = delay.wait.components
    let due = record.receivedAt &+ seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    return due > now ? due - now : nil
  }

  private func isLive(_ record: OTLPRecord) -> Bool { forwardImports || !record.isImported }

  private func isHeld(_ record: OTLPRecord, _ delay: DestinationDelay) -> Bool {
    delay.match.contains { $0.matches(record, filter.classes) }
  }

  /// `ranges` in order.
  private static func contains(_ ranges: [[Int64]], _ id: Int64) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle][1] < id { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low][0] <= id
  }
}
