import Telemetry

/// Receipts of the window in memory, for recognising retries (promise 2). Owned by the writer thread.
struct ReceiptBook {
  private struct Entry {
    var at: Int64
    var firstID: Int64
    var received: Int32
    var stored: Int32
    var rejected: Int32
    var filtered: Int32
    var deduplicated: Int32
  }

  private var entries: [ReceiptKey: Entry] = [:]
  /// Only the few receipts that have something to say.
  private var messages: [ReceiptKey: String] = [:]
  /// Keys in order of arrival; `head` is the oldest that may still be in `entries`.
  private var order: [(key: ReceiptKey, at: Int64)] = []
  private var head = 0
  private let window: Int64
  private let limit: Int

  init(window: Int64, limit: Int) {
    self.window = window
    self.limit = limit
  }

  var count: Int { entries.count }

  func find(_ key: ReceiptKey, now: Int64) -> Receipt? {
    guard let entry = entries[key], entry.at > now - window else { return nil }
    return Receipt(
      received: Int(entry.received), stored: Int(entry.stored), rejected: Int(entry.rejected),
      filtered: Int(entry.filtered), deduplicated: Int(entry.deduplicated), firstID: entry.firstID,
      message: messages[key] ?? "", duplicate: true)
  }

  mutating func insert(_ key: ReceiptKey, _ receipt: Receipt, at: Int64) {
    guard window > 0 else { return }
    entries[key] = Entry(
      at: at, firstID: receipt.firstID, received: Int32(clamping: receipt.received),
      stored: Int32(clamping: receipt.stored), rejected: Int32(clamping: receipt.rejected),
      filtered: Int32(clamping: receipt.filtered), deduplicated: Int32(clamping: receipt.deduplicated))
    if !receipt.message.isEmpty { messages[key] = receipt.message }
    order.append((key, at))
    trim(now: at)
  }

  mutating func remove(_ key: ReceiptKey) {
    entries[key] = nil
    messages[key] = nil
  }

  mutating func trim(now: Int64) {
    while head < order.count, order.count - head > limit || order[head].at <= now - window {
      let oldest = order[head]
      if let entry = entries[oldest.key], entry.at == oldest.at {
        entries[oldest.key] = nil
        messages[oldest.key] = nil
      }
      head += 1
    }
    if head > 4096 && head > order.count / 2 {
      order.removeFirst(head)
      head = 0
    }
  }

  /// Reads back what was committed, oldest first.
  mutating func load(_ connection: Connection, _ table: String, now: Int64) throws(SQLiteError) {
    guard window > 0 else { return }
    let statement = try connection.prepare(
      """
      SELECT key, at, first_id, received, stored, rejected, filtered, deduplicated, message FROM \(table)
      WHERE at > ? ORDER BY at
      """)
    try statement.bind([.integer(now - window)])
    while try statement.step() {
      guard let key = ReceiptKey(bytes: statement.bytes(0)) else { continue }
      insert(
        key,
        Receipt(
          received: Int(statement.integer(3)), stored: Int(statement.integer(4)), rejected: Int(statement.integer(5)),
          filtered: Int(statement.integer(6)), deduplicated: Int(statement.integer(7)),
          firstID: statement.integer(2), message: statement.text(8)), at: statement.integer(1))
    }
  }
}

extension ReceiptKey {
  init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 16 else { return nil }
    self.init(
      high: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  }

  var bytes: [UInt8] {
    withUnsafeBytes(of: (high, low)) { [UInt8]($0) }
  }
}
