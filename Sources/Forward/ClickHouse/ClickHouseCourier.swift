import Synchronization
import Telemetry
package import Wire

/// ClickHouse over its HTTP interface: an insertion a table and batch, with a token that makes a second sending of the
/// same rows add nothing (FORWARD §8).
package final class ClickHouseCourier: Courier {
  private let url: String
  private let name: String
  private let database: String
  private let names: ClickHouseNames
  private let options: TransportOptions
  private let transport: HTTPTransport

  private let creates: Bool
  /// Seconds; 0: rows stay.
  private let ttl: Int64
  /// Tables that were looked at, by road.
  private let known = Mutex<Set<Int>>([])

  package init(
    url: String, name: String, database: String, names: ClickHouseNames, _ options: TransportOptions, creates: Bool,
    ttl: Int64
  ) throws {
    self.creates = creates
    self.ttl = ttl
    self.url = url
    self.name = name
    self.database = database
    self.names = names
    self.options = options
    transport = try HTTPTransport(options)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    guard !range.isEmpty else { return await probe(parcel.road) }
    guard let table = ClickHouseTable(rawValue: parcel.road), let ids = parcel.ids(range) else {
      return Answer(.status(200))
    }
    if let fault = await prepare(table) { return fault }
    let token = ClickHouseSchema.token(store: options.storeID, destination: name, ids, table: names[table])
    var query = [("query", ClickHouseSchema.insert(database: database, table: names[table]))]
    query += ClickHouseSchema.settings(token: token).map { ($0.name, $0.value) }
    // A table of an older exporter lacks some columns.
    query.append(("input_format_skip_unknown_fields", "1"))
    let (body, coding) = HTTPTransport.compressed(parcel.body(range, form: form), options.compression)
    return await transport.post(
      Self.address(url, query), body, headers: [("content-type", "application/x-ndjson")] + (coding.map { [$0] } ?? []))
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    AnswerTable.clickhouse.verdict(answer)
  }

  /// For `forward test`: the server, the credentials, and a table that records of the signal will want; those that it
  /// would make itself need not be there yet.
  private func probe(_ signal: Int) async -> Answer {
    if creates { return await run("SELECT 1") }
    let table: ClickHouseTable =
      switch Signal(rawValue: UInt8(truncatingIfNeeded: signal)) {
      case .traces: .traces
      case .metrics: .gauge
      case .logs, nil: .logs
      }
    return await prepare(table) ?? Answer(.status(200))
  }

  /// Makes the tables that are wanted and looks at this one, once; nil: it is as it should be.
  private func prepare(_ table: ClickHouseTable) async -> Answer? {
    if known.withLock({ $0.contains(table.rawValue) }) { return nil }
    if creates && known.withLock({ $0.isEmpty }) {
      for statement in ClickHouseSchema.create(database: database, names: names, ttl: ttl) {
        let answer = await run(statement)
        if !answer.isSuccess { return Self.fault(answer) }
      }
    }
    let answer = await run(ClickHouseSchema.describe(database: database, table: names[table]))
    guard answer.isSuccess else { return Self.fault(answer) }
    do throws(ClickHouseMisfit) {
      _ = try ClickHouseLayout(table, named: names[table], described: ClickHouseSchema.described(answer.body))
    } catch {
      return Answer(.unfit("\(error)"))
    }
    known.withLock { _ = $0.insert(table.rawValue) }
    return nil
  }

  /// What is wrong with the set-up is no record's fault.
  private static func fault(_ answer: Answer) -> Answer {
    guard case .status(let status) = answer.outcome, (400..<500).contains(status), status != 429 else { return answer }
    return Answer(.unfit(answer.words))
  }

  private func run(_ statement: String) async -> Answer {
    await transport.post(url, Array(statement.utf8), headers: [("content-type", "text/plain")])
  }

  package func close() async { await transport.close() }

  static func address(_ url: String, _ query: [(String, String)]) -> String {
    let text = query.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
    return url + (url.contains("?") ? "&" : "?") + text
  }

  private static func encoded(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        out.append(byte)
      default:
        out.append(UInt8(ascii: "%"))
        for nibble in [byte >> 4, byte & 15] { out.append(nibble < 10 ? 0x30 + nibble : 0x37 + nibble) }
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
