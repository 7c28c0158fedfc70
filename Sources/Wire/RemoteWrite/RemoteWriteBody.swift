/// One request: points grouped by series, series in the order of their first points.
struct RemoteWriteBody: ~Copyable {
  enum Version { case first, second }

  let block: RemoteWriteBlock
  let version: Version
  /// Of the block; reached through it, each access would count references.
  private let all: [PromPoint]
  private let numbers: [UInt64]
  var out: PromMessage
  var symbols: RemoteWriteSymbols
  /// Metrics that 1.0 tells of at the end, each once.
  private var metrics: [MetricText] = []
  private var known: Set<ObjectIdentifier> = []
  /// References to the labels of one series, and to those that all series of one text have.
  var refs: [UInt32] = []
  var labelRefs: [UInt32] = []
  var refsBeforeName = 0
  var refsBeforeExtra = 0
  var nameLabelRef: UInt32 = 0
  var extraLabelRef: UInt32 = 0
  var helpRef: UInt32 = 0
  var unitRef: UInt32 = 0
  /// Texts of bounds and quantiles by the bits of their numbers; most histograms of a request share them.
  private var numberTexts: [UInt64: String] = [:]

  init(_ block: RemoteWriteBlock, version: Version) {
    self.block = block
    self.version = version
    all = block.points
    numbers = block.words
    out = PromMessage(capacity: 1 << 16)
    symbols = RemoteWriteSymbols()
  }

  mutating func write(_ order: ArraySlice<Int32>) {
    // Chains of the points of each series, first to last.
    var first = [Int32](repeating: -1, count: block.texts.count)
    var last = first
    var next = [Int32](repeating: -1, count: order.count)
    var heads: [Int32] = []
    for (place, index) in order.enumerated() {
      let text = Int(all[Int(index)].text)
      if last[text] < 0 {
        first[text] = Int32(place)
        heads.append(Int32(text))
      } else {
        next[Int(last[text])] = Int32(place)
      }
      last[text] = Int32(place)
    }
    let start = order.startIndex
    var points: [Int32] = []
    for head in heads {
      points.removeAll(keepingCapacity: true)
      var place = first[Int(head)]
      while place >= 0 {
        points.append(order[start + Int(place)])
        place = next[Int(place)]
      }
      let text = block.texts[Int(head)]
      writeSeries(text, points)
      if version == .first && known.insert(ObjectIdentifier(text.metric)).inserted { metrics.append(text.metric) }
    }
    if version == .first { for metric in metrics { metadata(metric) } }
  }

  consuming func finish() -> [UInt8] {
    guard version == .second else { return out.finish() }
    var whole = symbols.message(room: out.out.count)
    whole.out.append(out.out.bytes(0, out.out.count))
    return whole.finish()
  }

  private mutating func writeSeries(_ text: SeriesText, _ points: [Int32]) {
    resolve(text)
    switch text.kind {
    case .number, .targetInfo:
      let start = begin(text, suffix: "", extra: nil)
      for index in points {
        let point = all[Int(index)]
        sample(point.value, point)
      }
      for index in points where all[Int(index)].exemplarCount > 0 {
        exemplars(all[Int(index)], above: -.infinity, upTo: .infinity)
      }
      end(text, start)
    case .native:
      let start = begin(text, suffix: "", extra: nil)
      for index in points { histogram(all[Int(index)]) }
      for index in points where all[Int(index)].exemplarCount > 0 {
        exemplars(all[Int(index)], above: -.infinity, upTo: .infinity)
      }
      end(text, start)
    case .classic, .summary:
      // Points of one shape together; another shape is other series.
      var from = 0
      while from < points.count {
        var to = from + 1
        while to < points.count && hasShape(points[to], of: points[from], text.kind) { to += 1 }
        if text.kind == .classic { classic(text, points[from..<to]) } else { summary(text, points[from..<to]) }
        from = to
      }
    }
  }

  // MARK: shapes

  private func word(_ index: Int32, _ offset: Int) -> UInt64 {
    numbers[Int(all[Int(index)].words) + offset]
  }

  private func hasShape(_ a: Int32, of b: Int32, _ kind: SeriesKind) -> Bool {
    let header = kind == .classic ? 3 : 2
    guard word(a, header) == word(b, header) else { return false }
    if kind == .classic && word(a, 2) != word(b, 2) { return false }
    for offset in 0..<Int(word(a, header)) where word(a, header + 1 + offset) != word(b, header + 1 + offset) {
      return false
    }
    return true
  }

  private mutating func label(_ bits: UInt64) -> String {
    if let known = numberTexts[bits] { return known }
    let text = PromNumber.label(Double(bitPattern: bits))
    numberTexts[bits] = text
    return text
  }

  private mutating func classic(_ text: SeriesText, _ points: ArraySlice<Int32>) {
    guard let shape = points.first else { return }
    let count = Int(word(shape, 3))
    if word(shape, 2) == 1 {
      series(text, suffix: "_sum", extra: nil, points) { body, index in Double(bitPattern: body.word(index, 1)) }
    }
    series(text, suffix: "_count", extra: nil, points) { body, index in Double(body.word(index, 0)) }
    var below = -Double.infinity
    for place in 0..<count {
      let bound = Double(bitPattern: word(shape, 4 + place))
      // That of all has its own bucket.
      if bound == .infinity { continue }
      bucket(text, label(word(shape, 4 + place)), points, above: below, upTo: bound) { body, index in
        Double(body.word(index, 4 + count + place))
      }
      below = bound
    }
    bucket(text, "+Inf", points, above: below, upTo: .infinity) { body, index in Double(body.word(index, 0)) }
  }

  private mutating func bucket(
    _ text: SeriesText, _ bound: String, _ points: ArraySlice<Int32>, above: Double, upTo: Double,
    _ value: (borrowing RemoteWriteBody, Int32) -> Double
  ) {
    let start = begin(text, suffix: "_bucket", extra: bound)
    for index in points { sample(value(self, index), all[Int(index)]) }
    for index in points where all[Int(index)].exemplarCount > 0 {
      exemplars(all[Int(index)], above: above, upTo: upTo)
    }
    end(text, start)
  }

  private mutating func summary(_ text: SeriesText, _ points: ArraySlice<Int32>) {
    guard let shape = points.first else { return }
    let count = Int(word(shape, 2))
    series(text, suffix: "_sum", extra: nil, points) { body, index in Double(bitPattern: body.word(index, 1)) }
    series(text, suffix: "_count", extra: nil, points) { body, index in Double(body.word(index, 0)) }
    for place in 0..<count {
      let quantile = label(word(shape, 3 + place))
      series(text, suffix: "", extra: quantile, points) { body, index in
        Double(bitPattern: body.word(index, 3 + count + place))
      }
    }
  }

  private mutating func series(
    _ text: SeriesText, suffix: StaticString, extra: String?, _ points: ArraySlice<Int32>,
    _ value: (borrowing RemoteWriteBody, Int32) -> Double
  ) {
    let start = begin(text, suffix: suffix, extra: extra)
    for index in points { sample(value(self, index), all[Int(index)]) }
    end(text, start)
  }

  private mutating func metadata(_ metric: MetricText) {
    let start = out.begin(3)
    out.varint(1, UInt64(metric.type.rawValue))
    out.bytes(2, metric.name)
    if !metric.help.isEmpty { out.bytes(4, metric.help) }
    if !metric.unit.isEmpty { out.bytes(5, metric.unit) }
    out.end(start)
  }
}
