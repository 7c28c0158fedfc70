import Telemetry

extension Life {
  private static let receiptColumns =
    "door, source, at, first_id, received, stored, rejected, filtered, deduplicated, message"

  /// `batch:` a receipt key (32 digits), the keyed hash of a body that could not be read, or the id of one of its rows.
  func ofBatch(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    if let id = Int64(item.id), item.id.utf8.count < 19 { return try ofBatch(item, row: id) }
    guard let key = Self.bytes(item.id), key.count == 16 else { return RejectedLines(directory).events(item) }
    var events: [LifeEvent] = []
    if let row = try receipt(key) {
      let receipt = row.map { if case .integer(let number) = $0 { number } else { Int64(0) } }
      let door = row[0].string
      let source = row[1].string
      let time = Timestamp.text(receipt[2])
      func step(_ step: LifeEvent.Step, _ count: Int64, _ detail: String? = nil) {
        if count == 0 && step != .received { return }
        events.append(LifeEvent(step, item, time: time, door: door, source: source, count: count, detail: detail))
      }
      step(.received, receipt[4])
      step(.rejected, receipt[6], row[9].string)
      step(.filtered, receipt[7])
      step(.deduplicated, receipt[8])
      if receipt[5] > 0 {
        let rows = try rows(of: receipt[3], item)
        events += rows.events.filter { $0.step != .received }
        if rows.count < receipt[5] { events += gone(receipt[5] - rows.count, item, source: source) }
      }
    }
    return events + RejectedLines(directory).events(item)
  }

  private func receipt(_ key: [UInt8]) throws(SQLiteError) -> [SQLValue]? {
    for file in files.reversed() where file.isLanding {
      let connection = try Connection(file.path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      if try connection.landingTables().isEmpty { continue }
      let found = try connection.rows("SELECT \(Self.receiptColumns) FROM receipt WHERE key = ?", .blob(key)).first
      if let found { return found }
    }
    return try state?.rows("SELECT \(Self.receiptColumns) FROM receipt WHERE key = ?", .blob(key)).first
  }

  private func ofBatch(_ item: LifeItem, row id: Int64) throws(SQLiteError) -> [LifeEvent] {
    for file in files where file.isLanding || (file.firstID <= id && id <= file.lastID) {
      let connection = try Connection(file.path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      if file.isLanding, try connection.landingTables().isEmpty { continue }
      guard try connection.integer("SELECT 1 FROM event WHERE id = ?", .integer(id)) != nil,
        let first = try connection.integer("SELECT max(first) FROM arrival WHERE first <= ?", .integer(id))
      else { continue }
      return try rows(of: first, item).events
    }
    return []
  }

  /// All rows of the batch whose first one has this id, wherever they are.
  private func rows(of first: Int64, _ item: LifeItem) throws(SQLiteError) -> LifeRows {
    var rows = LifeRows(self, item)
    for file in files where file.isLanding || file.lastID >= first {
      try rows.read(file) { connection throws(SQLiteError) in
        let next = try connection.integer("SELECT min(first) FROM arrival WHERE first > ?", .integer(first))
        guard try connection.integer("SELECT 1 FROM arrival WHERE first = ?", .integer(first)) != nil else {
          return nil
        }
        return ("e.id >= ? AND e.id < ?", [.integer(first), .integer(next ?? .max)])
      }
    }
    return rows
  }

  /// Of hexadecimal digits; nil: they are none.
  static func bytes(_ hex: String) -> [UInt8]? {
    let digits = hex.utf8.compactMap { byte -> UInt8? in
      switch byte {
      case 0x30...0x39: byte - 0x30
      case 0x61...0x66: byte - 0x61 + 10
      case 0x41...0x46: byte - 0x41 + 10
      default: nil
      }
    }
    guard digits.count == hex.utf8.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
