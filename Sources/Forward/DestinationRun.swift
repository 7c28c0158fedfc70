import NIOPosix
import Telemetry
import Wire

/// One position of a destination at work: reads, makes batches, hands them to lanes. Ends when it is told to, or, for a
/// replay, with its last row.
final class DestinationRun: Sendable {
  enum Kind: String, Sendable {
    case live, delayed, replay
  }

  let key: String
  let kind: Kind
  let options: DestinationOptions
  let delivery: Delivery
  let lot: RunLot
  private let source: any RecordSource
  private let storage: any ForwardStorage
  private let pool: NIOThreadPool
  private let report: @Sendable (String) -> Void
  private let builder: @Sendable () -> any ParcelBuilder

  /// How often a fold is written down.
  static let checkpointInterval = Duration.seconds(60)
  /// Longest wait between two tries to read when a read failed.
  static let readRetry = Duration.seconds(5)
  /// Files are let go of when nothing can be read for so long.
  static let fullPatience = Duration.seconds(1)

  init(
    key: String, kind: Kind, _ options: DestinationOptions, lot: RunLot, delivery: Delivery,
    source: any RecordSource, storage: any ForwardStorage, pool: NIOThreadPool,
    builder: @escaping @Sendable () -> any ParcelBuilder, report: @escaping @Sendable (String) -> Void
  ) {
    self.key = key
    self.kind = kind
    self.options = options
    self.lot = lot
    self.delivery = delivery
    self.source = source
    self.storage = storage
    self.pool = pool
    self.builder = builder
    self.report = report
  }

  /// Returns when all of it has ended.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      for lane in 0..<max(1, options.pace.concurrency) {
        let runner = LaneRunner(delivery: delivery, courier: delivery.courier, options: options, lane: lane)
        group.addTask { await runner.run() }
      }
      group.addTask { await self.pump() }
      await group.waitForAll()
    }
  }

  private func pump() async {
    let reader: PumpReader
    do { reader = try await makeReader() } catch { return }
    var limiter = RateLimiter(perSecond: lot.rate(options.pace))
    var checkpointAt = ContinuousClock.now + Self.checkpointInterval
    while true {
      var room = await delivery.waitForRoom(patience: Self.fullPatience)
      if room == .full {
        reader.rest()
        room = await delivery.waitForRoom(patience: nil)
      }
      if room == .ended { break }
      do {
        if case .skip(let id) = room {
          try await skip(to: id, reader)
          delivery.vitals.set(readTo: reader.cursor)
          continue
        }
        let isIdle = await delivery.isIdle
        let step = try await pool.runIfActive { try reader.step(isIdle: isIdle) }
        delivery.vitals.set(readTo: reader.cursor)
        guard try await take(step, reader, isIdle: isIdle, &limiter) else { break }
      } catch {
        if error is CancellationError { return }
        report("\(key): rows cannot be read: \(error)")
        reader.rest()
        await delivery.pause(Self.readRetry)
      }
      if ContinuousClock.now >= checkpointAt {
        // In the middle of a batch there is none, but soon.
        if await saveCheckpoint(reader) { checkpointAt = .now + Self.checkpointInterval }
      }
    }
    if let batch = reader.flush() { await delivery.submit(batch, announce: batch.last) }
    await saveCheckpoint(reader)
  }

  /// False: all of it is done.
  private func take(
    _ step: PumpReader.Step, _ reader: PumpReader, isIdle: Bool, _ limiter: inout RateLimiter
  ) async throws -> Bool {
    if case .batch = step {} else if let held = reader.held { await delivery.holds(held) }
    switch step {
    case .batch(let batch):
      delivery.vitals.set(series: reader.activeSeries, streams: reader.activeStreams)
      let records = batch.parcels.reduce(0) { $0 + $1.items.count }
      if records > 0, let wait = limiter.wait(records, now: .now) { await delivery.pause(wait) }
      await delivery.submit(batch, announce: min(source.lastID, batch.last + 100_000))
    case .more: break
    case .idle(let due): await delivery.pause(min(due ?? options.pace.newsInterval, options.pace.newsInterval))
    case .early(let nanoseconds):
      await delivery.pause(min(.nanoseconds(nanoseconds), options.pace.newsInterval))
    case .end:
      // What was on its way when it was looked for more kept the last sums back.
      guard isIdle else {
        await delivery.waitUntilIdle()
        return true
      }
      await delivery.update {
        $0.replay?.isDone = true
        $0.isDrained = $0.drainTo != nil
      }
      await delivery.stop()
      return false
    }
    return true
  }

  /// Passes over what was not sent, up to a row: records are counted as the position and what is on its way leave them.
  private func skip(to id: Int64, _ reader: PumpReader) async throws {
    let (options, lot, source) = (options, lot, source)
    let passed = try await pool.runIfActive { reader.skip(to: id) }
    if let batch = passed.batch { await delivery.submit(batch, announce: batch.last) }
    // Before the position is behind them: rows that are passed over are not to be folded after a crash.
    await saveCheckpoint(reader)
    let (position, kept, dropped, absorbed) = await delivery.drop(upTo: id)
    let records = try await pool.runIfActive {
      guard position.low < id else { return SignalCount() }
      var question = RecordQuestion(
        after: position.low, signals: options.filter.signals, includeRestricted: options.filter.restricted)
      lot.ask(&question)
      var count = SignalCount()
      let reader = try source.open(question)
      var isWithin = true
      while isWithin {
        let more = try reader.read { record in
          guard record.id <= id else {
            isWithin = false
            return false
          }
          if record.kind.isRecord, lot.wants(record), options.filter.matches(record), !position.isSettled(record.id),
            !kept.contains(where: { $0.first <= record.id && record.id <= $0.last })
          {
            count[record.kind.signal] += 1
          }
          return true
        }
        if !more { break }
      }
      return count
    }
    await delivery.skip(to: id, records: records, dropped: dropped, absorbed: absorbed + passed.absorbed)
  }

  private func makeReader() async throws -> PumpReader {
    let state = await delivery.state
    let (options, lot, source, storage, key, make, report) = (options, lot, source, storage, key, builder, report)
    return try await pool.runIfActive {
      let builder = make()
      let folds = storage.checkpoints(key).filter { $0.position <= state.position.low }
      var fold: Checkpoint?
      for checkpoint in folds.sorted(by: { $0.position > $1.position }) where builder.restore(checkpoint.state) {
        fold = checkpoint
        break
      }
      let empty = fold == nil ? builder.state() : []
      if !empty.isEmpty {
        // It begins here, which a fold that is made anew after a crash has to know; others are of another beginning.
        do {
          try storage.removeCheckpoints(key)
          try storage.save(Checkpoint(position: state.position.low, state: empty), key, dropping: nil)
        } catch {
          report("\(key): what it remembers cannot be written: \(error)")
        }
      }
      return PumpReader(
        options, lot: lot, source: source, builder: builder, position: state.position, borders: state.borders,
        ticks: fold == nil ? [] : state.ticks ?? [], fold: fold)
    }
  }

  /// Two are kept: one at or below the position, so that the fold can always be made anew. False: not at this moment.
  @discardableResult
  private func saveCheckpoint(_ reader: PumpReader) async -> Bool {
    if await delivery.hasRowless { return false }
    guard reader.remembers else { return true }
    let low = await delivery.state.position.low
    let (storage, key) = (storage, key)
    let save: @Sendable () throws -> Int64? = {
      guard let fold = reader.checkpoint() else { return nil }
      let kept = storage.checkpoints(key).map(\.position).sorted()
      // The newest that can be used stays, whatever comes after it.
      let usable = kept.last { $0 <= low }
      let dropped = kept.count < 2 ? nil : kept.first { $0 != usable }
      try storage.save(fold, key, dropping: dropped)
      return kept.first { $0 != dropped } ?? fold.position
    }
    do {
      guard let oldest = try await pool.runIfActive(save) else { return false }
      await delivery.forgetTicks(before: oldest)
    } catch {
      // The one before is still there.
    }
    return true
  }
}

/// So many records a second; a second's worth at once.
struct RateLimiter {
  private let perSecond: Int
  private var next: ContinuousClock.Instant

  init(perSecond: Int, now: ContinuousClock.Instant = .now) {
    self.perSecond = perSecond
    next = now
  }

  /// How long to wait before sending so many.
  mutating func wait(_ records: Int, now: ContinuousClock.Instant) -> Duration? {
    guard perSecond > 0 else { return nil }
    let wait = next - now
    next = max(next, now - .seconds(1)) + .seconds(1) * (Double(records) / Double(perSecond))
    return wait > .zero ? wait : nil
  }
}
