import Intake
package import Store
import Telemetry

/// `garner balance`: the books over every door, by source and in all (DOORS columns), with the equation of datagrams.
package struct BalanceReport: Sendable {
  package static let columns = [
    "source", "door", "received", "stored", "rejected", "filtered", "sampled", "deduplicated", "intake_difference",
    "present", "pruned", "cleared", "erased", "lost_files", "store_difference", "sent", "refused", "lost", "pending",
    "before", "udp_difference", "ok",
  ]

  /// The last one is the sum of all, called `*`.
  package let rows: [[TableValue]]
  package let unreadable: [String]
  /// Sentences about destinations whose books do not balance.
  package let forward: [String]
  package let isBalanced: Bool

  /// Counts the files themselves; the daemon's memory is not asked.
  package init(_ directory: DataDirectory, config: GarnerConfig) throws {
    let books = try Books.read(directory, countFiles: true, marks: UDPMarks.prefix)
    self.init(
      books,
      udp: UDPMarks.figures(
        books.marks, now: FileSystem.now(), silentAfter: config.udp.silentAfter.wholeNanoseconds),
      forward: try KeptRuns(directory, config).unexplained)
  }

  init(_ books: Books, udp figures: [UDPFigures], forward: [String] = []) {
    let udp = UDPFigures.bySource(figures)
    // What strangers sent under names that were forgotten is in the sum alone: there the books of single names have more.
    let hasSum = figures.contains { !$0.isSigned && $0.source == UDPFigures.sumOfStrangers }
    var accounts = Dictionary(books.accounts.map { ($0.source, $0) }) { first, _ in first }
    for source in udp.keys where accounts[source] == nil { accounts[source] = Books.Account(source: source) }
    var lines = accounts.values.sorted { $0.source < $1.source }.map { account in
      Line(account, udp[account.source], comparesDoors: !hasSum || udp[account.source]?.isSigned == true)
    }
    var total = Line(Books.Account(source: "*"), nil, comparesDoors: false)
    for line in lines { total.add(line) }
    total.udpDifference =
      figures.reduce(0) { $0 + $1.difference } + figures.reduce(0) { $0 + Int64(clamping: $1.received) }
      - books.accounts.reduce(0) { $0 + $1.receivedByUDP }
    total.isOK = total.udpDifference == 0 && lines.allSatisfy(\.isOK) && books.unreadable.isEmpty
    isBalanced = total.isOK && forward.isEmpty
    self.forward = forward
    lines.append(total)
    rows = lines.map(\.cells)
    unreadable = books.unreadable
  }

  private struct Line {
    var account: Books.Account
    /// sent, refused, lost, pending, before
    var udp: [Int64]
    var udpDifference: Int64 = 0
    var isOK: Bool

    init(_ account: Books.Account, _ figures: UDPFigures?, comparesDoors: Bool) {
      self.account = account
      udp =
        figures.map { [$0.sent, $0.refused, $0.lost, $0.pending, $0.before].map { Int64(clamping: $0) } }
        ?? [0, 0, 0, 0, 0]
      if let figures {
        udpDifference = figures.difference
        if comparesDoors { udpDifference += Int64(clamping: figures.received) - account.receivedByUDP }
      } else if comparesDoors {
        udpDifference = -account.receivedByUDP
      }
      isOK = account.balances && udpDifference == 0
    }

    mutating func add(_ other: Line) {
      account.add(other.account)
      for index in udp.indices { udp[index] += other.udp[index] }
    }

    var cells: [TableValue] {
      let books = [
        account.received, account.stored, account.rejected, account.filtered, account.sampled, account.deduplicated,
        account.unexplainedIntake, account.present, account.pruned, account.cleared, account.erased, account.lost,
        account.unexplainedStore,
      ]
      let numbers = (books + udp + [udpDifference]).map { TableValue.integer($0) }
      return [.text(account.source), .text(account.doors.sorted().joined(separator: ","))] + numbers + [.boolean(isOK)]
    }
  }
}
