import Telemetry
import Wire

/// Reads the committed rows behind a position and makes batches of those that match. Used by one thread at a time.
///
/// `@unchecked Sendable`: its pump hands it to a pool thread and waits for it.
final class PumpReader: @unchecked Sendable {
  enum Step {
    /// Rows that go out, or that nobody wants.
    case batch(CutBatch)
    /// There is more to read.
    case more
    /// There is nothing (more) to send for now; what waits for others is due in so long.
    case idle(due: Duration?)
    /// The next row may not leave before so many nanoseconds.
    case early(Int64)
    /// A replay has reached its end.
    case end
  }

  private let options: DestinationOptions
  private let source: any RecordSource
  private let builder: any ParcelBuilder
  private let lot: RunLot
  private let laneCount: Int
  /// Records of one batch: never more than may be sent in a second.
  private let mostRecords: Int
  private var reader: (any RecordReader)?
  /// The last row there was when the reader was opened: beyond it, it may see nothing.
  private var visible: Int64 = 0
  /// The last row that was read.
  private(set) var cursor: Int64
  /// The last row of the batch before.
  private(set) var cutAt: Int64
  /// As it was when the reader was made.
  private var position: Position
  private var borders: [Position.Span]
  private var books = ForwardBooks()
  /// Records that were absorbed since the last cut.
  private var absorbed: Int64 = 0
  private var ticks: [ClockTick] = []
  /// Those of an earlier process that this fold has not come to.
  private var earlierTicks: ArraySlice<ClockTick>
  private var isIdle = false
  /// The builder has something to remember.
  let remembers: Bool
  private var firstPendingAt: ContinuousClock.Instant?
  private var lastCutAt = ContinuousClock.now
  private var isFolding = false
  private var isSkippingEvents = false

  /// Rows looked at in one go, so that a stop is heard and the position of a far end that wants nothing moves.
  static let stepRows = 200_000
  /// Rows that nobody wants move the position when they are so many, or after so many intervals.
  static let unwantedRows: Int64 = 10_000
  static let unwantedIntervals = 5
  /// At the end of history, what waits for more of its like goes; what is ahead of the clock may need more.
  private static let replayEnd: Int64 = 60_000_000_000
  private static let farEnd: Int64 = 366 * 86_400_000_000_000

  init(
    _ options: DestinationOptions, lot: RunLot, source: any RecordSource, builder: any ParcelBuilder,
    position: Position, borders: [Position.Span], ticks: [ClockTick] = [], fold: Checkpoint?
  ) {
    self.options = options
    self.lot = lot
    self.source = source
    self.builder = builder
    self.position = position
    self.borders = borders.sorted { $0.first < $1.first }
    earlierTicks = ticks[...]
    remembers = !builder.state().isEmpty
    laneCount = max(1, options.pace.concurrency)
    let rate = lot.rate(options.pace)
    mostRecords = rate > 0 ? min(options.pace.records, rate) : options.pace.records
    cutAt = position.low
    // What a fold has not seen of the settled rows is read again, unsent.
    cursor = fold.map { min($0.position, position.low) } ?? position.low
  }

  var activeSeries: Int? { builder.activeSeries }
  var activeStreams: Int? { builder.activeStreams }

  /// Lets go of files; the next step opens them again.
  func rest() { reader = nil }

  /// Why reading was interrupted.
  private enum Halt {
    case cut
    /// The next row has to wait for so long; and when it came.
    case early(Int64, received: Int64)
    /// The last row that is known of.
    case end
  }

  /// `isIdle`: of what was cut, nothing is on its way.
  func step(isIdle: Bool) throws -> Step {
    self.isIdle = isIdle
    let committed = source.lastID
    let high = min(lot.lastID ?? .max, committed)
    if reader == nil {
      if cursor >= high { return rested(high, early: nil) }
      var question = RecordQuestion(
        after: cursor, signals: options.filter.signals, includeRestricted: options.filter.restricted)
      lot.ask(&question)
      reader = try source.open(question)
      visible = high
    }
    guard let reader else { return .more }
    // A batch that was sent before and is known by its borders: it has to be the same, however large it is.
    let border = borders.first { $0.last > cutAt && $0.last <= committed }?.last
    var rows = 0
    var halt: Halt?
    let now = source.now()
    var more = true
    var isInterrupted = false
    // Not only until it is cut: the events of the last span may come with the reader's next piece.
    while more, !isInterrupted {
      let before = cursor
      more = try reader.read { record in
        // A span event goes with its span: between them nothing is cut.
        if record.kind == .spanEvent {
          cursor = max(cursor, record.id)
          if !isSkippingEvents && !options.filter.hides(record) { _ = builder.add(record) }
          return true
        }
        if halt == nil && rows < Self.stepRows { halt = self.halt(before: record, high, border, now) }
        if halt != nil || rows >= Self.stepRows {
          isInterrupted = true
          return false
        }
        rows += 1
        take(record)
        let isFull = builder.pendingRecords >= mostRecords || builder.pendingBytes >= options.pace.bytes
        if isFull && border == nil && !isFolding { halt = .cut }
        return true
      }
      // A reader that gives nothing has nothing, whatever it says.
      if more && !isInterrupted && cursor == before { more = false }
    }
    switch halt {
    case .cut:
      if !more { self.reader = nil }
      return .batch(makeBatch())
    case .early(let wait, let received):
      self.reader = nil
      // The clock of a fold is that of its rows: sums are not to be closed before those that belong to them are read.
      return rested(high, early: wait, clock: received)
    case nil where more:
      return border == nil ? .batch(makeBatch()) : .more
    case .end, nil:
      self.reader = nil
      cursor = max(cursor, min(high, visible))
      return cursor < high ? .more : rested(high, early: nil)
    }
  }

  private func halt(before record: OTLPRecord, _ high: Int64, _ border: Int64?, _ now: Int64) -> Halt? {
    if record.id > high { return .end }
    if let border, record.id > border {
      // Every row up to it has been read.
      cursor = max(cursor, border)
      return .cut
    }
    if let wait = lot.wait(record, now: now) { return .early(wait, received: record.receivedAt) }
    // What was settled by an earlier process is only remembered: it must not be mixed with what goes out.
    if !isFolding, builder.pendingRecords > 0, position.isSettled(record.id) { return .cut }
    return nil
  }

  private func take(_ record: OTLPRecord) {
    cursor = record.id
    isSkippingEvents = true
    guard lot.wants(record), options.filter.matches(record) else { return }
    tickAgain(before: record.id)
    if position.isSettled(record.id) {
      isFolding = true
      isSkippingEvents = false
      if builder.pendingRecords >= options.pace.records { _ = builder.cut(laneCount: laneCount) }
      _ = builder.add(record)
      return
    }
    endFolding()
    let signal = record.kind.signal
    books.count(signal, \.matched)
    let take = builder.add(record)
    switch take {
    case .taken, .absorbed:
      isSkippingEvents = false
      if take == .absorbed { absorbed += 1 }
      if firstPendingAt == nil { firstPendingAt = .now }
    case .duplicate: books.count(signal, \.duplicate)
    case .refused(let reason):
      books.refuse(signal, reason, first: record.id, last: record.id, records: 1, now: source.now(), message: "")
    case .skipped: books.count(signal, \.skipped)
    }
  }

  private func endFolding() {
    guard isFolding else { return }
    isFolding = false
    _ = builder.cut(laneCount: laneCount)
  }

  /// The clock alone sends what is held only when all before is settled: what was settled can then be told by rows and
  /// ticks.
  private func tick(_ now: Int64) {
    guard isIdle else { return }
    let before = builder.pendingRecords
    builder.advance(now)
    if builder.pendingRecords > before { ticks.append(ClockTick(row: cursor, clock: now)) }
  }

  /// What the clock sent then was settled then.
  private func tickAgain(before id: Int64) {
    while let tick = earlierTicks.first, tick.row < id {
      earlierTicks.removeFirst()
      builder.advance(tick.clock)
      isFolding = true
    }
  }

  /// There is nothing to read at the moment: what waits goes out when it has waited long enough.
  private func rested(_ high: Int64, early: Int64?, clock: Int64 = .max) -> Step {
    tickAgain(before: .max)
    endFolding()
    let isEnd = lot.lastID != nil && early == nil
    tick(isEnd ? source.now() + Self.replayEnd : min(source.now(), clock))
    if isEnd, builder.pendingRecords == 0, builder.heldRecords > 0 { tick(source.now() + Self.farEnd) }
    if builder.pendingRecords > 0 {
      let since = firstPendingAt ?? .now
      firstPendingAt = since
      let due = options.pace.interval - (ContinuousClock.now - since)
      return isEnd || due <= .zero ? .batch(makeBatch()) : .idle(due: due)
    }
    if isEnd { return cursor > cutAt ? .batch(makeBatch()) : .end }
    // Rows that nobody wants move the position too, but not each of them by itself.
    if cursor > cutAt,
      !books.isEmpty || cursor - cutAt > Self.unwantedRows
        || ContinuousClock.now - lastCutAt >= options.pace.interval * Self.unwantedIntervals
    {
      return .batch(makeBatch())
    }
    return early.map { .early($0) } ?? .idle(due: nil)
  }

  /// Rows that were read and that nobody wants, for the end; nil: there are none, or others among them.
  func flush() -> CutBatch? {
    endFolding()
    return builder.pendingRecords == 0 && cursor > cutAt ? makeBatch() : nil
  }

  /// Passes over all up to the row. What was read from behind it goes its way. `absorbed`: of the rows that were read
  /// and not cut, how many more are held than went out of that and are given up.
  func skip(to id: Int64) -> (batch: CutBatch?, absorbed: Int64) {
    var batch: CutBatch?
    var held: Int64 = 0
    if cursor > id {
      if cursor > cutAt { batch = makeBatch() }
    } else {
      tickAgain(before: .max)
      endFolding()
      held = absorbed - Self.absorbed(builder.cut(laneCount: laneCount))
      absorbed = 0
      books = ForwardBooks()
      ticks = []
      firstPendingAt = nil
      // Nobody's rows: a fold that is made anew begins behind them.
      if cursor >= position.settled.last?.last ?? position.low {
        cursor = id
        reader = nil
      }
    }
    position.skip(to: id)
    cutAt = max(cutAt, id)
    borders.removeAll { $0.last <= cutAt }
    return (batch, held)
  }

  private static func absorbed(_ parcels: [any Parcel]) -> Int64 {
    parcels.reduce(0) { $0 + $1.items.reduce(0) { $0 + ($1.wasAbsorbed ? Int64($1.records) : 0) } }
  }

  private func makeBatch() -> CutBatch {
    endFolding()
    var batch = CutBatch(first: cutAt + 1, last: max(cursor, cutAt))
    batch.parcels = builder.cut(laneCount: laneCount)
    batch.books = books
    batch.absorbed = absorbed - Self.absorbed(batch.parcels)
    batch.held = Int64(builder.heldRecords)
    batch.ticks = ticks
    books = ForwardBooks()
    absorbed = 0
    ticks = []
    firstPendingAt = nil
    lastCutAt = .now
    cutAt = batch.last
    borders.removeAll { $0.last <= cutAt }
    return batch
  }

  /// What the builder holds back; nil: not all that was read is in a batch.
  var held: Int64? {
    let isClear = builder.pendingRecords == 0 && cursor == cutAt && !isFolding && earlierTicks.isEmpty
    return isClear ? Int64(builder.heldRecords) : nil
  }

  /// What the builder remembers, with the row it has read up to; only right behind a cut.
  func checkpoint() -> Checkpoint? {
    guard builder.pendingRecords == 0, cursor == cutAt, earlierTicks.isEmpty else { return nil }
    let state = builder.state()
    return state.isEmpty ? nil : Checkpoint(position: cutAt, state: state)
  }
}
