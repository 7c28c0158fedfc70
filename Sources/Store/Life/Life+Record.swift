import Telemetry

extension Life {
  /// `record:` the id of a row, or the uid that its sender gave it, such as `9f3c2a0000000001:8123`.
  func ofRecord(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    if let id = Int64(item.id), id > 0 { return try ofRow(id, item) }
    var rows = LifeRows(self, item)
    let isNumbered = Array(item.id.utf8).withUnsafeBytes { NumberedUID($0) != nil }
    let sources = isNumbered ? try storedNumbers(item.id) : []
    // Without an index: not worth it when the numbers of the run say that nothing was stored.
    if !isNumbered || !sources.isEmpty {
      for file in files {
        try rows.read(file) { _ throws(SQLiteError) in ("e.uid = ?", [.text(item.id)]) }
      }
    }
    var events = rows.events
    if rows.count == 0 {
      for source in sources { events += gone(1, item, source: source) }
    }
    return events + RejectedLines(directory).events(item)
  }

  private func ofRow(_ id: Int64, _ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    var rows = LifeRows(self, item)
    for file in files where file.isLanding || (file.firstID <= id && id <= file.lastID) {
      try rows.read(file) { _ throws(SQLiteError) in ("e.id = ?", [.integer(id)]) }
    }
    if rows.count > 0 { return rows.events }
    let next = try state?.integer("SELECT value FROM counter WHERE name = 'next_id'") ?? 0
    return id < next ? gone(1, item, source: nil) : []
  }

  /// Sources that have stored this event number of this run.
  private func storedNumbers(_ uid: String) throws(SQLiteError) -> [String] {
    let prefix = "run:" + uid.prefix(16) + ":"
    guard let number = Int64(uid.dropFirst(17)) else { return [] }
    var sources: Set<String> = []
    for connection in try identities() {
      let found = try connection.rows(
        "SELECT store FROM imported WHERE substr(store, 1, ?) = ? AND first <= ?3 AND last >= ?3",
        .integer(Int64(prefix.utf8.count)), .text(String(prefix)), .integer(number))
      for row in found {
        if let store = row[0].string { sources.insert(String(store.dropFirst(prefix.count))) }
      }
    }
    return sources.sorted()
  }

  /// Databases with a table of identities.
  func identities() throws(SQLiteError) -> [Connection] {
    var connections = state.map { [$0] } ?? []
    for file in files where file.isLanding {
      let connection = try Connection(file.path, .readOnly)
      garnerNoCheckpointOnClose(connection)
      if try !connection.landingTables().isEmpty { connections.append(connection) }
    }
    return connections
  }
}
