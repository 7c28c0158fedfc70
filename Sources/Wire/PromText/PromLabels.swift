/// The labels of one series while they are put together.
struct PromLabels {
  /// What wins when two have one name; labels of the same rank are joined (CONFORMANCE PN-06).
  enum Rank: UInt8 {
    case resource = 0
    case attribute = 1
    /// `job` and `instance` (PN-08).
    case identity = 2
    case fixed = 3
  }

  private struct Entry {
    var name: [UInt8]
    var value: [UInt8]
    /// The attribute's own name, by which joined values are ordered.
    var key: [UInt8]
    var rank: Rank
  }

  private var entries: [Entry] = []

  /// A label without a value is no label.
  mutating func add(_ name: [UInt8], _ value: [UInt8], key: [UInt8], _ rank: Rank) {
    if name.isEmpty || value.isEmpty { return }
    entries.append(Entry(name: name, value: value, key: key, rank: rank))
  }

  mutating func add(_ other: PromLabels) { entries += other.entries }

  var isEmpty: Bool { entries.isEmpty }

  func text(_ metric: MetricText, _ kind: SeriesKind) -> SeriesText {
    var sorted = entries
    let extra = kind.extraLabel
    let extraName = Array(UnsafeBufferPointer(start: extra.utf8Start, count: extra.utf8CodeUnitCount))
    if !extraName.isEmpty { sorted.removeAll { $0.name == extraName } }
    sorted.sort { a, b in
      if a.name != b.name { return a.name.lexicographicallyPrecedes(b.name) }
      if a.rank != b.rank { return a.rank.rawValue > b.rank.rawValue }
      return a.key.lexicographicallyPrecedes(b.key)
    }
    var labels: [UInt8] = []
    var nameAt = -1
    var extraAt = -1
    var index = 0
    while index < sorted.count {
      let first = sorted[index]
      var value = first.value
      index += 1
      while index < sorted.count && sorted[index].name == first.name {
        if sorted[index].rank == first.rank { value += [UInt8(ascii: ";")] + sorted[index].value }
        index += 1
      }
      if nameAt < 0 && Self.nameLabel.lexicographicallyPrecedes(first.name) { nameAt = labels.count }
      if extraAt < 0 && !extraName.isEmpty && extraName.lexicographicallyPrecedes(first.name) {
        extraAt = labels.count
      }
      Self.append(first.name, value, to: &labels)
    }
    return SeriesText(
      metric: metric, kind: kind, labels: labels, nameAt: nameAt < 0 ? labels.count : nameAt,
      extraAt: extraAt < 0 ? labels.count : extraAt)
  }

  static let nameLabel = Array("__name__".utf8)

  private static func append(_ name: [UInt8], _ value: [UInt8], to out: inout [UInt8]) {
    out.append(0x0a)
    let size =
      2 + name.count + value.count + PromMessage.size(UInt64(name.count)) + PromMessage.size(UInt64(value.count))
    append(size, to: &out)
    out.append(0x0a)
    append(name.count, to: &out)
    out += name
    out.append(0x12)
    append(value.count, to: &out)
    out += value
  }

  private static func append(_ number: Int, to out: inout [UInt8]) {
    var rest = UInt64(number)
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    out.append(UInt8(rest))
  }
}
