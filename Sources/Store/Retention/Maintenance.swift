import Synchronization

/// What the settler's thread does between files: retention, ballast, the daily copy of `state.db`, compaction, and now and
/// then a look whether everything is still there.
final class Maintenance: Sendable {
  private let directory: DataDirectory
  private let live: LiveOptions
  private let watchers: PruneWatchers
  private let catalog: Catalog
  private let vitals: StoreVitals
  private let report: @Sendable (StoreEvent) -> Void
  private let lastPrune = Atomic<Int64>(0)
  private let lastCopy = Atomic<Int64>(0)
  private let lastSettled = Atomic<Int64>(0)
  private let lastMark = Atomic<Int64>(0)
  private let lastMarkTime = Atomic<Int64>(0)
  private let lastCheck = Atomic<Int64>(Monotonic.now())
  private let lastNumber = Atomic<Int64>(0)
  private let lastPart = Atomic<Int64>(0)
  private let clockWatch: ClockWatch

  init(
    directory: DataDirectory, options: LiveOptions, catalog: Catalog, vitals: StoreVitals, watchers: PruneWatchers,
    report: @escaping @Sendable (StoreEvent) -> Void
  ) {
    self.directory = directory
    live = options
    self.watchers = watchers
    self.catalog = catalog
    self.vitals = vitals
    self.report = report
    let memory = (try? catalog.setting(ClockWatch.setting)) ?? nil
    clockWatch = ClockWatch(memory.flatMap { ClockWatch.Memory($0) })
  }

  /// Before anything is taken: what comes under a wrong clock must not vouch for it.
  func lookAtClock() {
    let options = live.current
    guard let files = try? catalog.files() else { return }
    // A store that has kept nothing of its clock compares with what it received last.
    let newest = files.map(\.maxReceived).max()
    clockWatch.look(options.clock(), newest: newest, grace: options.clockGrace, report)
    if let memory = clockWatch.takeNews() { try? catalog.setSetting(ClockWatch.setting, memory.text) }
  }

  func run() {
    if !catalog.isInPlace() { return }
    let options = live.current
    let now = options.clock()
    if let paths = try? catalog.putBack() { for path in paths { report(.putBack(path: path)) } }
    if let files = try? catalog.files() { try? FileCheck.bookMissing(files, catalog, now: now, report) }
    // A cap or reserve in danger is looked at every time, not at the interval; so are new files.
    let settled = vitals.settledFiles.load(ordering: .relaxed)
    let urgent =
      live.takeNews() || vitals.overCap.load(ordering: .relaxed)
      || vitals.roomWanted.load(ordering: .relaxed) > 0
      || vitals.freeBytes.load(ordering: .relaxed) < 2 * vitals.reserveBytes.load(ordering: .relaxed)
      || settled != lastSettled.exchange(settled, ordering: .relaxed)
    if urgent || abs(now - lastPrune.load(ordering: .relaxed)) >= options.pruneInterval {
      lastPrune.store(now, ordering: .relaxed)
      lookAtClock()
      Pruner(
        directory: directory, options: options, catalog: catalog, vitals: vitals, watch: watchers.current,
        mayAge: clockWatch.isTrusted && isStateAccepted, report: report
      ).run()
    }
    markAcknowledged()
    if vitals.overCap.load(ordering: .relaxed) { return }
    if !FileSystem.exists(directory.ballast) { try? FileSystem.allocate(directory.ballast, bytes: 1 << 20) }
    Compactor(directory: directory, options: options, catalog: catalog, vitals: vitals, report: report)
      .run()
    if abs(now - lastCopy.load(ordering: .relaxed)) >= 86_400_000_000_000 {
      lastCopy.store(now, ordering: .relaxed)
      copyState()
    }
    checkOne(options)
  }

  /// Where it cannot be read it is not.
  private var isStateAccepted: Bool {
    do { return try catalog.setting(Checkup.restored) ?? "" == "" } catch { return false }
  }

  /// Once a minute: what a start compares with the landing files it finds.
  private func markAcknowledged() {
    let last = vitals.lastID.load(ordering: .acquiring)
    let now = Monotonic.now()
    guard vitals.committedRows.load(ordering: .acquiring) > 0, last != lastMark.load(ordering: .relaxed),
      now - lastMarkTime.load(ordering: .relaxed) >= 60_000_000_000
    else { return }
    lastMarkTime.store(now, ordering: .relaxed)
    lastMark.store(last, ordering: .relaxed)
    try? catalog.setCounter(Catalog.acknowledged, last)
  }

  /// One settled file after the other, slowly.
  private func checkOne(_ options: StoreOptions) {
    let now = Monotonic.now()
    guard now - lastCheck.load(ordering: .relaxed) >= options.checkInterval,
      vitals.backlog.load(ordering: .relaxed) == 0, let files = try? catalog.files(),
      let file = FileCheck.next(
        files, after: (lastNumber.load(ordering: .relaxed), lastPart.load(ordering: .relaxed)))
    else { return }
    lastCheck.store(now, ordering: .relaxed)
    lastNumber.store(file.number, ordering: .relaxed)
    lastPart.store(file.part, ordering: .relaxed)
    guard let reason = FileCheck.trouble(file.path) else { return }
    vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
    let outcome = Quarantine.setAside(file.path, directory, options, catalog, reason: reason)
    report(.quarantined(path: file.path, reason: reason, salvaged: outcome.salvaged, lost: outcome.lost))
  }

  /// `VACUUM INTO` gives a whole, compact copy; the old one stays until the new one is on disk.
  private func copyState() {
    let temporary = directory.stateCopy + ".tmp"
    try? FileSystem.remove(temporary)
    do throws(SQLiteError) {
      try catalog.use { connection throws(SQLiteError) in
        try connection.run("VACUUM state INTO ?", .text(temporary))
      }
      try? FileSystem.syncFile(temporary)
      try? FileSystem.move(temporary, directory.stateCopy)
    } catch { try? FileSystem.remove(temporary) }
  }
}
