import Telemetry

/// Puts a batch together while a decoder walks: interns what repeats, promotes attributes to columns (DESIGN §5), counts.
///
/// Order of calls: `beginResource` … `endResource`, inside it `beginScope` … `endScope`, inside it rows. Attribute objects are
/// written with `beginObject`/`key`/`endObject`; whoever writes the attributes of a level also calls `note` on its `Promoted`.
struct BatchBuilder: ~Copyable {
  /// An open resource with its one scope, which has no attributes.
  struct Level {
    var stream: Int32
    var source: Slice
    var promoted: Promoted
    var context: Int32
  }

  var arena: Arena
  let signal: Signal
  let options: DecodeOptions

  var rows: [Row] = []
  var names: [Batch.Name] = []
  var resources: [Batch.Resource] = []
  var streams: [Batch.Stream] = []
  var contexts: [Batch.Context] = []
  var metrics: [Batch.Metric] = []
  var series: [Batch.Series] = []
  var rejections: [Rejection] = []
  var rejectionCounts: [Rejection.Tally: Int] = [:]
  var warnings: [String] = []

  /// Records seen so far, refused ones included: the `index` of the next record.
  var recordIndex = 0
  var recordCount = 0
  var droppedDuplicateKeys = 0
  /// What writing objects again has cost, for whoever has to bound it.
  var rewrittenBytes = 0
  var replacedTexts = 0
  /// Of the event that is being read: what it has too much of.
  var tooMuch: Rejection.Reason?
  var keyHashes = KeyHashes()

  /// Where the records so far were stored first; empty: nobody has said.
  var identities: [RecordIdentity] = []
  /// What another Garner says of the open resource.
  var relayed = RelayedResource()

  var resourcePromoted = Promoted()
  var scopePromoted = Promoted()

  private var nameTable = InternTable()
  private var contextTable = InternTable()
  private var metricTable = InternTable()
  private var seriesTable = InternTable(capacity: 256)
  /// Source and context of the current scope, for records without promoted attributes of their own.
  private var scopeContext: Int32 = -1
  private var currentStream: Int32 = -1
  var resourceSource: Slice = .empty
  /// The same as text, once a record of it has been refused.
  private var rejectedSource: String?
  private let credentialSlice: Slice
  private let peerSlice: Slice
  private let sessionSlice: Slice
  private let componentSlice: Slice

  init(signal: Signal, options: DecodeOptions, expectedBytes: Int) {
    self.signal = signal
    self.options = options
    var arena = Arena(capacity: expectedBytes + expectedBytes / 2 + 512)
    func slice(_ bytes: [UInt8]) -> Slice {
      let start = arena.count
      bytes.withUnsafeBytes { arena.append($0) }
      return Slice(start: start, count: bytes.count)
    }
    credentialSlice = slice(options.credential)
    peerSlice = slice(options.peer)
    sessionSlice = slice(options.anonymousSession)
    componentSlice = slice(options.component)
    self.arena = arena
    rows.reserveCapacity(expectedBytes / 200 + 4)
  }

  // MARK: levels

  mutating func beginResource() {
    endRelayed()
    resources.append(Batch.Resource())
    resourcePromoted = Promoted()
    scopePromoted = Promoted()
    scopeContext = -1
    resourceSource = .empty
    rejectedSource = nil
  }

  /// To be called once the resource's attributes are known and before the first row of it. `sender`: the source, where a
  /// batch holds the records of several senders.
  mutating func resourceKnown(sender: Slice = .empty) {
    if !sender.isEmpty {
      resourceSource = sender
    } else if !credentialSlice.isEmpty {
      resourceSource = credentialSlice
    } else if let id = text(resourcePromoted.serviceInstance), !isUUID(id) {
      resourceSource = unreserved(id)
    } else {
      resourceSource = text(resourcePromoted.serviceName).map { unreserved($0) } ?? peerSlice
    }
    if options.isRelayed { beginRelayed() }
    scopeContext = -1
  }

  /// Whose name a credential has is not taken for him because he says so: he could use up another one's identities.
  private func unreserved(_ source: Slice) -> Slice {
    guard let isReserved = options.isReserved else { return source }
    let name = String(decoding: arena.bytes(Int(source.start), Int(source.count)), as: UTF8.self)
    return isReserved(name) ? peerSlice : source
  }

  mutating func beginScope() {
    var stream = Batch.Stream()
    stream.resource = Int32(resources.count - 1)
    stream.attributes = emptyObject()
    streams.append(stream)
    currentStream = Int32(streams.count - 1)
    scopePromoted = Promoted()
    scopeContext = -1
  }

  /// The resource and scope that are open, to come back to with `enter`.
  var level: Level {
    Level(stream: currentStream, source: resourceSource, promoted: resourcePromoted, context: scopeContext)
  }

  mutating func enter(_ level: Level) {
    currentStream = level.stream
    resourceSource = level.source
    resourcePromoted = level.promoted
    scopePromoted = Promoted()
    scopeContext = level.context
    rejectedSource = nil
  }

  /// `{}`; written once a batch would be nicer, but levels are few.
  mutating func emptyObject() -> Slice {
    let start = arena.count
    arena.append("{}")
    return Slice(start: start, count: 2)
  }

  // MARK: texts

  /// The text behind a JSON value: a string's content unescaped, a number or boolean as written; nil for null, empty and structures.
  mutating func text(_ json: Slice?) -> Slice? {
    guard let json, json.count > 0 else { return nil }
    let start = Int(json.start)
    switch arena.base[start] {
    case UInt8(ascii: "\""):
      let inside = Slice(start: start + 1, count: Int(json.count) - 2)
      if inside.isEmpty { return nil }
      let bytes = arena.bytes(start + 1, Int(inside.count))
      guard bytes.contains(UInt8(ascii: "\\")) else { return inside }
      return unescaped(inside)
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"): return nil
    default: return json
    }
  }

  /// Only the escapes that `appendEscaped` writes can occur here.
  private mutating func unescaped(_ inside: Slice) -> Slice {
    let source = [UInt8](arena.bytes(Int(inside.start), Int(inside.count)))
    let start = arena.count
    var at = 0
    while at < source.count {
      guard source[at] == UInt8(ascii: "\\"), at + 1 < source.count else {
        arena.append(source[at])
        at += 1
        continue
      }
      switch source[at + 1] {
      case UInt8(ascii: "n"): arena.append(0x0a)
      case UInt8(ascii: "r"): arena.append(0x0d)
      case UInt8(ascii: "t"): arena.append(0x09)
      case UInt8(ascii: "u"):
        let digits = source[(at + 2)..<min(at + 6, source.count)]
        let code = digits.reduce(0) { $0 << 4 | Int($1 < 0x3a ? $1 &- 0x30 : $1 &- 0x57) }
        arena.append(UInt8(truncatingIfNeeded: code))
        at += 4
      default: arena.append(source[at + 1])
      }
      at += 2
    }
    return Slice(start: start, count: arena.count - start)
  }

  /// Raw text (not JSON) into the arena, valid UTF-8 afterwards.
  mutating func appendText(_ bytes: UnsafeRawBufferPointer) -> Slice {
    let start = arena.count
    var at = 0
    while at < bytes.count && bytes[at] < 0x80 { at += 1 }
    if at == bytes.count {
      arena.append(bytes)
    } else {
      appendValidated(bytes)
    }
    return Slice(start: start, count: arena.count - start)
  }

  private mutating func appendValidated(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    while at < bytes.count {
      let length = bytes[at] < 0x80 ? 1 : UTF8Text.sequenceLength(bytes, at)
      if length == 0 {
        arena.append("\u{FFFD}")
        replacedTexts += 1
        at += 1
      } else {
        arena.append(UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
        at += length
      }
    }
  }

  private func isUUID(_ text: Slice) -> Bool {
    guard text.count == 36 else { return false }
    for (index, byte) in arena.bytes(Int(text.start), 36).enumerated() {
      switch index {
      case 8, 13, 18, 23: if byte != UInt8(ascii: "-") { return false }
      default:
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: break
        default: return false
        }
      }
    }
    return true
  }

  @inline(__always) private func hash(_ slice: Slice, _ start: UInt64 = 0) -> UInt64 {
    QuickHash.hash(arena.bytes(Int(slice.start), Int(slice.count)), start)
  }

  @inline(__always) func same(_ a: Slice, _ b: Slice) -> Bool {
    if a.count != b.count { return false }
    if a.start == b.start || a.count == 0 { return true }
    let left = arena.bytes(Int(a.start), Int(a.count))
    let right = arena.bytes(Int(b.start), Int(b.count))
    for index in 0..<left.count where left[index] != right[index] { return false }
    return true
  }

  // MARK: interning

  /// Event and category of a record (DESIGN §5). `event` is raw text in the arena; empty: the row is named after its kind.
  mutating func internName(event: Slice, promoted: Promoted, fallback: StaticString) -> Int32 {
    var event = event
    if event.isEmpty {
      let start = arena.count
      arena.append(fallback)
      event = Slice(start: start, count: arena.count - start)
    }
    let category = promoted.category == nil ? nil : text(promoted.category)
    let key = hash(event, category.map { hash($0) } ?? 1)
    let found = nameTable.find(key) { index in
      same(names[index].event, event) && (category == nil || same(names[index].category, category!))
    }
    if let found {
      if names[found].event.start != event.start && event.start + event.count == UInt32(arena.count) {
        arena.truncate(to: Int(event.start))
      }
      return Int32(found)
    }
    nameTable.insert(key)
    names.append(Batch.Name(category: category ?? firstSegment(event, fallback), event: event))
    return Int32(names.count - 1)
  }

  private mutating func firstSegment(_ event: Slice, _ fallback: StaticString) -> Slice {
    let bytes = arena.bytes(Int(event.start), Int(event.count))
    var length = 0
    scan: while length < bytes.count {
      switch bytes[length] {
      case UInt8(ascii: "."): break scan
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): length += 1
      default:
        length = 0
        break scan
      }
    }
    if length > 0 && length <= 32 { return Slice(start: Int(event.start), count: length) }
    let start = arena.count
    arena.append(fallback)
    return Slice(start: start, count: arena.count - start)
  }

  /// Context of a record with its own promoted attributes over those of scope and resource (R57–R60).
  mutating func internContext(_ own: Promoted) -> Int32 {
    if !own.context {
      if scopeContext < 0 { scopeContext = makeContext(own) }
      return scopeContext
    }
    return makeContext(own)
  }

  private mutating func makeContext(_ own: Promoted) -> Int32 {
    var context = Batch.Context()
    context.source = resourceSource
    let scope = scopePromoted
    let resource = resourcePromoted
    context.session =
      text(own.session) ?? text(scope.session) ?? text(resource.session) ?? text(resource.serviceInstance)
      ?? sessionSlice
    context.component =
      text(own.component) ?? text(scope.component) ?? text(resource.component) ?? text(resource.serviceName)
      ?? componentSlice
    context.gameID = text(own.gameID) ?? text(scope.gameID) ?? text(resource.gameID) ?? .empty
    context.gameModule = text(own.gameModule) ?? text(scope.gameModule) ?? text(resource.gameModule) ?? .empty
    context.modFingerprint =
      text(own.modFingerprint) ?? text(scope.modFingerprint) ?? text(resource.modFingerprint) ?? .empty
    var key = hash(context.source)
    key = hash(context.session, key)
    key = hash(context.component, key)
    key = hash(context.gameID, key)
    key = hash(context.gameModule, key)
    key = hash(context.modFingerprint, key)
    let found = contextTable.find(key) { index in
      let other = contexts[index]
      return same(other.source, context.source) && same(other.session, context.session)
        && same(other.component, context.component) && same(other.gameID, context.gameID)
        && same(other.gameModule, context.gameModule) && same(other.modFingerprint, context.modFingerprint)
    }
    if let found { return Int32(found) }
    contextTable.insert(key)
    contexts.append(context)
    return Int32(contexts.count - 1)
  }

  mutating func internMetric(_ metric: Batch.Metric) -> Int32 {
    var key = hash(metric.name, UInt64(metric.type.rawValue) << 33 | UInt64(UInt32(bitPattern: metric.temporality)))
    key = hash(metric.unit, key &+ (metric.monotonic ? 1 : 0))
    key = hash(metric.description, key)
    key = hash(metric.metadata, key)
    let found = metricTable.find(key) { index in
      let other = metrics[index]
      return other.type == metric.type && other.temporality == metric.temporality
        && other.monotonic == metric.monotonic && same(other.name, metric.name) && same(other.unit, metric.unit)
        && same(other.description, metric.description) && same(other.metadata, metric.metadata)
    }
    if let found { return Int32(found) }
    metricTable.insert(key)
    metrics.append(metric)
    return Int32(metrics.count - 1)
  }

  /// `attributes` must be the last thing written to the arena: a known series gives the bytes back, unless `promoted` has
  /// slices of them.
  mutating func internSeries(metric: Int32, attributes: Slice, promoted: Promoted? = nil) -> Int32 {
    let key = hash(attributes, UInt64(UInt32(bitPattern: metric)) &+ 77)
    let found = seriesTable.find(key) { index in
      series[index].metric == metric && same(series[index].attributes, attributes)
    }
    if let found {
      if promoted?.any != true && attributes.start + attributes.count == UInt32(arena.count) {
        arena.truncate(to: Int(attributes.start))
      }
      return Int32(found)
    }
    seriesTable.insert(key)
    series.append(Batch.Series(metric: metric, attributes: attributes))
    return Int32(series.count - 1)
  }

  // MARK: rows

  /// Fills the columns that come from promoted attributes and appends the row. `recordIndex` advances for records.
  mutating func append(_ row: inout Row, promoted: Promoted) {
    append(&row, promoted: promoted, context: internContext(promoted))
  }

  /// The same for a record whose context is known.
  mutating func append(_ row: inout Row, promoted: Promoted, context: Int32) {
    row.stream = currentStream
    row.context = context
    if promoted.any { promote(&row, promoted) }
    if promoted.context || resourcePromoted.context || scopePromoted.context { teach(&row) }
    rows.append(row)
    if row.kind.isRecord {
      if !relayed.ids.isEmpty { relayed.take(recordIndex) }
      recordIndex += 1
      recordCount += 1
    }
  }

  private mutating func promote(_ row: inout Row, _ promoted: Promoted) {
    // An integer or nothing: a text of digits is a text (DESIGN §5).
    if let tick = promoted.tick, arena.base[Int(tick.start)] != UInt8(ascii: "\""), let number = integer(tick) {
      row.tick = number
      row.present.insert(.tick)
    }
    if row.kind != .span, let nanoseconds = duration(promoted) {
      row.duration = nanoseconds
      row.present.insert(.duration)
    }
    if !row.present.contains(.trace), let correlation = text(promoted.correlation) {
      row.correlation = correlation
      row.present.insert(.correlation)
    }
    if let uid = text(promoted.uid) {
      row.uid = uid
      row.present.insert(.uid)
    }
  }

  /// R81–R84: these events say for a game or session what its other rows do not repeat.
  private func teach(_ row: inout Row) {
    let event = names[Int(row.name)].event
    let bytes = arena.bytes(Int(event.start), Int(event.count))
    if bytes.spells("session.profile_switch") {
      row.present.insert(.switchesContext)
    } else if bytes.spells("relay.game.start") || bytes.spells("session.start") || bytes.spells("match.start")
      || bytes.spells("session.mod_manifest")
    {
      row.present.insert(.teachesContext)
    }
  }

  /// Exact integer of a JSON value: digits, or a string of digits; nil for anything else.
  func integer(_ json: Slice) -> Int64? {
    var bytes = arena.bytes(Int(json.start), Int(json.count))
    if bytes.count >= 2 && bytes[0] == UInt8(ascii: "\"") {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1])
    }
    var at = 0
    let negative = bytes.count > 0 && bytes[0] == UInt8(ascii: "-")
    if negative { at = 1 }
    if at == bytes.count || bytes.count > 20 { return nil }
    var number: Int64 = 0
    while at < bytes.count {
      let digit = bytes[at] &- 0x30
      if digit > 9 { return nil }
      let (product, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = product.subtractingReportingOverflow(Int64(digit))
      if over || overSum { return nil }
      number = sum
      at += 1
    }
    if negative { return number }
    return number == .min ? nil : -number
  }

  private func duration(_ promoted: Promoted) -> Int64? {
    scaled(promoted.microseconds, 1000) ?? scaled(promoted.milliseconds, 1_000_000)
      ?? scaled(promoted.seconds, 1_000_000_000) ?? scaled(promoted.processMicroseconds, 1000)
  }

  /// Nanoseconds of a JSON number that is not negative. Integers, the usual case, do without a String.
  private func scaled(_ json: Slice?, _ factor: Int64) -> Int64? {
    guard let json, json.count > 0, arena.base[Int(json.start)] != UInt8(ascii: "\"") else { return nil }
    if let number = integer(json) {
      let (product, over) = number.multipliedReportingOverflow(by: factor)
      return number >= 0 && !over ? product : nil
    }
    let text = String(decoding: arena.bytes(Int(json.start), Int(json.count)), as: UTF8.self)
    guard let number = Double(text), number >= 0, number * Double(factor) < 9.2e18 else { return nil }
    return Int64((number * Double(factor)).rounded())
  }

  /// Takes back the last record, whose rows begin at `first`.
  mutating func takeBackRecord(from first: Int) {
    rows.removeSubrange(first...)
    if !relayed.ids.isEmpty { relayed.taken.removeLast() }
    recordIndex -= 1
    recordCount -= 1
  }

  /// Refuses the current record alone. `recordIndex` advances.
  mutating func reject(_ reason: Rejection.Reason, path: @autoclosure () -> String, record: @autoclosure () -> String) {
    let source =
      rejectedSource
      ?? String(decoding: arena.bytes(Int(resourceSource.start), Int(resourceSource.count)), as: UTF8.self)
    rejectedSource = source
    rejectionCounts[Rejection.Tally(source: source, reason: reason), default: 0] += 1
    if rejections.count < Rejection.limitPerBatch {
      rejections.append(
        Rejection(reason: reason, index: recordIndex, path: path(), source: source, record: record()))
    }
    recordIndex += 1
  }

  consuming func finish() -> Batch {
    endRelayed()
    if !identities.isEmpty { identities += Array(repeating: .unknown, count: recordCount - identities.count) }
    if replacedTexts > 0 {
      warnings.append("\(replacedTexts) texts were not valid UTF-8; U+FFFD stands for the bad bytes")
    }
    return Batch(
      signal: signal, rows: rows, names: names, resources: resources, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: rejectionCounts, warnings: warnings,
      recordCount: recordCount,
      arena: arena.take(), identities: identities)
  }
}
