import Wire

/// What a far end has accepted of late: should it have lost that with its own end, it goes again (FORWARD §3).
struct RewindMemory {
  struct Part: Sendable {
    var parcel: any Parcel
    var range: Range<Int>
    fileprivate var at: ContinuousClock.Instant

    /// About.
    fileprivate var byteCount: Int { parcel.byteCount * range.count / max(1, parcel.items.count) }
  }

  /// Longest time that is kept.
  static let longest = Duration.seconds(60)

  private let time: Duration
  private let limit: Int
  private var accepted: [Part] = []
  private var byteCount = 0
  private var isLost = false

  /// `limit`: bytes; beyond them the oldest is forgotten.
  init(for time: Duration, limit: Int) {
    self.time = min(time, Self.longest)
    self.limit = limit
  }

  mutating func accepted(_ parcel: any Parcel, _ range: Range<Int>, now: ContinuousClock.Instant = .now) {
    guard time > .zero else { return }
    let part = Part(parcel: parcel, range: range, at: now)
    accepted.append(part)
    byteCount += part.byteCount
    var gone = 0
    while gone < accepted.count - 1, byteCount > limit || accepted[gone].at + time < now {
      byteCount -= accepted[gone].byteCount
      gone += 1
    }
    accepted.removeFirst(gone)
  }

  /// Nobody answers. When it was that the far end ended nobody knows: it may have been right behind the last
  /// acceptance.
  mutating func lost() { isLost = true }

  /// The far end answers: what has to go again.
  mutating func found() -> [Part] {
    guard isLost else { return [] }
    isLost = false
    defer {
      accepted = []
      byteCount = 0
    }
    return accepted
  }
}
