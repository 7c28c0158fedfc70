import Telemetry

/// What is remembered of one series between its points.
final class Series {
  let key: ReceiptKey
  /// Not known after a restart until its stream comes again.
  var text: SeriesText?
  /// Time series that it is in Prometheus.
  var weight: Int
  /// Arrival of its newest point, nanoseconds.
  var active: Int64 = .min
  /// Newest time in milliseconds, with the points that wait for the next cut, and without them.
  var newest: Int64 = .min
  var newestCut: Int64 = .min

  /// Start of the run in nanoseconds; 0: not known. Of a source: start of its newest point.
  var start: Int64 = 0
  /// Time of the newest point in nanoseconds, of a source or of a converted series.
  var time: Int64 = .min
  /// Start of the newest point that was added to a converted series.
  var pointStart: Int64 = 0
  var number = RunningNumber()
  var classic: ClassicTotals?
  var exponential: ExponentialTotals?

  /// Whose points it has now, as `PrometheusFold.sourceKey` tells sources apart; nil: nobody's, or a sum of several.
  var owner: ReceiptKey?
  /// Of a gauge or summary: whose it was since its owner was last silent for long.
  var formers: [ReceiptKey] = []
  /// Of a source: what it had reached was sent before it became one, so its next value only tells where it stands.
  var isCounted = false

  /// Others are summed into it.
  var isSum = false
  /// Of such a series: what is not sent yet, oldest first, and the end of the last slot sent.
  var slots: [SumSlot] = []
  var slotSent: Int64 = .min

  /// Newest point that waits for the cut with this number.
  var pending: Int32 = -1
  var pendingCut = -1
  /// Index of its text in that cut.
  var textIndex: Int32 = 0

  init(key: ReceiptKey, text: SeriesText?, weight: Int) {
    self.key = key
    self.text = text
    self.weight = weight
  }
}

/// The `target_info` of one job and instance: one set of labels at a time.
final class TargetInfo {
  /// Labels that are sent, and when a point of their resource was last seen, nanoseconds.
  var owner = ReceiptKey(high: 0, low: 0)
  var text: SeriesText?
  var seen: Int64 = .min
  /// Newest time sent, milliseconds.
  var sent: Int64 = .min
  /// Arrival of the newest point, nanoseconds.
  var active: Int64 = .min
  init() {}
}

/// A sum that stays a whole number until a fraction comes or 64 bits are not enough (CONFORMANCE D2C-1).
struct RunningNumber: Equatable {
  var isInteger = true
  var integer: Int64 = 0
  var fraction = 0.0

  init() {}

  init(_ number: OTLPRecord.Number, special: Double?) {
    switch number {
    case .integer(let number): integer = number
    case .double(let number):
      isInteger = false
      fraction = special ?? number
    case .none:
      isInteger = false
      fraction = special ?? 0
    }
  }

  init(_ integer: Int64) { self.integer = integer }

  var double: Double { isInteger ? Double(integer) : fraction }
  var isFinite: Bool { isInteger || fraction.isFinite }

  mutating func add(_ other: RunningNumber) {
    if isInteger && other.isInteger {
      let (sum, over) = integer.addingReportingOverflow(other.integer)
      if !over {
        integer = sum
        return
      }
    }
    fraction = double + other.double
    isInteger = false
  }

  func minus(_ other: RunningNumber) -> RunningNumber {
    if isInteger && other.isInteger {
      let (difference, over) = integer.subtractingReportingOverflow(other.integer)
      if !over { return RunningNumber(difference) }
    }
    var result = RunningNumber()
    result.isInteger = false
    result.fraction = double - other.double
    return result
  }

  func isLess(than other: RunningNumber) -> Bool {
    isInteger && other.isInteger ? integer < other.integer : double < other.double
  }
}

/// Histogram of explicit bounds; counts are of each bucket alone. Also the shape of the newest point of a series: what a
/// stale marker has to end, and of a summary its quantiles as bounds.
final class ClassicTotals {
  var bounds: [Double]
  /// One more than bounds, or none: only count and sum are known.
  var counts: [UInt64]
  var count: UInt64
  var sum: Double
  var hasSum: Bool

  init(bounds: [Double], counts: [UInt64], count: UInt64, sum: Double, hasSum: Bool) {
    self.bounds = bounds
    self.counts = counts
    self.count = count
    self.sum = sum
    self.hasSum = hasSum
  }

  var copy: ClassicTotals {
    ClassicTotals(bounds: bounds, counts: counts, count: count, sum: sum, hasSum: hasSum)
  }

  func hasBounds(of other: ClassicTotals) -> Bool { bounds == other.bounds && counts.count == other.counts.count }

  func add(_ other: ClassicTotals) {
    count &+= other.count
    sum += other.sum
    hasSum = hasSum && other.hasSum
    for index in counts.indices { counts[index] &+= other.counts[index] }
  }

  /// What came since `earlier`; nil when it began anew in between.
  func since(_ earlier: ClassicTotals) -> ClassicTotals? {
    guard hasBounds(of: earlier), count >= earlier.count else { return nil }
    let result = copy
    for index in counts.indices {
      guard counts[index] >= earlier.counts[index] else { return nil }
      result.counts[index] -= earlier.counts[index]
    }
    result.count -= earlier.count
    result.sum -= earlier.sum
    result.hasSum = hasSum && earlier.hasSum
    return result
  }
}

/// What goes into one slot of ten seconds.
struct SumSlot {
  /// Nanoseconds.
  var end: Int64
  var records = 0
  var lastID: Int64 = 0
  var number = RunningNumber()
  var classic: ClassicTotals?
  var exponential: ExponentialTotals?

  init(end: Int64) { self.end = end }

  static let length: Int64 = 10 * 1_000_000_000
  /// How long after its end a slot waits for what is on its way.
  static let wait: Int64 = 20 * 1_000_000_000

  /// End of the slot that a time lies in.
  static func end(_ time: Int64) -> Int64 {
    let rest = time % length
    return time - (rest < 0 ? rest + length : rest) + length
  }
}
