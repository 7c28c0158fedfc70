import Telemetry

/// A name that a metric has, with those that it adds suffixes to: nobody else's as long as it has points.
final class NameClaim {
  let name: [UInt8]
  let type: PromType
  /// Kinds of its series whose names are taken.
  var kinds: Set<SeriesKind> = []
  /// Arrival of its newest point, nanoseconds.
  var active: Int64
  /// The name is another's.
  var isOver = false

  init(name: [UInt8], type: PromType, active: Int64) {
    self.name = name
    self.type = type
    self.active = active
  }
}

/// Two metrics may come to one name: a counter `x` and a gauge `x.total`, a histogram `h` and a gauge `h.count`. The
/// first keeps it, until it is silent for as long as a gauge may be before it is free for others (CONFORMANCE EXP-03).
extension PrometheusFold {
  @inline(__always) func isTaken(_ stream: PromStream) -> Bool {
    if let claim = stream.claim, !claim.isOver { return false }
    return findsOthers(stream)
  }

  @inline(never) private func findsOthers(_ stream: PromStream) -> Bool {
    guard let text = stream.text else { return false }
    if options.targetInfo && text.metric.name == Self.targetInfoText.name { return true }
    return Self.names(text).contains { name in
      guard let claim = names[name], !claim.isOver, !isFree(claim) else { return false }
      return claim.name != text.metric.name || claim.type != text.metric.type
    }
  }

  private func isFree(_ claim: NameClaim) -> Bool { clock - claim.active > Self.silence }

  /// A point of the stream was let in.
  @inline(__always) func claim(_ stream: PromStream, at time: Int64) {
    guard let claim = stream.claim, !claim.isOver else { return newClaim(stream, at: time) }
    claim.active = max(claim.active, time)
  }

  @inline(never) private func newClaim(_ stream: PromStream, at time: Int64) {
    guard let text = stream.text else { return }
    let metric = text.metric
    var claim = NameClaim(name: metric.name, type: metric.type, active: time)
    if let known = names[metric.name], !known.isOver, known.name == claim.name, known.type == claim.type {
      claim = known
    }
    claim.active = max(claim.active, time)
    stream.claim = claim
    if claim.kinds.insert(text.kind).inserted { take(Self.names(text), for: claim) }
  }

  func take(_ wanted: [[UInt8]], for claim: NameClaim) {
    for name in wanted {
      if let former = names[name], former !== claim { former.isOver = true }
      names[name] = claim
    }
  }

  private static func names(_ text: SeriesText) -> [[UInt8]] { names(text.metric.name, text.kind) }

  /// Those of all samples of a metric, its own first.
  static func names(_ name: [UInt8], _ kind: SeriesKind) -> [[UInt8]] {
    let suffixes: [StaticString] =
      switch kind {
      case .classic: ["_bucket", "_sum", "_count"]
      case .summary: ["_sum", "_count"]
      case .number, .native, .targetInfo: []
      }
    return [name] + suffixes.map { name + UnsafeBufferPointer(start: $0.utf8Start, count: $0.utf8CodeUnitCount) }
  }
}
