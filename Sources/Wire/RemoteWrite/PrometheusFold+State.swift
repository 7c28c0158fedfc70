import Telemetry

/// Checkpoints. Points that wait for a cut are not in them: they belong to records that are read again or were settled.
extension PrometheusFold {
  private static let version: UInt8 = 3
  /// Without names.
  private static let formerVersion: UInt8 = 2

  func state() -> [UInt8] {
    var out = FoldStateWriter()
    out.unsigned(UInt64(Self.version))
    out.word(hashKey.0)
    out.word(hashKey.1)
    out.signed(clock)
    out.signed(nextSweep)
    // The order of a dictionary is another one in each process; that of the open slots is told by itself.
    let places = Dictionary(summing.enumerated().map { ($1.key, $0 + 1) }, uniquingKeysWith: { first, _ in first })
    out.unsigned(UInt64(series.count))
    for one in series.values {
      Self.write(one, to: &out)
      out.unsigned(UInt64(places[one.key] ?? 0))
    }
    out.unsigned(UInt64(sources.count))
    for one in sources.values { Self.write(one, to: &out) }
    out.unsigned(UInt64(infos.count))
    for (key, info) in infos {
      Self.write(key, to: &out)
      Self.write(info.owner, to: &out)
      out.signed(info.seen)
      out.signed(info.sent)
      out.signed(info.active)
    }
    let claims = names.filter { $0.key == $0.value.name && !$0.value.isOver }.values
    out.unsigned(UInt64(claims.count))
    for claim in claims {
      out.text(claim.name)
      out.unsigned(UInt64(claim.type.rawValue))
      out.signed(claim.active)
      out.unsigned(UInt64(claim.kinds.count))
      for kind in claim.kinds { out.unsigned(UInt64(kind.rawValue)) }
    }
    return out.finish()
  }

  func restore(_ state: [UInt8]) -> Bool {
    guard points.isEmpty else { return false }
    do throws(FoldStateError) {
      var input = try FoldStateReader(state)
      let version = try input.byte()
      guard version == Self.version || version == Self.formerVersion else { return false }
      let key = (try input.word(), try input.word())
      let clock = try input.signed()
      let nextSweep = try input.signed()
      var series: [ReceiptKey: Series] = [:]
      var summing: [(place: UInt64, series: Series)] = []
      for _ in 0..<(try input.count()) {
        let one = try Self.readSeries(&input)
        series[one.key] = one
        let place = try input.unsigned()
        if place > 0 { summing.append((place, one)) }
      }
      var sources: [ReceiptKey: Series] = [:]
      for _ in 0..<(try input.count()) {
        let one = try Self.readSeries(&input)
        sources[one.key] = one
      }
      var infos: [ReceiptKey: TargetInfo] = [:]
      for _ in 0..<(try input.count()) {
        let key = try Self.readKey(&input)
        let info = TargetInfo()
        info.owner = try Self.readKey(&input)
        info.seen = try input.signed()
        info.sent = try input.signed()
        info.active = try input.signed()
        infos[key] = info
      }
      let claims = version == Self.version ? try Self.readClaims(&input) : []
      guard input.isAtEnd else { return false }
      hashKey = key
      hash = KeyedHash(k0: key.0, k1: key.1)
      self.clock = clock
      self.nextSweep = nextSweep
      self.series = series
      self.sources = sources
      self.infos = infos
      self.summing = summing.sorted { $0.place < $1.place }.map(\.series)
      heldRecords = self.summing.reduce(0) { $0 + $1.slots.reduce(0) { $0 + $1.records } }
      names = [:]
      for claim in claims {
        for kind in claim.kinds { take(Self.names(claim.name, kind), for: claim) }
      }
      nextSlot = self.summing.compactMap { $0.slots.first.map { $0.end + SumSlot.wait } }.min() ?? .max
      weight = series.values.reduce(0) { $0 + $1.weight }
      forgetStreams()
      return true
    } catch {
      return false
    }
  }

  private static func readClaims(_ input: inout FoldStateReader) throws(FoldStateError) -> [NameClaim] {
    var claims: [NameClaim] = []
    for _ in 0..<(try input.count()) {
      let name = try input.text()
      guard let type = PromType(rawValue: try small(&input)) else { throw FoldStateError() }
      let claim = NameClaim(name: name, type: type, active: try input.signed())
      for _ in 0..<(try input.count()) {
        guard let kind = SeriesKind(rawValue: try small(&input)) else { throw FoldStateError() }
        claim.kinds.insert(kind)
      }
      claims.append(claim)
    }
    return claims
  }

  // MARK: series

  private static func write(_ key: ReceiptKey, to out: inout FoldStateWriter) {
    out.word(key.high)
    out.word(key.low)
  }

  private static func readKey(_ input: inout FoldStateReader) throws(FoldStateError) -> ReceiptKey {
    ReceiptKey(high: try input.word(), low: try input.word())
  }

  private static func write(_ one: Series, to out: inout FoldStateWriter) {
    write(one.key, to: &out)
    out.unsigned(UInt64(one.weight))
    out.signed(one.active)
    out.signed(one.newest)
    out.signed(one.start)
    out.signed(one.time)
    out.signed(one.pointStart)
    write(one.number, to: &out)
    out.flag(one.isSum)
    write(one.classic, to: &out)
    write(one.exponential, to: &out)
    out.flag(one.isCounted)
    let owners = (one.owner.map { [$0] } ?? []) + one.formers
    out.flag(one.owner != nil)
    out.unsigned(UInt64(owners.count))
    for key in owners { write(key, to: &out) }
    guard one.isSum else { return }
    out.signed(one.slotSent)
    out.unsigned(UInt64(one.slots.count))
    for slot in one.slots {
      out.signed(slot.end)
      out.unsigned(UInt64(slot.records))
      out.signed(slot.lastID)
      write(slot.number, to: &out)
      write(slot.classic, to: &out)
      write(slot.exponential, to: &out)
    }
    // What is sent without a record of its own must be known by name.
    guard !one.slots.isEmpty, let text = one.text else { return out.flag(false) }
    out.flag(true)
    out.text(text.metric.name)
    out.unsigned(UInt64(text.metric.type.rawValue))
    out.text(text.metric.help)
    out.text(text.metric.unit)
    out.unsigned(UInt64(text.kind.rawValue))
    out.text(text.labels)
    out.unsigned(UInt64(text.nameAt))
    out.unsigned(UInt64(text.extraAt))
  }

  private static func readSeries(_ input: inout FoldStateReader) throws(FoldStateError) -> Series {
    let key = try readKey(&input)
    let one = Series(key: key, text: nil, weight: Int(truncatingIfNeeded: try input.unsigned() & 0xffff_ffff))
    one.active = try input.signed()
    one.newest = try input.signed()
    one.newestCut = one.newest
    one.start = try input.signed()
    one.time = try input.signed()
    one.pointStart = try input.signed()
    one.number = try readNumber(&input)
    one.isSum = try input.flag()
    one.classic = try readClassic(&input)
    one.exponential = try readExponential(&input)
    one.isCounted = try input.flag()
    let hasOwner = try input.flag()
    for _ in 0..<(try input.count()) { one.formers.append(try readKey(&input)) }
    if hasOwner {
      guard !one.formers.isEmpty else { throw FoldStateError() }
      one.owner = one.formers.removeFirst()
    }
    guard one.isSum else { return one }
    one.slotSent = try input.signed()
    for _ in 0..<(try input.count()) {
      var slot = SumSlot(end: try input.signed())
      slot.records = Int(truncatingIfNeeded: try input.unsigned() & 0xffff_ffff)
      slot.lastID = try input.signed()
      slot.number = try readNumber(&input)
      slot.classic = try readClassic(&input)
      slot.exponential = try readExponential(&input)
      one.slots.append(slot)
    }
    guard try input.flag() else { return one }
    let name = try input.text()
    guard let type = PromType(rawValue: try small(&input)) else { throw FoldStateError() }
    let metric = MetricText(name: name, type: type, help: try input.text(), unit: try input.text())
    guard let kind = SeriesKind(rawValue: try small(&input)) else { throw FoldStateError() }
    let labels = try input.text()
    let nameAt = try input.unsigned()
    let extraAt = try input.unsigned()
    guard nameAt <= extraAt, extraAt <= labels.count else { throw FoldStateError() }
    one.text = SeriesText(metric: metric, kind: kind, labels: labels, nameAt: Int(nameAt), extraAt: Int(extraAt))
    return one
  }

  private static func small(_ input: inout FoldStateReader) throws(FoldStateError) -> UInt8 {
    guard let number = UInt8(exactly: try input.unsigned()) else { throw FoldStateError() }
    return number
  }

  private static func write(_ number: RunningNumber, to out: inout FoldStateWriter) {
    out.flag(number.isInteger)
    if number.isInteger { out.signed(number.integer) } else { out.double(number.fraction) }
  }

  private static func readNumber(_ input: inout FoldStateReader) throws(FoldStateError) -> RunningNumber {
    var number = RunningNumber()
    number.isInteger = try input.flag()
    if number.isInteger { number.integer = try input.signed() } else { number.fraction = try input.double() }
    return number
  }

  private static func write(_ totals: ClassicTotals?, to out: inout FoldStateWriter) {
    out.flag(totals != nil)
    guard let totals else { return }
    out.doubles(totals.bounds)
    out.counts(totals.counts)
    out.unsigned(totals.count)
    out.double(totals.sum)
    out.flag(totals.hasSum)
  }

  private static func readClassic(_ input: inout FoldStateReader) throws(FoldStateError) -> ClassicTotals? {
    guard try input.flag() else { return nil }
    return ClassicTotals(
      bounds: try input.doubles(), counts: try input.counts(), count: try input.unsigned(), sum: try input.double(),
      hasSum: try input.flag())
  }

  private static func write(_ totals: ExponentialTotals?, to out: inout FoldStateWriter) {
    out.flag(totals != nil)
    guard let totals else { return }
    out.signed(Int64(totals.scale))
    out.unsigned(totals.count)
    out.double(totals.sum)
    out.unsigned(totals.zeroCount)
    out.double(totals.zeroThreshold)
    for buckets in [totals.positive, totals.negative] {
      out.signed(buckets.offset)
      out.counts(buckets.counts)
    }
  }

  private static func readExponential(_ input: inout FoldStateReader) throws(FoldStateError) -> ExponentialTotals? {
    guard try input.flag() else { return nil }
    return ExponentialTotals(
      scale: Int32(truncatingIfNeeded: try input.signed()), count: try input.unsigned(), sum: try input.double(),
      zeroCount: try input.unsigned(), zeroThreshold: try input.double(),
      positive: ExponentialBuckets(offset: try input.signed(), counts: try input.counts()),
      negative: ExponentialBuckets(offset: try input.signed(), counts: try input.counts()))
  }
}
