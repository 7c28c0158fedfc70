/// Which rows of a settled file have an entry of a dictionary: of `ctx` those of one session, of `name` those of one
/// event.
///
/// An SQLite index over one of these columns costs 10 bytes and 0.3 µs a row. Rows of a session lie together or take turns
/// with those of a few others, so here an entry is a list of ranges of ids: a byte or two for each time that the rows
/// before and behind have another one, nothing where they go on.
///
/// ```
/// posting(field, entry, first, last, ranges)    field: "name", "ctx"; first, last: of the ids in `ranges`
/// ranges: (gap << 1 | 1, length) or (gap << 1), each a varint of 7 bits a byte, lowest first
/// ```
/// A range starts `gap` behind the end of the one before it (the first one: at `first`) and ends `length` behind its start;
/// all rows of the file in it have the entry. NULL: so many that reading them all is as good.
struct Postings {
  static let schema = """
    CREATE TABLE IF NOT EXISTS posting(field TEXT NOT NULL, entry INTEGER NOT NULL, first INTEGER NOT NULL,
      last INTEGER NOT NULL, ranges BLOB, PRIMARY KEY(field, entry, first)) WITHOUT ROWID;
    """

  /// Fewer rows than this are read as fast as found.
  static let fewRows: Int64 = 2_048
  /// Rows for each range of an entry; with fewer the list is left out.
  private static let rowsPerRange: Int64 = 8

  private var names: Field
  private var contexts: Field

  /// `rows`: how many will be added. `fewRows`: a file with less gets no lists.
  init(rows: Int64, fewRows: Int64 = Self.fewRows) {
    let most = rows < fewRows ? nil : rows / Self.rowsPerRange
    names = Field(mostRanges: most)
    contexts = Field(mostRanges: most)
  }

  /// In rising order of `id`.
  @inline(__always) mutating func add(id: Int64, name: Int64, context: Int64) {
    names.add(id, name)
    contexts.add(id, context)
  }

  mutating func write(to target: Connection) throws(SQLiteError) {
    // Four blobs and their keys fill a page; a larger one would be moved to pages of its own.
    let bytes = Int(try target.integer("PRAGMA page_size") ?? 4096) / 5
    names.end()
    contexts.end()
    if !names.isKept || !contexts.isKept { return }
    try target.execute(Self.schema)
    let insert = try target.prepare("INSERT INTO posting VALUES (?,?,?,?,?)")
    try contexts.write("ctx", insert, bytesOfBlob: bytes)
    try names.write("name", insert, bytesOfBlob: bytes)
  }
}

/// Lists of one column.
private struct Field {
  private struct List {
    var first: Int64
    var last: Int64
    var ranges: Int64
    var bytes: [UInt8]
  }

  /// Ids of entries count from 1; one that is far beyond them does not come from a dictionary of ours.
  private static let highestEntry: Int64 = 1 << 20

  private let mostRanges: Int64
  private(set) var isKept: Bool
  private var lists: [List] = []
  private var runEntry: Int64 = -1
  private var runFirst: Int64 = 0
  private var runLast: Int64 = 0

  /// Nil: nothing is kept.
  init(mostRanges: Int64?) {
    self.mostRanges = mostRanges ?? 0
    isKept = mostRanges != nil
  }

  @inline(__always) mutating func add(_ id: Int64, _ entry: Int64) {
    if entry != runEntry {
      end()
      runEntry = entry
      runFirst = id
    }
    runLast = id
  }

  /// Puts the rows since the entry changed into its list.
  mutating func end() {
    if runEntry == -1 || !isKept { return }
    defer { runEntry = -1 }
    guard (0...Self.highestEntry).contains(runEntry) else {
      isKept = false
      lists = []
      return
    }
    let index = Int(runEntry)
    while lists.count <= index { lists.append(List(first: 0, last: 0, ranges: 0, bytes: [])) }
    if lists[index].ranges == 0 {
      lists[index].first = runFirst
      lists[index].last = runFirst - 1
    }
    if lists[index].ranges < mostRanges {
      let gap = UInt64(bitPattern: runFirst &- lists[index].last &- 1)
      let length = UInt64(bitPattern: runLast &- runFirst)
      Self.append(gap << 1 | (length > 0 ? 1 : 0), to: &lists[index].bytes)
      if length > 0 { Self.append(length, to: &lists[index].bytes) }
    } else if lists[index].ranges == mostRanges {
      lists[index].bytes = []
    }
    lists[index].ranges += 1
    lists[index].last = runLast
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    var rest = number
    while rest > 127 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  func write(_ name: String, _ insert: Statement, bytesOfBlob: Int) throws(SQLiteError) {
    insert.bind(1, .text(name))
    for (entry, list) in lists.enumerated() where list.ranges > 0 {
      insert.bind(2, Int64(entry))
      if list.ranges > mostRanges {
        insert.bind(3, list.first)
        insert.bind(4, list.last)
        insert.bind(5, .null)
        try insert.run()
        continue
      }
      for piece in Self.pieces(list.bytes, first: list.first, bytesOfBlob: bytesOfBlob) {
        insert.bind(3, piece.first)
        insert.bind(4, piece.last)
        insert.bind(5, .blob(piece.bytes))
        try insert.run()
      }
    }
  }

  /// A list in pieces that stand for themselves: the gap before the first range of each is in its `first`.
  private static func pieces(
    _ bytes: [UInt8], first: Int64, bytesOfBlob: Int
  ) -> [(first: Int64, last: Int64, bytes: [UInt8])] {
    if bytes.count <= bytesOfBlob {
      var last = first
      bytes.withUnsafeBytes { Postings.forEachRange($0, first: first) { last = $0.upperBound } }
      return [(first, last, bytes)]
    }
    var pieces: [(first: Int64, last: Int64, bytes: [UInt8])] = []
    bytes.withUnsafeBytes { bytes in
      Postings.forEachRange(bytes, first: first) { range in
        if pieces.isEmpty || pieces[pieces.count - 1].bytes.count > bytesOfBlob - 20 {
          pieces.append((range.lowerBound, range.lowerBound - 1, []))
        }
        let place = pieces.count - 1
        let gap = UInt64(bitPattern: range.lowerBound &- pieces[place].last &- 1)
        let length = UInt64(bitPattern: range.upperBound &- range.lowerBound)
        append(gap << 1 | (length > 0 ? 1 : 0), to: &pieces[place].bytes)
        if length > 0 { append(length, to: &pieces[place].bytes) }
        pieces[place].last = range.upperBound
      }
    }
    return pieces
  }
}

extension Postings {
  /// What a blob says. Damaged bytes end it, or give ranges that lead to other rows: a reader compares what it finds.
  static func forEachRange(_ bytes: UnsafeRawBufferPointer, first: Int64, _ body: (ClosedRange<Int64>) -> Void) {
    var place = 0
    func number() -> UInt64? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while place < bytes.count, shift < 64 {
        let byte = bytes[place]
        place += 1
        value |= UInt64(byte & 127) << shift
        if byte < 128 { return value }
        shift += 7
      }
      return nil
    }
    var next = first
    while place < bytes.count {
      guard let head = number(), let length = head & 1 == 0 ? 0 : number() else { return }
      let (start, isBeyond) = next.addingReportingOverflow(Int64(head >> 1))
      guard !isBeyond, length < UInt64(Int64.max) else { return }
      let (end, isFarBeyond) = start.addingReportingOverflow(Int64(length))
      guard !isFarBeyond, end < .max else { return }
      body(start...end)
      next = end + 1
    }
  }
}
