/// One run, as `garner forward status` tells it (FORWARD §9).
package struct RunStatus: Sendable {
  package var destination: String
  /// live, delayed or replay.
  package var kind: String
  /// Of a replay.
  package var id: Int?
  package var type: DestinationType
  package var endpoint: String
  package var state: String
  package var position: Position
  /// Rows behind the position, all kinds: an upper bound of the records.
  package var rowsBehind: Int64
  package var books: ForwardBooks
  /// Records that are summed up and go out later.
  package var summed: Int64
  package var retried: Int64
  package var lastError: String
  package var lastErrorAt: Int64
  package var isRestricted: Bool
  package var advice: String
  package var isDone: Bool
  package var isCancelled: Bool
  package var options: DestinationOptions
  package var lot: RunLot
  package var lastID: Int64

  init(_ run: DestinationRun, lastID: Int64) async {
    let state = await run.delivery.state
    let vitals = run.delivery.vitals.snapshot
    destination = run.options.name
    kind = run.kind.rawValue
    id = state.replay?.id
    type = run.options.type
    endpoint = run.options.endpoint
    self.state = await run.delivery.word
    position = state.position
    let high = run.lot.lastID ?? lastID
    rowsBehind = max(0, high - state.position.low - state.position.settled.reduce(0) { $0 + $1.last - $1.first + 1 })
    books = state.books
    summed = max(0, state.summed ?? 0)
    retried = vitals.retries
    lastError = vitals.lastError
    lastErrorAt = vitals.lastErrorAt
    isRestricted = run.options.filter.restricted
    advice = run.delivery.courier.advice
    isDone = state.replay?.isDone ?? false
    isCancelled = state.replay?.isCancelled ?? false
    options = run.options
    lot = run.lot
    self.lastID = high
    if isDone || isCancelled {
      rowsBehind = 0
      summed = 0
    }
  }
}
