/// A histogram of exponential buckets: bucket `offset + i` of `counts[i]` holds base^(offset+i) … base^(offset+i+1), base is
/// 2^(2^-scale) (CONFORMANCE MET-06).
struct ExponentialBuckets: Equatable {
  var offset: Int64 = 0
  var counts: [UInt64] = []

  /// Every step halves the resolution: two neighbours become one.
  mutating func downscale(by steps: Int32) {
    guard steps > 0 && !counts.isEmpty else { return }
    let shift = Int64(Swift.min(steps, 62))
    let first = offset >> shift
    let last = (offset + Int64(counts.count) - 1) >> shift
    var merged = [UInt64](repeating: 0, count: Int(last - first) + 1)
    for (index, count) in counts.enumerated() where count > 0 {
      merged[Int((offset + Int64(index)) >> shift - first)] &+= count
    }
    offset = first
    counts = merged
  }

  /// Without empty buckets at its ends.
  mutating func trim() {
    let front = counts.prefix { $0 == 0 }.count
    if front == counts.count {
      counts = []
      offset = 0
      return
    }
    while counts.last == 0 { counts.removeLast() }
    if front > 0 {
      counts.removeFirst(front)
      offset += Int64(front)
    }
  }

  var total: UInt64 { counts.reduce(0, &+) }

  static func span(_ a: ExponentialBuckets, _ b: ExponentialBuckets) -> Int64 {
    if a.counts.isEmpty { return Int64(b.counts.count) }
    if b.counts.isEmpty { return Int64(a.counts.count) }
    return Swift.max(a.offset + Int64(a.counts.count), b.offset + Int64(b.counts.count)) - Swift.min(a.offset, b.offset)
  }

  mutating func add(_ other: ExponentialBuckets) {
    if other.counts.isEmpty { return }
    if counts.isEmpty {
      self = other
      return
    }
    if other.offset < offset {
      counts.insert(contentsOf: repeatElement(0, count: Int(offset - other.offset)), at: 0)
      offset = other.offset
    }
    let end = Int(other.offset - offset) + other.counts.count
    if end > counts.count { counts.append(contentsOf: repeatElement(0, count: end - counts.count)) }
    for (index, count) in other.counts.enumerated() { counts[Int(other.offset - offset) + index] &+= count }
  }

  /// False when a bucket of `other` has more.
  mutating func subtract(_ other: ExponentialBuckets) -> Bool {
    for (index, count) in other.counts.enumerated() where count > 0 {
      let at = other.offset + Int64(index) - offset
      guard at >= 0, at < counts.count, counts[Int(at)] >= count else { return false }
      counts[Int(at)] -= count
    }
    return true
  }

  /// Takes away the buckets that end at or below `threshold` and says how much was in them; a bucket that begins below it
  /// raises it to its end.
  mutating func takeBelow(_ threshold: inout Double, scale: Int32) -> UInt64 {
    var taken: UInt64 = 0
    var count = 0
    while count < counts.count {
      let lower = Self.bound(offset + Int64(count), scale: scale)
      guard lower < threshold else { break }
      let upper = Self.bound(offset + Int64(count) + 1, scale: scale)
      if counts[count] > 0 && upper > threshold { threshold = upper }
      taken &+= counts[count]
      count += 1
    }
    counts.removeFirst(count)
    offset += Int64(count)
    return taken
  }

  /// base^index.
  static func bound(_ index: Int64, scale: Int32) -> Double {
    // 2^(index · 2^-scale), its whole part exact.
    if scale <= 0 {
      let shift = Int64(Swift.min(-scale, 32))
      let (power, over) = index.multipliedReportingOverflow(by: 1 << shift)
      if over { return index < 0 ? 0 : .infinity }
      return power < -1_080 ? 0 : power > 1_024 ? .infinity : Double(sign: .plus, exponent: Int(power), significand: 1)
    }
    let shift = Int64(Swift.min(scale, 40))
    let whole = index >> shift
    let part = Double(index - (whole << shift)) / Double(Int64(1) << shift)
    if whole < -1_080 { return 0 }
    if whole > 1_024 { return .infinity }
    return Double(sign: .plus, exponent: Int(whole), significand: root(part))
  }

  /// 2^part for part in 0..<1, by square roots.
  private static func root(_ part: Double) -> Double {
    var result = 1.0
    var rest = part
    var factor = 2.0
    for _ in 0..<53 {
      factor = factor.squareRoot()
      rest *= 2
      if rest >= 1 {
        result *= factor
        rest -= 1
      }
      if rest == 0 { break }
    }
    return result
  }
}

/// One exponential histogram, or the sum of several.
final class ExponentialTotals {
  var scale: Int32
  var count: UInt64
  var sum: Double
  var zeroCount: UInt64
  var zeroThreshold: Double
  var positive: ExponentialBuckets
  var negative: ExponentialBuckets

  /// Buckets of one side that a sum may have: then its resolution is halved. The default limit of SDKs is 160.
  static let bucketLimit: Int64 = 1_280
  /// What native histograms can have (CONFORMANCE PT-07).
  static let leastScale: Int32 = -4
  static let mostScale: Int32 = 8

  init(
    scale: Int32, count: UInt64, sum: Double, zeroCount: UInt64, zeroThreshold: Double, positive: ExponentialBuckets,
    negative: ExponentialBuckets
  ) {
    self.scale = scale
    self.count = count
    self.sum = sum
    self.zeroCount = zeroCount
    self.zeroThreshold = zeroThreshold
    self.positive = positive
    self.negative = negative
  }

  var copy: ExponentialTotals {
    ExponentialTotals(
      scale: scale, count: count, sum: sum, zeroCount: zeroCount, zeroThreshold: zeroThreshold, positive: positive,
      negative: negative)
  }

  func downscale(to wanted: Int32) {
    guard wanted < scale else { return }
    positive.downscale(by: scale - wanted)
    negative.downscale(by: scale - wanted)
    scale = wanted
  }

  private func raise(to threshold: Double) {
    guard threshold > zeroThreshold else { return }
    var raised = threshold
    zeroCount &+= positive.takeBelow(&raised, scale: scale)
    // The other side may raise it further, which takes a second look at the first.
    zeroCount &+= negative.takeBelow(&raised, scale: scale)
    zeroCount &+= positive.takeBelow(&raised, scale: scale)
    zeroThreshold = raised
  }

  /// Both of them with the same scale and zero threshold (D2C-4, MET-06).
  private func align(_ other: ExponentialTotals) {
    let least = min(scale, other.scale)
    downscale(to: least)
    other.downscale(to: least)
    for _ in 0..<4 where zeroThreshold != other.zeroThreshold {
      raise(to: other.zeroThreshold)
      other.raise(to: zeroThreshold)
    }
    while scale > Self.leastScale - 8
      && max(
        ExponentialBuckets.span(positive, other.positive), ExponentialBuckets.span(negative, other.negative))
        > Self.bucketLimit
    {
      downscale(to: scale - 1)
      other.downscale(to: scale)
    }
  }

  func add(_ added: ExponentialTotals) {
    let other = added.copy
    for totals in [self, other] {
      totals.positive.trim()
      totals.negative.trim()
    }
    align(other)
    count &+= other.count
    sum += other.sum
    zeroCount &+= other.zeroCount
    positive.add(other.positive)
    negative.add(other.negative)
  }

  /// What came since `earlier`; nil when it began anew in between.
  func since(_ earlier: ExponentialTotals) -> ExponentialTotals? {
    guard count >= earlier.count else { return nil }
    let result = copy
    let other = earlier.copy
    result.align(other)
    guard result.zeroCount >= other.zeroCount, result.positive.subtract(other.positive),
      result.negative.subtract(other.negative)
    else { return nil }
    result.count -= other.count
    result.zeroCount -= other.zeroCount
    result.sum -= other.sum
    return result
  }

  /// Whether the buckets hold numbers that a double can be (MET-06); that also bounds what a sum of them can need.
  private static func isInRange(_ buckets: ExponentialBuckets, scale: Int32) -> Bool {
    // Powers of two that doubles have, with the subnormal ones.
    let limit: Int64 = 1_080
    let most = scale >= 0 ? limit << Int64(scale) : limit >> Int64(-scale) + 1
    return buckets.counts.isEmpty || (buckets.offset >= -most && buckets.offset + Int64(buckets.counts.count) <= most)
  }

  /// Whether a native histogram can say it, with not more resolution than that has. Prometheus refuses a request with one whose
  /// buckets do not add up.
  func makeNative() -> Bool {
    guard scale >= Self.leastScale, zeroThreshold >= 0, zeroThreshold.isFinite else { return false }
    downscale(to: Self.mostScale)
    positive.trim()
    negative.trim()
    let total = zeroCount &+ positive.total &+ negative.total
    guard sum.isNaN ? count >= total : count == total else { return false }
    return Self.isInRange(positive, scale: scale) && Self.isInRange(negative, scale: scale)
  }
}
