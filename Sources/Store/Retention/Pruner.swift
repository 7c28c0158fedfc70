import Synchronization
import Telemetry

/// Keeps the data within age, cap and free space by unlinking whole files (DESIGN §4). Never a DELETE, never a younger file
/// than `min_age`; when that is not enough, intake is refused until it is. Runs on the settler's thread.
struct Pruner {
  let directory: DataDirectory
  let options: StoreOptions
  let catalog: Catalog
  let vitals: StoreVitals
  /// Nil: nobody minds.
  var watch: (any PruneWatch)?
  /// False: nothing goes by its age.
  var mayAge = true
  let report: @Sendable (StoreEvent) -> Void

  /// Reserve that keeps SQLite and the operator's login alive on a full disk.
  static func reserve(_ options: StoreOptions, _ directory: DataDirectory) -> Int64 {
    if let reserve = options.reserveBytes { return reserve }
    let landing = min(
      options.landingBytes, FileSystem.space(directory.path).map { $0.total / 8 } ?? options.landingBytes,
      options.maxBytes.map { $0 / 8 } ?? options.landingBytes)
    return 2 * max(landing, 1 << 20) + (8 << 20)
  }

  /// What a landing file without rows takes, and more.
  static let freshFileBytes: Int64 = 512 << 10

  /// When a landing file retires: a small cap or a small disk must not be one.
  static func landingBytes(_ options: StoreOptions, _ space: FileSystem.Space?) -> Int64 {
    var bytes = options.landingBytes
    if let cap = options.maxBytes { bytes = min(bytes, cap / 8) }
    if let space { bytes = min(bytes, space.total / 8) }
    return max(bytes, 1 << 20)
  }

  func run() {
    let reserve = Self.reserve(options, directory)
    vitals.reserveBytes.store(reserve, ordering: .relaxed)
    guard let files = try? catalog.files() else { return }
    let now = options.clock()
    watch?.beginLook()
    let rejected = RejectedDays(directory, now: now)
    let due = rejected.due(options, mayAge: mayAge)
    for day in due { remove(day, rejected.isOld(day) && mayAge ? "age" : "cap") }
    if mayAge {
      let aged = RetentionPlan.withRightClock(files, since: rightClock(files, now))
      let expired = RetentionPlan.expired(aged, options, now)
      for (entry, isHeld) in zip(expired, holds(expired)) where !isHeld { unlink(entry) }
    }
    let used = FileSystem.allocatedBelow(directory.path, except: [directory.exports, directory.drop])
    vitals.bytesOnDisk.store(used, ordering: .relaxed)
    let space = FileSystem.space(directory.path)
    vitals.freeBytes.store(space?.free ?? 0, ordering: .relaxed)
    let landing = FileSystem.allocatedBelow(directory.landing)
    let wanted = vitals.roomWanted.load(ordering: .relaxed)
    let deficit = Self.deficit(
      options, reserve: reserve, used: used, space: space, landing: landing, wanted: wanted)
    var freed: Int64 = 0
    for day in rejected.past where freed < deficit && !due.contains(day) {
      freed += day.bytes
      remove(day, "cap")
    }
    if deficit > freed, let left = try? catalog.files() {
      let due = RetentionPlan.byCap(left, options, now).filter { entry in entry.at.map { $0 < now } ?? false }
      let held = holds(due)
      // What somebody waits for goes last, but goes before intake has to be refused.
      for wanted in [false, true] {
        for (entry, isHeld) in zip(due, held) where isHeld == wanted && freed < deficit {
          freed += FileSystem.allocated(entry.file.path)
          unlink(entry)
        }
      }
    }
    vitals.settledBytes.store(used - freed - landing, ordering: .relaxed)
    // Somebody was refused, and there is still no room for that.
    let isWanting = wanted > 0 && freed < deficit
    if !isWanting { vitals.roomWanted.store(0, ordering: .relaxed) }
    let quarantine = lookAtQuarantine()
    let over = isOver(used - freed, reserve) || isWanting && vitals.backlog.load(ordering: .relaxed) == 0
    if over && !vitals.toldOfCap.exchange(over, ordering: .relaxed) {
      let free = FileSystem.space(directory.path)?.free ?? 0
      if let cap = options.maxBytes, free >= reserve {
        report(.capReached(used: used - freed, cap: cap, quarantine: quarantine))
      } else {
        report(.diskFull(free: free, reserve: reserve))
      }
    }
    if !over { vitals.toldOfCap.store(false, ordering: .relaxed) }
    vitals.overCap.store(over, ordering: .relaxed)
    vitals.bytesOnDisk.store(used - freed, ordering: .relaxed)
  }

  private func remove(_ day: RejectedDays.Day, _ policy: String) {
    try? FileSystem.remove(day.path)
    report(.rejectsPruned(path: day.path, bytes: day.bytes, policy: policy))
  }

  /// Bytes in it. Nothing removes what lies there but its owner, and it counts: he has to hear of it before data goes for it.
  private func lookAtQuarantine() -> Int64 {
    let bytes = FileSystem.allocatedBelow(directory.quarantine)
    vitals.quarantineBytes.store(bytes, ordering: .relaxed)
    guard let cap = options.maxBytes, bytes > cap / 10 else {
      vitals.toldOfQuarantine.store(false, ordering: .relaxed)
      return bytes
    }
    if !vitals.toldOfQuarantine.exchange(true, ordering: .relaxed) {
      report(.quarantineLarge(path: directory.quarantine, bytes: bytes, cap: cap))
    }
    return bytes
  }

  private func holds(_ entries: [RetentionPlan.Entry]) -> [Bool] {
    watch?.holds(entries.map(\.file)) ?? entries.map { _ in false }
  }

  /// Since when the clock is known to be right, for the age of what came while it stood in 1970. Asked for only when some did.
  private func rightClock(_ files: [DataFile], _ now: Int64) -> Int64? {
    guard now >= ClockWatch.earliest, files.contains(where: { $0.maxReceived < ClockWatch.earliest }) else {
      return nil
    }
    if let known = try? catalog.counter(RetentionPlan.rightClock) { return known }
    try? catalog.setCounter(RetentionPlan.rightClock, now)
    return now
  }

  /// Bytes that must go. With some head room, so that the cap holds between two looks: while it is settled, what landed takes
  /// its place twice, and as much again may land meanwhile.
  static func deficit(
    _ options: StoreOptions, reserve: Int64, used: Int64, space: FileSystem.Space?, landing: Int64 = 0,
    wanted: Int64 = 0
  ) -> Int64 {
    func headroom(_ limit: Int64) -> Int64 { min(limit / 16, 4 << 20) }
    var deficit: Int64 = 0
    if let cap = options.maxBytes {
      // See `LandingWriter.hasRoom`.
      let room = wanted > 0 ? 4 * wanted + freshFileBytes : 0
      deficit = max(deficit, used + headroom(cap) + min(2 * landing, cap / 4) + room - cap)
    }
    if let space { deficit = max(deficit, reserve + headroom(reserve) - space.free) }
    return deficit
  }

  private func isOver(_ used: Int64, _ reserve: Int64) -> Bool {
    if let cap = options.maxBytes, used > cap { return true }
    if let space = FileSystem.space(directory.path), space.free < reserve { return true }
    return false
  }

  /// Order: intent, unlink, catalog and ledger; a crash in between is finished at the next start.
  private func unlink(_ entry: RetentionPlan.Entry) {
    let file = entry.file
    let policy = entry.reason.rawValue
    watch?.willRemove(file)
    do throws(SQLiteError) {
      try Self.unlink(file, .pruned, policy, catalog, now: options.clock())
      vitals.prunedFiles.wrappingAdd(1, ordering: .relaxed)
      vitals.prunedRows.wrappingAdd(file.rows, ordering: .relaxed)
      report(
        .pruned(
          path: file.path, className: file.className ?? "", rows: file.rows, bytes: file.bytes, policy: policy))
    } catch {
      // A state write needs room too: the ballast is what was kept for it.
      if error.isFull { try? FileSystem.remove(directory.ballast) }
    }
  }

  /// Takes one settled file away and books its records under `kind`.
  static func unlink(
    _ file: DataFile, _ kind: LedgerLine.Kind, _ reason: String, _ catalog: Catalog, now: Int64
  )
    throws(SQLiteError)
  {
    try catalog.use { connection throws(SQLiteError) in
      try connection.run(
        "INSERT OR REPLACE INTO state.intent VALUES (?,?,?)", .integer(file.number), .integer(file.part),
        .text("\(kind.rawValue):\(reason)"))
    }
    do throws(FileError) { try FileSystem.removeDatabase(file.path) } catch {
      throw SQLiteError(code: 10, message: error.description)
    }
    if let slash = file.path.lastIndex(of: "/") { FileSystem.removeFolderIfEmpty(String(file.path[..<slash])) }
    try finish(number: file.number, part: file.part, kind, reason, catalog, now: now)
  }

  static func finish(
    number: Int64, part: Int64, _ kind: LedgerLine.Kind, _ reason: String, _ catalog: Catalog, now: Int64
  ) throws(SQLiteError) {
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        let rows = try connection.rows(
          "SELECT source, sum(n) FROM present WHERE number = ? AND part = ? GROUP BY 1", .integer(number),
          .integer(part))
        for row in rows {
          guard case .text(let source) = row[0], case .integer(let n) = row[1] else { continue }
          try Catalog.tally(
            LedgerLine(source: source, door: "", kind: kind, reason: reason, count: n, firstSeen: now, lastSeen: now),
            connection)
        }
        try Catalog.remove(number: number, part: part, connection)
        try connection.run(
          "DELETE FROM state.intent WHERE number = ? AND part = ?", .integer(number), .integer(part))
      }
    }
  }
}

extension StoreOptions {
  /// Bytes of the file system that stay free for a store in `directory`.
  package func reserve(in directory: DataDirectory) -> Int64 { Pruner.reserve(self, directory) }
}
