package import Telemetry

/// The books of a directory (promise 3): for each source what came, what became of it, and what is still there, counted in
/// the files themselves. Readable from any process.
package struct Books: Sendable {
  package struct Account: Sendable, Equatable {
    package var source: String
    package var received: Int64 = 0
    package var stored: Int64 = 0
    package var rejected: Int64 = 0
    package var filtered: Int64 = 0
    package var sampled: Int64 = 0
    package var deduplicated: Int64 = 0
    package var present: Int64 = 0
    package var pruned: Int64 = 0
    package var cleared: Int64 = 0
    package var erased: Int64 = 0
    package var lost: Int64 = 0
    package var firstSeen: Int64 = .max
    package var lastSeen: Int64 = .min
    /// Of what came over OTLP.
    package var lastSeenByOTLP: Int64 = .min
    package var doors: Set<String> = []
    /// Bytes of its records as they were decoded: texts, JSON and numbers.
    package var bytes: Int64 = 0
    /// Of `received` what came in datagrams.
    package var receivedByUDP: Int64 = 0

    package init(source: String) { self.source = source }

    /// Records that came and of which the books cannot say what became.
    package var unexplainedIntake: Int64 { received - stored - rejected - filtered - sampled - deduplicated }
    /// Records that were stored and are neither there nor accounted for.
    package var unexplainedStore: Int64 { stored - present - pruned - cleared - erased - lost }
    /// Takes another one's numbers into a sum.
    package mutating func add(_ other: Account) {
      received += other.received
      stored += other.stored
      rejected += other.rejected
      filtered += other.filtered
      sampled += other.sampled
      deduplicated += other.deduplicated
      present += other.present
      pruned += other.pruned
      cleared += other.cleared
      erased += other.erased
      lost += other.lost
      bytes += other.bytes
      receivedByUDP += other.receivedByUDP
      firstSeen = min(firstSeen, other.firstSeen)
      lastSeen = max(lastSeen, other.lastSeen)
      lastSeenByOTLP = max(lastSeenByOTLP, other.lastSeenByOTLP)
      doors.formUnion(other.doors)
    }

    package var balances: Bool { unexplainedIntake == 0 && unexplainedStore == 0 }
  }

  package var accounts: [Account]
  /// Refused records by reason.
  package var rejects: [String: Int64]
  /// Marks of the doors that asked for them, as of the same moment.
  package var marks: [Mark]
  /// Files that could not be read; their rows are missing from `present`.
  package var unreadable: [String]

  package var balances: Bool { unreadable.isEmpty && accounts.allSatisfy(\.balances) }

  /// `countFiles` false: `present` comes from the catalog for settled files, which is quick.
  /// `marks`: those with this prefix come along.
  package static func read(
    _ directory: DataDirectory, countFiles: Bool, marks prefix: [UInt8]? = nil
  ) throws(SQLiteError) -> Books {
    // A file may be settled or pruned while we count: the whole look is taken again.
    for number in 1...20 {
      // One that is gone and stays in the list was removed by nobody of ours.
      if let books = try attempt(directory, countFiles, prefix, isLast: number == 20) { return books }
      if number > 10 { FileSystem.pause(milliseconds: 5) }
    }
    throw SQLiteError(code: 5, message: "the files changed too often while they were counted")
  }

  /// Nil: the list of files changed in between.
  private static func attempt(
    _ directory: DataDirectory, _ countFiles: Bool, _ prefix: [UInt8]?, isLast: Bool
  ) throws(SQLiteError) -> Books? {
    let files = try FileList.read(directory)
    var sums = Sums()
    var marks = StoredMarks(prefix: prefix)
    if FileSystem.exists(directory.state) {
      let state = try Connection(directory.state, .readOnly)
      try state.execute("BEGIN")
      for line in try LedgerLine.read(state, "ledger") { sums.add(line) }
      try marks.add(state)
      try state.execute("COMMIT")
    }
    var unreadable: [String] = []
    for file in files {
      do throws(SQLiteError) {
        if file.isLanding {
          try sums.addLanding(file, &marks)
        } else {
          try sums.addSettled(file, count: countFiles)
        }
      } catch {
        if !isLast && !FileSystem.exists(file.path) { return nil }
        unreadable.append(file.path)
      }
    }
    let after = try FileList.read(directory)
    if after.map(\.path) != files.map(\.path) { return nil }
    return Books(
      accounts: sums.accounts.values.sorted { $0.source < $1.source }, rejects: sums.rejects, marks: marks.all,
      unreadable: unreadable)
  }

  private struct Sums {
    var accounts: [String: Account] = [:]
    var rejects: [String: Int64] = [:]
    private static let datagramDoor = "udp"

    mutating func add(_ line: LedgerLine) {
      var account = accounts[line.source] ?? Account(source: line.source)
      switch line.kind {
      case .received:
        account.received += line.count
        if line.door == Self.datagramDoor { account.receivedByUDP += line.count }
      case .bytes: account.bytes += line.count
      case .stored: account.stored += line.count
      case .rejected:
        account.rejected += line.count
        rejects[line.reason, default: 0] += line.count
      case .filtered: account.filtered += line.count
      case .sampled: account.sampled += line.count
      case .deduplicated: account.deduplicated += line.count
      case .pruned: account.pruned += line.count
      case .cleared: account.cleared += line.count
      case .erased: account.erased += line.count
      case .lost: account.lost += line.count
      }
      if line.kind == .received {
        account.firstSeen = min(account.firstSeen, line.firstSeen)
        account.lastSeen = max(account.lastSeen, line.lastSeen)
        account.doors.insert(line.door)
        if line.door.hasPrefix("otlp") { account.lastSeenByOTLP = max(account.lastSeenByOTLP, line.lastSeen) }
      }
      accounts[line.source] = account
    }

    private mutating func addPresent(_ source: String, _ count: Int64) {
      accounts[source, default: Account(source: source)].present += count
    }

    /// Tallies and rows of one read transaction, so that a batch is in both or in none.
    mutating func addLanding(_ file: DataFile, _ marks: inout StoredMarks) throws(SQLiteError) {
      let connection = try Connection(file.path, .readOnly)
      // Killed while it was made, before anything was committed: it holds nothing.
      if try connection.landingTables().isEmpty, FileSystem.length(file.path + "-wal") == 0 { return }
      try connection.execute("BEGIN")
      for line in try LedgerLine.read(connection, "tally") { add(line) }
      try marks.add(connection)
      for table in try connection.landingTables() { try addPresent(connection, table) }
      try connection.execute("COMMIT")
    }

    mutating func addSettled(_ file: DataFile, count: Bool) throws(SQLiteError) {
      let connection = try Connection.settled(file.path)
      if count {
        try addPresent(connection, "event")
      } else {
        for row in try connection.rows("SELECT source, n FROM present") {
          if case .text(let source) = row[0], case .integer(let n) = row[1] { addPresent(source, n) }
        }
      }
    }

    private mutating func addPresent(_ connection: Connection, _ table: String) throws(SQLiteError) {
      let rows = try connection.rows(
        """
        SELECT c.source, sum(g.n) FROM (SELECT ctx, count(*) n FROM \(Tables.quoted(table)) WHERE kind != 4 GROUP BY ctx) g
        JOIN ctx c ON c.id = g.ctx GROUP BY 1
        """)
      for row in rows {
        if case .text(let source) = row[0], case .integer(let n) = row[1] { addPresent(source, n) }
      }
    }
  }
}
