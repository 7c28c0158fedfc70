/// The messages inside of a series; both versions have the same but for the numbers of their fields.
extension RemoteWriteBody {
  /// Opens a series with its labels.
  mutating func begin(_ text: SeriesText, suffix: StaticString, extra: String?) -> Int {
    switch version {
    case .first: beginFirst(text, suffix, extra)
    case .second: beginSecond(text, suffix, extra)
    }
  }

  private mutating func beginFirst(_ text: SeriesText, _ suffix: StaticString, _ extra: String?) -> Int {
    let start = out.begin(1)
    text.labels.withUnsafeBytes { labels in
      out.out.append(UnsafeRawBufferPointer(rebasing: labels[..<text.nameAt]))
      let name = out.begin(1)
      out.bytes(1, PromLabels.nameLabel)
      out.varint(2 << 3 | 2)
      out.varint(UInt64(text.metric.name.count + suffix.utf8CodeUnitCount))
      text.metric.name.withUnsafeBytes { out.out.append($0) }
      out.out.append(suffix)
      out.end(name)
      out.out.append(UnsafeRawBufferPointer(rebasing: labels[text.nameAt..<text.extraAt]))
      if var extra {
        let label = out.begin(1)
        out.varint(1 << 3 | 2)
        out.varint(UInt64(text.kind.extraLabel.utf8CodeUnitCount))
        out.out.append(text.kind.extraLabel)
        extra.withUTF8 { out.bytes(2, UnsafeRawBufferPointer($0)) }
        out.end(label)
      }
      out.out.append(UnsafeRawBufferPointer(rebasing: labels[text.extraAt...]))
    }
    return start
  }

  private mutating func beginSecond(_ text: SeriesText, _ suffix: StaticString, _ extra: String?) -> Int {
    refs.removeAll(keepingCapacity: true)
    refs += labelRefs[..<refsBeforeName]
    refs.append(nameLabelRef)
    refs.append(symbols.reference(text.metric.name, suffix))
    refs += labelRefs[refsBeforeName..<refsBeforeExtra]
    if var extra {
      refs.append(extraLabelRef)
      refs.append(extra.withUTF8 { symbols.reference(UnsafeRawBufferPointer($0)) })
    }
    refs += labelRefs[refsBeforeExtra...]
    let start = out.begin(5)
    references(refs)
    return start
  }

  /// The labels that all series of a text share, looked up once for all of them.
  mutating func resolve(_ text: SeriesText) {
    guard version == .second else { return }
    labelRefs.removeAll(keepingCapacity: true)
    refsBeforeName = -1
    refsBeforeExtra = -1
    nameLabelRef = PromLabels.nameLabel.withUnsafeBytes { symbols.reference($0) }
    let extra = text.kind.extraLabel
    extraLabelRef = symbols.reference(UnsafeRawBufferPointer(start: extra.utf8Start, count: extra.utf8CodeUnitCount))
    text.labels.withUnsafeBytes { labels in
      SeriesText.forEachLabel(labels) { label, value, offset in
        if refsBeforeName < 0 && offset >= text.nameAt { refsBeforeName = labelRefs.count }
        if refsBeforeExtra < 0 && offset >= text.extraAt { refsBeforeExtra = labelRefs.count }
        labelRefs.append(symbols.reference(label))
        labelRefs.append(symbols.reference(value))
      }
    }
    if refsBeforeName < 0 { refsBeforeName = labelRefs.count }
    if refsBeforeExtra < 0 { refsBeforeExtra = labelRefs.count }
    helpRef = symbols.reference(text.metric.help, "")
    unitRef = symbols.reference(text.metric.unit, "")
  }

  private mutating func references(_ refs: [UInt32]) {
    let packed = out.begin(1)
    for ref in refs { out.varint(UInt64(ref)) }
    out.end(packed)
  }

  mutating func end(_ text: SeriesText, _ start: Int) {
    if version == .second {
      let metric = text.metric
      let metadata = out.begin(5)
      out.varint(1, UInt64(metric.type.rawValue))
      if helpRef > 0 { out.varint(3, UInt64(helpRef)) }
      if unitRef > 0 { out.varint(4, UInt64(unitRef)) }
      out.end(metadata)
    }
    out.end(start)
  }

  // MARK: samples

  mutating func sample(_ value: Double, _ point: PromPoint) {
    let time = UInt64(bitPattern: point.time)
    let start = version == .second && point.start > 0 ? UInt64(bitPattern: point.start) : 0
    let size = 10 + PromMessage.size(time) + (start > 0 ? 1 + PromMessage.size(start) : 0)
    out.varint(2 << 3 | 2)
    out.varint(UInt64(size))
    out.double(1, point.isStale ? StaleMarker.bits : value.bitPattern)
    out.varint(2, time)
    if start > 0 { out.varint(3, start) }
  }

  /// Those with a value in the bucket (CONFORMANCE PT-10).
  mutating func exemplars(_ point: PromPoint, above: Double, upTo: Double) {
    block.exemplars.withUnsafeBytes { bytes in
      var at = Int(point.exemplars)
      func word() -> UInt64 {
        at += 8
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at - 8, as: UInt64.self))
      }
      func text() -> UnsafeRawBufferPointer {
        let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
        at += 4 + count
        return UnsafeRawBufferPointer(rebasing: bytes[at - count..<at])
      }
      for _ in 0..<point.exemplarCount {
        let value = word()
        let time = word()
        let number = Double(bitPattern: value)
        let isInside = (number > above && number <= upTo) || (upTo == .infinity && !(number <= above))
        let count = Int(word())
        refs.removeAll(keepingCapacity: true)
        let start = isInside ? out.begin(version == .first ? 3 : 4) : 0
        for _ in 0..<count {
          let name = text()
          let label = text()
          guard isInside else { continue }
          if version == .first {
            let message = out.begin(1)
            out.bytes(1, name)
            out.bytes(2, label)
            out.end(message)
          } else {
            refs.append(symbols.reference(name))
            refs.append(symbols.reference(label))
          }
        }
        guard isInside else { continue }
        if version == .second { references(refs) }
        out.double(2, value)
        out.varint(3, time)
        out.end(start)
      }
    }
  }

  // MARK: native histograms

  /// Field numbers of `Histogram` are the same in both versions.
  mutating func histogram(_ point: PromPoint) {
    let start = out.begin(version == .first ? 4 : 3)
    let at = Int(point.words)
    let words = block.words
    if point.isStale {
      out.varint(1, 0)
      out.double(3, StaleMarker.bits)
      out.varint(15, UInt64(bitPattern: point.time))
    } else {
      out.varint(1, words[at])
      out.double(3, words[at + 1])
      out.varint(4 << 3)
      out.zigzag(Int64(bitPattern: words[at + 2]))
      // The threshold that a histogram without one has (CONFORMANCE PT-07).
      let threshold = Double(bitPattern: words[at + 3])
      out.double(5, (threshold == 0 ? 1e-128 : threshold).bitPattern)
      out.varint(6, words[at + 4])
      let positive = Int(words[at + 6])
      let negative = Int(words[at + 8])
      buckets(Int64(bitPattern: words[at + 7]), words[(at + 9 + positive)..<(at + 9 + positive + negative)], 8, 9)
      buckets(Int64(bitPattern: words[at + 5]), words[(at + 9)..<(at + 9 + positive)], 11, 12)
      out.varint(15, UInt64(bitPattern: point.time))
      if version == .second && point.start > 0 { out.varint(17, UInt64(bitPattern: point.start)) }
    }
    out.end(start)
  }

  /// Spans of buckets and the differences between their counts. Two empty buckets cost less than a span.
  private mutating func buckets(
    _ offset: Int64, _ counts: ArraySlice<UInt64>, _ spanField: UInt64, _ deltaField: UInt64
  ) {
    if counts.isEmpty { return }
    let gap = 2
    var deltas: [Int64] = []
    var last: UInt64 = 0
    var end: Int64 = 0
    var at = counts.startIndex
    while at < counts.endIndex {
      if counts[at] == 0 {
        at += 1
        continue
      }
      var to = at
      var seen = at
      while to < counts.endIndex && to - seen <= gap {
        if counts[to] > 0 { seen = to }
        to += 1
      }
      // Upper bounds number the buckets there, lower bounds here.
      let first = offset + Int64(at - counts.startIndex) + 1
      let span = out.begin(spanField)
      out.varint(1 << 3)
      out.zigzag(first - end)
      out.varint(2, UInt64(seen - at + 1))
      out.end(span)
      end = first + Int64(seen - at + 1)
      for place in at...seen {
        deltas.append(Int64(bitPattern: counts[place] &- last))
        last = counts[place]
      }
      at = seen + 1
    }
    let packed = out.begin(deltaField)
    for delta in deltas { out.zigzag(delta) }
    out.end(packed)
  }
}
