import Synchronization
import Telemetry

/// What the writer thread remembers between transactions and how it appends one batch: receipts, ids, sources, tallies.
///
/// What a transaction adds is provisional until `committed`; `rollBack` forgets it.
struct BatchAppender {
  /// The name of all sources that have none.
  static let otherSource = "other"
  /// Whoever may reach a door of OTLP can name this many; at the others, where the operator names them or says from where
  /// they may be named, there are as many places more.
  private static let sourceLimit = 10_000
  private static let ownDoors: Set<String> = ["udp", "drop", StoredRow.importDoor]

  let options: StoreOptions
  let learned: LearnedContexts
  private(set) var nextID: Int64
  private var receipts: ReceiptBook
  private var sources: Set<String>
  // for the identities of records
  var uids: Set<ReceiptKey>
  var imported: ImportedRanges
  let uidHash: KeyedHash

  private struct TallyKey: Hashable {
    var source: String
    var door: String
    var kind: LedgerLine.Kind
    var reason: String
  }

  private struct Tally {
    var count: Int64
    var first: Int64
    var last: Int64
  }

  private var tallies: [TallyKey: Tally] = [:]
  // provisional, since the last commit
  private var newReceipts: [ReceiptKey: (receipt: Receipt, at: Int64)] = [:]
  var newUIDs: [ReceiptKey] = []
  var newNumbers: [NumberRun] = []
  var recordedUIDs = 0
  var recordedNumbers = 0
  /// The numbering of the last numbered row, as rows of one come together.
  var lastNumbering: (store: String, handle: Int)?
  var lastRun: (source: String, run: (UInt64, UInt64), handle: Int)?

  struct NumberRun {
    var handle: Int
    var numbers: ClosedRange<Int64>
  }
  private var newTallies: [TallyKey: Tally] = [:]
  private var newRows: Int64 = 0
  private var newRecords: Int64 = 0
  private var newDuplicates: Int64 = 0

  init(options: StoreOptions, recovered: Recovered) {
    self.options = options
    learned = recovered.learned
    nextID = recovered.nextID
    receipts = recovered.receipts
    sources = recovered.sources
    uids = recovered.uids
    imported = recovered.imported
    uidHash = recovered.uidHash
  }

  var hasTallies: Bool { !tallies.isEmpty }

  // MARK: transaction

  /// What was appended is known from now on; durable it is later.
  mutating func committed() -> CommittedEffects {
    var effects = CommittedEffects(
      rows: newRows, records: newRecords, duplicates: newDuplicates, lastID: nextID - 1,
      receipts: Array(newReceipts.keys), uids: newUIDs, numbers: newNumbers.map { ($0.handle, $0.numbers) })
    for (key, entry) in newReceipts { receipts.insert(key, entry.receipt, at: entry.at) }
    learned.committed()
    for (key, tally) in newTallies where key.kind == .received {
      effects.received.append((key.source, tally.count, tally.last))
    }
    tallies = [:]
    clearProvisional()
    return effects
  }

  /// What was committed and could not be made durable: whoever sends it again sends it for the first time.
  mutating func forget(_ effects: CommittedEffects) {
    for key in effects.receipts { receipts.remove(key) }
    for key in effects.uids { uids.remove(key) }
    for run in effects.numbers { imported.remove(run.handle, run.numbers) }
  }

  mutating func rollBack() {
    learned.rollBack()
    for key in newUIDs { uids.remove(key) }
    for run in newNumbers { imported.remove(run.handle, run.numbers) }
    clearProvisional()
  }

  private mutating func clearProvisional() {
    newReceipts = [:]
    newUIDs = []
    newNumbers = []
    recordedUIDs = 0
    recordedNumbers = 0
    newTallies = [:]
    newRows = 0
    newRecords = 0
    newDuplicates = 0
  }

  mutating func flushTallies(to file: LandingFile) throws(SQLiteError) {
    for (key, tally) in tallies.merging(newTallies, uniquingKeysWith: Self.sum) {
      try file.tally(
        LedgerLine(
          source: key.source, door: key.door, kind: key.kind, reason: key.reason, count: tally.count,
          firstSeen: tally.first, lastSeen: tally.last))
    }
  }

  private static func sum(_ a: Tally, _ b: Tally) -> Tally {
    Tally(count: a.count + b.count, first: min(a.first, b.first), last: max(a.last, b.last))
  }

  private mutating func count(
    _ kind: LedgerLine.Kind, _ source: String, _ door: String, _ reason: String, _ n: Int, _ now: Int64
  ) {
    guard n > 0 else { return }
    let key = TallyKey(source: source, door: door, kind: kind, reason: reason)
    let added = Tally(count: Int64(n), first: now, last: now)
    newTallies[key] = newTallies[key].map { Self.sum($0, added) } ?? added
  }

  // MARK: retries

  /// Receipts of a group that holds nothing but known requests; nil otherwise. Their tallies wait for the next transaction.
  mutating func allKnown(_ group: [LandingWriter.Waiting], now: Int64) -> [Receipt]? {
    var known: [Receipt] = []
    for entry in group {
      guard entry.marks.isEmpty, let key = entry.key, let receipt = receipts.find(key, now: now) else { return nil }
      known.append(receipt)
    }
    for entry in group { countRetry(entry, now) }
    tallies = tallies.merging(newTallies, uniquingKeysWith: Self.sum)
    newTallies = [:]
    return known
  }

  private mutating func countRetry(_ entry: LandingWriter.Waiting, _ now: Int64) {
    for (source, records) in recordsBySource(entry) {
      count(.received, source, entry.door, "", records, now)
      count(.deduplicated, source, entry.door, "retry", records, now)
    }
    for (tally, records) in entry.batch.rejectionCounts {
      let source = sourceName(tally.source, entry.door)
      count(.received, source, entry.door, "", records, now)
      count(.deduplicated, source, entry.door, "retry", records, now)
    }
    for (name, records) in entry.batch.filtered.counts.merging(entry.batch.filtered.loops, uniquingKeysWith: +) {
      let source = sourceName(name, entry.door)
      count(.received, source, entry.door, "", records, now)
      count(.deduplicated, source, entry.door, "retry", records, now)
    }
  }

  private func recordsBySource(_ entry: LandingWriter.Waiting) -> [String: Int] {
    let batch = entry.batch
    var byContext = [Int](repeating: 0, count: batch.contexts.count)
    for row in batch.rows where row.kind.isRecord { byContext[Int(row.context)] += 1 }
    var bySource: [String: Int] = [:]
    for (index, records) in byContext.enumerated() where records > 0 {
      bySource[sourceName(batch.text(batch.contexts[index].source), entry.door), default: 0] += records
    }
    return bySource
  }

  /// At most 10,000 sources have a name (DESIGN §5), and all that have a credential; then `other`.
  func sourceName(_ name: String, _ door: String) -> String {
    if sources.contains(name) { return name }
    let limit = Self.ownDoors.contains(door) ? 2 * Self.sourceLimit : Self.sourceLimit
    return sources.count < limit || options.isOwned(name) ? name : Self.otherSource
  }

  /// The name under which the books count what has no rows.
  private mutating func booked(_ name: String, _ door: String) -> String {
    let source = sourceName(name, door)
    sources.insert(source)
    return source
  }

  // MARK: one batch

  mutating func append(_ entry: LandingWriter.Waiting, to file: LandingFile, now: Int64) throws(SQLiteError) -> Receipt
  {
    let batch = entry.batch
    if let key = entry.key {
      if let known = newReceipts[key]?.receipt ?? receipts.find(key, now: now) {
        countRetry(entry, now)
        newDuplicates += 1
        var again = known
        again.duplicate = true
        return again
      }
    }
    try teach(entry, file)
    let ids = try intern(entry, file, now)
    let first = nextID
    var deduplicated = [Int](repeating: 0, count: batch.contexts.count)
    var records = [Int](repeating: 0, count: batch.contexts.count)
    try insertRows(entry, file, ids, now, &records, &deduplicated)
    var receipt = Receipt(
      received: batch.recordCount + batch.rejectedCount + batch.filtered.records.count, stored: 0, firstID: first)
    receipt.filtered = batch.filtered.records.count
    receipt.rejected = batch.rejectedCount
    receipt.message = batch.partialSuccessMessage()
    var receiptSource = ""
    for index in batch.contexts.indices where records[index] > 0 {
      let source = ids.sources[index]
      if receiptSource.isEmpty { receiptSource = source }
      count(.received, source, entry.door, "", records[index], now)
      count(.bytes, source, entry.door, "", batch.arena.count * records[index] / max(1, batch.recordCount), now)
      count(.stored, source, entry.door, "", records[index] - deduplicated[index], now)
      count(.deduplicated, source, entry.door, "identity", deduplicated[index], now)
      receipt.stored += records[index] - deduplicated[index]
      receipt.deduplicated += deduplicated[index]
    }
    for (tally, refused) in batch.rejectionCounts {
      let source = booked(tally.source, entry.door)
      count(.received, source, entry.door, "", refused, now)
      count(.rejected, source, entry.door, tally.reason.rawValue, refused, now)
      if receiptSource.isEmpty { receiptSource = source }
    }
    for (name, erased) in batch.filtered.counts {
      let source = booked(name, entry.door)
      count(.received, source, entry.door, "", erased, now)
      count(.filtered, source, entry.door, "erased", erased, now)
      if receiptSource.isEmpty { receiptSource = source }
    }
    for (name, looped) in batch.filtered.loops {
      let source = booked(name, entry.door)
      count(.received, source, entry.door, "", looped, now)
      count(.filtered, source, entry.door, "loop", looped, now)
      if receiptSource.isEmpty { receiptSource = source }
    }
    if nextID > first {
      try file.recordArrival(first: first, at: now, door: entry.door)
      if let until = entry.terms.keepUntil { try file.keep(first...(nextID - 1), until: until) }
    }
    if let key = entry.key, options.receiptWindow > 0 {
      try file.record(receipt, key: key, door: entry.door, source: receiptSource, at: now)
      newReceipts[key] = (receipt, now)
    }
    newRows += nextID - first
    newRecords += Int64(receipt.stored)
    return receipt
  }

  struct FileIDs {
    var names: [Int64] = []
    var contexts: [Int64] = []
    /// Contexts by the time from which rows have another one than in `contexts`, for each of these; empty: none has.
    var later: [[(from: Int64, id: Int64)]] = []
    var sources: [String] = []
    /// What they are called outside the books: many are `other` there, and nothing of one is another's.
    var senders: [String] = []
    var streams: [Int64] = []
    var series: [Int64] = []
  }

  private mutating func intern(
    _ entry: LandingWriter.Waiting, _ file: LandingFile, _ now: Int64
  ) throws(SQLiteError) -> FileIDs {
    let batch = entry.batch
    let isWhole = entry.terms.isExport
    var ids = FileIDs()
    let dictionaries = file.dictionaries
    ids.names.reserveCapacity(batch.names.count)
    for name in batch.names { ids.names.append(try dictionaries.name(batch, name)) }
    for context in batch.contexts {
      let name = batch.text(context.source)
      let source = sourceName(name, entry.door)
      sources.insert(source)
      ids.sources.append(source)
      ids.senders.append(name)
      let isOther = source == Self.otherSource
      ids.contexts.append(
        try dictionaries.context(
          batch, context, source: isOther ? source : nil, at: now, isWhole: isWhole || isOther))
    }
    if !isWhole { try internLater(batch, file, now, &ids) }
    var resources: [Int64] = []
    for resource in batch.resources { resources.append(try dictionaries.resource(batch, resource)) }
    for stream in batch.streams {
      ids.streams.append(try dictionaries.stream(batch, stream, resource: resources[Int(stream.resource)]))
    }
    var metrics: [Int64] = []
    for metric in batch.metrics { metrics.append(try dictionaries.metric(batch, metric)) }
    ids.series.reserveCapacity(batch.series.count)
    for series in batch.series {
      ids.series.append(try dictionaries.series(batch, series, metric: metrics[Int(series.metric)]))
    }
    return ids
  }

  private func internLater(
    _ batch: Batch, _ file: LandingFile, _ now: Int64, _ ids: inout FileIDs
  ) throws(SQLiteError) {
    if learned.isEmpty { return }
    for (index, context) in batch.contexts.enumerated() {
      if !context.gameModule.isEmpty && !context.modFingerprint.isEmpty { continue }
      let source = ids.sources[index]
      if source == Self.otherSource { continue }
      let boundaries = learned.boundaries(
        source: source, session: batch.text(context.session), game: batch.text(context.gameID))
      if boundaries.isEmpty { continue }
      if ids.later.isEmpty { ids.later = Array(repeating: [], count: batch.contexts.count) }
      for from in boundaries {
        let id = try file.dictionaries.context(batch, context, source: nil, at: now, from: from)
        ids.later[index].append((from, id))
      }
    }
  }

  private mutating func insertRows(
    _ entry: LandingWriter.Waiting, _ file: LandingFile, _ ids: FileIDs, _ now: Int64, _ records: inout [Int],
    _ deduplicated: inout [Int]
  ) throws(SQLiteError) {
    let batch = entry.batch
    // 255: not looked up yet. A name has one class for each severity.
    var classOfName = [UInt8](repeating: 255, count: batch.names.count * 5)
    var ordinal = 0
    var classIndex = 0
    var skipEvents = false
    let failure: SQLiteError? = batch.rows.withUnsafeBufferPointer { rows in
      guard var row = rows.baseAddress else { return nil }
      let end = row + rows.count
      while row < end {
        defer { row += 1 }
        if row.pointee.kind == .spanEvent {
          if skipEvents { continue }
        } else {
          let slot = Int(row.pointee.name) * 5 + Int(row.pointee.severity.rawValue)
          if classOfName[slot] == 255 {
            let name = batch.names[Int(row.pointee.name)]
            classOfName[slot] = options.classes.index(
              signal: batch.signal, category: batch.bytes(name.category), event: batch.bytes(name.event),
              severity: row.pointee.severity)
          }
          classIndex = Int(classOfName[slot])
          records[Int(row.pointee.context)] += 1
          skipEvents = isKnown(entry, row, ids, ordinal)
          ordinal += 1
          if skipEvents {
            deduplicated[Int(row.pointee.context)] += 1
            continue
          }
        }
        var context = ids.contexts[Int(row.pointee.context)]
        if !ids.later.isEmpty {
          context = ids.later[Int(row.pointee.context)].last { $0.from <= row.pointee.time }?.id ?? context
        }
        let dictionary = RowInserter.Dictionary(
          name: ids.names[Int(row.pointee.name)], context: context,
          stream: ids.streams[Int(row.pointee.stream)],
          series: row.pointee.series >= 0 ? ids.series[Int(row.pointee.series)] : 0)
        do throws(SQLiteError) {
          try file.inserters[classIndex].insert(row, id: nextID, dictionary, batch)
        } catch { return error }
        nextID += 1
      }
      return nil
    }
    if let failure { throw failure }
    try recordIdentities(file, now)
  }
}
