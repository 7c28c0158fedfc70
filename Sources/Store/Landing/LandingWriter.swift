import Synchronization
package import Telemetry

/// The one writer: takes all batches that wait, appends them to the current landing file in one transaction, answers.
///
/// `@unchecked Sendable`: `waiting`, `waitingBytes` and `phase` are covered by `bell`; everything under "thread" belongs to
/// the writer thread alone.
package final class LandingWriter: BatchSink, @unchecked Sendable {
  struct Waiting {
    var batch: Batch
    var key: ReceiptKey?
    var door: String
    /// Aligned to the batch's records; empty: not an import.
    var identities: [ImportIdentity]
    /// Aligned to `identities`: it is one of ours, and its row is here. Empty: none is ours.
    var present: [Bool]
    var terms: ImportTerms
    var marks: [Mark]
    var answer: CheckedContinuation<Result<Receipt, Refusal>, Never>
  }

  enum Phase { case running, draining, stopped }

  let bell = Bell()
  // covers: waiting, waitingBytes, phase, retireWanted; taken before nothing else
  private var waiting: [Waiting] = []
  private var waitingBytes = 0
  private var phase = Phase.running
  private var retireWanted = false

  let options: StoreOptions
  let directory: DataDirectory
  let catalog: Catalog
  package let vitals: StoreVitals
  private let storeID: String
  let marks: MarkBook
  private let live: LiveOptions
  /// Number of the file and of the last row that was committed to it or before.
  private let retired: @Sendable (Int64, Int64) -> Void
  /// Lets retention look now, and waits for it a little.
  private let look: @Sendable () -> Void

  private let preparer: LandingPreparer
  private let syncer: LogSyncer
  private let presentRows: PresentRows

  // thread
  private var file: LandingFile?
  private var nextFile: Int64
  private var appender: BatchAppender

  init(
    directory: DataDirectory, options: StoreOptions, catalog: Catalog, vitals: StoreVitals, storeID: String,
    live: LiveOptions, recovered: Recovered, retired: @escaping @Sendable (Int64, Int64) -> Void,
    look: @escaping @Sendable () -> Void
  ) {
    self.look = look
    self.directory = directory
    self.options = options
    self.catalog = catalog
    self.vitals = vitals
    self.storeID = storeID
    self.retired = retired
    self.live = live
    marks = recovered.marks
    presentRows = PresentRows(catalog)
    nextFile = recovered.nextFile
    file = recovered.current
    appender = BatchAppender(options: options, recovered: recovered)
    syncer = LogSyncer(vitals, marks)
    let learned = appender.learned
    preparer = LandingPreparer { wanted in
      try? Self.make(directory, options, catalog, learned, storeID, wanted.number, wanted.nextID)
    }
    vitals.lastID.store(recovered.nextID - 1, ordering: .relaxed)
  }

  func start() {
    preparer.start()
    syncer.start()
    Thread.start("garner-writer") { self.run() }
  }

  // MARK: callers

  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark]
  ) async throws(Refusal) -> Receipt {
    try await append(batch, key: key, door: door, marks: marks, identities: [], terms: ImportTerms())
  }

  /// `identities`: one for each record of the batch, for imports; records known by identity are deduplicated. Reads data
  /// files first when some are ours.
  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark], identities: [ImportIdentity], terms: ImportTerms
  ) async throws(Refusal) -> Receipt {
    let present = try present(identities)
    let result = await withCheckedContinuation { (answer: CheckedContinuation<Result<Receipt, Refusal>, Never>) in
      let refusal: Refusal? = bell.locked {
        if phase != .running { return .draining }
        if waitingBytes > 0 && waitingBytes + batch.byteCount > options.queueBytes { return .queueFull }
        waitingBytes += batch.byteCount
        waiting.append(
          Waiting(
            batch: batch, key: key, door: door, identities: identities, present: present, terms: terms, marks: marks,
            answer: answer))
        bell.ring()
        return nil
      }
      if let refusal { answer.resume(returning: .failure(refusal)) }
    }
    return try result.get()
  }

  /// For each identity whether it is ours and has its row; empty: none is ours. Done by the caller, so that the writer's
  /// thread is there for others. A row that is gone now stays gone, as no id is given twice, and of two imports that bring it
  /// back at once the second one finds it among what is imported.
  private func present(_ identities: [ImportIdentity]) throws(Refusal) -> [Bool] {
    let own = identities.lazy.filter { $0.store == self.storeID }.map(\.id)
    if own.isEmpty { return [] }
    // The catalog goes with the store.
    if bell.locked({ phase != .running }) { throw .draining }
    do throws(SQLiteError) {
      let found = try presentRows.find(Array(own))
      return identities.map { $0.store == storeID && found.contains($0.id) }
    } catch { throw .storage(error.description) }
  }

  package func admit(byteCount: Int) -> Refusal? {
    if vitals.overCap.load(ordering: .relaxed) { return .diskReserve }
    if vitals.backlog.load(ordering: .relaxed) > Int64(options.landingBacklog) { return .settlingBehind }
    return bell.locked {
      if phase != .running { return .draining }
      return waitingBytes > 0 && waitingBytes + byteCount > options.queueBytes ? .queueFull : nil
    }
  }

  /// Closes the current landing file for settling, as if it were full; for `clear`, `export` and tests.
  package func retireCurrent() {
    bell.locked {
      retireWanted = true
      bell.ring()
    }
  }

  /// Returns when a wanted retirement has happened; blocks.
  func settlePoint() {
    bell.locked {
      while retireWanted && phase == .running { bell.wait(nanoseconds: 5_000_000) }
    }
  }

  /// Takes no more, writes what waits, closes the file. Returns when the thread is done; blocks.
  func stop() {
    bell.locked {
      if phase == .running { phase = .draining }
      bell.ring()
      while phase != .stopped { bell.wait(nanoseconds: 1_000_000_000) }
    }
  }

  // MARK: thread

  private func run() {
    while true {
      var taken: [Waiting] = []
      var retire = false
      var stopping = false
      // A small cap must not be one group.
      let limit = min(options.groupBytes, live.current.maxBytes.map { Int($0 / 16) } ?? .max)
      bell.locked {
        if waiting.isEmpty && phase == .running && !retireWanted { bell.wait(nanoseconds: 1_000_000_000) }
        taken = takeGroup(limit)
        retire = retireWanted && waiting.isEmpty
        stopping = phase == .draining && waiting.isEmpty
        vitals.queueBytes.store(Int64(waitingBytes), ordering: .relaxed)
      }
      if !taken.isEmpty { write(taken) }
      retireIfDue(force: retire)
      if retire {
        bell.locked {
          retireWanted = false
          bell.ring()
        }
      }
      if stopping {
        close()
        syncer.stop()
        preparer.stop(isInPlace: catalog.isInPlace)
        bell.locked {
          phase = .stopped
          bell.ring()
        }
        return
      }
    }
  }

  /// Everything that waits, up to `limit` bytes; inside the lock.
  private func takeGroup(_ limit: Int) -> [Waiting] {
    var bytes = 0
    var count = 0
    while count < waiting.count && (count == 0 || bytes < limit) {
      bytes += waiting[count].batch.byteCount
      count += 1
    }
    let taken = Array(waiting[..<count])
    waiting.removeFirst(count)
    waitingBytes -= bytes
    return taken
  }

  private func write(_ group: [Waiting]) {
    // What is written to the open file would be nowhere, and its next one somewhere else.
    if !catalog.isInPlace() { return answer(group, .failure(.directoryGone)) }
    if let space = FileSystem.space(directory.path) {
      vitals.freeBytes.store(space.free, ordering: .relaxed)
      if space.free < vitals.reserveBytes.load(ordering: .relaxed) {
        return answer(group, .failure(.diskReserve))
      }
    }
    if vitals.overCap.load(ordering: .relaxed) { return answer(group, .failure(.diskReserve)) }
    if vitals.backlog.load(ordering: .relaxed) > Int64(options.landingBacklog) {
      return answer(group, .failure(.settlingBehind))
    }
    if let refusal = refusalForCap(group) { return answer(group, .failure(refusal)) }
    // Asked first: what fails afterwards is not pending, but forgotten below.
    let isPending = syncer.isPending
    forgetFailures()
    do throws(SQLiteError) { try commit(group, isPending) } catch {
      file?.rollbackTransaction()
      appender.rollBack()
      vitals.failures.wrappingAdd(1, ordering: .relaxed)
      // One batch must not take its neighbours with it.
      if group.count > 1 && !error.isFull {
        for entry in group { write([entry]) }
        return
      }
      if !error.isFull { abandonFile() }
      answer(group, .failure(error.isFull ? .diskReserve : .storage(error.description)))
    }
  }

  /// The cap holds at every moment, not only when retention looks: landing files count, and so does that settling one writes
  /// its rows a second time. Nil: there is room.
  private func refusalForCap(_ group: [Waiting]) -> Refusal? {
    guard let cap = live.current.maxBytes else { return nil }
    let wanted = group.reduce(Int64(0)) { $0 + Int64($1.batch.byteCount) }
    if hasRoom(wanted, cap) { return nil }
    // Too much for this cap whatever goes: others need not wait for it.
    if wanted > cap / 8 { return .diskReserve }
    vitals.roomWanted.store(wanted, ordering: .relaxed)
    // What landed can go only when it is settled.
    if vitals.backlog.load(ordering: .relaxed) == 0 { retireFile() }
    look()
    if hasRoom(wanted, cap) { return nil }
    if vitals.backlog.load(ordering: .relaxed) > 0 { return .settlingBehind }
    vitals.overCap.store(true, ordering: .relaxed)
    return .diskReserve
  }

  private func hasRoom(_ wanted: Int64, _ cap: Int64) -> Bool {
    // A log holds whole pages, a file is found full only when it is, and the next one is made ahead.
    let landing =
      vitals.backlogBytes.load(ordering: .relaxed) + vitals.landingBytes.load(ordering: .relaxed) + 2 * wanted
    return vitals.settledBytes.load(ordering: .relaxed) + landing + min(landing, 2 * effectiveLandingBytes)
      + Pruner.freshFileBytes <= cap
  }

  /// A log that could not be synced is not written to any more: what the disk made of it only a new look can tell.
  private func forgetFailures() {
    guard let failures = syncer.takeFailures() else { return }
    if file?.number == failures.number { abandonFile() }
    // Those that were on their way to it meanwhile.
    for effects in failures.effects + (syncer.takeFailures()?.effects ?? []) { appender.forget(effects) }
  }

  private func answer(_ group: [Waiting], _ result: Result<Receipt, Refusal>) {
    for entry in group { entry.answer.resume(returning: result) }
  }

  /// Writes the group; `syncer` answers when it is durable. `isPending`: so it is with groups before it.
  private func commit(_ group: [Waiting], _ isPending: Bool) throws(SQLiteError) {
    let start = Monotonic.now()
    let now = options.clock()
    // All retries: nothing to write, so no transaction and no fsync.
    if let known = appender.allKnown(group, now: now) {
      vitals.duplicates.wrappingAdd(Int64(group.count), ordering: .relaxed)
      if isPending, let file, let log = file.log {
        // They may be retries of what is only just written.
        return syncer.add(LogSyncer.Group(group, known, file.number, log, CommittedEffects(), start))
      }
      for (entry, receipt) in zip(group, known) { entry.answer.resume(returning: .success(receipt)) }
      return
    }
    let file = try openFile(now)
    try file.leaveSyncToLog()
    guard let log = file.log else { return }
    try file.beginTransaction()
    var receipts: [Receipt] = []
    receipts.reserveCapacity(group.count)
    for entry in group {
      receipts.append(try appender.append(entry, to: file, now: now))
      for mark in entry.marks { try file.record(mark) }
    }
    try appender.flushTallies(to: file)
    try file.commitTransaction()
    syncer.add(LogSyncer.Group(group, receipts, file.number, log, appender.committed(), start))
  }

  private func openFile(_ now: Int64) throws(SQLiteError) -> LandingFile {
    if let file { return file }
    let number = nextFile
    let opened: LandingFile
    if let ready = preparer.take(number: number) {
      opened = ready
    } else {
      opened = try Self.make(directory, options, catalog, appender.learned, storeID, number, appender.nextID)
    }
    nextFile = number + 1
    file = opened
    return opened
  }

  /// Numbers first, so that they are never used again whatever becomes of the file.
  private static func make(
    _ directory: DataDirectory, _ options: StoreOptions, _ catalog: Catalog, _ learned: LearnedContexts,
    _ storeID: String, _ number: Int64, _ nextID: Int64
  ) throws(SQLiteError) -> LandingFile {
    try catalog.use { connection throws(SQLiteError) in
      try connection.transaction { () throws(SQLiteError) in
        for (name, value) in [("next_file", number + 1), ("next_id", nextID)] {
          try connection.run(
            "INSERT INTO state.counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
            .text(name), .integer(value))
        }
      }
    }
    let opened = try LandingFile(
      directory, number: number, classes: options.classes, learned: learned, now: options.clock(), store: storeID)
    try? FileSystem.syncFolder(directory.landing)
    return opened
  }

  /// Full, or its day is over: DESIGN §4.
  private func retireIfDue(force: Bool) {
    guard let file else { return }
    let bytes = file.bytes
    vitals.landingBytes.store(bytes, ordering: .relaxed)
    let limit = effectiveLandingBytes
    if bytes >= limit / 2 { preparer.want(number: nextFile, nextID: appender.nextID) }
    let dayOver = options.clock() > (file.openedDay + 1) * Timestamp.nanosecondsPerDay + 600_000_000_000
    if force || bytes >= limit || dayOver { retireFile() }
  }

  private var effectiveLandingBytes: Int64 {
    Pruner.landingBytes(live.current, FileSystem.space(directory.path))
  }

  private func retireFile() {
    guard let file else { return }
    syncer.drain()
    file.connection.close()
    self.file = nil
    vitals.backlogBytes.wrappingAdd(file.bytes, ordering: .relaxed)
    vitals.landingBytes.store(0, ordering: .relaxed)
    vitals.backlog.wrappingAdd(1, ordering: .relaxed)
    retired(file.number, vitals.lastID.load(ordering: .relaxed))
  }

  /// A file that SQLite cannot write any more is left to the settler, which salvages what is in it.
  private func abandonFile() { retireFile() }

  private func close() {
    if let file {
      if appender.hasTallies {
        do throws(SQLiteError) {
          try file.beginTransaction()
          try appender.flushTallies(to: file)
          try file.commitTransaction()
        } catch { file.rollbackTransaction() }
      }
      syncer.drain()
      try? file.log?.sync()
      file.connection.close()
    }
    file = nil
  }
}
