/// Ids of the rows that a question is about: ranges that rise and do not touch.
struct RowRanges: Equatable {
  private(set) var ranges: [ClosedRange<Int64>] = []

  var isEmpty: Bool { ranges.isEmpty }

  /// First to last id; nil: none.
  var bounds: ClosedRange<Int64>? {
    guard let first = ranges.first, let last = ranges.last else { return nil }
    return first.lowerBound...last.upperBound
  }

  init() {}

  /// Of any order, and possibly on top of each other.
  init(_ unsorted: [ClosedRange<Int64>]) {
    for range in unsorted.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ranges.last, range.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        ranges.append(range)
      }
    }
  }

  /// Ids that are in both.
  func intersection(_ other: RowRanges) -> RowRanges {
    var both = RowRanges()
    var (here, there) = (0, 0)
    while here < ranges.count, there < other.ranges.count {
      let (a, b) = (ranges[here], other.ranges[there])
      if a.overlaps(b) { both.ranges.append(a.clamped(to: b)) }
      if a.upperBound < b.upperBound { here += 1 } else { there += 1 }
    }
    return both
  }

  /// What of `ids` lies between the first and the last range that reach into it; nil: nothing.
  func clip(_ ids: ClosedRange<Int64>) -> ClosedRange<Int64>? {
    let first = partition { $0.upperBound >= ids.lowerBound }
    let end = partition { $0.lowerBound > ids.upperBound }
    if first >= end { return nil }
    return max(ids.lowerBound, ranges[first].lowerBound)...min(ids.upperBound, ranges[end - 1].upperBound)
  }

  /// Index of the first range for which `isBehind` holds, as it does for all that follow.
  private func partition(_ isBehind: (ClosedRange<Int64>) -> Bool) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(ranges[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Going from range to range is less work than reading all rows between the first and the last: to find a row costs as
  /// much as to pass eight by.
  func areSparse(rowsPerID: Double) -> Bool {
    guard let bounds else { return false }
    var ids = 0.0
    for range in ranges { ids += Double(range.upperBound) - Double(range.lowerBound) + 1 }
    let all = Double(bounds.upperBound) - Double(bounds.lowerBound) + 1
    return Double(ranges.count) * 8 + ids * rowsPerID < all * rowsPerID
  }

  /// `{"first":last,…}`, which `json_each` takes apart.
  static func json(_ ranges: some Sequence<ClosedRange<Int64>>) -> [UInt8] {
    var text = "{"
    for range in ranges {
      if text.utf8.count > 1 { text += "," }
      text += "\"\(range.lowerBound)\":\(range.upperBound)"
    }
    return Array((text + "}").utf8)
  }
}

extension Postings {
  private static let lists = """
    SELECT first, last, ranges FROM posting WHERE field = ? AND entry IN (SELECT value FROM json_each(?))
    """

  /// Rows that have one of `entries` of the dictionary `field`. A list that was left out counts as all between its ends.
  static func ranges(_ field: String, _ entries: [Int64], in connection: Connection) throws(SQLiteError) -> RowRanges {
    try ranges(field, entries, try connection.prepare(lists))
  }

  static func ranges(_ field: String, _ entries: [Int64], in file: QueryFile) throws(SQLiteError) -> RowRanges {
    let statement = try file.take(lists)
    defer { file.giveBack(statement, lists) }
    return try ranges(field, entries, statement)
  }

  private static func ranges(
    _ field: String, _ entries: [Int64], _ statement: Statement
  ) throws(SQLiteError) -> RowRanges {
    statement.bind(1, .text(field))
    statement.bind(2, .text("[" + entries.map(String.init).joined(separator: ",") + "]"))
    var found: [ClosedRange<Int64>] = []
    while try statement.step() {
      let (first, last) = (statement.integer(0), statement.integer(1))
      if statement.isNull(2) {
        if first <= last { found.append(first...last) }
      } else {
        forEachRange(statement.bytes(2), first: first) { found.append($0) }
      }
    }
    return RowRanges(found)
  }
}
