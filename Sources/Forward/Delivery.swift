import Telemetry
import Wire

/// The queue of one run of a destination: batches on their way, lanes, the gate, and what is settled.
actor Delivery {
  let options: DestinationOptions
  let courier: any Courier
  let vitals: RunVitals
  let keeper: StateKeeper
  let key: String
  private let now: @Sendable () -> Int64

  var state: RunState
  /// Up to here a record may have been sent by an earlier process.
  private let resendHigh: Int64

  struct Open {
    var first: Int64
    var last: Int64
    var itemsLeft: Int
    var books: ForwardBooks
    var absorbed: Int64
    var ticks: [ClockTick]
  }

  var open: [Int: Open] = [:]
  private var serial = 0
  private var lanes: [[Shipment]]
  private var anyLane: [Shipment] = []
  private var bytesInFlight = 0
  private var gate: SendGate
  var bell = AsyncBell()
  private(set) var isStopping = false
  private(set) var acceptedRequests = 0
  private var isRetrying = false
  private var isThrottled = false
  private var rewind: RewindMemory
  /// The row up to which is to be passed over.
  var skipRequest: Int64?
  var skipped: Int64 = 0
  /// What the builder holds behind the newest batch; nil: it has not said yet.
  private var held: Int64?

  init(
    _ options: DestinationOptions, courier: any Courier, state: RunState, key: String, keeper: StateKeeper,
    now: @escaping @Sendable () -> Int64
  ) {
    self.options = options
    self.courier = courier
    self.state = state
    self.key = key
    self.keeper = keeper
    self.now = now
    vitals = RunVitals()
    resendHigh = state.position.sentHigh
    lanes = Array(repeating: [], count: max(1, options.pace.concurrency))
    gate = SendGate(options.pace)
    rewind = RewindMemory(for: options.rewind, limit: options.pace.inflightBytes)
    if state.isPaused { vitals.set(state: "paused") }
  }

  // MARK: pump

  /// Suspends until another batch may be read, at most for `patience`.
  func waitForRoom(patience: Duration?) async -> Room {
    let end = patience.map { ContinuousClock.now + $0 }
    while !isStopping {
      if let skipRequest { return .skip(skipRequest) }
      let isFull =
        !open.isEmpty
        && (open.count + state.position.settled.count >= Position.spanLimit
          || bytesInFlight >= options.pace.inflightBytes
          // Nothing may settle past what the clock sent before that is known to be settled itself.
          || open.values.contains { !$0.ticks.isEmpty })
      if !isFull && !state.isPaused { return .free }
      if let end, .now >= end { return .full }
      await wait(until: end)
    }
    return .ended
  }

  /// Suspends for `time`, or until the run ends or something is to be passed over.
  func pause(_ time: Duration) async {
    let end = ContinuousClock.now + time
    while !isStopping && skipRequest == nil && .now < end { await wait(until: end) }
  }

  /// Puts a batch on its way. Before rows beyond what was announced are sent, that is on disk.
  func submit(_ batch: CutBatch, announce high: Int64) async {
    let parcels = batch.parcels.filter { !$0.items.isEmpty }
    if parcels.isEmpty {
      held = batch.held
      settle(batch.first, batch.last, batch.books)
      return
    }
    let hasBorders = options.type.knowsBatchByBorders && batch.first <= batch.last
    let border = Position.Span(first: batch.first, last: batch.last)
    if batch.last > state.position.sentHigh || (hasBorders && !state.borders.contains(border)) {
      state.position.willSend(upTo: max(high, batch.last))
      if hasBorders { state.borders.append(border) }
      await keeper.flush(key, state)
    }
    serial += 1
    held = batch.held
    open[serial] = Open(
      first: batch.first, last: batch.last, itemsLeft: parcels.reduce(0) { $0 + $1.items.count }, books: batch.books,
      absorbed: batch.absorbed, ticks: batch.ticks)
    for parcel in parcels {
      bytesInFlight += parcel.byteCount
      put(Shipment(parcel: parcel, range: 0..<parcel.items.count, batch: serial))
    }
    changed()
  }

  private func put(_ shipment: Shipment) {
    if let lane = shipment.parcel.lane {
      lanes[Int(lane % UInt64(lanes.count))].append(shipment)
    } else {
      anyLane.append(shipment)
    }
  }

  /// Everything that was submitted is settled.
  var isIdle: Bool { open.isEmpty }

  func waitUntilIdle() async {
    while !open.isEmpty && !isStopping && skipRequest == nil { await wait(until: nil) }
  }

  /// Records are under way that came out of what a builder remembers, not out of rows: its state without them must not
  /// be kept yet.
  var hasRowless: Bool { open.values.contains { $0.first > $0.last } }

  // MARK: lanes

  /// The next parcel of a lane; nil: the run ends.
  func next(_ lane: Int) async -> Shipment? {
    while !isStopping {
      if let shipment = take(lane) { return shipment }
      await wait(until: nil)
    }
    return nil
  }

  /// Its own, or one of anybody's when that has waited longer.
  func take(_ lane: Int) -> Shipment? {
    if let own = lanes[lane].first, anyLane.first.map({ ($0.batch ?? 0) >= (own.batch ?? 0) }) ?? true {
      return lanes[lane].removeFirst()
    }
    return anyLane.isEmpty ? nil : anyLane.removeFirst()
  }

  /// Suspends until a request may be sent.
  func pass(_ shipment: Shipment) async -> Pass {
    while !isStopping {
      if let batch = shipment.batch, open[batch] == nil { return .dropped }
      if state.isPaused {
        await wait(until: nil)
        continue
      }
      switch gate.pass(now: .now) {
      case .go(let epoch):
        vitals.set(state: word)
        return .go(epoch: epoch)
      case .wait(let until): await wait(until: until)
      }
    }
    return .ended
  }

  /// After every answer; `epoch` is that of its `pass`.
  func answered(_ answer: Answer, _ verdict: Verdict, _ epoch: Int) {
    vitals.count(answer.code)
    defer { changed() }
    switch verdict {
    case .accept, .refuse, .split, .otherForm:
      if case .accept = verdict { acceptedRequests += 1 }
      opened(epoch)
      return
    case .outage(let after):
      isRetrying = true
      rewind.lost()
      gate.failed(epoch, now: .now, after: after)
    case .serverError(isOutage: true):
      isRetrying = true
      rewind.lost()
      gate.failed(epoch, now: .now, after: nil)
    case .serverError(isOutage: false):
      opened(epoch)
      isRetrying = true
    case .retry(let after?):
      isThrottled = true
      gate.failed(epoch, now: .now, after: after)
    case .retry:
      opened(epoch)
      isThrottled = true
    case .stop: gate.stopped(epoch, now: .now)
    }
    vitals.retried()
    vitals.note(error: "\(answer.code): \(answer.words)", at: now())
  }

  /// The far end is there.
  private func opened(_ epoch: Int) {
    guard gate.answered(epoch) else { return }
    isRetrying = false
    isThrottled = false
    // Before anything new, in the order in which it was accepted.
    let again = rewind.found()
    guard !again.isEmpty else { return }
    let waiting = (lanes, anyLane)
    lanes = lanes.map { _ in [] }
    anyLane = []
    for part in again {
      bytesInFlight += part.parcel.byteCount
      put(Shipment(parcel: part.parcel, range: part.range, batch: nil))
    }
    for lane in lanes.indices { lanes[lane] += waiting.0[lane] }
    anyLane += waiting.1
  }

  func finish(_ shipment: Shipment, _ range: Range<Int>, _ fate: Fate) {
    if case .accepted = fate { rewind.accepted(shipment.parcel, range) }
    guard let serial = shipment.batch, var batch = open[serial] else { return }
    let items = shipment.parcel.items[range]
    let moment = now()
    switch fate {
    case .accepted(let refused, let reason, let words):
      // Which of them it were nobody tells.
      var left = refused
      for item in items {
        let refused = min(left, item.records)
        left -= refused
        batch.books.count(item.signal, \.sent, Int64(item.records - refused))
      }
      if left < refused { count(Int64(refused - left), of: items, reason, words, moment, &batch.books) }
    case .refused(let reason, let words):
      for place in items.indices { count(nil, of: items[place...place], reason, words, moment, &batch.books) }
    }
    batch.itemsLeft -= items.count
    open[serial] = batch
    if batch.itemsLeft <= 0 {
      open[serial] = nil
      settle(batch.first, batch.last, batch.books, batch.ticks, isSent: true)
      changed()
    }
  }

  /// `refused` of the records of some items; nil: all.
  private func count(
    _ refused: Int64?, of items: ArraySlice<ParcelItem>, _ reason: String, _ words: String, _ moment: Int64,
    _ books: inout ForwardBooks
  ) {
    var records = refused ?? Int64(items.reduce(0) { $0 + $1.records })
    guard var first = items.map(\.id).min(), let last = items.map(\.id).max(), let signal = items.first?.signal else {
      return
    }
    if first <= resendHigh && courier.isRepeat(reason) {
      // Those of before come first, and it is them who were there already.
      let known = items.reduce(0) { $0 + ($1.id <= resendHigh ? Int64($1.records) : 0) }
      books.count(signal, \.duplicate, min(records, known))
      guard known < records, let next = items.map(\.id).filter({ $0 > resendHigh }).min() else { return }
      (first, records) = (next, records - known)
    }
    books.refuse(signal, reason, first: first, last: last, records: records, now: moment, message: words)
    vitals.note(error: words.isEmpty ? reason : words, at: moment)
  }

  /// The parcel is off the books of memory.
  func released(_ shipment: Shipment) {
    bytesInFlight -= shipment.parcel.byteCount
    bell.wakeAll()
  }

  /// `isSent`: a far end has had it, and what the courier keeps is up to date with it.
  private func settle(
    _ first: Int64, _ last: Int64, _ books: ForwardBooks, _ ticks: [ClockTick] = [], isSent: Bool = false
  ) {
    state.position.settle(first, last)
    state.books.add(books)
    if !ticks.isEmpty { state.ticks = (state.ticks ?? []) + ticks }
    countSummed()
    state.borders.removeAll { $0.last <= last && $0.first >= first }
    if isSent { state.courier = courier.keptState() }
    if var replay = state.replay, !replay.wasJudged, state.books.settled >= Self.replayTrial {
      // Somebody should look before all of history is refused.
      replay.wasJudged = true
      state.replay = replay
      if state.books.refusedCount * 10 >= state.books.settled * 9 { state.isPaused = true }
    }
    vitals.set(state)
    vitals.set(state: word)
    keeper.put(key, state)
  }

  /// What is held of rows whose batch is settled, told apart from the counts that it has to explain.
  func countSummed() {
    if let held { state.summed = open.values.reduce(held) { $0 - $1.absorbed } }
  }

  /// A builder that was made anew holds so much.
  func holds(_ records: Int64) {
    let before = state.summed
    held = records
    countSummed()
    if state.summed == before { return }
    vitals.set(state)
    vitals.set(state: word)
    keeper.put(key, state)
  }

  /// All checkpoints know what was up to this row.
  func forgetTicks(before row: Int64) { state.ticks?.removeAll { $0.row < row } }

  /// Records of a replay after which it is looked at how many of them were refused.
  static let replayTrial: Int64 = 10_000

  // MARK: outside

  func stop() {
    isStopping = true
    bell.wakeAll()
  }

  func setPaused(_ isPaused: Bool) async {
    state.isPaused = isPaused
    changed()
    await keeper.flush(key, state)
  }

  /// Tries at once instead of at its time.
  func hurry() {
    gate.reopen(now: .now)
    bell.wakeAll()
  }

  /// Rows `first...last` are about to be gone: records of a file that is pruned.
  func pruned(_ records: SignalCount) {
    state.books.count(records, \.matched)
    state.books.count(records, \.prunedUnsent)
    vitals.set(state)
    keeper.put(key, state)
  }

  func update(_ change: (inout RunState) -> Void) async {
    change(&state)
    await keeper.flush(key, state)
  }

  /// As `forward status` says it.
  var word: String {
    if state.isPaused { return "paused" }
    switch gate.state {
    case .closed(_, let isStop): return isStop ? "stopped" : isThrottled ? "throttled" : "retrying"
    case .probing(let isStop): return isStop ? "stopped" : "retrying"
    case .open:
      if open.isEmpty && (state.summed ?? 0) <= 0 { return "idle" }
      return isRetrying ? "retrying" : isThrottled ? "throttled" : "sending"
    }
  }

  /// Something may be otherwise than it was: for those who wait, and those who look.
  func changed() {
    vitals.set(state: word)
    bell.wakeAll()
  }

  // MARK: waiting

  func wait(until moment: ContinuousClock.Instant?) async {
    let ticket = bell.ticket()
    let timer = moment.map { moment in
      Task {
        try? await Task.sleep(until: moment, clock: .continuous)
        self.wake(ticket)
      }
    }
    await withCheckedContinuation { bell.add(ticket, $0) }
    timer?.cancel()
  }

  private func wake(_ ticket: Int) { bell.wake(ticket) }
}
