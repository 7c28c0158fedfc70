import Telemetry

/// Passing over what was not sent.
extension Delivery {
  /// Asks the pump to pass over all up to the row, and waits for that: how many records it were.
  func requestSkip(to id: Int64) async -> Int64 {
    guard !isStopping, skipRequest == nil else { return 0 }
    skipRequest = id
    bell.wakeAll()
    while skipRequest != nil && !isStopping { await wait(until: nil) }
    return skipRequest == nil ? skipped : 0
  }

  /// Forgets batches that end at the row or before: what was accepted of them, how many more of their records are held
  /// than went out of that, and the rows that stay on their way.
  func drop(
    upTo id: Int64
  ) -> (position: Position, kept: [Position.Span], dropped: ForwardBooks, absorbed: Int64) {
    var dropped = ForwardBooks()
    var absorbed: Int64 = 0
    for (serial, batch) in open where batch.first <= batch.last && batch.last <= id {
      dropped.add(batch.books)
      absorbed += batch.absorbed
      open[serial] = nil
    }
    changed()
    return (state.position, open.values.map { Position.Span(first: $0.first, last: $0.last) }, dropped, absorbed)
  }

  /// Goes forward, passing over `records` that are not on their way, `dropped` among them; `absorbed` of them go out
  /// later.
  func skip(to id: Int64, records: SignalCount, dropped: ForwardBooks, absorbed: Int64) async {
    state.position.skip(to: id)
    state.borders.removeAll { $0.last <= id }
    let before = state.books.skipped
    state.books.add(dropped)
    for signal in Signal.allCases {
      let known = dropped.signals[signal.name] ?? SignalBooks()
      state.books.count(signal, \.matched, records[signal] - known.matched)
      let later = signal == .metrics ? absorbed : 0
      state.books.count(signal, \.skipped, max(0, records[signal] - known.settled - later))
    }
    countSummed()
    skipped = state.books.skipped - before
    skipRequest = nil
    vitals.set(state)
    changed()
    await keeper.flush(key, state)
  }
}
