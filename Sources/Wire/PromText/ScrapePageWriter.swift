/// Series → text exposition: version 0.0.4 or OpenMetrics 1.0. Families one after the other, each with one TYPE.
struct ScrapePageWriter: ~Copyable {
  typealias Latest = ScrapePage.Latest

  let format: ScrapePage.Format
  let quotesNames: Bool
  private(set) var conflicts = 0
  var out = Arena(capacity: 1 << 16)
  /// Names of families and samples that are on the page.
  private var taken: Set<[UInt8]> = []

  init(format: ScrapePage.Format, quotesNames: Bool) {
    self.format = format
    self.quotesNames = quotesNames
  }

  consuming func finish() -> [UInt8] {
    if format == .openMetrics { out.append("# EOF\n") }
    return Array(out.bytes(0, out.count))
  }

  mutating func write(_ all: [Latest]) {
    let sorted = all.sorted { a, b in
      if a.text.metric.name != b.text.metric.name {
        return a.text.metric.name.lexicographicallyPrecedes(b.text.metric.name)
      }
      // Of two types with one name the same one wins on every page.
      if a.text.metric.type != b.text.metric.type { return a.text.metric.type.rawValue < b.text.metric.type.rawValue }
      return a.text.labels.lexicographicallyPrecedes(b.text.labels)
    }
    // Counters and distributions own more names than one: they choose first.
    var families: [Range<Int>] = []
    var from = 0
    while from < sorted.count {
      var to = from + 1
      while to < sorted.count && sorted[to].text.metric.name == sorted[from].text.metric.name { to += 1 }
      families.append(from..<to)
      from = to
    }
    for family in families where Self.ownsMore(sorted[family.lowerBound]) { write(sorted[family]) }
    for family in families where !Self.ownsMore(sorted[family.lowerBound]) { write(sorted[family]) }
  }

  private static func ownsMore(_ one: Latest) -> Bool { one.text.kind != .number || one.text.metric.type == .counter }

  private mutating func write(_ family: ArraySlice<Latest>) {
    guard let first = family.first else { return }
    let metric = first.text.metric
    let same = family.filter { $0.text.metric.type == metric.type && $0.text.kind == first.text.kind }
    conflicts += family.count - same.count
    let shown = exposed(metric.name, isMetric: true)
    let type = shownType(metric, shown)
    let head = familyName(shown, type)
    let names = [shown, head] + Self.suffixes(first.text.kind).map { shown + $0 }
    guard taken.isDisjoint(with: names) else {
      conflicts += same.count
      return
    }
    taken.formUnion(names)
    let helps = Set(same.map(\.text.metric.help))
    if helps.count == 1, !metric.help.isEmpty {
      comment("# HELP ", head, metric.help, escapesQuotes: format == .openMetrics)
    }
    out.append("# TYPE ")
    name(head)
    out.append(" ")
    out.append(type)
    out.append("\n")
    if format == .openMetrics, !metric.unit.isEmpty, Self.hasSuffix(head, Array("_".utf8) + metric.unit) {
      comment("# UNIT ", head, metric.unit, escapesQuotes: false)
    }
    for one in same { write(one, shown) }
  }

  private static func suffixes(_ kind: SeriesKind) -> [[UInt8]] {
    switch kind {
    case .classic: ["_bucket", "_sum", "_count"].map { Array($0.utf8) }
    case .summary: ["_sum", "_count"].map { Array($0.utf8) }
    case .number, .native, .targetInfo: []
    }
  }

  // MARK: families

  private func shownType(_ metric: MetricText, _ shown: [UInt8]) -> StaticString {
    let isInfo = metric.type == .info || shown.elementsEqual("target_info".utf8)
    if format == .text {
      switch metric.type {
      case .unknown: return "untyped"
      case .info, .stateset: return "gauge"
      default: return metric.type.word
      }
    }
    // Names of these types end in a suffix there; without it they are nothing special.
    if isInfo { return Self.hasSuffix(shown, Array("_info".utf8)) ? "info" : "gauge" }
    switch metric.type {
    case .counter: return Self.hasSuffix(shown, Array("_total".utf8)) ? "counter" : "unknown"
    case .stateset: return "gauge"
    default: return metric.type.word
    }
  }

  private static func hasSuffix(_ name: [UInt8], _ suffix: [UInt8]) -> Bool {
    name.count > suffix.count && name.suffix(suffix.count).elementsEqual(suffix)
  }

  private func familyName(_ shown: [UInt8], _ type: StaticString) -> [UInt8] {
    guard format == .openMetrics else { return shown }
    switch type.description {
    case "counter": return Array(shown.dropLast(6))
    case "info": return Array(shown.dropLast(5))
    default: return shown
    }
  }

  private mutating func comment(_ head: StaticString, _ family: [UInt8], _ text: [UInt8], escapesQuotes: Bool) {
    out.append(head)
    name(family)
    out.append(" ")
    escaped(text[...], quotes: escapesQuotes)
    out.append("\n")
  }

  // MARK: series

  private mutating func write(_ one: Latest, _ shown: [UInt8]) {
    switch one.point.payload {
    case .number:
      let isCounter = one.text.metric.type == .counter
      line(one, shown, "", nil, one.point.value) { isCounter ? $0.last : nil }
    case .classic: writeClassic(one, shown)
    case .summary: writeSummary(one, shown)
    case .native: break
    }
  }

  private mutating func writeClassic(_ one: Latest, _ shown: [UInt8]) {
    let words = one.words
    let count = Int(words[3])
    var below = -Double.infinity
    for place in 0..<count {
      let bound = Double(bitPattern: words[4 + place])
      if bound == .infinity { continue }
      let lower = below
      line(one, shown, "_bucket", label(bound), Double(words[4 + count + place])) { exemplars in
        exemplars.last { $0.value > lower && $0.value <= bound }
      }
      below = bound
    }
    let lower = below
    line(one, shown, "_bucket", "+Inf", Double(words[0])) { exemplars in exemplars.last { !($0.value <= lower) } }
    if words[2] == 1 { line(one, shown, "_sum", nil, Double(bitPattern: words[1])) { _ in nil } }
    line(one, shown, "_count", nil, Double(words[0])) { _ in nil }
  }

  private mutating func writeSummary(_ one: Latest, _ shown: [UInt8]) {
    let count = Int(one.words[2])
    for place in 0..<count {
      let quantile = label(Double(bitPattern: one.words[3 + place]))
      line(one, shown, "", quantile, Double(bitPattern: one.words[3 + count + place])) { _ in nil }
    }
    line(one, shown, "_sum", nil, Double(bitPattern: one.words[1])) { _ in nil }
    line(one, shown, "_count", nil, Double(one.words[0])) { _ in nil }
  }

  /// OpenMetrics writes whole numbers with a fraction here.
  private func label(_ number: Double) -> String {
    let text = PromNumber.label(number)
    return format == .openMetrics && number.isFinite && !text.utf8.contains(UInt8(ascii: ".")) ? text + ".0" : text
  }

  private mutating func line(
    _ one: Latest, _ shown: [UInt8], _ suffix: StaticString, _ extra: String?, _ value: Double,
    _ exemplar: ([PromExemplars.Exemplar]) -> PromExemplars.Exemplar?
  ) {
    let suffixBytes = UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
    let sample = shown + suffixBytes
    let isQuoted = quotesNames && !PromNames.isClassicMetric(sample)
    if !isQuoted { sample.withUnsafeBytes { out.append($0) } }
    var comma = false
    if isQuoted || extra != nil || !one.text.labels.isEmpty {
      out.append("{")
      if isQuoted {
        quoted(sample[...])
        comma = true
      }
      labels(one.text, extra, &comma)
      out.append("}")
    }
    out.append(" ")
    out.append(PromNumber.value(value))
    if format == .openMetrics, !one.exemplars.isEmpty {
      let all = Array(PromExemplars(one.exemplars, at: 0, count: Int(one.point.exemplarCount)))
      if let chosen = exemplar(all) { append(chosen) }
    }
    out.append("\n")
  }

  private mutating func labels(_ text: SeriesText, _ extra: String?, _ comma: inout Bool) {
    var pairs: [(name: [UInt8], value: [UInt8])] = []
    text.labels.withUnsafeBytes { labels in
      SeriesText.forEachLabel(labels) { name, value, _ in pairs.append((Array(name), Array(value))) }
    }
    var known: Set<[UInt8]> = []
    for (name, value) in pairs {
      let shown = exposed(name, isMetric: false)
      // Two names may come to the same where they cannot be quoted.
      guard quotesNames || known.insert(shown).inserted else { continue }
      label(shown, value[...], &comma)
    }
    guard let extra else { return }
    let name = text.kind.extraLabel
    let nameBytes = Array(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    label(nameBytes, Array(extra.utf8)[...], &comma)
  }

  private mutating func label(_ name: [UInt8], _ value: ArraySlice<UInt8>, _ comma: inout Bool) {
    if comma { out.append(",") }
    comma = true
    if PromNames.isClassicLabel(name) {
      name.withUnsafeBytes { out.append($0) }
    } else {
      quoted(name[...])
    }
    out.append("=")
    quoted(value)
  }

  private mutating func append(_ exemplar: PromExemplars.Exemplar) {
    out.append(" # {")
    var comma = false
    for (name, value) in exemplar.labels { label(exposed(Array(name), isMetric: false), value, &comma) }
    out.append("} ")
    out.append(PromNumber.value(exemplar.value))
    out.append(" ")
    out.append((Double(exemplar.time) / 1_000).description)
  }

  // MARK: text

  /// The name as this page can have it.
  private func exposed(_ name: [UInt8], isMetric: Bool) -> [UInt8] {
    let isClassic = isMetric ? PromNames.isClassicMetric(name) : PromNames.isClassicLabel(name)
    if quotesNames || isClassic { return name }
    var text: [UInt8] = []
    for byte in name where byte & 0xc0 != 0x80 {
      text.append(PromNames.isWord(byte) || (isMetric && byte == UInt8(ascii: ":")) ? byte : UInt8(ascii: "_"))
    }
    if let first = text.first, first &- 0x30 < 10 { text.insert(UInt8(ascii: "_"), at: 0) }
    return text
  }

  private mutating func name(_ name: [UInt8]) {
    if PromNames.isClassicMetric(name) { name.withUnsafeBytes { out.append($0) } } else { quoted(name[...]) }
  }

  private mutating func quoted(_ text: ArraySlice<UInt8>) {
    out.append("\"")
    escaped(text, quotes: true)
    out.append("\"")
  }

  private mutating func escaped(_ text: ArraySlice<UInt8>, quotes: Bool) {
    for byte in text {
      switch byte {
      case UInt8(ascii: "\\"): out.append("\\\\")
      case UInt8(ascii: "\n"): out.append("\\n")
      case UInt8(ascii: "\"") where quotes: out.append("\\\"")
      default: out.append(byte)
      }
    }
  }
}
