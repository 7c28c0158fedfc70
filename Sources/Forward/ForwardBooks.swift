package import Telemetry

/// What became of the records of one run, counted when their batch was settled, so that the counts on disk always
/// belong to the position beside them.
package struct ForwardBooks: Sendable, Equatable, Codable {
  /// By the name of the signal.
  package private(set) var signals: [String: SignalBooks] = [:]
  /// By reason.
  package private(set) var refused: [String: RefusedRecords] = [:]

  package init() {}

  package var sent: Int64 { sum(\.sent) }
  package var duplicate: Int64 { sum(\.duplicate) }
  package var skipped: Int64 { sum(\.skipped) }
  package var prunedUnsent: Int64 { sum(\.prunedUnsent) }
  package var erasedUnsent: Int64 { sum(\.erasedUnsent) }
  package var refusedCount: Int64 { refused.values.reduce(0) { $0 + $1.count } }
  /// Records that the run was for, as they were read; counted apart from what became of them, to be compared with it.
  package var matched: Int64 { sum(\.matched) }
  /// All that the run is done with.
  package var settled: Int64 { sent + duplicate + skipped + prunedUnsent + erasedUnsent + refusedCount }
  package var isEmpty: Bool { signals.isEmpty }

  private func sum(_ count: (SignalBooks) -> Int64) -> Int64 { signals.values.reduce(0) { $0 + count($1) } }

  mutating func add(_ other: ForwardBooks) {
    for (signal, books) in other.signals { signals[signal, default: SignalBooks()].add(books) }
    for (reason, records) in other.refused { refused[reason, default: RefusedRecords()].add(records) }
  }

  mutating func count(_ signal: Signal, _ count: WritableKeyPath<SignalBooks, Int64>, _ records: Int64 = 1) {
    if records == 0 { return }
    signals[signal.name, default: SignalBooks()][keyPath: count] += records
  }

  mutating func count(_ records: SignalCount, _ count: WritableKeyPath<SignalBooks, Int64>) {
    for signal in Signal.allCases { self.count(signal, count, records[signal]) }
  }

  /// `records` among the rows `first...last`.
  mutating func refuse(
    _ signal: Signal, _ reason: String, first: Int64, last: Int64, records: Int64, now: Int64, message: String
  ) {
    signals[signal.name, default: SignalBooks()].refused[reason, default: 0] += records
    refused[reason, default: RefusedRecords()].add(first, last, records: records, now: now, message: message)
  }
}

/// The part of one signal.
package struct SignalBooks: Sendable, Equatable, Codable {
  package var matched: Int64 = 0
  package var sent: Int64 = 0
  package var duplicate: Int64 = 0
  package var skipped: Int64 = 0
  package var prunedUnsent: Int64 = 0
  package var erasedUnsent: Int64 = 0
  package var refused: [String: Int64] = [:]

  package init() {}

  package var settled: Int64 {
    refused.values.reduce(sent + duplicate + skipped + prunedUnsent + erasedUnsent, +)
  }

  mutating func add(_ other: SignalBooks) {
    matched += other.matched
    sent += other.sent
    duplicate += other.duplicate
    skipped += other.skipped
    prunedUnsent += other.prunedUnsent
    erasedUnsent += other.erasedUnsent
    refused.merge(other.refused, uniquingKeysWith: +)
  }
}

/// Records of each signal, for what is counted by looking at rows.
package struct SignalCount: Sendable, Equatable {
  private var counts: [Int64] = Array(repeating: 0, count: Signal.allCases.count)

  package init() {}

  package subscript(_ signal: Signal) -> Int64 {
    get { counts[Int(signal.rawValue)] }
    set { counts[Int(signal.rawValue)] = newValue }
  }

  package var total: Int64 { counts.reduce(0, +) }
}

/// Records that will not be sent again by themselves (FORWARD §3): enough to find them and to send them by hand.
package struct RefusedRecords: Sendable, Equatable, Codable {
  package var count: Int64 = 0
  /// Nanoseconds since 1970; 0: never.
  package var first: Int64 = 0
  package var last: Int64 = 0
  /// The far end's words, at most 1 KiB; the newest.
  package var message = ""
  /// Ids of the rows: runs of [first, last] in their order, apart from each other. The oldest fall out beyond the limit
  /// and are in `count` only.
  package var ranges: [[Int64]] = []

  static let rangeLimit = 10_000
  package static let sampleLimit = 20

  package init() {}

  mutating func add(_ firstID: Int64, _ lastID: Int64, records: Int64, now: Int64, message: String) {
    count += records
    if first == 0 { first = now }
    last = max(last, now)
    if !message.isEmpty { self.message = message }
    append(firstID, lastID)
  }

  mutating func add(_ other: RefusedRecords) {
    count += other.count
    if first == 0 || (other.first != 0 && other.first < first) { first = other.first }
    last = max(last, other.last)
    if !other.message.isEmpty { message = other.message }
    for range in other.ranges where range.count == 2 { append(range[0], range[1]) }
  }

  /// Lanes end in any order: most often it is the end of the last run, or not far before it.
  private mutating func append(_ first: Int64, _ last: Int64) {
    var at = ranges.count
    while at > 0, ranges[at - 1][0] > first { at -= 1 }
    if at > 0, ranges[at - 1][1] + 1 >= first {
      at -= 1
      ranges[at][1] = max(ranges[at][1], last)
    } else if at < ranges.count, last + 1 >= ranges[at][0] {
      ranges[at][0] = first
      ranges[at][1] = max(ranges[at][1], last)
    } else {
      ranges.insert([first, last], at: at)
      if ranges.count > Self.rangeLimit { ranges.removeFirst(ranges.count - Self.rangeLimit) }
      return
    }
    while at + 1 < ranges.count, ranges[at][1] + 1 >= ranges[at + 1][0] {
      ranges[at][1] = max(ranges[at][1], ranges[at + 1][1])
      ranges.remove(at: at + 1)
    }
  }

  /// The newest ids.
  package var samples: [Int64] {
    var ids: [Int64] = []
    for range in ranges.reversed() where range.count == 2 {
      var id = range[1]
      while id >= range[0] && ids.count < Self.sampleLimit {
        ids.append(id)
        id -= 1
      }
      if ids.count >= Self.sampleLimit { break }
    }
    return ids
  }
}

/// All that is kept of one run across restarts: a JSON text in the store's state.
package struct RunState: Sendable, Equatable, Codable {
  package var position: Position
  package var books = ForwardBooks()
  /// Borders of batches that were sent and not settled, for destinations that know a batch by them.
  package var borders: [Position.Span] = []
  /// What the courier wants to find again: the lengths of files.
  package var courier: [String: Int64] = [:]
  /// Of a replay: what was asked for.
  package var replay: ReplayRequest?
  package var isPaused = false
  /// Rows up to here were there before the run; nil: not written down.
  package var began: Int64?
  /// Patterns of the records that a delay holds, of the run that sends these, beside the one that does not wait.
  package var held: [String]?
  /// Of a run for what another delay than the present one held: up to this row.
  package var drainTo: Int64?
  /// All of that is done.
  package var isDrained = false
  /// Records that were read and are summed up, to go out later; nil: not written down.
  package var summed: Int64?
  /// In the order of their rows, those that the older one of the two checkpoints may not know.
  package var ticks: [ClockTick]?
  /// Nanoseconds since 1970: when the name was first found missing in the configuration.
  package var goneAt: Int64?

  package init(position: Position) {
    self.position = position
    began = position.low
  }
}

/// History that was asked for (FORWARD §9), by a position of its own.
package struct ReplayRequest: Sendable, Equatable, Codable {
  package var id: Int
  package var destination: String
  /// Nanoseconds since 1970.
  package var from: Int64?
  package var to: Int64?
  package var byTimestamp = true
  /// Further patterns that must hold, one of them; empty: all records of the destination's filter.
  package var include: [String] = []
  /// Only what was refused for this reason; empty: for any.
  package var refusedReason: String?
  /// Runs of ids in order, apart from each other, when only those are wanted.
  package var ranges: [[Int64]]?
  /// Rows beyond are the live position's.
  package var lastID: Int64
  /// Records a second.
  package var rate = 10_000
  package var isDone = false
  package var isCancelled = false
  /// It was looked at how many of its first records were refused.
  package var wasJudged = false

  package init(id: Int, destination: String, lastID: Int64) {
    self.id = id
    self.destination = destination
    self.lastID = lastID
  }
}
