/// How far a destination is in the committed rows: all up to `low` is settled, and what lies in `settled` too.
package struct Position: Sendable, Equatable, Codable {
  package struct Span: Sendable, Equatable, Codable {
    package var first: Int64
    package var last: Int64
  }

  package private(set) var low: Int64
  /// Above `low`, in order, never touching each other.
  package private(set) var settled: [Span] = []
  /// Nothing beyond this id was ever sent: up to here a record may be at the far end already.
  package private(set) var sentHigh: Int64

  package static let spanLimit = 64

  package init(after low: Int64) {
    self.low = low
    sentHigh = low
  }

  /// Rows `first...last` are done with.
  package mutating func settle(_ first: Int64, _ last: Int64) {
    guard last > low, first <= last else { return }
    var span = Span(first: first, last: last)
    if span.first <= low + 1 {
      low = span.last
    } else {
      let at = settled.firstIndex { $0.last >= span.first - 1 } ?? settled.count
      var end = at
      while end < settled.count, settled[end].first <= span.last + 1 {
        span.first = min(span.first, settled[end].first)
        span.last = max(span.last, settled[end].last)
        end += 1
      }
      settled.replaceSubrange(at..<end, with: [span])
    }
    while let next = settled.first, next.first <= low + 1 {
      low = max(low, next.last)
      settled.removeFirst()
    }
  }

  package mutating func willSend(upTo id: Int64) { sentHigh = max(sentHigh, id) }

  /// Whether the row is done with.
  package func isSettled(_ id: Int64) -> Bool {
    if id <= low { return true }
    return settled.contains { $0.first <= id && id <= $0.last }
  }

  /// The end of the settled run that `id` lies in; nil: it is open.
  func endOfSettled(_ id: Int64) -> Int64? {
    if id <= low { return low }
    return settled.first { $0.first <= id && id <= $0.last }?.last
  }

  /// Goes forward to `id`, passing over what lies between.
  package mutating func skip(to id: Int64) {
    guard id > low else { return }
    low = id
    settled.removeAll { $0.last <= id }
    if let first = settled.first, first.first <= id + 1 {
      low = first.last
      settled.removeFirst()
    }
  }
}
