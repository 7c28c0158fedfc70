import Histogram

/// What one connection, or all of them together, saw.
struct LoadTally: Sendable {
  /// Records of requests answered 200, less those that the answer calls rejected.
  var records = 0
  /// Records refused alone, by `partial_success`.
  var rejected = 0
  var requests = 0
  /// Bytes of acknowledged bodies, as sent.
  var bytes = 0
  /// Requests refused whole, by status.
  var refusals: [Int: Int] = [:]
  /// Requests without an answer: nobody knows whether they were stored.
  var failures = 0
  /// The first trouble in the collector's own words.
  var trouble: String?
  /// Monotonic nanoseconds of the last acknowledgement.
  var last: Int64 = 0
  /// Microseconds from when a request was due to its acknowledgement.
  var latencies = Histogram<UInt64>(
    lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)

  var refused: Int { refusals.values.reduce(0, +) }
  var isClean: Bool { refusals.isEmpty && failures == 0 && rejected == 0 }

  /// Milliseconds; nil when nothing was acknowledged.
  func latency(_ percentile: Double) -> Double? {
    latencies.totalCount == 0 ? nil : Double(latencies.valueAtPercentile(percentile)) / 1_000
  }

  mutating func acknowledge(records: Int, rejected: Int, bytes: Int, due: Int64, at: Int64) {
    self.records += records - rejected
    self.rejected += rejected
    self.bytes += bytes
    last = at
    latencies.record(UInt64(max(0, at - due) / 1_000))
  }

  mutating func note(_ text: @autoclosure () -> String) {
    if trouble == nil { trouble = text() }
  }

  mutating func add(_ other: LoadTally) {
    records += other.records
    rejected += other.rejected
    requests += other.requests
    bytes += other.bytes
    refusals.merge(other.refusals, uniquingKeysWith: +)
    failures += other.failures
    if let text = other.trouble { note(text) }
    last = max(last, other.last)
    latencies.add(other.latencies)
  }
}
