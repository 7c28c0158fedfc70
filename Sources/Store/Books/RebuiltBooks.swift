import Telemetry

/// Squares the ledger with the settled files after `state.db` was lost or came back from an old copy: what is there and in no
/// book came through the door `recovery`; what an old book still expects is lost with the reason `state`.
struct RebuiltBooks {
  private let catalog: Catalog
  private let now: Int64

  init(_ catalog: Catalog, now: Int64) {
    self.catalog = catalog
    self.now = now
  }

  func write() throws(SQLiteError) {
    var missing: [String: Int64] = [:]
    for count in try catalog.present() { missing[count.source, default: 0] += count.count }
    for line in try catalog.ledger() {
      switch line.kind {
      case .stored: missing[line.source, default: 0] -= line.count
      case .pruned, .cleared, .erased, .lost: missing[line.source, default: 0] += line.count
      case .received, .rejected, .filtered, .sampled, .deduplicated, .bytes: break
      }
    }
    let lines = missing.filter { $0.value != 0 }
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        for (source, count) in lines where count > 0 {
          try tally(source, .received, "", count, connection)
          try tally(source, .stored, "", count, connection)
        }
        for (source, count) in lines where count < 0 { try tally(source, .lost, "state", -count, connection) }
      }
    }
  }

  private func tally(
    _ source: String, _ kind: LedgerLine.Kind, _ reason: String, _ count: Int64, _ connection: Connection
  ) throws(SQLiteError) {
    try Catalog.tally(
      LedgerLine(
        source: source, door: "recovery", kind: kind, reason: reason, count: count, firstSeen: now, lastSeen: now),
      connection)
  }
}
