import Forward
import Telemetry
import Wire

/// What a run has before it: counted row by row up to a limit, beyond it told by ids.
struct UnsentCount {
  var lag: Int64 = 0
  /// For a delay, or for the end of the slot that they are summed up in.
  var waiting: Int64 = 0
  var seconds = 0.0
  /// Arrival of the oldest, nanoseconds since 1970.
  var oldest: Int64?
  var isExact = true

  /// Rows that are counted one by one for a person who asks: some tenths of a second.
  static let statusLimit = 100_000
  /// And for each look at the metrics.
  static let metricsLimit = 10_000

  init(_ run: RunStatus, _ source: StoreRecords, limit: Int) {
    self.init(
      run.position, run.options.filter, run.lot, lastID: run.lastID, rowsBehind: run.rowsBehind, summed: run.summed,
      source, limit: limit)
  }

  init(_ run: RunFigures, _ source: StoreRecords, limit: Int) {
    self.init(
      run.vitals.position, run.options.filter, run.lot, lastID: run.lastID, rowsBehind: run.rowsBehind,
      summed: run.vitals.summed, source, limit: limit)
  }

  private init(
    _ position: Position, _ filter: RecordFilter, _ lot: RunLot, lastID: Int64, rowsBehind: Int64,
    summed: Int64, _ source: StoreRecords, limit: Int
  ) {
    waiting = summed
    guard rowsBehind > 0 else { return }
    var question = RecordQuestion(
      after: position.low, signals: filter.signals, includeRestricted: filter.restricted)
    lot.ask(&question)
    guard let reader = try? source.open(question) else {
      lag = rowsBehind
      isExact = false
      return
    }
    let now = source.now()
    var rows = 0
    var left = 0
    _ = try? reader.read { record in
      guard record.kind != .spanEvent else { return true }
      if record.id > lastID { return false }
      if rows >= limit {
        left = 1
        return false
      }
      rows += 1
      guard lot.wants(record), filter.matches(record), !position.isSettled(record.id) else {
        return true
      }
      if lot.wait(record, now: now) != nil {
        waiting += 1
      } else {
        lag += 1
        if oldest == nil { oldest = record.receivedAt }
      }
      return true
    }
    if left > 0 {
      isExact = false
      lag = max(lag, rowsBehind)
    }
    if let oldest { seconds = Double(max(0, now - oldest)) / 1e9 }
  }
}
