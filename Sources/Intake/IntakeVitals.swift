package import Door
package import Telemetry

/// What a door has done since start. Tests read the same numbers as operators.
package final class IntakeVitals: Sendable {
  /// Upper bounds of the duration buckets, nanoseconds; a last bucket without bound follows.
  package static let durationBounds: [Int64] = [
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
    1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
  ]
  /// Why requests are refused whole, in a fixed order: what a store says, who may not come in, what is over a limit.
  package static let reasons = [
    "disk_reserve", "queue_full", "settling_behind", "draining", "directory_gone", "storage",
    "no_credential", "bad_credential", "expired_credential", "revoked_credential", "wrong_scope", "wrong_signal",
    "rate_limited",
    "body_too_large", "headers_too_large", "slow_headers", "slow_body", "idle", "too_many_connections",
    "too_many_streams", "not_http", "wrong_protocol", "flood",
  ]

  package let door: String
  // [signal, and one row for requests that name none][status class 1…5]
  private let requests = (0..<4).map { _ in (0..<5).map { _ in Counter() } }
  private let accepted = Signal.allCases.map { _ in Counter() }
  private let rejected = Signal.allCases.map { _ in Rejection.Reason.allCases.map { _ in Counter() } }
  private let refused = reasons.map { _ in Counter() }
  private let buckets = (0...durationBounds.count).map { _ in Counter() }
  /// Nanoseconds, all requests.
  package let durationSum = Counter()
  /// Bodies as they came over the wire, and after decompression.
  package let wireBytes = Counter()
  package let bodyBytes = Counter()
  /// Requests whose body was known already: answered again, not stored again.
  package let duplicates = Counter()
  /// Bodies that could not be decoded.
  package let undecodable = Counter()

  private let budget: Budget

  package init(door: String, budget: Budget) {
    self.door = door
    self.budget = budget
  }

  /// Of all doors that share the budget.
  package var inflightBytes: Int { budget.usedBytes }

  /// `signal` nil: a path or a connection that belongs to none.
  package func requests(_ signal: Signal?, statusClass: Int) -> Int {
    cell(signal, statusClass).value
  }

  package func accepted(_ signal: Signal) -> Int { accepted[Int(signal.rawValue)].value }

  package func rejected(_ signal: Signal, _ reason: Rejection.Reason) -> Int {
    rejectedCell(signal, reason)?.value ?? 0
  }

  /// Requests refused for `cause`, one of `reasons`.
  package func refused(cause: String) -> Int {
    Self.reasons.firstIndex(of: cause).map { refused[$0].value } ?? 0
  }

  /// Requests by bucket, not cumulative; one more than `durationBounds`.
  package var durations: [Int] { buckets.map(\.value) }

  package func countRequest(_ signal: Signal?, status: Int, nanoseconds: Int64) {
    cell(signal, status / 100).add()
    durationSum.add(Int(nanoseconds))
    buckets[Self.durationBounds.firstIndex { nanoseconds <= $0 } ?? Self.durationBounds.count].add()
  }

  /// An answer given below the responder: no signal, no duration. Status 0: none was given.
  package func countRequest(status: Int, reason: String?) {
    if status > 0 { cell(nil, status / 100).add() }
    if let reason { countRefused(cause: reason) }
  }

  func countAccepted(_ signal: Signal, _ records: Int) { accepted[Int(signal.rawValue)].add(records) }

  func countRejected(_ signal: Signal, _ counts: [Rejection.Tally: Int]) {
    for (tally, count) in counts { rejectedCell(signal, tally.reason)?.add(count) }
  }

  func countRefused(cause: String) {
    if let index = Self.reasons.firstIndex(of: cause) { refused[index].add() }
  }

  private func cell(_ signal: Signal?, _ statusClass: Int) -> Counter {
    requests[signal.map { Int($0.rawValue) } ?? 3][min(max(statusClass, 1), 5) - 1]
  }

  private func rejectedCell(_ signal: Signal, _ reason: Rejection.Reason) -> Counter? {
    Rejection.Reason.allCases.firstIndex(of: reason).map { rejected[Int(signal.rawValue)][$0] }
  }
}
