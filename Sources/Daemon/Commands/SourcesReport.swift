import Door
import Intake
package import Store
import Telemetry

/// `garner sources`: who sends, who went silent, and who was expected and never came (DOORS columns).
package struct SourcesReport: Sendable {
  package static let columns = [
    "source", "door", "state", "first_seen", "last_seen", "records_per_s", "received", "stored", "rejected", "filtered",
    "sampled", "deduplicated", "bytes", "boots", "packets", "sent", "lost", "pending", "before", "refused", "shed",
    "lost_packets", "late_packets", "reordered_packets", "duplicate_packets", "auth_failed", "clock_skew_ms",
    "silent_s",
  ]

  /// What only the running daemon knows.
  struct Live: Sendable {
    var rates: [String: Double]
    /// Nil: there is no UDP door, the marks tell what was.
    var udp: [UDPFigures]?
  }

  /// Exporters send every minute at the latest unless told otherwise: ten of them missing is silence.
  static let silentAfter: Int64 = 600_000_000_000

  package let rows: [[TableValue]]

  /// From the files alone.
  package init(_ directory: DataDirectory, _ config: GarnerConfig) throws {
    let book = try CredentialBook(tokensFile: config.tokensFile, udpKeysFile: config.udpKeysFile)
    try self.init(directory, config: config, credentials: book, live: nil)
  }

  init(
    _ directory: DataDirectory, config: GarnerConfig, credentials: CredentialBook, live: Live?
  ) throws {
    let books = try Books.read(directory, countFiles: false, marks: UDPMarks.prefix)
    let now = FileSystem.now()
    let figures =
      live?.udp
      ?? UDPMarks.figures(books.marks, now: now, silentAfter: config.udp.silentAfter.wholeNanoseconds)
    self.init(books, figures: figures, rates: live?.rates ?? [:], credentials: credentials, now: now)
  }

  init(
    _ books: Books, figures: [UDPFigures], rates: [String: Double], credentials: CredentialBook, now: Int64
  ) {
    var udp = UDPFigures.bySource(figures)
    var accounts: [String: Books.Account] = [:]
    for account in books.accounts where !account.doors.isEmpty { accounts[account.source] = account }
    let tokens = credentials.tokens.lines.filter { $0.scope == .ingest && $0.grant.isLive(at: now) }
    let keys = credentials.udpKeys.lines.filter { $0.grant.isLive(at: now) }
    // Datagrams that fail on their way fail silently: who has a key for them has their columns, all zero.
    for key in keys where udp[key.grant.source] == nil { udp[key.grant.source] = UDPFigures(source: key.grant.source) }
    let sources = Set(accounts.keys).union(udp.keys).union(tokens.map(\.grant.source))
    let lines = sources.sorted().map { Line(source: $0, account: accounts[$0], figures: udp[$0]) }
    rows = lines.map { $0.cells(rates, now) }
  }

  /// The same as JSON, for the control socket: an array of objects.
  func json() throws -> String {
    var out: [UInt8] = []
    try TableWriter.write(.json, columns: Self.columns, rows: rows) { out += $0 }
    return String(decoding: out, as: UTF8.self)
  }

  private struct Line {
    var source: String
    var account: Books.Account?
    var figures: UDPFigures?

    var isNeverSeen: Bool { account == nil && figures?.firstSeen == nil }

    var door: String {
      var doors = account?.doors ?? []
      if let figures, figures.firstSeen != nil || account == nil { doors.insert("udp") }
      return doors.sorted().joined(separator: ",")
    }

    private var lastSeen: Int64 { max(account?.lastSeen ?? .min, figures?.lastSeen ?? .min) }

    private func state(_ now: Int64) -> String {
      if isNeverSeen { return UDPFigures.State.neverSeen.rawValue }
      let latest = account?.lastSeenByOTLP ?? .min
      let speaks = latest > .min && now - latest <= SourcesReport.silentAfter
      if let figures, let heard = figures.lastSeen {
        // Whoever has said farewell over one way, or been silent there, may still speak over the other.
        return (speaks && latest > heard ? UDPFigures.State.ok : figures.state).rawValue
      }
      // Files and imports come when somebody has one.
      return (latest > .min && !speaks ? UDPFigures.State.silent : UDPFigures.State.ok).rawValue
    }

    func cells(_ rates: [String: Double], _ now: Int64) -> [TableValue] {
      let account = account ?? Books.Account(source: source)
      let first = min(account.firstSeen, figures?.firstSeen ?? .max)
      let counts = [
        account.received, account.stored, account.rejected, account.filtered, account.sampled, account.deduplicated,
        account.bytes,
      ]
      let rate = isNeverSeen ? 0 : (rates[source] ?? 0)
      var cells: [TableValue] = [
        .text(source), door.isEmpty ? .null : .text(door), .text(state(now)),
        isNeverSeen ? .null : .text(Timestamp.text(first)), isNeverSeen ? .null : .text(Timestamp.text(lastSeen)),
        .real((rate * 100).rounded() / 100),
      ]
      cells += counts.map { .integer($0) }
      guard let figures else { return cells + Array(repeating: .null, count: 15) }
      let numbers = [
        figures.packets, figures.sent, figures.lost, figures.pending, figures.before, figures.refused, figures.shed,
        figures.lostPackets, figures.latePackets, figures.reorderedPackets, figures.duplicatePackets,
        figures.authFailed,
      ]
      cells += [.integer(Int64(figures.boots))] + numbers.map { .integer(Int64(clamping: $0)) }
      cells.append(figures.clockSkewMicroseconds.map { .real(Double($0) / 1_000) } ?? .null)
      cells.append(figures.silentSeconds.map { .integer($0) } ?? .null)
      return cells
    }
  }
}
