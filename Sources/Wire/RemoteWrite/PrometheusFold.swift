import Telemetry

/// Records in the order of their ids → points of Prometheus series, and what has to be remembered for that.
///
/// Invariants
/// 1. A fold: the same records give the same points; its only clock is the records' arrival.
/// 2. No series gets two points of one millisecond, unless they are in different blocks and both late.
/// 3. Nothing of a record that was refused is remembered.
final class PrometheusFold {
  let options: PrometheusOptions
  /// May be set to totals when a far end does not take native histograms.
  var exponential: PrometheusOptions.Exponential {
    didSet { if exponential != oldValue { forgetStreams() } }
  }

  let namer: PromNames
  /// Attributes that are labels.
  let filter: AttributeFilter
  let resourceFilter: AttributeFilter
  /// Labels that are not wanted, whatever they are made of.
  let denied: AttributeFilter
  var hash = KeyedHash(k0: 0, k1: 0)
  var hashKey: (UInt64, UInt64)

  var streams = PromStreams()
  var series: [ReceiptKey: Series] = [:]
  /// Series whose points are summed into others, by their full set of attributes.
  var sources: [ReceiptKey: Series] = [:]
  var infos: [ReceiptKey: TargetInfo] = [:]
  /// Whose a name is, of samples too.
  var names: [[UInt8]: NameClaim] = [:]
  /// Series with open slots, in the order they got one.
  var summing: [Series] = []
  var nextSlot: Int64 = .max
  /// Records in open slots.
  var heldRecords = 0
  var weight = 0
  /// Newest arrival, nanoseconds.
  var clock: Int64 = .min
  var nextSweep: Int64 = .min

  // What waits for the next cut.
  var points: [PromPoint] = []
  var words: [UInt64] = []
  var exemplars = Arena(capacity: 4096)
  var texts: [SeriesText] = []
  var touched: [Series] = []
  var cut = 0
  var pendingBytes = 0
  /// The point that the newest one took the place of.
  var replaced: Int?

  var reader = PointReader()
  var scratch = Arena(capacity: 4096)
  var labelNames: [[UInt8]: [UInt8]] = [:]
  /// By the number that the streams have for the metric.
  var metricTexts: [Int: MetricText] = [:]

  static let sweepInterval: Int64 = 300 * 1_000_000_000

  init(_ options: PrometheusOptions) {
    self.options = options
    exponential = options.exponential
    namer = PromNames(translation: options.translation)
    filter = AttributeFilter(allow: options.allow, deny: options.deny)
    resourceFilter = AttributeFilter(allow: options.resourceLabels)
    denied = AttributeFilter(deny: options.deny)
    hashKey = (.random(in: 0 ... .max), .random(in: 0 ... .max))
    hash = KeyedHash(k0: hashKey.0, k1: hashKey.1)
  }

  func add(_ record: OTLPRecord) -> ParcelTake {
    guard record.kind.isPoint else { return .skipped }
    guard record.time >= 0 else { return .refused("invalid") }
    advance(record.receivedAt)
    let (latest, over) = record.receivedAt.addingReportingOverflow(options.maxFuture)
    guard !over, record.time <= latest else { return .refused("future") }
    do throws(JSONFault) {
      let stream = try stream(record)
      switch stream.outcome {
      case .skipped: return .skipped
      case .refused(let reason): return .refused(reason)
      case .series: break
      }
      // Two types in one series would be resets that were none (CONFORMANCE EXP-03).
      if isTaken(stream) { return .refused("unsupported") }
      var take: ParcelTake
      replaced = nil
      switch way(record, stream) {
      case .direct: take = try direct(record, stream)
      case .sum: take = try absorb(record, stream)
      case .refused: return .refused("high_cardinality")
      case .skipped: return .skipped
      }
      if take == .taken { own(record, stream) }
      if take == .taken || take == .absorbed {
        claim(stream, at: record.receivedAt)
        info(record, stream.resource)
      }
      if take == .taken, let replaced {
        // A sum that was converted counts both, of other values the last one is said.
        if Self.isDelta(record) { points[replaced].records += 1 } else { take = .duplicate }
      }
      return take
    } catch {
      return .refused("invalid")
    }
  }

  /// What may leave, and is wanted as a label.
  func isLabel(_ key: [UInt8]) -> Bool {
    key.withUnsafeBytes { filter.allows($0) && options.attributes.allows($0) }
  }

  // MARK: clock

  /// Time has passed: what waited for it goes out.
  func advance(_ now: Int64) {
    guard now > clock else { return }
    clock = now
    if now >= nextSlot { sendSlots() }
    if now >= nextSweep { sweep() }
  }

  private func sweep() {
    nextSweep = clock &+ Self.sweepInterval
    let oldest = clock &- options.activeWindow
    var forgotten = streams.isFull
    for (key, one) in series where one.active < oldest && one.slots.isEmpty && one.pendingCut != cut {
      series[key] = nil
      weight -= one.weight
      forgotten = true
    }
    for (key, one) in sources where one.active < oldest {
      sources[key] = nil
      forgotten = true
    }
    for (key, one) in infos where one.active < oldest {
      infos[key] = nil
      forgotten = true
    }
    for (key, one) in names where one.active < oldest {
      names[key] = nil
      one.isOver = true
    }
    // Streams hold what was just forgotten.
    if forgotten { forgetStreams() }
  }

  func forgetStreams() {
    streams = PromStreams()
    labelNames = [:]
    metricTexts = [:]
  }

  // MARK: series

  /// Nil when there are too many.
  func adopt(_ stream: PromStream, weight wanted: Int) -> Series? {
    if let series = stream.series { return series }
    guard let text = stream.text else { return nil }
    if let known = series[stream.key] {
      if known.text == nil { known.text = text }
      stream.series = known
      return known
    }
    guard weight + wanted <= options.maxSeries else { return nil }
    weight += wanted
    let new = Series(key: stream.key, text: text, weight: wanted)
    series[stream.key] = new
    stream.series = new
    return new
  }

  func resize(_ series: Series, weight wanted: Int) {
    weight += wanted - series.weight
    series.weight = wanted
  }

  // MARK: points

  /// Puts a point of `series` into the block, or in place of the one of the same millisecond. Nil: one of this time was sent.
  /// Everything but its text, road and time is filled in by the caller afterwards.
  func place(_ series: Series, time: Int64, isNative: Bool) -> Int? {
    var road: UInt8 = isNative ? RemoteWriteRoad.native : RemoteWriteRoad.samples
    if time <= series.newest {
      var index = series.pendingCut == cut ? series.pending : -1
      while index >= 0 {
        if points[Int(index)].time == time {
          replaced = Int(index)
          pendingBytes -= Int(points[Int(index)].byteCount)
          return Int(index)
        }
        index = points[Int(index)].previous
      }
      if time == series.newestCut { return nil }
      if time < series.newestCut { road = isNative ? RemoteWriteRoad.lateNative : RemoteWriteRoad.late }
    } else {
      series.newest = time
    }
    guard let text = series.text else { return nil }
    var point = PromPoint()
    point.road = road
    point.time = time
    if series.pendingCut == cut {
      point.previous = series.pending
    } else {
      series.pendingCut = cut
      series.textIndex = Int32(texts.count)
      touched.append(series)
      texts.append(text)
    }
    point.text = series.textIndex
    series.pending = Int32(points.count)
    points.append(point)
    return points.count - 1
  }

  func fill(_ index: Int, _ record: OTLPRecord, start: Int64) {
    // One access instead of five: each to a member of a class is checked.
    var point = points[index]
    point.id = record.id
    point.receivedAt = record.receivedAt
    point.start = Self.milliseconds(start)
    point.isStale = Self.endsSeries(record)
    point.exemplarCount = 0
    points[index] = point
  }

  /// Says how big it became.
  func close(_ index: Int) {
    var point = points[index]
    let samples = sampleCount(point)
    let exemplarBytes = point.exemplarCount > 0 ? exemplars.count - Int(point.exemplars) : 0
    var size = samples * texts[Int(point.text)].byteCount + exemplarBytes
    if point.payload == .native { size += (words.count - Int(point.words)) * 4 }
    point.samples = Int32(samples)
    point.byteCount = Int32(clamping: size)
    points[index] = point
    pendingBytes += size
  }

  private func sampleCount(_ point: PromPoint) -> Int {
    let at = Int(point.words)
    switch point.payload {
    case .number, .native: return 1
    case .summary: return Int(words[at + 2]) + 2
    case .classic:
      let count = Int(words[at + 3])
      // A last bound of all is the bucket that is there anyway.
      let hasAll = count > 0 && words[at + 3 + count] == Double.infinity.bitPattern
      return Int(words[at + 2]) + 2 + count - (hasAll ? 1 : 0)
    }
  }

  static func endsSeries(_ record: OTLPRecord) -> Bool { record.bits >> Bits.flagsShift & 1 == 1 }

  static func milliseconds(_ time: Int64) -> Int64 {
    let quotient = time / 1_000_000
    return time % 1_000_000 < 0 ? quotient - 1 : quotient
  }

  /// Start in nanoseconds; 0: not known.
  static func start(_ record: OTLPRecord) -> Int64 {
    guard let sinceStart = record.auxiliary else { return 0 }
    let start = record.time &- sinceStart
    return start > 0 && start <= record.time ? start : 0
  }

  /// All since the last one; the fold goes on with nothing waiting.
  func take() -> RemoteWriteBlock {
    for series in touched { series.newestCut = series.newest }
    touched.removeAll(keepingCapacity: true)
    cut += 1
    let block = RemoteWriteBlock(
      points: points, words: words, exemplars: Array(exemplars.bytes(0, exemplars.count)), texts: texts)
    points = []
    points.reserveCapacity(block.points.count)
    words = []
    words.reserveCapacity(block.words.count)
    exemplars.truncate(to: 0)
    texts = []
    texts.reserveCapacity(block.texts.count)
    pendingBytes = 0
    return block
  }
}

/// Which points share requests: a refusal of one kind must not take the others with it.
package enum RemoteWriteRoad {
  static let samples: UInt8 = 0
  static let native: UInt8 = 1
  /// Not newer than what was sent of their series.
  static let late: UInt8 = 2
  static let targetInfo: UInt8 = 3
  static let lateNative: UInt8 = 4
  static let count = 5
}
