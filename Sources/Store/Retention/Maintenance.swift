import Synchronization

/// What the settler's thread does between files: retention, ballast, the daily copy of `state.db`, compaction.
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
  }

  func run() {
    let options = live.current
    let now = options.clock()
    // A cap or reserve in danger is looked at every time, not at the interval; so are new files.
    let settled = vitals.settledFiles.load(ordering: .relaxed)
    let urgent =
      live.takeNews() || vitals.overCap.load(ordering: .relaxed)
      || vitals.freeBytes.load(ordering: .relaxed) < 2 * vitals.reserveBytes.load(ordering: .relaxed)
      || settled != lastSettled.exchange(settled, ordering: .relaxed)
    if urgent || abs(now - lastPrune.load(ordering: .relaxed)) >= options.pruneInterval {
      lastPrune.store(now, ordering: .relaxed)
      Pruner(
        directory: directory, options: options, catalog: catalog, vitals: vitals, watch: watchers.current,
        report: report
      ).run()
    }
    if vitals.overCap.load(ordering: .relaxed) { return }
    if !FileSystem.exists(directory.ballast) { try? FileSystem.allocate(directory.ballast, bytes: 1 << 20) }
    Compactor(directory: directory, options: options, catalog: catalog, vitals: vitals, report: report)
      .run()
    if abs(now - lastCopy.load(ordering: .relaxed)) >= 86_400_000_000_000 {
      lastCopy.store(now, ordering: .relaxed)
      copyState()
    }
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
