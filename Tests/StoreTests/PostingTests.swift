import TestSupport
import Testing

@testable import Store

/// Lists of rows by entry of a dictionary, in the place of an index.
@Suite struct PostingTests {
  enum Order: CaseIterable, Sendable { case blocks, turns, random, mostlyOne, farApart }

  private struct Sample {
    var rows: [(id: Int64, name: Int64, context: Int64)] = []

    init(_ order: Order, _ count: Int) {
      var random = SampleRandom(seed: 5)
      var id: Int64 = 41
      for number in 0..<count {
        let context: Int
        switch order {
        case .blocks: context = number / 100
        case .turns: context = number % 150
        case .random: context = random.upTo(60)
        case .mostlyOne: context = random.one(in: 50) ? random.upTo(9) + 1 : 0
        case .farApart: context = number % 20
        }
        id += order == .farApart ? 3_000_000_000 : Int64(random.upTo(3)) + 1
        rows.append((id, Int64(random.upTo(3)) + 1, Int64(context) + 1))
      }
    }

    func write(_ connection: Connection, fewRows: Int64 = 0) throws {
      var postings = Postings(rows: Int64(rows.count), fewRows: fewRows)
      for row in rows { postings.add(id: row.id, name: row.name, context: row.context) }
      try postings.write(to: connection)
    }
  }

  @Test(arguments: Order.allCases, [512, 16_384])
  func findsAllRowsAndOnlyThose(order: Order, pageSize: Int) throws {
    let sample = Sample(order, 6_000)
    let connection = try Connection(":memory:", .create)
    try connection.execute("PRAGMA page_size=\(pageSize)")
    try sample.write(connection)
    #expect(try connection.integer("SELECT count(*) FROM posting WHERE field = 'ctx' AND ranges IS NULL") == 0)
    for entries in [[1], [2], [7], [3, 9, 4], [5_000], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] as [[Int64]] {
      let wanted = sample.rows.filter { entries.contains($0.context) }.map(\.id)
      let found = try Postings.ranges("ctx", entries, in: connection)
      #expect(sample.rows.map(\.id).filter { id in found.ranges.contains { $0.contains(id) } } == wanted)
    }
    // A name that every third row has is not worth a list: it is between its first and its last row.
    let name = try Postings.ranges("name", [1], in: connection)
    #expect(name.ranges.count == 1 && name.bounds?.lowerBound == sample.rows.first { $0.name == 1 }?.id)
  }

  /// An index costs ten bytes a row and column.
  @Test(arguments: Order.allCases) func costLittle(order: Order) throws {
    let sample = Sample(order, 20_000)
    let connection = try Connection(":memory:", .create)
    try sample.write(connection)
    let bytes = try connection.integer("SELECT sum(length(ranges)) FROM posting WHERE field = 'ctx'") ?? 0
    #expect(bytes <= (order == .farApart ? 6 : 2) * 20_000)
    if order == .blocks { #expect(bytes < 2_000) }
  }

  @Test func aSmallFileHasNone() throws {
    let connection = try Connection(":memory:", .create)
    try Sample(.random, 100).write(connection, fewRows: 101)
    #expect(try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'posting'") == 0)
  }

  @Test func anEntryBeyondAllDictionariesMakesNone() throws {
    var postings = Postings(rows: 2, fewRows: 0)
    postings.add(id: 1, name: 1, context: 1)
    postings.add(id: 2, name: 1, context: 1 << 40)
    let connection = try Connection(":memory:", .create)
    try postings.write(to: connection)
    #expect(try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'posting'") == 0)
  }

  @Test func damagedBytesEndAList() {
    var random = SampleRandom(seed: 11)
    for _ in 0..<2_000 {
      let bytes = (0..<random.upTo(30)).map { _ in UInt8(truncatingIfNeeded: random.upTo(255)) }
      var last = Int64.min
      bytes.withUnsafeBytes { bytes in
        Postings.forEachRange(bytes, first: Int64.max - 1_000) {
          #expect($0.lowerBound > last)
          last = $0.upperBound
        }
      }
    }
  }
}

/// Sets of row ids as ranges.
@Suite struct RowRangesTests {
  private static func random(_ random: inout SampleRandom) -> (RowRanges, Set<Int64>) {
    var ids: Set<Int64> = []
    var ranges: [ClosedRange<Int64>] = []
    for _ in 0..<random.upTo(12) {
      let first = Int64(random.upTo(120))
      let range = first...(first + Int64(random.upTo(9)))
      ranges.append(range)
      ids.formUnion(range)
    }
    return (RowRanges(ranges), ids)
  }

  @Test func meanWhatSetsMean() {
    var random = SampleRandom(seed: 2)
    for _ in 0..<500 {
      let (a, inA) = Self.random(&random)
      let (b, inB) = Self.random(&random)
      #expect(Set(a.ranges.flatMap { Array($0) }) == inA)
      #expect(Set(a.intersection(b).ranges.flatMap { Array($0) }) == inA.intersection(inB))
      #expect(a.bounds?.lowerBound == inA.min() && a.bounds?.upperBound == inA.max())
      let window = Int64(random.upTo(100))...Int64(100 + random.upTo(40))
      let inside = inA.filter { window.contains($0) }
      let clip = a.clip(window)
      #expect(clip?.lowerBound == inside.min() && clip?.upperBound == inside.max())
    }
  }
}
