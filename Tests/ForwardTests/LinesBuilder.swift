import Synchronization
import Telemetry
import Wire

@testable import Forward

/// A parcel whose body is a line for each record: its id, and the ids of its span events.
final class LinesParcel: Parcel {
  let items: [ParcelItem]
  let lines: [String]
  let lane: UInt64?
  let road: Int
  let bytesEach: Int

  init(_ items: [ParcelItem], _ lines: [String], lane: UInt64?, road: Int, bytesEach: Int) {
    self.items = items
    self.lines = lines
    self.lane = lane
    self.road = road
    self.bytesEach = bytesEach
  }

  var byteCount: Int { items.count * bytesEach }

  func body(_ range: Range<Int>, form: Int) -> [UInt8] {
    Array(lines[range].map { $0 + "\n" }.joined().utf8)
  }
}

/// Lines of ids. What it remembers is how many records it has seen: the fold of a destination that counts.
final class LinesBuilder: ParcelBuilder {
  struct Options: Sendable {
    var lane: @Sendable (Int64) -> UInt64? = { _ in nil }
    var take: @Sendable (Int64) -> ParcelTake = { _ in .taken }
    var bytesEach = 10
    /// Each line tells which one it is.
    var counts = false
  }

  private struct Entry {
    var item: ParcelItem
    var line: String
    var lane: UInt64?
  }

  private let options: Options
  private var entries: [Entry] = []
  private var seen: Int64 = 0

  init(_ options: Options = Options()) { self.options = options }

  var pendingRecords: Int { entries.count }
  var pendingBytes: Int { entries.count * options.bytesEach }

  func add(_ record: OTLPRecord) -> ParcelTake {
    if record.kind == .spanEvent {
      guard !entries.isEmpty else { return .skipped }
      entries[entries.count - 1].line += " +\(record.id)"
      return .taken
    }
    let take = options.take(record.id)
    guard take == .taken else { return take }
    seen += 1
    entries.append(
      Entry(
        item: ParcelItem(record), line: "\(record.id)\(options.counts ? " #\(seen)" : "")",
        lane: options.lane(record.id)))
    return .taken
  }

  func cut(laneCount: Int) -> [any Parcel] {
    defer { entries = [] }
    var groups: [(lane: UInt64?, entries: [Entry])] = []
    for entry in entries {
      let lane = entry.lane.map { $0 % UInt64(laneCount) }
      if let place = groups.firstIndex(where: { $0.lane == lane }) {
        groups[place].entries.append(entry)
      } else {
        groups.append((lane, [entry]))
      }
    }
    return groups.map { group in
      LinesParcel(
        group.entries.map(\.item), group.entries.map(\.line), lane: group.lane, road: 0, bytesEach: options.bytesEach)
    }
  }

  func state() -> [UInt8] { options.counts ? Array(String(seen).utf8) : [] }

  func restore(_ state: [UInt8]) -> Bool {
    guard let count = Int64(String(decoding: state, as: UTF8.self)) else { return state.isEmpty }
    seen = count
    return true
  }
}

/// Posts, and judges by a table. With the header `x-refused: N` of a success, so many were not taken, for the reason of
/// `x-reason`.
final class TableCourier: Courier {
  private let url: String
  private let table: AnswerTable
  private let transport: HTTPTransport

  init(url: String, _ table: AnswerTable, _ options: TransportOptions = TransportOptions()) throws {
    self.url = url
    self.table = table
    transport = try HTTPTransport(options)
  }

  func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    await transport.post(url, parcel.body(range, form: form), headers: [])
  }

  func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    let verdict = table.verdict(answer)
    guard case .accept = verdict, let refused = answer.header("x-refused").flatMap({ Int($0) }) else { return verdict }
    return .accept(refused: refused, reason: answer.header("x-reason") ?? "partial", message: answer.words)
  }

  func close() async { await transport.close() }
}
