import Telemetry

/// Finds the rows of an item file by file and tells how they came and where they are.
struct LifeRows {
  private struct Arrivals {
    var count: Int64 = 0
    var batches: Int64 = 0
    var first = Int64.max
    var last = Int64.min
  }

  private struct Origin: Hashable {
    var door: String
    var source: String
  }

  /// Rows of an item in one file that are told one by one.
  private static let idLimit = 10_000

  private let life: Life
  private let item: LifeItem
  private var arrivals: [Origin: Arrivals] = [:]
  private var order: [Origin] = []
  private var stays: [LifeEvent] = []
  /// Records found.
  private(set) var count: Int64 = 0

  init(_ life: Life, _ item: LifeItem) {
    self.life = life
    self.item = item
  }

  /// `question`: a condition on `event e` joined with `ctx c` and its values; nil: nothing can be in this file.
  mutating func read(
    _ file: DataFile, _ question: (Connection) throws(SQLiteError) -> (String, [SQLValue])?
  ) throws(SQLiteError) {
    let connection: Connection
    do throws(SQLiteError) {
      connection = try Connection(file.path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      if file.isLanding, try connection.landingTables().isEmpty { return }
    } catch {
      // One file that cannot be read keeps nothing else back; a vanished one means that the list is old.
      if FileSystem.exists(file.path) { return }
      throw error
    }
    guard let (condition, values) = try question(connection) else { return }
    let statement = try connection.prepare(
      """
      SELECT c.source, coalesce(a.door, ''), count(*), count(DISTINCT a.first), min(a.at), max(a.at), min(e.id),
        max(e.id), min(e.time), max(e.time),
        CASE WHEN count(*) <= \(Self.idLimit) THEN group_concat(e.id) END
      FROM event e JOIN ctx c ON c.id = e.ctx
      LEFT JOIN arrival a ON a.first = (SELECT max(b.first) FROM arrival b WHERE b.first <= e.id)
      WHERE e.kind != 4 AND \(condition) GROUP BY 1, 2 ORDER BY min(e.id)
      """)
    try statement.bind(values)
    while try statement.step() { add(statement, file) }
  }

  private mutating func add(_ row: Statement, _ file: DataFile) {
    let origin = Origin(door: row.text(1), source: row.text(0))
    let number = row.integer(2)
    count += number
    if arrivals[origin] == nil { order.append(origin) }
    var sum = arrivals[origin] ?? Arrivals()
    sum.count += number
    sum.batches += row.integer(3)
    sum.first = min(sum.first, row.integer(4))
    sum.last = max(sum.last, row.integer(5))
    arrivals[origin] = sum
    let ids = row.integer(6) == row.integer(7) ? "id \(row.integer(6))" : "ids \(row.integer(6)) to \(row.integer(7))"
    let times =
      row.integer(8) == row.integer(9)
      ? "of \(Timestamp.text(row.integer(8)))"
      : "of \(Timestamp.text(row.integer(8))) to \(Timestamp.text(row.integer(9)))"
    let place = life.relative(file.path)
    var stored = LifeEvent(
      .stored, item, time: Timestamp.text(row.integer(4)), door: origin.door, source: origin.source, count: number,
      place: place, detail: "\(ids), \(times)")
    stored.ids = row.text(10).split(separator: ",").compactMap { Int64($0) }
    stays.append(stored)
    if !file.isLanding {
      stays.append(
        LifeEvent(
          .settled, item, time: life.settled[file.number].map { Timestamp.text($0) }, door: origin.door,
          source: origin.source, count: number, place: place, detail: "class \(file.className ?? "")"))
    }
  }

  var events: [LifeEvent] {
    order.compactMap { origin in
      guard let sum = arrivals[origin] else { return nil }
      let detail = sum.batches == 1 ? "in one batch" : "in \(sum.batches) batches until \(Timestamp.text(sum.last))"
      return LifeEvent(
        .received, item, time: Timestamp.text(sum.first), door: origin.door, source: origin.source, count: sum.count,
        detail: detail)
    } + stays
  }
}
