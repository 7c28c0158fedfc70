import CSQLite
import Telemetry

/// The rows of one table of one data file, in order of ids: records that match, each followed by its span events.
final class RowCursor {
  let path: String
  private let connection: Connection
  private let records: Statement
  private let events: Statement
  private let arrivals: Statement
  private let filter: RowFilter
  private let recordRow: StoredRow
  private let eventRow: StoredRow
  private var isInEvents = false
  private var arrivalLeft = true
  private var at: Int64 = 0
  private var door = ""

  private(set) var row: StoredRow
  private(set) var id = Int64.min
  /// The caller has taken `row`.
  var isDelivered = false

  /// A cursor a table; none when the file has no table that takes part.
  static func open(
    _ file: DataFile, _ options: RowReader.Options, after id: Int64
  ) throws(RowCursorFailure) -> [RowCursor] {
    do throws(SQLiteError) {
      let connection = file.isLanding ? try Connection(file.path, .readOnly) : try .settled(file.path)
      garnerNoCheckpointOnClose(connection)
      _ = garner_defensive(connection.handle)
      _ = garner_untrusted_schema(connection.handle)
      try connection.execute("PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; BEGIN")
      guard try connection.integer("PRAGMA application_id") == Tables.applicationID else {
        throw SQLiteError(code: SQLITE_NOTADB, message: "it is no data file of Garner")
      }
      let version = try connection.integer("PRAGMA user_version") ?? 0
      if version > Tables.version {
        throw SQLiteError(code: SQLITE_NOTADB, message: "written by a newer version of Garner (format \(version))")
      }
      // The log of a landing file goes with its file: if the file is gone by now, the log may have been gone before.
      if file.isLanding && !FileSystem.exists(file.path) {
        throw SQLiteError(code: SQLITE_CANTOPEN, message: "it is gone")
      }
      let store = try connection.text("SELECT value FROM meta WHERE key = 'store'") ?? ""
      var tables = ["event"]
      if file.isLanding { tables = try connection.landingTables().filter { options.filter.includes(table: $0) } }
      var cursors: [RowCursor] = []
      for table in tables { cursors.append(try RowCursor(connection, table, store, options, after: id)) }
      return cursors
    } catch {
      throw RowCursorFailure(file.path, error)
    }
  }

  private init(
    _ connection: Connection, _ table: String, _ store: String, _ options: RowReader.Options, after id: Int64
  ) throws(SQLiteError) {
    path = connection.path
    self.connection = connection
    filter = options.filter
    var columns = StoredRow.columns
    if options.withEvents {
      columns += ", " + Views.columns("telemetry_events").dropFirst().map(\.expression).joined(separator: ", ")
    }
    let from = "SELECT \(columns) FROM main.\(Tables.quoted(table)) e \(Views.joins) WHERE "
    let (conditions, values) = filter.conditions
    // `+`: the rows come from the table in its order, not from an index that would have to be sorted.
    let kinds = filter.kinds.isEmpty ? "!= 4" : "IN (\(filter.kinds.map { "\($0.rawValue)" }.joined(separator: ",")))"
    let all = ["e.id > ?", "e.kind \(kinds)"] + conditions
    records = try connection.prepare(from + all.joined(separator: " AND ") + " ORDER BY e.id")
    try records.bind([.integer(id)] + values)
    events = try connection.prepare(from + "e.id > ? AND e.id <= ? AND e.kind = 4 ORDER BY e.id")
    arrivals = try connection.prepare("SELECT first, at, door FROM main.arrival ORDER BY first")
    recordRow = StoredRow(records, store: store)
    eventRow = StoredRow(events, store: store)
    row = recordRow
    arrivalLeft = try arrivals.step()
  }

  /// Goes to the next row; false at the end.
  func advance() throws(RowCursorFailure) -> Bool {
    do throws(SQLiteError) {
      isDelivered = false
      if isInEvents {
        if try events.step() { return give(eventRow) }
        isInEvents = false
        events.reset()
      } else if id != .min, recordRow.kind == .span {
        let count = recordRow.bits >> Bits.spanEventCountShift
        if count > 0 {
          events.bind(1, id)
          events.bind(2, id + count)
          isInEvents = true
          return try advanceIntoEvents()
        }
      }
      return try advanceRecord()
    } catch {
      throw RowCursorFailure(path, error)
    }
  }

  private func advanceIntoEvents() throws(SQLiteError) -> Bool {
    if try events.step() { return give(eventRow) }
    isInEvents = false
    events.reset()
    return try advanceRecord()
  }

  private func advanceRecord() throws(SQLiteError) -> Bool {
    while try records.step() {
      try noteArrival(records.integer(0))
      if filter.clock == .received {
        if let from = filter.from, at < from { continue }
        if let to = filter.to, at >= to { continue }
      }
      return give(recordRow)
    }
    return false
  }

  private func give(_ row: StoredRow) -> Bool {
    self.row = row
    row.receivedAt = at
    row.door = door
    id = row.id
    return true
  }

  private func noteArrival(_ id: Int64) throws(SQLiteError) {
    while arrivalLeft && arrivals.integer(0) <= id {
      at = arrivals.integer(1)
      door = arrivals.text(2)
      arrivalLeft = try arrivals.step()
    }
  }
}
