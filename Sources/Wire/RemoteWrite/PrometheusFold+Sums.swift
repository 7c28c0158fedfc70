import Telemetry

/// Points with attributes that are no labels: the increases of all that then have the same labels are added up, and go out as
/// one sample for every ten seconds.
extension PrometheusFold {
  func absorb(_ record: OTLPRecord, _ stream: PromStream) throws(JSONFault) -> ParcelTake {
    if record.kind == .distribution || !record.ext.isEmpty { try reader.read(record) }
    if let refusal = checkShape(record) { return refusal }
    let sourceKey = stream.sourceKey
    let known = stream.source ?? sources[sourceKey]
    if let known, let refusal = checkDelta(record, known) { return refusal }
    guard known != nil || sources.count < options.maxSeries else { return .refused("series_limit") }
    let weight: Int =
      switch record.metric.type {
      case .gauge, .sum, .summary: 1
      case .histogram: reader.bounds.count + 3
      case .exponentialHistogram: exponential == .native ? 1 : 3
      }
    guard let target = adopt(stream, weight: weight) else { return .refused("series_limit") }
    if record.metric.type == .histogram, target.isSum, let totals = target.classic,
      totals.bounds != reader.bounds || totals.counts.count != reader.counts.count
    {
      return .refused("unsupported")
    }
    let source = known ?? Series(key: sourceKey, text: nil, weight: 0)
    if known == nil { sources[sourceKey] = source }
    stream.source = source
    if !target.isSum {
      beginSum(target, record)
      resize(target, weight: weight)
    }
    let slot = slotIndex(target, record)
    add(record, source, target, slot)
    target.slots[slot].records += 1
    heldRecords += 1
    target.slots[slot].lastID = record.id
    // An end of something never seen leaves it unseen.
    if known != nil || !Self.endsSeries(record) {
      source.time = record.time
      source.pointStart = Self.start(record)
    }
    if !Self.endsSeries(record) { source.isCounted = false }
    source.active = record.receivedAt
    target.active = record.receivedAt
    return .absorbed
  }

  private func checkShape(_ record: OTLPRecord) -> ParcelTake? {
    if Self.endsSeries(record) { return nil }
    switch record.metric.type {
    case .sum:
      let given = RunningNumber(record.number, special: record.ext.isEmpty ? nil : reader.special)
      let isWrong = Self.isDelta(record) && record.metric.monotonic && given.double < 0
      return given.isFinite && !isWrong ? nil : .refused("unsupported")
    case .histogram:
      let isWhole = reader.bounds.count == max(reader.counts.count - 1, 0)
      return isWhole && reader.sum.isFinite ? nil : .refused("unsupported")
    case .exponentialHistogram:
      let isSound = exponential != .native || reader.exponential.makeNative()
      return isSound && reader.hasSum && reader.sum.isFinite ? nil : .refused("unsupported")
    case .gauge, .summary: return .refused("high_cardinality")
    }
  }

  /// What was sent of it before, if anything, was of one source; now it is a sum that begins at nothing.
  private func beginSum(_ target: Series, _ record: OTLPRecord) {
    keepOwner(target, record)
    target.isSum = true
    target.start = 0
    target.number = RunningNumber(0)
    target.classic = nil
    target.exponential = nil
    target.slotSent = target.newest == .min ? .min : SumSlot.end(target.newest * 1_000_000)
  }

  /// Whose series it was goes on as one of its sources: what it had reached was sent, so it counts from there.
  private func keepOwner(_ target: Series, _ record: OTLPRecord) {
    defer {
      target.owner = nil
      target.formers = []
    }
    guard let owner = target.owner, sources[owner] == nil, sources.count < options.maxSeries else { return }
    let source = Series(key: owner, text: nil, weight: 0)
    source.time = target.time == .min ? target.newest * 1_000_000 : target.time
    source.pointStart = target.pointStart
    source.active = target.active
    if record.metric.type == .sum && record.metric.monotonic {
      source.number = target.number
    } else {
      source.isCounted = true
    }
    sources[owner] = source
  }

  private func slotIndex(_ target: Series, _ record: OTLPRecord) -> Int {
    var end = SumSlot.end(record.time)
    // What comes too late for its slot is in the next one that is open.
    if target.slotSent != .min { end = max(end, target.slotSent + SumSlot.length) }
    if target.slots.isEmpty { summing.append(target) }
    var at = target.slots.count
    while at > 0 && target.slots[at - 1].end > end { at -= 1 }
    if at > 0 && target.slots[at - 1].end == end { return at - 1 }
    target.slots.insert(SumSlot(end: end), at: at)
    nextSlot = min(nextSlot, end + SumSlot.wait)
    return at
  }

  // MARK: increases

  private func add(_ record: OTLPRecord, _ source: Series, _ target: Series, _ slot: Int) {
    let ends = Self.endsSeries(record)
    switch record.metric.type {
    case .sum:
      var given = RunningNumber(record.number, special: record.ext.isEmpty ? nil : reader.special)
      if ends { given = record.metric.monotonic ? source.number : RunningNumber(0) }
      target.slots[slot].number.add(increase(record, source, given, ends))
    case .histogram:
      if ends { return }
      let given = reader.classic
      if target.classic == nil {
        target.classic = ClassicTotals(
          bounds: given.bounds, counts: given.counts.map { _ in 0 }, count: 0, sum: 0, hasSum: given.hasSum)
      }
      let added: ClassicTotals
      switch came(record, source, isKnown: source.classic != nil) {
      case .all: added = given
      case .difference: added = source.classic.flatMap { given.since($0) } ?? given
      case .nothing:
        source.classic = given
        return
      }
      source.classic = Self.isDelta(record) ? nil : given
      if let totals = target.slots[slot].classic {
        totals.add(added)
      } else {
        target.slots[slot].classic = added.copy
      }
    case .exponentialHistogram:
      if ends { return }
      let given = exponentialPoint()
      let added: ExponentialTotals
      switch came(record, source, isKnown: source.exponential != nil) {
      case .all: added = given
      case .difference: added = source.exponential.flatMap { given.since($0) } ?? given
      case .nothing:
        source.exponential = given
        return
      }
      source.exponential = Self.isDelta(record) ? nil : given
      if let totals = target.slots[slot].exponential {
        totals.add(added)
      } else {
        target.slots[slot].exponential = added.copy
      }
    case .gauge, .summary: break
    }
  }

  private enum Came { case all, difference, nothing }

  /// A cumulative value counts from the one before, and whole where it began anew, unless nobody knows when (CONFORMANCE
  /// MET-11).
  private func came(_ record: OTLPRecord, _ source: Series, isKnown: Bool) -> Came {
    if Self.isDelta(record) { return .all }
    let start = Self.start(record)
    if source.isCounted { return start >= source.time && start != record.time ? .all : .nothing }
    guard isKnown else { return beganLately(record) ? .all : .nothing }
    guard start != 0, source.pointStart != 0, start > source.pointStart else { return .difference }
    return start == record.time ? .nothing : .all
  }

  private func increase(_ record: OTLPRecord, _ source: Series, _ given: RunningNumber, _ ends: Bool) -> RunningNumber {
    if Self.isDelta(record) { return ends ? RunningNumber(0) : given }
    let isKnown = source.time != .min && !source.isCounted
    let last = source.number
    source.number = given
    // What goes up and down counts with its change.
    guard record.metric.monotonic else { return isKnown ? given.minus(last) : given }
    if ends { return RunningNumber(0) }
    switch came(record, source, isKnown: isKnown) {
    case .all: return given
    case .difference: return given.isLess(than: last) ? given : given.minus(last)
    case .nothing: return RunningNumber(0)
    }
  }

  /// What began within the time that a series is remembered for has not been counted yet.
  private func beganLately(_ record: OTLPRecord) -> Bool {
    let start = Self.start(record)
    return start != 0 && start != record.time && start > clock &- options.activeWindow
  }

  // MARK: sending

  func sendSlots() {
    var open: [Series] = []
    nextSlot = .max
    for target in summing {
      while let slot = target.slots.first, slot.end + SumSlot.wait <= clock {
        target.slots.removeFirst()
        heldRecords -= slot.records
        send(slot, target)
      }
      guard let next = target.slots.first else { continue }
      open.append(target)
      nextSlot = min(nextSlot, next.end + SumSlot.wait)
    }
    summing = open
  }

  private func send(_ slot: SumSlot, _ target: Series) {
    target.slotSent = slot.end
    if target.start == 0 { target.start = slot.end - SumSlot.length }
    target.number.add(slot.number)
    if let added = slot.classic { target.classic?.add(added) }
    if let added = slot.exponential {
      if let totals = target.exponential { totals.add(added) } else { target.exponential = added.copy }
    }
    let isNative = target.text?.kind == .native
    // Newer than all before: a slot must not get lost, for it stands for records.
    let time = max(Self.milliseconds(slot.end), target.newest == .min ? .min : target.newest + 1)
    guard let index = place(target, time: time, isNative: isNative) else { return }
    points[index].id = slot.lastID
    points[index].records = slot.records
    points[index].wasAbsorbed = true
    points[index].receivedAt = clock
    points[index].start = Self.milliseconds(target.start)
    switch target.text?.kind {
    case .classic:
      if let totals = target.classic {
        write(totals, index)
      } else {
        writeTotals(target.exponential ?? Self.nothing, hasSum: true, index)
      }
    case .native: writeNative((target.exponential ?? Self.nothing).copy, index)
    default:
      points[index].payload = .number
      points[index].value = target.number.double
    }
    close(index)
  }

  private static var nothing: ExponentialTotals {
    ExponentialTotals(
      scale: ExponentialTotals.mostScale, count: 0, sum: 0, zeroCount: 0, zeroThreshold: 0,
      positive: ExponentialBuckets(), negative: ExponentialBuckets())
  }
}
