import Synchronization
import Telemetry
import Wire

@testable import Forward

/// A stored row by hand.
struct TestRow: Sendable {
  var id: Int64 = 0
  var kind = RowKind.log
  /// Nanoseconds since 1970.
  var time: Int64 = 0
  var received: Int64 = 0
  var isImported = false
  var category = "relay"
  var event = "relay.note"
  var severity = Severity.info
  var source = "server-1"
  var data = #"{"body":"x"}"#
  var ext = ""
  /// Of a span and its events: its id, eight times the byte.
  var span: UInt8 = 0
  var resource = #"{"service.name":"svc"}"#
  var metric = ""
  var type = MetricType.gauge
  var temporality: Int32 = 2
  var number: Int64 = 1
  var attributes = "{}"
  /// Of a delta: how long before its time it began.
  var length: Int64?

  static let base: Int64 = 1_700_000_000_000_000_000

  func with<T>(_ body: (OTLPRecord) -> T) -> T {
    var record = OTLPRecord(id: id, kind: kind)
    record.time = time == 0 ? Self.base + id * 1_000_000 : time
    record.receivedAt = received == 0 ? Self.base + id * 1_000_000 : received
    record.isImported = isImported
    record.severity = severity
    if kind == .span { record.duration = 5 }
    if kind == .number { record.number = .integer(number) }
    record.auxiliary = length
    record.metric.type = type
    record.metric.temporality = temporality
    record.metric.monotonic = type == .sum
    let texts = [category, event, source, data, ext, resource, metric, attributes].map { Array($0.utf8) }
    let ids = [[UInt8](repeating: span, count: 16), [UInt8](repeating: span, count: 8)]
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for part in texts + ids {
      ranges.append(bytes.count..<bytes.count + part.count)
      bytes += part + [0]
    }
    return bytes.withUnsafeBytes { bytes in
      let parts = ranges.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
      record.category = parts[0]
      record.event = parts[1]
      record.origin = OTLPRecord.Source()
      record.origin?.source = parts[2]
      record.data = parts[3]
      record.ext = parts[4]
      record.resource.attributes = parts[5]
      record.metric.name = parts[6]
      record.seriesAttributes = parts[7]
      if span > 0 {
        record.trace = parts[8]
        record.span = parts[9]
      }
      return body(record)
    }
  }
}

/// A store in memory: rows in the order of their ids, with gaps if a test likes.
final class MemoryRecords: RecordSource {
  private struct State {
    var rows: [TestRow] = []
    var lastID: Int64 = 0
    var now = TestRow.base + 1_000_000_000_000
    var failures = 0
    /// Rows that one call gives at most.
    var chunk = Int.max
    var openCount = 0
  }

  private let state = Mutex(State())
  let storeID = "11111111-2222-4333-8444-555555555555"

  struct Unreadable: Error {}

  /// Appends rows; those without an id get the next one. The last id.
  @discardableResult
  func append(_ rows: [TestRow]) -> Int64 {
    state.withLock { state in
      var next = state.lastID
      for var row in rows {
        next = row.id > next ? row.id : next + 1
        row.id = next
        state.rows.append(row)
      }
      state.lastID = next
      return next
    }
  }

  @discardableResult
  func append(_ count: Int, _ make: (Int) -> TestRow = { _ in TestRow() }) -> Int64 { append((0..<count).map(make)) }

  var lastID: Int64 { state.withLock { $0.lastID } }
  var allIDs: [Int64] { state.withLock { $0.rows.filter { $0.kind.isRecord }.map(\.id) } }
  func now() -> Int64 { state.withLock { $0.now } }
  func setNow(_ now: Int64) { state.withLock { $0.now = now } }
  func chunk(_ rows: Int) { state.withLock { $0.chunk = rows } }
  func fail(_ times: Int) { state.withLock { $0.failures = times } }
  var openCount: Int { state.withLock { $0.openCount } }

  func position(receivedAt time: Int64) throws -> Int64 {
    state.withLock { state in
      state.rows.first { $0.with(\.receivedAt) >= time }.map { $0.id - 1 } ?? state.lastID
    }
  }

  func oldest() throws -> Int64 { state.withLock { ($0.rows.first?.id ?? 1) - 1 } }

  func open(_ question: RecordQuestion) throws -> any RecordReader {
    try state.withLock { state in
      state.openCount += 1
      if state.failures > 0 {
        state.failures -= 1
        throw Unreadable()
      }
      // As it is at this moment: a reader need not see what comes later.
      let rows = state.rows.filter { row in
        guard row.id > question.after, question.signals.contains(row.kind.signal) else { return false }
        let clock = row.with { question.byTimestamp ? $0.time : $0.receivedAt }
        if row.kind == .spanEvent { return true }
        if let from = question.from, clock < from { return false }
        if let to = question.to, clock >= to { return false }
        return true
      }
      return Reader(rows, chunk: state.chunk)
    }
  }

  private final class Reader: RecordReader {
    private let rows: [TestRow]
    private let chunk: Int
    private var next = 0

    init(_ rows: [TestRow], chunk: Int) {
      self.rows = rows
      self.chunk = chunk
    }

    func read(_ body: (OTLPRecord) -> Bool) throws -> Bool {
      var given = 0
      while next < rows.count {
        if given == chunk { return true }
        guard rows[next].with(body) else { return true }
        next += 1
        given += 1
      }
      return false
    }
  }
}
